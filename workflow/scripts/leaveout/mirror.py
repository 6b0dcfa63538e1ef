"""A mirror: a folder or base address that holds sources' files under their own names, and perhaps their checksums."""

from dataclasses import dataclass
from pathlib import Path

from leaveout.checksums import LIST, listed
from leaveout.errors import SourceError
from leaveout.transfer import read_text


def is_address(place: str) -> bool:
    """Whether a place is reached by HTTP, encrypted or not."""
    return place.startswith(("http://", "https://"))


@dataclass(frozen=True)
class Mirror:
    """Where the configuration's ``mirror`` points: a folder, or the address of one."""

    place: str

    def location(self, name: str) -> str:
        """Path or address of a file."""
        if is_address(self.place):
            return f"{self.place.rstrip('/')}/{name}"
        return str(Path(self.place).expanduser() / name)

    def checksum(self, name: str) -> str | None:
        """sha256 of a file by the mirror's own list, None if there is no list or it does not name the file.

        Raises
        ------
        SourceError
            The mirror is out of reach, or the list is not one.
        """
        place = self.location(LIST)
        if is_address(place):
            text = read_text(place)
        else:
            if not Path(place).parent.is_dir():
                raise SourceError(f"mirror = {self.place}: no such folder (name another one, or null)")
            text = Path(place).read_text(encoding="utf-8") if Path(place).is_file() else None
        return None if text is None else listed(text, name, place)

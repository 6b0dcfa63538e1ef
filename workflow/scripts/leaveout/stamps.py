"""Stamps: what a file was made as, and a digest of the settings and the library that made it.

Snakemake keeps such records too, but not of what jobs finish after it was killed, nor of files that were copied, nor
where its own folder was deleted. A stamp is in the file itself, as plain text, and is read without the packages that
read the file: whoever plans jobs need not have them.
"""

import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from leaveout.archives import DAMAGE
from leaveout.errors import InvalidResults, OtherSettings

#: Where a stamp stands: a key of Parquet's metadata, the name of an array in an npz file.
KEY = "stamp"
_FORM = re.compile(rb"stamp:([0-9a-f]{16}):([^;]+);")
#: How far a file that other settings made is dated back, in ns: some forty years, so that any script is newer.
_BACK = 40 * 365 * 24 * 3600 * 10**9
#: No result is older, in ns since 1970: what is was dated back.
_EARLIEST = 30 * 365 * 24 * 3600 * 10**9


@dataclass(frozen=True)
class Stamp:
    """What a file was made as.

    Attributes
    ----------
    name : str
        The result that it is, by its path.
    settings : str
        Digest of all settings and library files that it depends on, its predecessors' included.
    """

    name: str
    settings: str

    def __str__(self) -> str:
        """The text in the file."""
        return f"stamp:{self.settings}:{self.name};"

    @classmethod
    def found_in(cls, text: bytes) -> Self | None:
        """The stamp in some text, if there is one."""
        match = _FORM.search(text)
        return cls(match[2].decode("utf-8", "replace"), match[1].decode()) if match else None


def read_stamp(path: str | Path) -> Stamp | None:
    """Read the stamp of a Parquet or npz file; None if it has none, or is damaged, or is not there."""
    file = Path(path)
    try:
        return Stamp.found_in(_footer(file) if file.suffix == ".parquet" else _member(file))
    except DAMAGE:
        return None


def _footer(file: Path) -> bytes:
    """The footer of a Parquet file, where its metadata stand."""
    with file.open("rb") as stream:
        stream.seek(-8, os.SEEK_END)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(-8 - length, os.SEEK_END)
        return stream.read(length)


def _member(file: Path) -> bytes:
    """The array of an npz file that is its stamp."""
    with zipfile.ZipFile(file) as archive:
        return archive.read(f"{KEY}.npy")


def refuse_others(stamps: Mapping[str, str]) -> None:
    """Refuse files that were not made as they should have been.

    Parameters
    ----------
    stamps : mapping from path to text
        The stamp that each file should have.

    Raises
    ------
    InvalidResults
        A file is another result, or says nothing: it is damaged, or something else wrote it.
    OtherSettings
        A file is this result, made by other settings or another version of the library.
    """
    for path, text in stamps.items():
        _refuse_other(path, Stamp.found_in(text.encode()))


def _refuse_other(path: str, expected: Stamp | None) -> None:
    found = read_stamp(path)
    if found is None:
        raise InvalidResults(f"{path}: damaged, or not made by this workflow (delete it and run again)")
    if expected is None or found.name != expected.name:
        raise InvalidResults(f"{path}: made as {found.name} (delete it and run again)")
    if found.settings != expected.settings:
        raise OtherSettings(f"{path}: made by other settings than the configuration has now (delete it and run again)")


def date(path: str | Path, expected: Stamp) -> None:
    """Date a file back by decades if other settings made it, and set it right again if they are the ones expected.

    So Snakemake takes it for older than its script, which counts as a change of code, and makes it again; whoever plans
    with other settings and runs nothing has changed nothing. What is no such file is left as it is: its
    reader refuses it by name.
    """
    found = read_stamp(path)
    if found is None or found.name != expected.name:
        return
    stat = Path(path).stat()
    dated_back = stat.st_mtime_ns < _EARLIEST
    if dated_back == (found.settings == expected.settings):
        moved = stat.st_mtime_ns + (_BACK if dated_back else -_BACK)
        os.utime(path, ns=(stat.st_atime_ns, moved))

"""Source files in ``resources/raw``, and the record beside each of where it came from and what vouches for it."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from leaveout.checksums import checksum
from leaveout.errors import SourceError
from leaveout.files import complete
from leaveout.redaction import redacted_values

#: Who states the checksum that a file has: the configuration, a mirror's list, or nobody: the first download's record.
Voucher = Literal["published", "mirror", "first download"]


@dataclass(frozen=True)
class Origin:
    """Where a source file came from, and whose checksum it has.

    Attributes
    ----------
    file, sha256 : str
    origin : str
        Address, path in a mirror, or package; ``"found in place"`` if somebody else put it there.
    checksum : str
        Whose checksum the file was verified against: ``"published"`` (the one in the configuration), ``"mirror"``
        (the mirror's ``SHA256SUMS``), or ``"first download"``: nobody states one, and the file is what it was then.
    published : bool or None
        Whether the file has the published checksum; None if none is published.
    unverified : bool
        Whether it came over plain http with no checksum to verify it by, because ``accept_unverified`` allows that.
    mirrored : bool
        Whether it came from a mirror.
    """

    file: str
    sha256: str
    origin: str
    checksum: Voucher
    published: bool | None
    unverified: bool
    mirrored: bool = False

    def write(self, path: Path) -> None:
        """Write the record, completely or not at all, and without the secrets of an address."""
        with complete(path) as unfinished:
            unfinished.write_text(json.dumps(redacted_values(asdict(self)), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Origin":
        """Read a record.

        Raises
        ------
        SourceError
            It is missing, or is no such record.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise SourceError(f"{path}: not a record of a source file: {error} (remove it and run again)") from error


def origin_of(path: Path) -> Path:
    """Where the record of a source file is."""
    return path.with_name(f"{path.name}.origin.json")


def describe(path: Path, origins: Collection[Path]) -> dict[str, Any]:
    """Name, checksum and voucher of a source file, for the record of what was made from it.

    Parameters
    ----------
    path : Path
    origins : collection of Path
        Records of downloads; a file without one is the user's own.

    Returns
    -------
    dict
        ``file``, ``sha256``, ``checksum``, ``published``, ``unverified``, ``mirrored`` as in `Origin`; not ``origin``,
        which may be a path that means nothing to others.

    Raises
    ------
    SourceError
        The file is not the one that was verified, or is not there.
    """
    if origin_of(path) not in origins:
        return own(path.name, content_checksum(path))
    record = Origin.read(origin_of(path))
    if (found := checksum(path)) != record.sha256:
        raise SourceError(
            f"{path}: sha256 is {found}, but {record.sha256} when it was verified: the file has changed since "
            f"(remove it and run again)"
        )
    return {key: value for key, value in asdict(record).items() if key != "origin"}


def own(name: str, sha256: str, voucher: str = "own") -> dict[str, Any]:
    """Describe what was not downloaded: a file of the user's, or one that a package ships."""
    record = {"file": name, "sha256": sha256, "checksum": voucher, "published": None}
    return {**record, "unverified": False, "mirrored": False}


def content_checksum(path: Path) -> str:
    """sha256 of a file; of a folder, that of the list of its files' checksums and names.

    Raises
    ------
    SourceError
        There is no such file or folder.
    """
    if path.is_file():
        return checksum(path)
    if not path.is_dir():
        raise SourceError(f"there is no {path}")
    digest = hashlib.sha256()
    for file in files_below(path):
        digest.update(f"{checksum(file)}  {file.relative_to(path).as_posix()}\n".encode())
    return digest.hexdigest()


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and its folders, in order, but for what Python compiles by itself."""
    return sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)

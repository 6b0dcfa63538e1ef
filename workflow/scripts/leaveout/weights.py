"""Weights of models: files of a source that was downloaded, a file or folder of the user's, or a package's."""

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from leaveout.errors import PackageMissing, SourceError
from leaveout.files import UNFINISHED
from leaveout.sources import content_checksum, describe, files_below, origin_of, own

#: How names begin of what is no file yet: it has not arrived, or was not finished.
PENDING = (".partial.", UNFINISHED)
Entry = str | Mapping[str, str]


def located(entry: Entry, given: Sequence[Path]) -> Path:
    """Where the weights are: a file, or the folder that holds all files.

    Parameters
    ----------
    entry : str or mapping
        Key of a source; or ``path`` of a file or folder; or ``package`` that ships them, with a ``path`` inside.
    given : sequence of Path
        The job's input files: those of the source, or the path itself.

    Raises
    ------
    PackageMissing
        The package is not installed.
    SourceError
        The package does not have it.
    """
    if isinstance(entry, str):
        if len(given) == 1:
            return given[0]
        folder = given[0].parent
        if others := sorted({file.parent for file in given} - {folder}) or _unlisted(folder, given):
            raise SourceError(
                f"weights: the files of {entry} belong into {folder} alone, and nothing else: there is {others[0]}"
            )
        return folder
    if "package" not in entry:
        return Path(entry["path"])
    inside = PurePosixPath(entry.get("path", ""))
    if inside.is_absolute() or ".." in inside.parts:
        raise SourceError(f"weights: {inside} leads out of the package {entry['package']} (name a path inside)")
    try:
        spec = find_spec(entry["package"])
    except ModuleNotFoundError:  # of a package above
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise PackageMissing(
            f"embedding.weights: the package {entry['package']} is not installed (install it; with --use-conda, add it "
            f"to the environment in envs/)"
        )
    folder = Path(spec.submodule_search_locations[0])
    found = folder / inside
    if not found.exists():
        raise SourceError(
            f"weights: the package {entry['package']} has no {entry['path']} (name a file or folder of {folder})"
        )
    return found


def files_in(place: str) -> list[str]:
    """All files of a folder, which the weights in it depend on; a file, or what is not there, itself."""
    return [str(file) for file in files_below(Path(place))] or [place]


def installed(entry: Entry | None) -> str | None:
    """Name and version of the package that ships weights, its name alone if it is not installed; None for others."""
    package = entry.get("package") if isinstance(entry, Mapping) else None
    return None if package is None else _distribution(package)


def _unlisted(folder: Path, given: Sequence[Path]) -> list[Path]:
    """Files beside those of a source that nobody verified, and that a library might read all the same."""
    known = {*given, *(origin_of(file) for file in given)}
    return [file for file in files_below(folder) if file not in known and not file.name.startswith(PENDING)]


def describe_weights(
    entry: Entry, found: Path, given: Sequence[Path], origins: Collection[Path]
) -> list[dict[str, Any]]:
    """Names, checksums and vouchers of weights, as `sources.describe` gives them."""
    if isinstance(entry, str):
        return [describe(file, origins) for file in given]
    if "package" not in entry:
        return [own(found.name, content_checksum(found))]
    place = "/".join(part for part in (entry["package"], entry.get("path")) if part)
    return [own(place, content_checksum(found), f"package {_distribution(entry['package'])}")]


def _distribution(package: str) -> str:
    """Name and version of what was installed to have a package; its own name where nobody knows."""
    names = packages_distributions().get(package.split(".")[0])
    return f"{names[0]} {version(names[0])}" if names else package

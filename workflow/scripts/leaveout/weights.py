"""Weights of models: files of a source that was downloaded, a file or folder of the user's, or a package's."""

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from leaveout.errors import PackageMissing, SourceError
from leaveout.sources import content_checksum, describe, own

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
        if len(folders := {file.parent for file in given}) > 1:
            raise SourceError(f"weights: the files of {entry} are in {len(folders)} folders (put them into one)")
        return given[0] if len(given) == 1 else given[0].parent
    if "package" not in entry:
        return given[0]
    try:
        spec = find_spec(entry["package"])
    except ModuleNotFoundError:  # of a package above
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise PackageMissing(f"weights: the package {entry['package']} is not installed (install it)")
    folder = Path(spec.submodule_search_locations[0])
    found = folder / entry.get("path", "")
    if not found.exists():
        raise SourceError(
            f"weights: the package {entry['package']} has no {entry['path']} (name a file or folder of {folder})"
        )
    return found


def describe_weights(
    entry: Entry, found: Path, given: Sequence[Path], origins: Collection[Path]
) -> list[dict[str, Any]]:
    """Names, checksums and vouchers of weights, as `sources.describe` gives them."""
    if isinstance(entry, str) or "package" not in entry:
        return [describe(file, origins) for file in given]
    place = "/".join(part for part in (entry["package"], entry.get("path")) if part)
    return [own(place, content_checksum(found), f"package {_distribution(entry['package'])}")]


def _distribution(package: str) -> str:
    """Name and version of what was installed to have a package; its own name where nobody knows."""
    names = packages_distributions().get(package.split(".")[0])
    return f"{names[0]} {version(names[0])}" if names else package

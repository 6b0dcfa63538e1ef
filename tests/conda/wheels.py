"""Wheels as packages: what pip would install, and the requirements in conda's words."""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from packaging.requirements import Requirement

from conda.names import PYTHON, conda_name, conda_spec
from conda.packages import PLACEHOLDER, Package

SITE_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
#: Folder of an environment for each kind of a wheel's files.
FOLDERS = {
    "purelib": SITE_PACKAGES,
    "platlib": SITE_PACKAGES,
    "scripts": "bin",
    "headers": "include",
    "data": ".",
}


def stage(wheel: Path, extras: Mapping[str, Collection[str]], content: Path) -> Package:
    """Install a wheel to where a package has it.

    Parameters
    ----------
    wheel : Path
    extras : mapping
        Those that others want of packages, by conda's names: conda knows none, a package brings them along.
    content : folder
    """
    folders = {kind: str(content / folder) for kind, folder in FOLDERS.items()}
    place = SchemeDictionaryDestination(folders, f"{PLACEHOLDER}/bin/python", "posix")
    with WheelFile.open(wheel) as source:
        install(source, place, {"INSTALLER": b"conda"})
    about = metadata(wheel)
    name = conda_name(about["Name"])
    depends = {conda_spec(required) for required in requirements(about, extras.get(name, ()))}
    return Package(name, about["Version"], (PYTHON, *sorted(depends)))


def wanted_extras(wheels: Iterable[Path]) -> dict[str, set[str]]:
    """Extras that wheels want of each other, by conda's names; what an extra itself wants is not asked for."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for wheel in wheels:
        for required in requirements(metadata(wheel)):
            wanted[conda_name(required.name)] |= required.extras
    return dict(wanted)


def metadata(wheel: Path) -> Message:
    """What a wheel says of itself."""
    with WheelFile.open(wheel) as source:
        return HeaderParser().parsestr(source.read_dist_info("METADATA"))


def requirements(about: Message, extras: Collection[str] = ()) -> list[Requirement]:
    """What a wheel requires on this machine, with some of its extras."""
    required = [Requirement(line) for line in about.get_all("Requires-Dist") or []]
    chosen = ("", *extras)
    return [each for each in required if not each.marker or any(each.marker.evaluate({"extra": x}) for x in chosen)]

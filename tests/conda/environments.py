"""Environment files: what they pin, by conda's names and by pip's."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conda.names import pip_name

#: A package that is pinned to its minor version, or not at all.
DEPENDENCY = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)(?: =(?P<version>\d+\.\d+))?")

#: Requirements of pip's, later ones overriding earlier ones, and a line of theirs.
LOCKS = ("run", "torch", "embed")
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)\s*(?:;\s*(.+?))?\s*\\?$", re.MULTILINE)

#: How markers begin of what is for another Python, or another system.
ELSEWHERE = ("python_full_version >= '3.12'", "sys_platform == 'win32'")


@dataclass(frozen=True)
class Environment:
    """What an environment file says.

    Attributes
    ----------
    channels : tuple of str
    conda : dict
        Version of each package by conda's name; None where it is not pinned.
    pip : dict
        Version of each package that pip installs into it, by pip's name.
    """

    channels: tuple[str, ...]
    conda: dict[str, str | None]
    pip: dict[str, str]

    @property
    def pins(self) -> dict[str, str | None]:
        """All pins, by pip's names."""
        return {pip_name(name): version for name, version in self.conda.items()} | self.pip


def read_environment(file: Path) -> Environment:
    """Read an environment file.

    Raises
    ------
    ValueError
        A dependency is written otherwise than ``name =1.2``, or with ``name==1.2.3`` where pip installs it.
    """
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    conda: dict[str, str | None] = {}
    pip: dict[str, str] = {}
    for entry in content["dependencies"]:
        if isinstance(entry, dict):
            pip |= dict(line.split("==") for line in entry["pip"])
        elif found := DEPENDENCY.fullmatch(entry):
            conda[found["name"]] = found["version"]
        else:
            raise ValueError(f"{file}: {entry}: expected a package and its minor version, as in numpy =2.4")
    return Environment(tuple(content["channels"]), conda, pip)


def locked(root: Path, *files: str) -> dict[str, str]:
    """Version of each package that pip installs from the project's requirements, for the Python of the environments."""
    versions: dict[str, str] = {}
    for file in files or LOCKS:
        lines = LOCKED.findall((root / "requirements" / f"{file}.txt").read_text(encoding="utf-8"))
        versions |= {name: version for name, version, marker in lines if not marker.startswith(ELSEWHERE)}
    return versions

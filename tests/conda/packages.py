"""Packages of conda: a folder that holds what an environment gets, packed with what the solver asks of it."""

import hashlib
import io
import json
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conda_package_streaming.create import anonymize, conda_builder

SUBDIR = "linux-64"
#: Stands for the environment's folder in texts; as long as conda's own, which binary files need.
PLACEHOLDER = "/opt/" + "_placehold" * 25
#: Largest script that may name the environment's folder.
SCRIPT_BYTES = 100_000


@dataclass(frozen=True)
class Package:
    """Name, version and requirements of a package, as the solver reads them."""

    name: str
    version: str
    depends: tuple[str, ...]
    build: str = "0"

    @property
    def stem(self) -> str:
        """The file's name, without its ending."""
        return f"{self.name}-{self.version}-{self.build}"


def pack(package: Package, content: Path, channel: Path) -> tuple[str, dict[str, Any]]:
    """Write a package into a channel; returns the file's name, and what the channel's index says of it.

    Without bytecode: an environment compiles what its jobs import, once, which is little of what it holds.

    Parameters
    ----------
    package : Package
    content : folder
        What lies below the environment's folder. Scripts in ``bin`` that hold `PLACEHOLDER` get the folder's name.
    channel : folder
    """
    files = sorted(file for file in content.rglob("*") if file.is_file() or file.is_symlink())
    index = asdict(package) | {"build_number": 0, "subdir": SUBDIR, "arch": "x86_64", "platform": "linux"}
    paths = {"paths_version": 1, "paths": [_path(file, content) for file in files]}
    target = channel / SUBDIR
    with conda_builder(package.stem, target, compression_level=1) as archive:
        for name, data in (("index", index), ("paths", paths)):
            _add(archive, f"info/{name}.json", json.dumps(data).encode())
        for file in files:
            archive.add(file, file.relative_to(content).as_posix(), recursive=False, filter=anonymize)
    packed = target / f"{package.stem}.conda"
    with packed.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return packed.name, index | {"sha256": digest, "size": packed.stat().st_size}


def _path(file: Path, content: Path) -> dict[str, Any]:
    """How the installer is to treat a file."""
    name = file.relative_to(content).as_posix()
    if file.is_symlink():
        return {"_path": name, "path_type": "softlink"}
    entry = {"_path": name, "path_type": "hardlink"}
    if name.startswith("bin/") and file.stat().st_size < SCRIPT_BYTES and PLACEHOLDER.encode() in file.read_bytes():
        entry |= {"file_mode": "text", "prefix_placeholder": PLACEHOLDER}
    return entry


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))

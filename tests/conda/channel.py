"""A channel on this disk, of the wheels that a lock file of pip's names: ``python -m conda.channel FOLDER LOCK``."""

import json
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conda import interpreter, wheels
from conda.packages import SUBDIR, Package, pack

#: What can be made here, and what makes it.
SUPPORTED = ("Linux", "x86_64", (3, 11))
#: Seconds after which a download is given up.
PATIENCE = 300

Stage = Callable[[Path], Package]


def refuse_other_machines() -> None:
    """Raise RuntimeError unless packages for this machine and this Python can be made."""
    found = (platform.system(), platform.machine(), sys.version_info[:2])
    if found != SUPPORTED:
        described = [f"{system}, {machine}, Python {x}.{y}" for system, machine, (x, y) in (SUPPORTED, found)]
        raise RuntimeError(f"environments are made on {described[0]}; this is {described[1]}")
    if "posix_local" in sysconfig.get_scheme_names():  # Debian's own, which looks for packages elsewhere
        raise RuntimeError("environments are made of a Python as it is published, not of Debian's: make PYTHON=...")


def build(channel: Path, lock: Path) -> None:
    """Make a channel of what a lock file names, and of the Python that runs.

    Parameters
    ----------
    channel : folder
        Made anew.
    lock : file
        Requirements of pip's with hashes, complete: nothing is left to resolve.
    """
    refuse_other_machines()
    (channel / SUBDIR).mkdir(parents=True)
    with TemporaryDirectory(dir=channel.parent) as folder, ProcessPoolExecutor() as processes:
        python = processes.submit(package, interpreter.stage, Path(folder, "python"), channel)
        download(lock, Path(folder))
        found = sorted(Path(folder).glob("*.whl"), key=lambda wheel: -wheel.stat().st_size)
        extras = wheels.wanted_extras(found)
        stages: list[Stage] = [partial(wheels.stage, wheel, extras) for wheel in found]
        places = [Path(folder, wheel.stem) for wheel in found]
        records = dict(processes.map(package, stages, places, [channel] * len(found)))
        write_index(channel, dict([python.result()]) | records)


def download(lock: Path, folder: Path) -> None:
    """Fetch the wheels of a lock file, unless they are here."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--require-hashes", "--requirement", str(lock), "--dest", str(folder)]
    subprocess.run(command, check=True, timeout=PATIENCE)


def package(stage: Stage, content: Path, channel: Path) -> tuple[str, dict[str, Any]]:
    """Add what is staged to a channel; returns the file's name, and what the index says of it."""
    content.mkdir()
    packed = pack(stage(content), content, channel)
    shutil.rmtree(content)
    return packed


def write_index(channel: Path, records: dict[str, dict[str, Any]]) -> None:
    """Write what a solver reads: the packages of this machine, and none for all machines."""
    for subdir, held in ((SUBDIR, records), ("noarch", {})):
        (channel / subdir).mkdir(exist_ok=True)
        index = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": held, "repodata_version": 1}
        (channel / subdir / "repodata.json").write_text(json.dumps(index), encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))

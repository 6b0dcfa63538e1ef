"""Conda's place on a disk: its command, its activation, the channels that it knows."""

import os
import shlex
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
#: Where commands lie that jobs may use beside those of their environment.
SYSTEM = "/usr/local/bin:/usr/bin:/bin"
#: What Python is told in this process that no user tells it, and what says where packages and caches lie.
NOT_PASSED_ON = ("PYTHON", "PYTEST", "COV", "CONDA", "SNAKEMAKE", "VIRTUAL_ENV", "XDG", "HOME")


def channels(root: Path) -> Path:
    """Folder of the channels, each by its name."""
    return root / "channels"


def install(root: Path) -> None:
    """Put a command and its activation where Snakemake looks for them: ``bin/conda`` and ``bin/activate``."""
    binaries = root / "bin"
    binaries.mkdir()
    (binaries / "activate").write_text((Path(__file__).parent / "activate.sh").read_text())
    call = shlex.join([sys.executable, "-m", "conda.command", str(root)])
    command = binaries / "conda"
    command.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(TESTS))} exec {call} "$@"\n')
    command.chmod(0o755)


def variables(root: Path) -> dict[str, str]:
    """Variables of a user who has this conda, and nothing of the process that asks: a home and caches of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_PASSED_ON)}
    home = root / "home"
    home.mkdir(exist_ok=True)
    return kept | {"PATH": f"{root / 'bin'}:{SYSTEM}", "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}

"""What Snakemake asks of ``conda``, answered by py-rattler: ``python -m conda.command ROOT ARGUMENTS...``.

Not conda: its solver and installer are those of pixi. ``ROOT`` holds ``bin/activate``, ``channels/`` and ``cache/``.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

from rattler import Channel, ChannelConfig, Gateway, VirtualPackage, install, solve
from rattler.exceptions import SolverError

from conda import own_packages
from conda.environments import read_environment

#: What Snakemake is told: a version that it works with.
VERSION = "24.11.3"
#: Not a channel: whoever names it wants no channels beside those of the file.
NO_DEFAULTS = "nodefaults"


def parser() -> argparse.ArgumentParser:
    """The commands of conda's that Snakemake uses, with the options that it gives."""
    known = argparse.ArgumentParser("conda")
    known.add_argument("--version", action="version", version=f"conda {VERSION}")
    commands = known.add_subparsers(dest="command", required=True)
    commands.add_parser("info").add_argument("--json", action="store_true", required=True)
    config = commands.add_parser("config")
    config.add_argument("--json", action="store_true", required=True)
    config.add_argument("--get", choices=["channel_priority"], required=True)
    create = commands.add_parser("env").add_subparsers(dest="subcommand", required=True).add_parser("create")
    create.add_argument("--quiet", action="store_true")
    create.add_argument("--no-default-packages", action="store_true")
    create.add_argument("--file", type=Path, required=True)
    create.add_argument("--prefix", type=Path, required=True)
    clean = commands.add_parser("clean")  # of what was downloaded: others may be installing it
    clean.add_argument("-y", action="store_true")
    clean.add_argument("--tarballs", action="store_true")
    return known


async def create(root: Path, file: Path, prefix: Path) -> None:
    """Solve an environment file, install what it takes, and let its jobs see nothing else.

    Raises
    ------
    SolverError
        The channels do not have it.
    """
    environment = read_environment(file)
    if environment.pip:
        sys.exit(f"{file}: pip would install {', '.join(environment.pip)}: not known here")
    places = ChannelConfig(channel_alias=f"{(root / 'channels').as_uri()}/")
    records = await solve(
        [Channel(name, places) for name in environment.channels if name != NO_DEFAULTS],
        [name if version is None else f"{name} ={version}" for name, version in environment.conda.items()],
        gateway=Gateway(cache_dir=root / "cache"),
        platforms=["linux-64", "noarch"],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(records, prefix, cache_dir=root / "cache" / "packages", show_progress=False)
    (site_packages,) = prefix.glob("lib/python3.*/site-packages")
    shutil.copy2(own_packages.__file__, site_packages)
    (site_packages / "own_packages.pth").write_text("import own_packages; own_packages.begin()\n", encoding="utf-8")


def answer(root: Path, given: argparse.Namespace) -> None:
    """Do what was asked."""
    if given.command == "info":
        print(json.dumps({"conda_prefix": str(root), "platform": "linux-64"}))
    elif given.command == "config":
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif given.command == "env":
        try:
            asyncio.run(create(root, given.file, given.prefix))
        except SolverError as error:
            shutil.rmtree(given.prefix, ignore_errors=True)
            sys.exit(f"{given.file}: {error}")


if __name__ == "__main__":
    answer(Path(sys.argv[1]), parser().parse_args(sys.argv[2:]))
    sys.stdout.flush()
    os._exit(0)  # py-rattler 0.28.0 can abort when Python ends, after all is done (PyGILState_Release)

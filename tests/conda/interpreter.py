"""The running Python as a package: its executable, its shared library and its standard library."""

import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from conda.packages import Package

NAME = f"python{sys.version_info.major}.{sys.version_info.minor}"
#: What no job imports, or what is an installation's own.
LEFT_OUT = ("__pycache__", "config-*", "dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test")


def stage(content: Path) -> Package:
    """Copy the running Python to where a package has it."""
    library = content / "lib" / NAME
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    (library / "site-packages").mkdir()
    (library / "site-packages" / "README.txt").write_text("Packages lie here.\n", encoding="utf-8")
    (content / "bin").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), content / "bin" / NAME)
    for alias in ("python", f"python{sys.version_info.major}"):
        (content / "bin" / alias).symlink_to(NAME)
    for shared in Path(sysconfig.get_config_var("LIBDIR")).glob(f"lib{NAME}.so*"):
        shutil.copy2(shared, content / "lib" / shared.name)
    return Package("python", platform.python_version(), depends=())

"""What a result depends on besides its inputs: the library's files, and the versions of packages."""

import ast
import hashlib
import platform
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).parent
PACKAGES = ("numpy", "scipy", "scikit-learn", "pyarrow", "pandas", "matplotlib", "threadpoolctl", "snakemake")


@cache
def library_digest(script: Path, *modules: str) -> str:
    """Digest of the library's files that a script reaches by import.

    Parameters and errors are those of `library_files`.
    """
    digest = hashlib.sha256()
    for file in library_files(script, *modules):
        digest.update(f"{file.relative_to(PACKAGE)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def library_files(script: Path, *modules: str) -> list[Path]:
    """Files of the library that a script reaches by import, found by reading syntax trees.

    Parameters
    ----------
    script : Path
        A file that imports from the library.
    modules : str
        Modules of the library that it imports by a name from the configuration, such as ``datasets.digits``.

    Raises
    ------
    ValueError
        The script imports nothing from the library: its digest would never change.
    """
    reached: set[Path] = set()
    waiting = [*_imported(script), *(f"{PACKAGE.name}.{module}" for module in modules)]
    while waiting:
        for file in _files(waiting.pop()):
            if file not in reached:
                reached.add(file)
                waiting.extend(_imported(file))
    if not reached:
        raise ValueError(f"{script}: imports nothing from {PACKAGE.name}")
    return sorted(reached)


def _imported(file: Path) -> tuple[str, ...]:
    """Dotted names that a file imports from the library; ``from a import b`` may name a module b."""
    return _imported_by(file.read_bytes())


@cache
def _imported_by(source: bytes) -> tuple[str, ...]:
    return tuple(_imports(ast.parse(source)))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == PACKAGE.name)


def _files(module: str) -> Iterator[Path]:
    """Files that importing a module runs: its own, and the ``__init__`` of each package above it."""
    place = PACKAGE
    yield place / "__init__.py"
    for part in module.split(".")[1:]:
        place = place / part
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file():
                yield file


def versions(*further: str) -> dict[str, str]:
    """Versions of Python and of the packages that results depend on, where they are installed, and of further ones."""
    found = {"python": platform.python_version()}
    for package in (*PACKAGES, *further):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found

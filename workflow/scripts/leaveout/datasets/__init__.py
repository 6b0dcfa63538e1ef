"""Parsers, one a layout of source files: ``parse(path) -> Records``. ``config/datasets.yaml`` names them.

The path is the source's file, or the folder of its files where it has several.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from leaveout.records import Records


def parser(name: str) -> Callable[[Path], Records]:
    """Return the ``parse`` of the module of that name in this folder."""
    parse: Callable[[Path], Records] = import_module(f"{__name__}.{name}").parse
    return parse

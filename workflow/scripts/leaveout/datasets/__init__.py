"""Parsers, one a layout of source files: ``parse(*files) -> Records``. ``config/datasets.yaml`` names them.

The paths are those of the source's files, in the order in which its entry names them.
"""

from collections.abc import Callable
from importlib import import_module

from leaveout.records import Records


def parser(name: str) -> Callable[..., Records]:
    """Return the ``parse`` of the module of that name in this folder."""
    parse: Callable[..., Records] = import_module(f"{__name__}.{name}").parse
    return parse

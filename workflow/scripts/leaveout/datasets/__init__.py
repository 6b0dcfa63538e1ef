"""Parsers, one a layout of source files: ``parse(*files) -> Records``. ``config/datasets.yaml`` names them.

The paths are those of the source's files, in the order in which its entry names them. Data that are made up have no
files: their parser takes the design that stands in the place of the source.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from leaveout.records import Records


def parser(name: str) -> Callable[..., Records]:
    """Return the ``parse`` of the module of that name in this folder."""
    parse: Callable[..., Records] = import_module(f"{__name__}.{name}").parse
    return parse


def records_of(name: str, files: Sequence[Path], design: Mapping[str, Any] | None) -> Records:
    """Samples of a data set: parsed from the files of its source, or made by a design."""
    return parser(name)(*files) if design is None else parser(name)(design)

"""Parquet files: complete or not there, and read without loading what most jobs have no use for."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from leaveout import files
from leaveout.stamps import KEY


def read(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file, all its columns or some.

    Not by ``pyarrow.parquet.read_table``, which loads pyarrow's query engine.
    """
    _spare_pandas()
    with pq.ParquetFile(path) as file:
        return file.read(columns)


def write(table: pa.Table, path: str | Path, stamp: str | None = None) -> None:
    """Write a table, with a job's stamp (see ``stamps``) if it is one's; under its final name a file is complete."""
    if stamp is not None:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: stamp})
    with files.complete(path) as unfinished:
        pq.write_table(table, unfinished)


class _NoPandas:
    """A finder of modules that knows one thing: there is no pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


@cache
def _spare_pandas() -> None:
    """Let pyarrow look for pandas now, and not find it.

    It looks once, when it first converts anything, to recognise columns of pandas; loading pandas takes longer than
    the work of many a job. What converts to pandas by name, as ``Table.to_pandas``, loads it all the same.
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)

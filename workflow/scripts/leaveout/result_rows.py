"""Rows of results on disk: one schema a kind of row, written and checked here; and the columns that kinds share."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from leaveout import parquet
from leaveout.errors import InvalidResults

#: Rows that are Python's at a time: a hundred times as large as what becomes of them.
TOGETHER = 4096
#: The run that a row belongs to.
RUN = (
    pa.field("study", pa.string(), nullable=False),
    pa.field("dataset", pa.string(), nullable=False),
    pa.field("variant", pa.string(), nullable=False),
    pa.field("regularization", pa.float64(), nullable=False),
    pa.field("regularizer", pa.string(), nullable=False),
    pa.field("intercept", pa.string(), nullable=False),
    pa.field("n_train", pa.int64(), nullable=False),
)
#: The removal set that it is about (see ``removal.RemovalSet``).
SET = (
    pa.field("strategy", pa.string(), nullable=False),
    pa.field("size", pa.int64(), nullable=False),
    pa.field("repeat", pa.int64(), nullable=False),
    pa.field("set_id", pa.string(), nullable=False),
)
#: The certificate of a retrained model: in rows of the truth only.
CERTIFICATE = (
    pa.field("gradient_norm", pa.float64()),
    pa.field("newton_decrement", pa.float64()),
    pa.field("effect_error", pa.float64()),
    pa.field("iterations", pa.int64()),
    pa.field("status", pa.string()),
)


def schema(version: str, *fields: pa.Field) -> pa.Schema:
    """Columns of one kind of row, with the version of their meaning."""
    return pa.schema(list(fields), metadata={"schema_version": version})


def table(rows: Iterable[Mapping[str, Any]], columns: pa.Schema) -> pa.Table:
    """Rows as a table of a schema; NaN becomes null, a number that is not known."""
    cleaned = ({k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()} for row in rows)
    some = iter(lambda: list(itertools.islice(cleaned, TOGETHER)), [])
    batches = [pa.RecordBatch.from_pylist(part, schema=columns) for part in some]
    return pa.Table.from_batches(batches, schema=columns).combine_chunks()


def write(rows: pa.Table, path: str | Path, stamp: str | None = None) -> None:
    """Write rows, with their stamp (see ``stamps``) if a job makes them; a file under its final name is complete."""
    parquet.write(rows, path, stamp)


def read(path: str | Path, columns: pa.Schema, only: Sequence[str] | None = None) -> pa.Table:
    """Read rows, all columns or some, and refuse a file that does not have this schema.

    What else stands in the file's metadata is its writer's affair.

    Raises
    ------
    InvalidResults
        The file is damaged, or was written by another version.
    """
    with parquet.opened(path) as file:
        _refuse_others(path, file.schema_arrow, columns)
        rows = parquet.read_columns(path, file, only)
    return rows.replace_schema_metadata(columns.metadata)  # one file's stamp is not that of what is made from it


def _refuse_others(path: str | Path, found: pa.Schema, columns: pa.Schema) -> None:
    """Raise InvalidResults unless a file's schema is this one, of this version."""
    wanted = columns.metadata[b"schema_version"].decode()
    version = (found.metadata or {}).get(b"schema_version", b"none").decode(errors="replace")
    if version != wanted:
        raise InvalidResults(f"{path}: not in schema version {wanted}, found {version} (delete it and run again)")
    if not found.equals(columns):
        wrong = sorted({field.name for field in {*found} ^ {*columns}}) or ["order"]
        raise InvalidResults(f"{path}: wrong columns: {', '.join(wrong)} (delete it and run again)")

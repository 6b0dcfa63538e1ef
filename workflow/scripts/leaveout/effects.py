"""The rows of ``effects.parquet``: one for each removal set, evaluation function and method.

The schema stands here and nowhere else; what reads rows checks it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from leaveout import parquet
from leaveout.errors import InvalidResults

SCHEMA_VERSION = "1"
PREDICTIONS = ("if", "rif", "newton")
RETRAIN = "retrain"

SCHEMA = pa.schema(
    [
        pa.field("study", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("regularization", pa.float64(), nullable=False),
        pa.field("regularizer", pa.string(), nullable=False),
        pa.field("intercept", pa.string(), nullable=False),
        pa.field("n_train", pa.int64(), nullable=False),
        pa.field("strategy", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("repeat", pa.int64(), nullable=False),
        pa.field("set_id", pa.string(), nullable=False),
        pa.field("evaluation", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("effect", pa.float64()),
        pa.field("effect_linear", pa.float64()),
        # the certificate: retrain rows only
        pa.field("gradient_norm", pa.float64()),
        pa.field("newton_decrement", pa.float64()),
        pa.field("effect_error", pa.float64()),
        pa.field("iterations", pa.int64()),
        pa.field("status", pa.string()),
    ],
    metadata={"schema_version": SCHEMA_VERSION},
)


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the schema; NaN becomes null, a number that is not known."""
    cleaned = [{k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()} for row in rows]
    return pa.Table.from_pylist(cleaned, schema=SCHEMA)


def write(rows: pa.Table, path: str | Path) -> None:
    """Write rows; a file under its final name is always complete."""
    parquet.write(rows, path)


def read(path: str | Path) -> pa.Table:
    """Read rows, and refuse a file that does not have this schema.

    Raises
    ------
    InvalidResults
        The file is damaged, or was written by another version.
    """
    try:
        rows = parquet.read(path)
    except (pa.ArrowException, OSError) as error:
        raise InvalidResults(f"{path}: {error} (delete it and run again)") from error
    version = (rows.schema.metadata or {}).get(b"schema_version", b"none").decode()
    if version != SCHEMA_VERSION:
        raise InvalidResults(
            f"{path}: not in schema version {SCHEMA_VERSION}, found {version} (delete it and run again)"
        )
    if not rows.schema.equals(SCHEMA):
        wrong = sorted({field.name for field in {*rows.schema} ^ {*SCHEMA}}) or ["order"]
        raise InvalidResults(f"{path}: wrong columns: {', '.join(wrong)} (delete it and run again)")
    return rows

"""The rows of ``effects.parquet``: one for each removal set, evaluation function and method.

The schema stands here and nowhere else; what reads rows checks it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaveout import result_rows
from leaveout.result_rows import CERTIFICATE, RUN, SET

SCHEMA_VERSION = "1"
PREDICTIONS = ("if", "rif", "newton")
RETRAIN = "retrain"

SCHEMA = result_rows.schema(
    SCHEMA_VERSION,
    *RUN,
    *SET,
    pa.field("evaluation", pa.string(), nullable=False),
    pa.field("method", pa.string(), nullable=False),
    pa.field("effect", pa.float64()),
    pa.field("effect_linear", pa.float64()),
    *CERTIFICATE,
)


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the schema; NaN becomes null, a number that is not known."""
    return result_rows.table(rows, SCHEMA)


def write(rows: pa.Table, path: str | Path, stamp: str | None = None) -> None:
    """Write rows, with their stamp (see ``stamps``) if a job makes them; a file under its final name is complete."""
    result_rows.write(rows, path, stamp)


def read(path: str | Path) -> pa.Table:
    """Read rows, and refuse a file that does not have this schema.

    Raises
    ------
    InvalidResults
        The file is damaged, or was written by another version.
    """
    return result_rows.read(path, SCHEMA)

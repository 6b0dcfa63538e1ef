"""Handwritten digits, 8 x 8 pixels of 0 to 16 (UCI; the part that scikit-learn ships)."""

import io
from pathlib import Path

import numpy as np

from leaveout.archives import gunzipped, unusable
from leaveout.errors import SourceError
from leaveout.records import Records

PIXELS = 64
BRIGHTEST = 16
LIMIT = 16 << 20


def parse(path: Path) -> Records:
    """Read ``digits.csv.gz``: 64 pixels and the digit, a row a sample. Pixels are scaled to [0, 1]."""
    try:
        text = gunzipped(path, LIMIT).decode("ascii")
        if not text.strip():
            raise ValueError("nothing in it")
        rows = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise unusable(path, f"not rows of numbers: {error}") from error
    if rows.shape[1] != PIXELS + 1:
        raise SourceError(f"{path}: expected {PIXELS} pixels and a digit in each row, got {rows.shape[1]} columns")
    if not np.isin(rows[:, PIXELS], range(10)).all() or not ((rows >= 0) & (rows <= BRIGHTEST)).all():
        raise unusable(path, f"expected pixels of 0 to {BRIGHTEST} and digits of 0 to 9")
    ids = [f"digits-{i:04d}" for i in range(len(rows))]
    return Records(ids, rows[:, :PIXELS] / BRIGHTEST, [str(int(digit)) for digit in rows[:, PIXELS]])

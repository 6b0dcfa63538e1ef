"""Handwritten digits, 8 x 8 pixels of 0 to 16 (UCI; the part that scikit-learn ships)."""

import gzip
from pathlib import Path

import numpy as np

from leaveout.errors import SourceError
from leaveout.records import Records

PIXELS = 64
BRIGHTEST = 16


def parse(path: Path) -> Records:
    """Read ``digits.csv.gz``: 64 pixels and the digit, a row a sample. Pixels are scaled to [0, 1]."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2)
    if rows.shape[1] != PIXELS + 1:
        raise SourceError(f"{path}: expected {PIXELS} pixels and a digit in each row, got {rows.shape[1]} columns")
    ids = [f"digits-{i:04d}" for i in range(len(rows))]
    return Records(ids, rows[:, :PIXELS] / BRIGHTEST, [str(int(digit)) for digit in rows[:, PIXELS]])

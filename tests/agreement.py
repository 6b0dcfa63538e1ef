"""Whether two runs of a study agree: the same ids and names, and numbers as close as their errors allow."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyarrow.types as types

from tolerance import AGREEMENT, DERIVED

#: What proves a row: decided by rounding, so that it may be any number that proves as much.
EVIDENCE = ["gradient_norm", "newton_decrement", "effect_error", "iterations"]
#: Gradient norm of a certified model.
CERTIFIED = 1e-10


def disagreements(one: Path, other: Path) -> list[str]:
    """Say in which files and columns two folders of results differ; an empty list for runs that agree.

    Names, ids, labels, ranks and statuses must be the same, and in the same order. Numbers a and b agree when
    |a - b| <= AGREEMENT (|a| + median |a| of that column and evaluation), or within their ``effect_error`` s.
    """
    names, others = ({str(file.relative_to(each)) for file in _numbers(each)} for each in (one, other))
    found = [f"{name}: in one run only" for name in sorted(names ^ others)]
    for name in sorted(names & others):
        compare = differing_columns if name.endswith(".parquet") else _in_table
        found += [f"{name}: {what}" for what in compare(one / name, other / name)]
    return found


def _numbers(folder: Path) -> list[Path]:
    """Files with numbers: rows of results, and those of tables and figures."""
    return [*folder.rglob("*.parquet"), *folder.rglob("*.csv")]


def _in_table(one: Path, other: Path) -> list[str]:
    """Columns of a table or a figure that differ: its numbers follow from rows, and lose some digits on the way."""
    a, b = pd.read_csv(one), pd.read_csv(other)
    if list(a) != list(b) or len(a) != len(b):
        return [f"{len(a)} and {len(b)} rows, columns {list(a)} and {list(b)}"]
    return [name for name in a if not _same(a[name], b[name])]


def _same(a: pd.Series, b: pd.Series) -> bool:
    if pd.api.types.is_float_dtype(a) and pd.api.types.is_float_dtype(b) and a.name not in EVIDENCE:
        return bool(np.allclose(a, b, rtol=DERIVED, atol=0, equal_nan=True))
    return a.name in EVIDENCE or a.equals(b)


def differing_columns(one: Path, other: Path) -> list[str]:
    """Columns in which two files of rows differ, by the same rules; those of names before those of numbers."""
    a, b = pq.read_table(one), pq.read_table(other)
    if a.schema != b.schema or len(a) != len(b):
        return [f"{len(a)} and {len(b)} rows, columns {a.schema.names} and {b.schema.names}"]
    numbers = [field.name for field in a.schema if types.is_floating(field.type) and field.name not in EVIDENCE]
    exact = [name for name in a.schema.names if name not in {*numbers, *EVIDENCE}]
    found = [name for name in exact if a[name].to_pylist() != b[name].to_pylist()]
    if found:
        return found  # rows do not belong together
    first, second = a.to_pandas(), b.to_pandas()
    found = [name for name in numbers if not _close(first, second, name)]
    if "gradient_norm" in first and not (_proved(first) == _proved(second)).all():
        found.append("gradient_norm")
    return found


def _close(first: pd.DataFrame, second: pd.DataFrame, name: str) -> bool:
    a, b = first[name], second[name]
    if (a.isna() != b.isna()).any():
        return False
    of_each = first["evaluation"] if "evaluation" in first else pd.Series("", index=first.index)
    scale = a.abs().groupby(of_each).transform("median")
    near = (a == b) | ((a - b).abs() <= AGREEMENT * (a.abs() + scale))  # infinities agree
    if name == "effect" and "effect_error" in first:
        near |= (a - b).abs() <= first["effect_error"] + second["effect_error"]
    return bool((near | a.isna()).all())


def _proved(rows: pd.DataFrame) -> np.ndarray:
    return (rows["gradient_norm"] <= CERTIFIED).to_numpy()

"""Predicted beside actual effects: what figures and calibration are made from, certified retrains only."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from leaveout.certificate import Status
from leaveout.effects import PREDICTIONS, RETRAIN


@dataclass(frozen=True)
class Key:
    """Columns that tell removals apart.

    Attributes
    ----------
    columns : tuple of str
        All of them.
    place : tuple of str
        Those that say where a removal was made.
    name : str
        The one that names what was removed there.
    carried : tuple of str
        Further columns of the retrains that pairs keep.
    """

    columns: tuple[str, ...]
    place: tuple[str, ...]
    name: str
    carried: tuple[str, ...] = ()


#: Removal sets; samples that were added one at a time; samples of training sets into which others were planted.
SETS = Key(("dataset", "variant", "strategy", "set_id", "evaluation"), ("dataset", "variant"), "set_id")
POISONS = Key(("dataset", "variant", "id", "y"), ("dataset", "variant"), "id")
SUSPECTS = Key(
    ("dataset", "variant", "draw", "id", "y", "planted"), ("dataset", "variant", "draw"), "id", carried=("control",)
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Pairs of effects, and what had to be left out.

    Attributes
    ----------
    pairs : pandas.DataFrame
        The key's columns, method, actual, predicted; a row for each prediction.
    uncertified : list of str
        ``dataset/variant: set_id (status)`` of each removal whose retrain is not proved to be the optimum.
    uncomputed : list of str
        ``dataset/variant: set_id (method)`` of each prediction that is missing although the truth is certified.
    """

    pairs: pd.DataFrame
    uncertified: list[str]
    uncomputed: list[str]

    @property
    def left_out(self) -> list[str]:
        """What is not drawn, each with the reason."""
        return [
            *(f"not certified, not drawn: {name}" for name in self.uncertified),
            *(f"not computed, not drawn: {name}" for name in self.uncomputed),
        ]


def compare(rows: pa.Table, column: str = "effect", key: Key = SETS) -> Comparison:
    """Set predictions beside certified retrains.

    Parameters
    ----------
    rows : pyarrow.Table
        The key's columns, ``method``, ``status`` and the column to compare, as in ``effects.SCHEMA``.
    column : str
        What to compare: ``effect``, or ``effect_linear``.
    key : Key
        What tells removals apart.
    """
    known = list(key.columns)
    frame = rows.select([*known, *key.carried, "method", column, "status"]).to_pandas()
    retrains = frame[frame["method"] == RETRAIN]
    proved = retrains["status"] == Status.CONVERGED.value
    actual = retrains[proved].rename(columns={column: "actual"})[[*known, *key.carried, "actual"]]
    predicted = frame[frame["method"].isin(PREDICTIONS)].rename(columns={column: "predicted"})
    pairs = predicted[[*known, "method", "predicted"]].merge(actual, on=known, validate="many_to_one")
    ordered = pairs[[*known, *key.carried, "method", "actual", "predicted"]]
    missing = ordered[["actual", "predicted"]].isna().any(axis=1)
    uncertified, uncomputed = _names(retrains[~proved], key, "status"), _names(ordered[missing], key, "method")
    return Comparison(ordered[~missing], uncertified, uncomputed)


def _names(rows: pd.DataFrame, key: Key, why: str) -> list[str]:
    """``dataset/variant: set_id (why)`` of some rows, each once."""
    named = rows.drop_duplicates([*key.place, key.name, why])[[*key.place, key.name, why]].astype(str)
    return [f"{'/'.join(place)}: {name} ({reason})" for *place, name, reason in named.itertuples(index=False)]

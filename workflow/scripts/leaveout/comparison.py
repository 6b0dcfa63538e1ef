"""Predicted beside actual effects: what figures and calibration are made from, certified retrains only."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from leaveout.certificate import Status
from leaveout.effects import PREDICTIONS, RETRAIN

KEY = ["dataset", "variant", "strategy", "set_id", "evaluation"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Pairs of effects, and the sets that had to be left out.

    Attributes
    ----------
    pairs : pandas.DataFrame
        Columns dataset, variant, strategy, set_id, evaluation, method, actual, predicted; a row for each prediction.
    uncertified : list of str
        ``dataset/variant: set_id (status)`` of each set whose retrain is not proved to be the optimum.
    """

    pairs: pd.DataFrame
    uncertified: list[str]


def compare(rows: pa.Table, column: str = "effect") -> Comparison:
    """Set predictions beside certified retrains.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of ``effects.SCHEMA``.
    column : {"effect", "effect_linear"}
        What to compare.
    """
    frame = rows.select([*KEY, "method", column, "status"]).to_pandas()
    retrains = frame[frame["method"] == RETRAIN]
    proved = retrains["status"] == Status.CONVERGED.value
    failed = retrains[~proved].drop_duplicates(["dataset", "variant", "set_id"])
    names = (
        failed["dataset"] + "/" + failed["variant"] + ": " + failed["set_id"] + " (" + failed["status"] + ")"
    ).tolist()
    actual = retrains[proved].rename(columns={column: "actual"})[[*KEY, "actual"]]
    predicted = frame[frame["method"].isin(PREDICTIONS)].rename(columns={column: "predicted"})
    pairs = predicted[[*KEY, "method", "predicted"]].merge(actual, on=KEY, validate="many_to_one")
    return Comparison(pairs.dropna(subset=["actual", "predicted"]), names)

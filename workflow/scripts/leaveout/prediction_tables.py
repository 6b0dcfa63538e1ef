"""What is known of predictions' errors without retraining, beside the errors: ratios of bounds, and what they miss."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from leaveout import seeds
from leaveout.arrays import Array
from leaveout.calibration import Interval, columns, medians, resamples
from leaveout.certificate import Status
from leaveout.effects import PREDICTIONS
from leaveout.prediction_bounds import PASSES
from leaveout.predictions import SCHEMA
from leaveout.result_rows import read
from leaveout.tables import HEADINGS


@dataclass(frozen=True)
class Bound:
    """What the error of a prediction is held against.

    Attributes
    ----------
    column, error, distance : str
        Columns of ``predictions.SCHEMA``: the bound, the error in its norm, and what the truth may be off by there.
    passes : int
        Passes over X.
    lower : str or None
        Column of a bound from below that comes with it.
    rigorous : bool
        Else it is an estimate.
    """

    column: str
    error: str
    distance: str
    passes: int
    lower: str | None = None
    rigorous: bool = True


BOUNDS = {
    "estimate": Bound("estimate_hessian", "error_hessian", "distance_hessian", 1, rigorous=False),
    "factor": Bound("factor_hessian", "error_hessian", "distance_hessian", 1),
    "convexity": Bound("convexity_euclidean", "error_euclidean", "distance_euclidean", 1),
    **{
        f"duality_{passes}": Bound(
            f"upper_{passes}", "error_euclidean", "distance_euclidean", passes, lower=f"lower_{passes}"
        )
        for passes in PASSES
    },
}
#: Share of an error that its true size may be uncertain by, for ratios to it to mean something.
RESOLVED = 0.01
#: Rounding of an error itself, relative, beside which no bound counts as violated.
ROUNDING = 1e-9
#: Columns of the table.
COLUMNS = [
    *("dataset", "variant", "method", "bound", "passes", "sets", "without", "unresolved"),
    *(*columns(["median"]), "least", "worst"),
    *(*columns(["tight"]), "violations"),
]
#: What a bound from below has to reach, relative to the error, to count as tight.
TIGHT = 0.74
#: Where nothing is known.
UNKNOWN = Interval(np.nan, np.nan, np.nan)


def read_predictions(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Rows of ``predictions.SCHEMA`` of audited runs, those of sets whose truth is not certified too."""
    return pa.concat_tables(read(path, SCHEMA) for path in paths).to_pandas()


def uncertified(rows: pd.DataFrame) -> list[str]:
    """``dataset/variant: set_id (status)`` of each set without a certified truth."""
    failed = rows[rows["status"] != Status.CONVERGED.value].drop_duplicates(["dataset", "variant", "set_id"])
    return [f"{row.dataset}/{row.variant}: {row.set_id} ({row.status})" for row in failed.itertuples()]


def certified(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose errors are known."""
    return rows[rows["status"] == Status.CONVERGED.value]


def ratios(rows: pd.DataFrame, bound: Bound) -> pd.Series:
    """Bound over error, by the rows' index; NaN where there is no bound, or the error is not known well enough."""
    known = rows[bound.distance] <= RESOLVED * rows[bound.error]
    return (rows[bound.column] / rows[bound.error]).where(known)


def violated(rows: pd.DataFrame, bound: Bound) -> pd.Series:
    """Whether the error lies outside of the bounds, by more than the truth itself can be off; none of an estimate."""
    if not bound.rigorous:
        return pd.Series(False, index=rows.index)
    off, slack = rows[bound.distance].fillna(0.0), 1 + ROUNDING
    wrong = slack * rows[bound.column] < rows[bound.error] - off
    if bound.lower:
        wrong |= rows[bound.lower] > slack * rows[bound.error] + off
    return wrong


def predictions_table(rows: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """How tight each bound is.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `read_predictions`.
    bootstrap : int
        Resamples behind each interval, over sets within strategies.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each data set, variant, method and bound: ``passes`` over X; ``sets`` whose truth is certified;
        ``without``: those that the bound says nothing of; ``unresolved``: those with a bound whose error is not known
        to `RESOLVED`, relative; over the others ``median`` of bound over error, with limits, ``least`` and ``worst``;
        ``tight``: share of all sets where the bound from below is above `TIGHT` of the error, with limits; and
        ``violations`` of either bound.
    """
    records = []
    for (dataset, variant), run in certified(rows).groupby(["dataset", "variant"], sort=False):
        place = {"dataset": dataset, "variant": variant}
        strategies = run[run["method"] == PREDICTIONS[0]]["strategy"].to_numpy(dtype=str)
        drawn = resamples(strategies, bootstrap, seeds.generator(seed, "predictions", str(dataset), str(variant)))
        for method in PREDICTIONS:
            group = run[run["method"] == method]
            records += [place | {"method": method} | found for found in _of_method(group, drawn)]
    return pd.DataFrame(records, columns=COLUMNS)


def _of_method(rows: pd.DataFrame, drawn: Array) -> Iterator[dict[str, Any]]:
    for name, bound in BOUNDS.items():
        ratio, there = ratios(rows, bound).to_numpy(), rows[bound.column].notna().to_numpy()
        known = np.isfinite(ratio)
        resampled = medians(ratio[known], drawn[:, known])
        middle = Interval.around(np.median(ratio[known]), resampled) if known.any() else UNKNOWN
        yield {
            "bound": name,
            "passes": bound.passes,
            "sets": len(rows),
            "without": int((~there).sum()),
            "unresolved": int((there & ~known).sum()),
            **middle.columns("median"),
            "least": float(ratio[known].min()) if known.any() else np.nan,
            "worst": float(ratio[known].max()) if known.any() else np.nan,
            **_tight(rows, bound, drawn).columns("tight"),
            "violations": int(violated(rows, bound).sum()) if bound.rigorous else None,
        }


def _tight(rows: pd.DataFrame, bound: Bound, drawn: Array) -> Interval:
    if not bound.lower or rows[bound.lower].isna().all():
        return UNKNOWN
    tight = (rows[bound.lower] > TIGHT * rows[bound.error]).to_numpy(dtype=np.float64)
    return Interval.around(tight.mean(), drawn @ tight / len(tight))


#: Bounds in readers' words.
NAMES = {
    "estimate": "estimate (no bound)",
    "factor": "factor of NS",
    "convexity": "strong convexity",
    **{f"duality_{passes}": f"duality, {passes} passes" for passes in PASSES},
}


def readable_predictions(table: pd.DataFrame) -> pd.DataFrame:
    """Medians and shares with their intervals, the worst ratios with three digits."""
    shown = table[["dataset", "method"]].assign(
        method=table["method"].map(HEADINGS),
        bound=table["bound"].map(NAMES),
        sets=table["sets"],
        without=table["without"],
    )
    for name, form in (("median", "{:.3g} [{:.3g}, {:.3g}]"), ("tight", "{:.2f} [{:.2f}, {:.2f}]")):
        triples = table[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False, name=None)
        shown[name] = [form.format(*triple) if np.isfinite(triple[0]) else np.nan for triple in triples]
    worst = table["worst"].map("{:.3g}".format, na_action="ignore")
    violations = table["violations"].map("{:.0f}".format, na_action="ignore")
    shown = shown.assign(worst=worst, violations=violations)
    ordered = ["dataset", "method", "bound", "sets", "without", "median", "worst", "tight", "violations"]
    return shown[ordered].rename(
        columns={
            "method": "estimator",
            "without": "without a bound",
            "median": "bound / error",
            "worst": "largest",
            "tight": f"lower bound > {TIGHT} error",
        }
    )

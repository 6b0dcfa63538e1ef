"""Which removal sets each estimator fails on: those of which strategy, and of which size, beside what it ignores."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from leaveout import seeds
from leaveout.arrays import Array
from leaveout.calibration import Interval, columns, medians, resamples
from leaveout.effects import PREDICTIONS
from leaveout.tables import HEADINGS, with_intervals

#: What each estimator ignores: a column of ``predictions.SCHEMA``.
IGNORED = {"if": "joint_leverage", "rif": "overlap", "newton": "curvature_change"}
#: Thirds of the sizes of a run's sets.
SIZES = ("small", "medium", "large")
COLUMNS = [
    *("dataset", "variant", "among", "least", "most", "method", "sets"),
    *(*columns(("error", "best")), "ignored"),
]
#: Errors that are larger by less, relative, are the same: for one sample RIF and NS are.
RESOLVED = 1e-9


def failure_points(rows: pd.DataFrame) -> pd.DataFrame:
    """What each estimator ignores, and its relative error: ``ignored``, ``error``, for each set and method.

    The error is ``||predicted - true change||_{H_T} / ||true change||_{H_T}``. Under ``per_sample`` the removed share k
    / n of the regulariser, which IF ignores too, is added to the leverage: ``||NS - IF||_{H_T} <= (kappa_T + k / n)
    ||NS||_{H_T}``.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of ``prediction_tables.certified``.
    """
    share = (rows["size"] / rows["n_train"]).where(rows["regularizer"] == "per_sample", 0.0)
    ignored = pd.Series(np.nan, index=rows.index)
    for method, column in IGNORED.items():
        ignored = ignored.where(rows["method"] != method, rows[column])
    ignored += share.where(rows["method"] == "if", 0.0)
    points = rows.assign(ignored=ignored, error=rows["error_hessian"] / rows["change_hessian"])
    return points[["dataset", "variant", "strategy", "size", "repeat", "set_id", "method", "ignored", "error"]]


def failures_table(points: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """Median relative errors of the parameters on the sets of each strategy, and on those of a third of the sizes.

    Parameters
    ----------
    points : pandas.DataFrame
        Of `failure_points`.
    bootstrap : int
        Resamples behind each interval, over all sets of a row.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each run, part of its sets and method: ``among`` is a strategy or one of `SIZES`, ``least`` and
        ``most`` samples a set of these, ``sets`` their number, ``error`` the median with its limits, ``best`` the
        share of the sets on which no other estimator has a smaller error (they share a tie), with its limits, and
        ``ignored`` the median of what the estimator ignores.
    """
    records = []
    for (dataset, variant), run in points.groupby(["dataset", "variant"], sort=False):
        for among, part in _parts(run):
            alike = np.full(part["set_id"].nunique(), among)
            drawn = resamples(alike, bootstrap, seeds.generator(seed, "failures", str(dataset), str(variant), among))
            place = {"dataset": dataset, "variant": variant, "among": among}
            place |= {"least": part["size"].min(), "most": part["size"].max()}
            methods = [part[part["method"] == method] for method in PREDICTIONS]
            shares = _best(np.stack([of_method["error"].to_numpy() for of_method in methods]))
            for method, of_method, share in zip(PREDICTIONS, methods, shares, strict=True):
                found = {"method": method, "sets": len(of_method), "ignored": of_method["ignored"].median()}
                errors = of_method["error"].to_numpy()
                found |= Interval.around(np.median(errors), medians(errors, drawn)).columns("error")
                found |= Interval.around(share.mean(), drawn @ share / len(share)).columns("best")
                records.append(place | found)
    return pd.DataFrame(records, columns=COLUMNS)


def _parts(run: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Sets of each strategy, and of each third of the sizes; where there are few sizes, some thirds have none."""
    for strategy, part in run.groupby("strategy", sort=False):
        yield str(strategy), part
    for name, sizes in zip(SIZES, np.array_split(np.unique(run["size"]), len(SIZES)), strict=True):
        if len(sizes):
            yield name, run[run["size"].isin(sizes)]


def _best(errors: Array) -> Array:
    """Of each set, 1 for the estimator with the smallest of its errors (methods, sets); a tie is shared."""
    smallest = errors <= (1 + RESOLVED) * errors.min(axis=0)
    return smallest / smallest.sum(axis=0)


def readable_failures(table: pd.DataFrame) -> pd.DataFrame:
    """Errors and shares with their intervals, sizes as a range."""
    shown = with_intervals(table, ["error", "best"])
    sizes = [f"{least} to {most}" for least, most in zip(table["least"], table["most"], strict=True)]
    shown = shown.assign(
        method=table["method"].map(HEADINGS), sizes=sizes, ignored=table["ignored"].map("{:.2g}".format)
    )
    ordered = ["dataset", "among", "sizes", "sets", "method", "error", "best", "ignored"]
    return shown[ordered].rename(
        columns={
            "method": "estimator",
            "error": "relative error",
            "best": "best of the three",
            "ignored": "what it ignores",
        }
    )

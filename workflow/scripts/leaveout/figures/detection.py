"""Figure `detection`: how soon planted samples are found, and whether the ranking's predictions are true."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from leaveout.arrays import Array
from leaveout.comparison import Comparison
from leaveout.figures.style import (
    COLORS,
    LEFT,
    NEUTRAL,
    Drawing,
    entry,
    explain,
    head,
    method_entries,
    not_certified,
    panels,
    scatter,
    style,
)

RANKINGS = ("if", "rif")
#: Markers of retrained samples.
PLANTED, OTHERS = "X", "o"
CHANCE = "random"
#: Points of the curve of a random order, which is a straight line but for the logarithmic axis.
CHANCE_POINTS = 100
#: Columns of a curve's points.
CURVE = ["inspected", "found", "found_low", "found_high"]


def found_curves(rows: pa.Table) -> pd.DataFrame:
    """Share of the planted samples among the ``inspected`` most suspicious ones.

    Parameters
    ----------
    rows : pyarrow.Table
        ``draw``, ``method``, ``rank``, ``planted``: all samples of each draw, in each ranking.

    Returns
    -------
    pandas.DataFrame
        ``method``, ``inspected``, ``found`` (mean over draws), ``found_low`` and ``found_high`` (the least and the most
        of any draw): a row where one of these changes, one for the first and one for all samples. The method ``random``
        is what a random order is expected to find.
    """
    curves = []
    for method, ranking in _ranked(rows).groupby("method"):
        shares = np.array([_shares(draw["planted"].to_numpy(dtype=float)) for _, draw in ranking.groupby("draw")])
        curves.append(_curve(shares).assign(method=method))
    n = shares.shape[1]
    inspected = np.unique(np.rint(np.geomspace(1, n, CHANCE_POINTS)).astype(np.int64))
    curves.append(pd.DataFrame({"inspected": inspected, "found": inspected / n, "method": CHANCE}))
    return pd.concat(curves, ignore_index=True)[["method", *CURVE]]


def _ranked(rows: pa.Table) -> pd.DataFrame:
    """Rankings of all draws, most suspicious samples first."""
    frame = rows.select(["draw", "method", "rank", "planted"]).to_pandas()
    return frame[frame["method"].isin(RANKINGS)].sort_values("rank")


def _shares(planted: Array) -> Array:
    """Share that is found after each sample of an order."""
    return planted.cumsum() / planted.sum()


def _curve(shares: Array) -> pd.DataFrame:
    """Mean and range over draws, (draws, n), where they change."""
    values = np.array([shares.mean(axis=0), shares.min(axis=0), shares.max(axis=0)])
    changed = np.flatnonzero((np.diff(values, axis=1, prepend=-1) != 0).any(axis=0))
    kept = np.union1d(changed, shares.shape[1] - 1)
    found, low, high = values[:, kept]
    return pd.DataFrame({"inspected": kept + 1, "found": found, "found_low": low, "found_high": high})


def detection_figure(rows: pa.Table, comparison: Comparison, title: str, note: str | None = None) -> Drawing:
    """Draw how many planted samples the most suspicious ones hold, and the predictions behind the ranking.

    Parameters
    ----------
    rows : pyarrow.Table
        See `found_curves`.
    comparison : Comparison
        Of the same rows, those that were retrained, with the key ``comparison.SUSPECTS``.
    title : str
        The data set.
    note : str, optional
        What readers have to know, beside the panels.

    Returns
    -------
    Drawing
        ``panel`` is ``found`` for the curves and ``effects`` for the retrained samples.
    """
    curves, pairs, ranked = found_curves(rows), comparison.pairs, _ranked(rows)
    draws = ranked["draw"].nunique()
    planted = int(ranked.groupby(["draw", "method"])["planted"].sum().iloc[0])
    with style():
        figure, [[left, right]] = panels([2], between=LEFT)
        _draw_curves(left, curves, planted)
        scatter(right, pairs, pairs["planted"].map({True: PLANTED, False: OTHERS}))
        right.set(xlabel="actual rise of the own loss\n(retraining)", ylabel="predicted rise of the own loss")
        head(right, title)
        head(left, f"{planted} planted, {draws} draws")
        entries = [
            *method_entries(RANKINGS),
            entry(""),
            entry("mean over draws", linestyle="-"),
            entry("least to most of any draw", marker="s", markersize=7, alpha=0.25, markeredgewidth=0),
            entry("random order, expected", linestyle="--"),
            entry(f"{planted} inspected", linestyle=":"),
            entry(""),
            entry("planted", marker=PLANTED, markersize=4.5),
            entry("not planted", marker=OTHERS, markersize=4.5),
        ]
        explain(figure, entries, "Estimator", [not_certified(comparison.uncertified, "samples"), note])
    parts = [curves.assign(panel="found"), pairs.assign(panel="effects")]
    points = pd.concat(parts, ignore_index=True)
    return Drawing(figure, points[["panel", "method", *points.columns.drop(["panel", "method"])]])


def _draw_curves(ax: Axes, curves: pd.DataFrame, planted: int) -> None:
    for method, curve in curves.groupby("method"):
        if method == CHANCE:
            ax.plot(curve["inspected"], curve["found"], color=NEUTRAL, linestyle="--", linewidth=1)
            continue
        color = COLORS[str(method)]
        ax.plot(curve["inspected"], curve["found"], color=color, drawstyle="steps-post", linewidth=1.2)
        band: dict[str, Any] = {"step": "post", "color": color, "alpha": 0.25, "linewidth": 0}
        ax.fill_between(curve["inspected"], curve["found_low"], curve["found_high"], **band)
    ax.axvline(planted, color=NEUTRAL, linestyle=":", linewidth=1)
    ax.set(xscale="log", xlim=(1, curves["inspected"].max()), ylim=(0, 1.02))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set(xlabel="samples inspected\n(most suspicious first)", ylabel="share of the planted found")

"""Figure `detection`: how soon planted samples are found, and whether the ranking's predictions are true."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from leaveout.arrays import IntArray
from leaveout.comparison import Comparison
from leaveout.figures.style import (
    COLORS,
    LEFT,
    NEUTRAL,
    Drawing,
    entry,
    explain,
    head,
    left_out,
    method_entries,
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
#: Columns that hold whole numbers, where they hold any.
WHOLE = ("inspected", "draw", "y")
#: Columns of a curve's points.
CURVE = ["inspected", "found", "found_low", "found_high"]


def found_curves(rows: pa.Table) -> pd.DataFrame:
    """Share of the planted samples among the ``inspected`` most suspicious ones.

    Parameters
    ----------
    rows : pyarrow.Table
        ``dataset``, ``variant``, ``draw``, ``method``, ``rank``, ``planted``: all samples of each draw, in each ranking
        of one run.

    Returns
    -------
    pandas.DataFrame
        ``dataset``, ``variant``, ``method``, ``inspected``, ``found`` (mean over draws), ``found_low`` and
        ``found_high`` (the least and the most of any draw): a row where one of these changes, one for the first and one
        for all samples. The method ``random`` is what a random order is expected to find.
    """
    ranked = _ranked(rows)
    curves = []
    for method, ranking in ranked.groupby("method"):
        planted = np.array([draw["planted"].to_numpy(dtype=np.int64) for _, draw in ranking.groupby("draw")])
        curves.append(_curve(planted).assign(method=method))
    n = planted.shape[1]
    inspected = np.unique(np.rint(np.geomspace(1, n, CHANCE_POINTS)).astype(np.int64))
    curves.append(pd.DataFrame({"inspected": inspected, "found": inspected / n, "method": CHANCE}))
    run = {name: ranked[name].iloc[0] for name in ("dataset", "variant")}
    return pd.concat(curves, ignore_index=True).assign(**run)[[*run, "method", *CURVE]]


def _ranked(rows: pa.Table) -> pd.DataFrame:
    """Rankings of all draws, most suspicious samples first."""
    frame = rows.select(["dataset", "variant", "draw", "method", "rank", "planted"]).to_pandas()
    return frame[frame["method"].isin(RANKINGS)].sort_values("rank")


def _curve(planted: IntArray) -> pd.DataFrame:
    """Mean and range over draws where they change; ``planted`` is (draws, n), in the order of each draw's ranking."""
    count = planted[0].sum()
    found = planted.cumsum(axis=1)
    values = np.array([found.mean(axis=0), found.min(axis=0), found.max(axis=0)]) / count
    changed = np.flatnonzero((np.diff(values, axis=1, prepend=-1) != 0).any(axis=0))
    kept = np.union1d(changed, values.shape[1] - 1)
    return pd.DataFrame({"inspected": kept + 1, **dict(zip(CURVE[1:], values[:, kept], strict=True))})


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
        explain(figure, entries, "Estimator", [*left_out(comparison, "samples"), note])
    parts = [curves.assign(panel="found"), pairs.assign(panel="effects")]
    points = pd.concat(parts, ignore_index=True).astype(dict.fromkeys(WHOLE, "Int64"))
    return Drawing(figure, points[["panel", *points.columns.drop("panel")]])


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

"""Figure `audit_predictions`: how far the bounds of predictions' errors lie from the errors, by size of the set."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from leaveout.effects import PREDICTIONS
from leaveout.figures.style import METHODS, NEUTRAL, Drawing, entry, explain, head, panels, style
from leaveout.prediction_tables import BOUNDS, NAMES, certified, ratios

#: Bounds that are drawn, in Okabe & Ito's colours, none of them an estimator's.
COLORS = {"convexity": NEUTRAL, "factor": "#E69F00", "duality_3": "#CC79A7", "duality_5": "#D55E00"}
#: Which of a size's ratios the bands hold.
BAND = (0.05, 0.95)
#: Limits of the ratios that are drawn; what is beyond lies on the edge.
LIMITS = (0.1, 1000.0)


def predictions_figure(rows: pd.DataFrame, titles: Mapping[str, str], note: str | None = None) -> Drawing:
    """Draw bounds over errors against the size of the set: a row an estimator, a column a data set.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of ``prediction_tables.read_predictions``.
    titles : mapping from data set to title
        Columns, in order.
    note : str, optional
        What readers have to know, beside the panels.

    Returns
    -------
    Drawing
        A point for each set, estimator and bound: ``unbounded`` where it says nothing,
        ``ratio``, and ``lower_ratio`` of the bound from below; missing where
        there is none.
    """
    known = certified(rows)
    points = pd.concat([_points(known, name) for name in COLORS], ignore_index=True)
    with style():
        figure, grid = panels([len(titles)] * len(PREDICTIONS))
        for method, axes in zip(PREDICTIONS, grid, strict=True):
            for dataset, ax in zip(titles, axes, strict=True):
                _panel(ax, points[(points["dataset"] == dataset) & (points["method"] == method)])
            axes[0].set_ylabel(f"{METHODS[method]}\nbound / true error")
        for title, first, last in zip(titles.values(), grid[0], grid[-1], strict=True):
            head(first, title)
            last.set_xlabel("removed samples")
        entries = [entry(NAMES[name], linestyle="-", color=color) for name, color in COLORS.items()]
        entries += [entry("its lower bound", linestyle=":", color=COLORS["duality_5"])]
        entries += [entry("bound = error", linestyle="-", color="black", linewidth=0.8)]
        failed = rows[["dataset", "variant", "set_id"]].drop_duplicates().shape[0] - _sets(known)
        left_out = f"{failed} sets not certified, not drawn" if failed else None
        explain(figure, entries, "Bound", [EXPLANATION, left_out, note])
    return Drawing(figure, points)


EXPLANATION = (
    "lines: medians over sets of a size;\n"
    "bands: from 5 to 95 % of them;\n"
    "in the panels: sets of which the\n"
    "bound by the factor of NS says\n"
    "nothing, left out of its line"
)


def _sets(rows: pd.DataFrame) -> int:
    return len(rows[["dataset", "variant", "set_id"]].drop_duplicates())


def _points(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    bound = BOUNDS[name]
    ratio = ratios(rows, bound)
    lower = (rows[bound.lower] / rows[bound.error]).where(ratio.notna()) if bound.lower else np.nan
    kept = rows[["dataset", "variant", "strategy", "size", "repeat", "set_id", "method"]]
    return kept.assign(bound=name, unbounded=rows[bound.column].isna(), ratio=ratio, lower_ratio=lower)


def _panel(ax: Axes, points: pd.DataFrame) -> None:
    ax.axhline(1, color="black", linewidth=0.8, zorder=1)
    for name, color in COLORS.items():
        drawn = points[points["bound"] == name]
        look: dict[str, Any] = {"color": color, "linewidth": 1.2}
        by_size = drawn.dropna(subset="ratio").groupby("size")["ratio"]
        low, high = (by_size.quantile(q).clip(*LIMITS) for q in BAND)
        ax.fill_between(low.index, low, high, color=color, alpha=0.15, linewidth=0)
        ax.plot(by_size.median().clip(*LIMITS), marker="o", markersize=2.2, **look)
        if name == "duality_5":
            ax.plot(drawn.groupby("size")["lower_ratio"].median().clip(*LIMITS), linestyle=":", **look)
    factor = points[points["bound"] == "factor"]
    if len(factor):
        text = f"none for {int(factor['unbounded'].sum())} of {len(factor)}"
        ax.text(0.97, 0.97, text, transform=ax.transAxes, ha="right", va="top", fontsize=7, color=COLORS["factor"])
    ax.set(yscale="log", ylim=LIMITS, xlim=(0, None))

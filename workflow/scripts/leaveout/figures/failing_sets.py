"""Figure `audit_failing_sets`: which sets each estimator fails on, by strategy and by size."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from leaveout.failure_tables import SIZES
from leaveout.figures.style import COLORS, MARKERS, METHODS, NEUTRAL, Drawing, entry, explain, head, panels, style

#: Room for the lines' names on the left, and how far the estimators of a line lie apart.
NAMED, APART = 1.35, 0.2
#: Relative errors that are drawn as they are, others stand at the edge; and where the grey of failures begins.
ERRORS, FAILED, FAILING = (1e-3, 3.0), 0.1, "0.92"


def failing_sets_figure(table: pd.DataFrame, titles: Mapping[str, str], note: str | None = None) -> Drawing:
    """Draw median relative errors of predicted parameters: sets of each strategy above, thirds of the sizes below.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``failure_tables.failures_table``.
    titles : mapping from data set to title
        Columns, in order.
    note : str, optional
        What readers have to know, beside the panels.
    """
    points = table[table["dataset"].isin(titles)]
    strategies = [name for name in MARKERS if name in set(points["among"])] or list(MARKERS)
    with style():
        figure, grid = panels([len(titles)] * 2, left=NAMED + 0.45)
        for names, axes in zip((strategies, SIZES), grid, strict=True):
            for dataset, ax in zip(titles, axes, strict=True):
                _errors(ax, points[points["dataset"] == dataset], names)
        for dataset, ax in zip(titles, grid[-1], strict=True):
            _name(ax, points[(points["dataset"] == dataset) & (points["among"] == SIZES[0])])
        grid[0][0].set_yticks(range(len(strategies)), [MARKERS[name][1] for name in strategies])
        grid[0][0].set_ylabel("sets of which samples")
        grid[1][0].set_yticks(range(len(SIZES)), SIZES)
        grid[1][0].set_ylabel("size of the sets")
        for title, first, last in zip(titles.values(), grid[0], grid[-1], strict=True):
            head(first, title)
            last.set_xlabel("relative error\nof the parameters")
        entries = [
            *(entry(METHODS[method], marker="o", color=COLORS[method], markersize=5) for method in METHODS),
            entry("95 % interval", linestyle="-"),
            entry(f"off by more than {100 * FAILED:g} %", marker="s", color=FAILING, markersize=7),
            entry("beyond the axis", marker=">", markersize=4),
        ]
        explain(figure, entries, "Median error of", [EXPLANATION, note])
    return Drawing(figure, points)


EXPLANATION = (
    "Of each line IF is the upper, RIF the\nmiddle, NS the lower point; small,\nmedium, large: thirds of the sizes"
)


def _errors(ax: Axes, points: pd.DataFrame, names: Sequence[str]) -> None:
    low, high = ERRORS
    for place, name in enumerate(names):
        for offset, method in enumerate(METHODS, start=-1):
            chosen = (points["among"] == name) & (points["method"] == method)
            y, color = place + offset * APART, COLORS[method]
            for error, *interval in points.loc[chosen, ["error", "error_low", "error_high"]].to_numpy():
                ax.plot(np.clip(interval, low, high), [y, y], color=color, linewidth=1)
                marker = "<" if error < low else ">" if error > high else "o"
                ax.plot(np.clip(error, low, high), y, marker=marker, markersize=3.2, color=color, clip_on=False)
    ax.axvspan(FAILED, high, color=FAILING, linewidth=0, zorder=0)
    ax.set(xscale="log", xlim=ERRORS, ylim=(len(names) - 0.5, -0.5), yticks=range(len(names)), yticklabels=[])
    ax.set_xticks([1e-3, 1e-2, 1e-1, 1.0])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    ax.xaxis.set_minor_locator(NullLocator())


def _name(ax: Axes, points: pd.DataFrame) -> None:
    """Write the estimators' names beside the points of the first line, where they can be read without colour."""
    for offset, method in enumerate(METHODS, start=-1):
        for end in points.loc[points["method"] == method, "error_high"].clip(*ERRORS):
            look: dict[str, Any] = {"fontsize": 6.5, "color": NEUTRAL, "ha": "left", "va": "center"}
            ax.annotate(METHODS[method], (end, offset * APART), (4, 0), textcoords="offset points", **look)

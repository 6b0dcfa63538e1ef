"""Figure `audit_conventions`: slopes under each convention and selection of the sets, with intervals."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from leaveout.convention_tables import ALL, DESCRIBED, SELECTED
from leaveout.conventions import AS_PUBLISHED, FIXED, PER_SAMPLE
from leaveout.figures.style import (
    COLORS,
    METHODS,
    NEUTRAL,
    Drawing,
    entry,
    explain,
    head,
    panels,
    style,
)

#: Lines of a panel from above, in readers' words: convention and choice of the sets; None is the run's own convention.
LINES = {
    (PER_SAMPLE, ALL): "share removed",
    (FIXED, ALL): "share kept",
    (AS_PUBLISHED, ALL): "published mixture",
    (None, DESCRIBED): "top sets: text",
    (None, SELECTED): "top sets: code",
}
#: Rows of panels: evaluation functions, and what they are called.
EVALUATIONS = {
    "test_prediction": "test prediction",
    "test_loss": "test loss",
    "test_loss_plain": "test loss,\nno penalty",
    "self_loss": "self loss",
    "self_loss_plain": "self loss,\nno penalty",
}
#: Room for the lines' names on the left, and how far the estimators of a line lie apart.
NAMED, APART = 1.35, 0.2
#: What lies between these is drawn as it is; slopes beyond are drawn at the edge, as arrows.
SLOPES = (-0.25, 1.75)


def conventions_figure(table: pd.DataFrame, titles: Mapping[str, str], note: str | None = None) -> Drawing:
    """Draw slopes through the origin of predicted on actual effects: a row an evaluation function, a column a data set.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``convention_tables.conventions_table``.
    titles : mapping from data set to title
        Columns, in order.
    note : str, optional
        What readers have to know, beside the panels.
    """
    rows = [name for name in EVALUATIONS if name in set(table["evaluation"])] or list(EVALUATIONS)
    points = table[table["evaluation"].isin(rows) & table["dataset"].isin(titles)]
    with style():
        figure, grid = panels([len(titles)] * len(rows), left=NAMED + 0.45)
        for evaluation, axes in zip(rows, grid, strict=True):
            for dataset, ax in zip(titles, axes, strict=True):
                _slopes(ax, points[(points["evaluation"] == evaluation) & (points["dataset"] == dataset)])
            axes[0].set_yticks(range(len(LINES)), LINES.values())
            axes[0].set_ylabel(EVALUATIONS[evaluation])
        for title, first, last in zip(titles.values(), grid[0], grid[-1], strict=True):
            head(first, title)
            last.set_xlabel("slope of predicted\non actual effects")
        entries = [
            *(entry(METHODS[method], marker="o", color=COLORS[method], markersize=5) for method in METHODS),
            entry("95 % interval", linestyle="-"),
            entry("slope 1", linestyle="-", color="black", linewidth=0.8),
            entry("beyond the axis", marker=">", markersize=4),
        ]
        explain(figure, entries, "Estimator", [EXPLANATION, note])
    return Drawing(figure, points)


EXPLANATION = (
    "share: of the regulariser,\n"
    "which a removed sample takes\n"
    "along (per_sample) or not (fixed);\n"
    "top sets: chosen as the paper's\n"
    "text says, and as its code does"
)


def _slopes(ax: Axes, points: pd.DataFrame) -> None:
    low, high = SLOPES
    for place, (convention, chosen) in enumerate(LINES):
        line = points[points["chosen"] == chosen]
        line = line if convention is None else line[line["convention"] == convention]
        for offset, method in enumerate(METHODS, start=-1):
            found = line.loc[line["method"] == method, ["slope", "slope_low", "slope_high"]]
            y, color = place + offset * APART, COLORS[method]
            for slope, *interval in found.to_numpy():
                ax.plot(np.clip(interval, low, high), [y, y], color=color, linewidth=1)
                marker = "<" if slope < low else ">" if slope > high else "o"
                ax.plot(np.clip(slope, low, high), y, marker=marker, markersize=3.2, color=color, clip_on=False)
    ax.axvline(1, color="black", linewidth=0.8, zorder=1)
    ax.axvline(0, color=NEUTRAL, linewidth=0.5, linestyle=":", zorder=1)
    ax.set(xlim=SLOPES, ylim=(len(LINES) - 0.5, -0.5), yticks=range(len(LINES)), yticklabels=[])

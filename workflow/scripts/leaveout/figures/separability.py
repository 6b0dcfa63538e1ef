"""Figure `audit_separability`: slopes and errors against how separable the training samples are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from leaveout.figures.conventions import EVALUATIONS, SLOPES
from leaveout.figures.style import COLORS, METHODS, NEUTRAL, Drawing, entry, explain, head, panels, style

#: Curvature of a sample whose label the model cannot tell, and how far the axis goes beyond the data, as a factor.
LARGEST, BEYOND = 0.25, 1.3
#: Ticks of the curvature.
TICKS = (1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, LARGEST)
#: How far the estimators of a data set lie apart, as a factor.
APART = 1.05


@dataclass(frozen=True)
class Shown:
    """A row of panels: its name on the axis, what is drawn as it is, and what the truth has."""

    axis: str
    limits: tuple[float, float]
    truth: float


STATISTICS = {
    "slope": Shown("slope of predicted\non actual effects", SLOPES, 1.0),
    "relative_error": Shown("median relative error", (0.0, 1.25), 0.0),
}


def separability_figure(table: pd.DataFrame, titles: Mapping[str, str], note: str | None = None) -> Drawing:
    """Draw slopes and relative errors of predicted effects against the curvature left, ``mean p_i (1 - p_i)``.

    A row a statistic, a column an evaluation function; numbers above the panels are those of the data sets.

    Parameters
    ----------
    table : pandas.DataFrame
        Of ``separability_tables.separability_table``.
    titles : mapping from data set to title
        In the order of their numbers.
    note : str, optional
        What readers have to know, beside the panels.
    """
    asked = [name for name in EVALUATIONS if name in set(table["evaluation"])] or list(EVALUATIONS)
    points = table[table["evaluation"].isin(asked) & table["dataset"].isin(titles)]
    curvatures = points.drop_duplicates("dataset").set_index("dataset")["curvature"]
    with style():
        figure, grid = panels([len(asked)] * len(STATISTICS))
        for statistic, axes in zip(STATISTICS, grid, strict=True):
            for evaluation, ax in zip(asked, axes, strict=True):
                _panel(ax, points[points["evaluation"] == evaluation], statistic)
                ax.set_xlim(curvatures.min() / BEYOND if len(curvatures) else None, LARGEST * BEYOND)
            axes[0].set_ylabel(STATISTICS[statistic].axis)
        for evaluation, first, last in zip(asked, grid[0], grid[-1], strict=True):
            head(first, EVALUATIONS[evaluation].replace("\n", " "))
            last.set_xlabel("curvature left, mean p(1 − p)\n← separable")
            for number, dataset in enumerate(titles, start=1):
                if dataset in curvatures:
                    _name(first, curvatures[dataset], str(number))
        entries = [
            *(entry(METHODS[method], marker="o", color=COLORS[method], markersize=5) for method in METHODS),
            entry("95 % interval", linestyle="-"),
            entry("as the truth", linestyle="-", color="black", linewidth=0.8),
            entry("beyond the axis", marker="^", markersize=4),
        ]
        named = "\n".join(f"{number}: {title}" for number, title in enumerate(titles.values(), start=1))
        explain(figure, entries, "Estimator", [named, note])
    return Drawing(figure, points)


def _panel(ax: Axes, points: pd.DataFrame, statistic: str) -> None:
    low, high = STATISTICS[statistic].limits
    for offset, method in enumerate(METHODS, start=-1):
        of_method = points[points["method"] == method].sort_values("curvature")
        x, color = of_method["curvature"] * APART**offset, COLORS[method]
        lower, upper = (of_method[f"{statistic}{end}"].clip(low, high) for end in ("_low", "_high"))
        ax.vlines(x, lower, upper, color=color)
        for left, value in zip(x, of_method[statistic], strict=True):
            marker = "v" if value < low else "^" if value > high else "o"
            ax.plot(left, np.clip(value, low, high), marker=marker, markersize=3.2, color=color, clip_on=False)
    ax.axhline(STATISTICS[statistic].truth, color="black", linewidth=0.8, zorder=1)
    ax.set(xscale="log", ylim=(low, high))
    ax.xaxis.set_major_locator(FixedLocator(TICKS))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _name(ax: Axes, x: float, number: str) -> None:
    """Put a data set's number above its slopes."""
    ax.text(x, 1.0, number, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=7, color=NEUTRAL)

"""Figure `audit_separability`: slopes against how separable the training samples are."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from leaveout.figures.conventions import EVALUATIONS, SLOPES
from leaveout.figures.style import COLORS, METHODS, NEUTRAL, Drawing, entry, explain, head, panels, style

#: Curvature of a sample whose label the model cannot tell, and how far the axis goes beyond the data, as a factor.
LARGEST, BEYOND = 0.25, 1.3
#: How far the estimators of a data set lie apart, as a factor.
APART = 1.05


def separability_figure(table: pd.DataFrame, titles: Mapping[str, str], note: str | None = None) -> Drawing:
    """Draw slopes through the origin of predicted on actual effects against the curvature left, ``mean p_i (1 - p_i)``.

    A panel an evaluation function; numbers above a panel are those of the data sets.

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
        figure, [axes] = panels([len(asked)])
        for evaluation, ax in zip(asked, axes, strict=True):
            _slopes(ax, points[points["evaluation"] == evaluation])
            for number, dataset in enumerate(titles, start=1):
                if dataset in curvatures:
                    _name(ax, curvatures[dataset], str(number))
            ax.set_xlim(curvatures.min() / BEYOND if len(curvatures) else None, LARGEST * BEYOND)
            ax.set_xlabel("curvature left, mean p(1 − p)\n← separable")
            head(ax, EVALUATIONS[evaluation].replace("\n", " "))
        axes[0].set_ylabel("slope of predicted\non actual effects")
        entries = [
            *(entry(METHODS[method], marker="o", color=COLORS[method], markersize=5) for method in METHODS),
            entry("95 % interval", linestyle="-"),
            entry("slope 1", linestyle="-", color="black", linewidth=0.8),
        ]
        named = "\n".join(f"{number}: {title}" for number, title in enumerate(titles.values(), start=1))
        explain(figure, entries, "Estimator", [named, note])
    return Drawing(figure, points)


def _slopes(ax: Axes, points: pd.DataFrame) -> None:
    low, high = SLOPES
    for offset, method in enumerate(METHODS, start=-1):
        of_method = points[points["method"] == method].sort_values("curvature")
        x, color = of_method["curvature"] * APART**offset, COLORS[method]
        ax.vlines(x, of_method["slope_low"].clip(low, high), of_method["slope_high"].clip(low, high), color=color)
        for left, slope in zip(x, of_method["slope"], strict=True):
            marker = "v" if slope < low else "^" if slope > high else "o"
            ax.plot(left, np.clip(slope, low, high), marker=marker, markersize=3.2, color=color, clip_on=False)
    ax.axhline(1, color="black", linewidth=0.8, zorder=1)
    ax.axhline(0, color=NEUTRAL, linewidth=0.5, linestyle=":", zorder=1)
    ax.set(xscale="log", ylim=SLOPES)


def _name(ax: Axes, x: float, number: str) -> None:
    """Put a data set's number above its slopes."""
    ax.text(x, 1.0, number, transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=7, color=NEUTRAL)

"""Figure `audit_failures`: when each estimator fails, told by what it ignores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leaveout import seeds
from leaveout.calibration import calibrate, resamples
from leaveout.failure_tables import IGNORED, failure_points
from leaveout.figures.style import COLORS, METHODS, RIGHT, Drawing, entry, explain, head, panels, style
from leaveout.prediction_tables import certified

#: Inches from one row of panels with labels below to the next.
LABELLED = 0.78
#: The smallest number of either kind that is drawn.
SMALLEST = 1e-4


@dataclass(frozen=True)
class Words:
    """What an estimator ignores: its name on the axis, and where it fails."""

    axis: str
    says: str


SAID = {
    "if": Words(
        "joint leverage\nof the removed samples",
        "IF ignores leverage.\nIt fails where the model leans\non the removed samples:\nerror ≈ joint leverage.",
    ),
    "rif": Words(
        "overlap\nof the removed samples",
        "RIF ignores overlap.\nIt fails where removed samples\nstand in for each other.",
    ),
    "newton": Words(
        "change of curvature\nof the kept samples",
        "NS ignores that curvature\nchanges. It fails where logits\nof kept samples move far.",
    ),
}


def failures_figure(
    rows: pd.DataFrame, titles: Mapping[str, str], bootstrap: int, seed: int, note: str | None = None
) -> Drawing:
    """Draw relative errors of the predicted parameters against what each estimator ignores, both on log axes.

    A row an estimator, a column a data set, all axes with the same limits. The error is relative to the true change, in
    the norm of ``H_T``. On the diagonal it is as large as what is ignored: for NS it cannot be larger, and for IF its
    distance from NS, relative to NS, cannot (see ``predictions``).

    Parameters
    ----------
    rows : pandas.DataFrame
        Of ``prediction_tables.read_predictions``.
    titles : mapping from data set to title
        Columns, in order.
    bootstrap, seed : int
        Resamples, over sets within strategies, behind the intervals of the rank correlations.
    note : str, optional
        What readers have to know, beside the panels.
    """
    points = failure_points(certified(rows))
    limits = _limits(points)
    with style():
        figure, grid = panels([len(titles)] * len(SAID), above=LABELLED, below=LABELLED)
        for (method, said), axes in zip(SAID.items(), grid, strict=True):
            of_method = points[points["method"] == method]
            for dataset, ax in zip(titles, axes, strict=True):
                drawn = of_method[of_method["dataset"] == dataset]
                _panel(ax, drawn, COLORS[method], limits)
                generator = seeds.generator(seed, "failures", dataset)
                _annotate(ax, _correlation(drawn, bootstrap, generator))
                ax.set_xlabel(said.axis)
            axes[0].set_ylabel(f"{METHODS[method]}\nrelative error")
            _say(figure, axes[-1], said.says)
        for title, ax in zip(titles.values(), grid[0], strict=True):
            head(ax, title)
        entries = [entry("error = what is ignored", linestyle="-", color="black", linewidth=0.8)]
        explain(figure, entries, "", [*_left_out(rows, points), note])
    return Drawing(figure, points)


def _limits(points: pd.DataFrame) -> tuple[float, float]:
    """Limits of all axes: all numbers that are not too small."""
    numbers = points[["ignored", "error"]].to_numpy(dtype=float).ravel()
    large = numbers[numbers > SMALLEST]
    return SMALLEST, 1.6 * float(large.max()) if len(large) else 1.0


def _panel(ax: Axes, points: pd.DataFrame, color: str, limits: tuple[float, float]) -> None:
    ax.plot(limits, limits, color="black", linewidth=0.8, zorder=1)
    ax.scatter(points["ignored"], points["error"], s=7, alpha=0.6, linewidths=0, color=color, zorder=2)
    ax.set(xscale="log", yscale="log", xlim=limits, ylim=limits)


def _correlation(points: pd.DataFrame, bootstrap: int, generator: np.random.Generator) -> str:
    """Rank correlation of what is drawn, with its interval; nothing of so few sets that it says nothing."""
    known = points[(points[["ignored", "error"]] > SMALLEST).all(axis=1)]
    if len(known) < 3:
        return ""
    drawn = resamples(known["strategy"].to_numpy(dtype=str), bootstrap, generator)
    found = calibrate(known["ignored"].to_numpy(), known["error"].to_numpy(), drawn)["spearman"]
    return f"ρ = {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _annotate(ax: Axes, text: str) -> None:
    ax.text(0.03, 0.97, text, transform=ax.transAxes, ha="left", va="top", fontsize=7)


def _say(figure: Figure, ax: Axes, text: str) -> None:
    """Put a sentence beside the last panel of a row."""
    width = figure.get_size_inches()[0]
    middle = (ax.get_position().y0 + ax.get_position().y1) / 2
    figure.text((width - RIGHT + 0.25) / width, middle, text, ha="left", va="center", fontsize=8)


def _left_out(rows: pd.DataFrame, points: pd.DataFrame) -> list[str]:
    """What is not drawn, and how to read what is."""
    alone = points[(points["method"] == "rif") & (points["ignored"] == 0)]
    small = ((points[["ignored", "error"]] <= SMALLEST).any(axis=1)).sum() - len(alone)
    failed = len(rows) - len(points)
    counted = {
        "sets without overlap, not drawn\nfor RIF: it is NS there": len(alone),
        f"points below {SMALLEST:g}, not drawn": int(small),
        "sets not certified, not drawn": failed // len(IGNORED),
    }
    return ["ρ: rank correlation, 95 % interval", *(f"{count} {what}" for what, count in counted.items() if count)]

"""Figure `audit_convergence`: how far the published truth is off, and how good the estimators look to it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from leaveout.arrays import Array
from leaveout.convergence_tables import CERTIFIED, OFF, PIPELINE, SHOWN, SIMPLIFIED, STOPPED, Judged
from leaveout.figures.style import COLORS, METHODS, NEUTRAL, Drawing, entry, explain, head, panels, style

EVALUATIONS = {name: name.replace("_plain", ", no penalty").replace("_", " ") for name in SHOWN}
#: Markers of the truths, how far beside a place each stands, and their names.
TRUTHS = {
    CERTIFIED: ("o", -0.3, "certified truth"),
    STOPPED: ("s", -0.1, "truth stopped early"),
    PIPELINE: ("^", 0.1, "full model stopped, too"),
    SIMPLIFIED: ("D", 0.3, "simplified Newton, unchecked"),
}
#: The published truths themselves stand at the first place, in a colour that no estimator has.
TRUTH, TRUTH_COLOR = "truth", "black"
#: Relative errors that are drawn; smaller and larger ones stand at the edge.
ERRORS = (1e-3, 10.0)
MEDIAN = ["relative_error", "relative_error_low", "relative_error_high"]


def convergence_figure(
    judged: Judged, table: pd.DataFrame, titles: Mapping[str, str], note: str | None = None
) -> Drawing:
    """Draw relative errors: a row an evaluation function, a column a data set.

    In each panel first those of the published truths, a point a set and their medians; then the median errors of IF,
    RIF and NS, as each truth has them.

    Parameters
    ----------
    judged : Judged
    table : pandas.DataFrame
        Of ``convergence_tables.convergence_table``.
    titles : mapping from data set to title
        Columns, in order.
    note : str, optional
        What readers have to know, beside the panels.

    Returns
    -------
    Drawing
        ``shown`` of the points is ``set`` or ``median``.
    """
    pairs = judged.pairs
    rows = [name for name in EVALUATIONS if name in set(pairs["evaluation"])] or list(EVALUATIONS)
    sets = pairs[pairs["method"].isin(TRUTHS)]
    sets = sets.assign(relative_error=np.abs(sets["predicted"] - sets["actual"]) / np.abs(sets["actual"]))
    sets, medians = (of[of["evaluation"].isin(rows) & of["dataset"].isin(titles)] for of in (sets, table))
    with style():
        figure, grid = panels([len(titles)] * len(rows))
        for evaluation, axes in zip(rows, grid, strict=True):
            for dataset, ax in zip(titles, axes, strict=True):
                _truths(ax, _of(sets, evaluation, dataset), _of(medians, evaluation, dataset))
                _estimators(ax, _of(medians, evaluation, dataset))
                _scale(ax)
            axes[0].set_ylabel(f"{EVALUATIONS[evaluation]}\nrelative error")
        for title, first in zip(titles.values(), grid[0], strict=True):
            head(first, title)
        missing = f"{len(judged.left_out)} sets not certified, left out" if judged.left_out else None
        explain(figure, _entries(), "Error of", [EXPLANATION, missing, note])
    drawn = [sets.assign(shown="set"), medians.assign(shown="median")]
    return Drawing(figure, pd.concat(drawn, ignore_index=True))


EXPLANATION = (
    "Published truths are retrained\n"
    "from NS until a loose rule stops\n"
    "them. Faint: each set; else medians\n"
    "and 95 % intervals. Dotted: "
    f"{100 * OFF:g} %.\n"
    "Beyond the axis: at its edge."
)


def _entries() -> list[Any]:
    """Legend: whose error, and held against which truth."""
    return [
        entry("truth not certified", marker="o", color=TRUTH_COLOR, markersize=6),
        *(entry(METHODS[method], marker="o", color=COLORS[method], markersize=6) for method in METHODS),
        entry(""),
        entry("held against:"),
        *(entry(name, marker=marker, markersize=4.5) for marker, _, name in TRUTHS.values()),
        entry("(first place: error of that"),
        entry("truth by the certified one)"),
    ]


def _of(rows: pd.DataFrame, evaluation: str, dataset: str) -> pd.DataFrame:
    return rows[(rows["evaluation"] == evaluation) & (rows["dataset"] == dataset)]


def _truths(ax: Axes, sets: pd.DataFrame, medians: pd.DataFrame) -> None:
    """Errors of the published truths by the certified one: of each set, and the median."""
    for truth in (STOPPED, PIPELINE, SIMPLIFIED):
        marker, offset, _ = TRUTHS[truth]
        errors = sets.loc[sets["method"] == truth, "relative_error"].clip(*ERRORS)
        look: dict[str, Any] = {"color": TRUTH_COLOR, "markersize": 2, "markeredgewidth": 0, "alpha": 0.2}
        ax.plot(np.full(len(errors), offset), errors, marker, clip_on=False, **look)
        _median(ax, offset, marker, TRUTH_COLOR, medians.loc[medians["method"] == truth, MEDIAN].to_numpy())


def _estimators(ax: Axes, medians: pd.DataFrame) -> None:
    """Median errors of the estimators by each truth."""
    for place, method in enumerate(METHODS, start=1):
        for truth, (marker, offset, _) in TRUTHS.items():
            found = medians.loc[(medians["method"] == method) & (medians["judge"] == truth), MEDIAN].to_numpy()
            _median(ax, place + offset, marker, COLORS[method], found)


def _median(ax: Axes, place: float, marker: str, color: str, found: Array) -> None:
    """A median with its interval, (1, 3); nothing where there is none."""
    for value, *interval in np.clip(found, *ERRORS):
        ax.plot([place] * 2, interval, color=color, linewidth=1)
        ax.plot(place, value, marker, color=color, markersize=3.5, clip_on=False)


def _scale(ax: Axes) -> None:
    ax.axhline(OFF, color=NEUTRAL, linewidth=0.7, linestyle=":", zorder=1)
    places = [TRUTH, *METHODS.values()]
    ax.set(xlim=(-0.5, len(places) - 0.5), xticks=range(len(places)), xticklabels=places, ylim=ERRORS, yscale="log")
    ax.yaxis.set_major_locator(LogLocator(numticks=6))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
    ax.yaxis.set_minor_formatter(NullFormatter())

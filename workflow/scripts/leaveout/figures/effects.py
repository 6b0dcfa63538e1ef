"""Figures 1 and 4: predicted against actual effects of removal sets, data sets under their own settings."""

from collections.abc import Mapping

from leaveout.comparison import Comparison
from leaveout.figures.style import (
    MARKERS,
    METHODS,
    Drawing,
    entry,
    explain,
    head,
    left_out,
    method_entries,
    panels,
    scatter,
    strategy_entries,
    style,
)
from leaveout.plotted import PLOTTED_EVALUATIONS

EVALUATIONS = {name: name.replace("_", " ") for name in PLOTTED_EVALUATIONS}


def effects_figure(
    comparison: Comparison, titles: Mapping[str, str], quantity: str = "effect", note: str | None = None
) -> Drawing:
    """Draw predicted against actual effects: a row an evaluation function, a column a data set.

    Parameters
    ----------
    comparison : Comparison
        Pairs of one variant a data set.
    titles : mapping from data set to title
        Columns, in order.
    quantity : str
        What is compared, in the readers' words.
    note : str, optional
        What readers have to know, beside the panels.
    """
    pairs = comparison.pairs
    points = pairs[pairs["evaluation"].isin(EVALUATIONS) & pairs["dataset"].isin(titles)]
    rows = [name for name in EVALUATIONS if name in set(points["evaluation"])] or list(EVALUATIONS)
    with style():
        figure, grid = panels([len(titles)] * len(rows))
        for evaluation, axes in zip(rows, grid, strict=True):
            for dataset, ax in zip(titles, axes, strict=True):
                chosen = points[(points["evaluation"] == evaluation) & (points["dataset"] == dataset)]
                scatter(ax, chosen, chosen["strategy"].map(lambda name: MARKERS[name][0]))
            axes[0].set_ylabel(f"{EVALUATIONS[evaluation]}\npredicted {quantity}")
        for title, first, last in zip(titles.values(), grid[0], grid[-1], strict=True):
            head(first, title)
            last.set_xlabel(f"actual {quantity}\n(retraining)")
        entries = [*method_entries(METHODS), entry(""), *strategy_entries(points["strategy"])]
        notes = [*left_out(comparison, "sets"), note]
        explain(figure, entries, "Estimator, removal strategy", notes)
    return Drawing(figure, points)

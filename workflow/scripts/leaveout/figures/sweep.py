"""Figure 2: predicted against actual effects where training size, regularisation or convention vary."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from leaveout.comparison import SETS, Comparison, Key
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

#: Inches from one row of panels with titles to the next.
TITLED = 0.65
#: What can vary, in readers' words.
SETTINGS = {
    "n_train": "n = {}",
    "regularization": "λ = {:g}",
    "regularizer": "regulariser {}",
    "intercept": "intercept {}",
}
#: What tells sets of several variants apart in this figure's numbers.
VARIANTS = Key((*SETTINGS, *SETS.columns), SETS.place, SETS.name)


def swept_evaluation(evaluations: Sequence[str]) -> str:
    """The evaluation function that Figure 2 shows: ``self_loss`` as in the paper, or else the first that figures show.

    Parameters
    ----------
    evaluations : sequence of str
        Those of a study, one at least among `PLOTTED_EVALUATIONS`.
    """
    return next(name for name in ("self_loss", *PLOTTED_EVALUATIONS) if name in evaluations)


def panel_title(variant: pd.DataFrame, settings: Sequence[str]) -> str:
    """What some settings are in the rows of a variant, ``n = 769, λ = 0.001``; nothing if no row is certified."""
    return ", ".join(SETTINGS[name].format(variant[name].iloc[0]) for name in settings) if len(variant) else ""


def sweep_figure(
    comparison: Comparison,
    sweeps: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    evaluation: str,
    note: str | None = None,
) -> Drawing:
    """Draw predicted against actual effects: a row a sweep, a panel a run in the order of the values.

    Parameters
    ----------
    comparison : Comparison
        Pairs of one evaluation function, with the key `VARIANTS`.
    sweeps : sequence of mapping
        ``dataset``, ``settings`` that differ, and ``variants`` in order.
    titles : mapping from data set to title
    evaluation : str
    note : str, optional
        What readers have to know, beside the panels.

    Returns
    -------
    Drawing
        ``row`` of the points counts from 1; a run that two sweeps share is in both.
    """
    quantity, drawn = evaluation.replace("_", " "), []
    with style():
        figure, grid = panels([len(sweep["variants"]) for sweep in sweeps], above=TITLED)
        for row, (sweep, axes) in enumerate(zip(sweeps, grid, strict=True), start=1):
            of_dataset = comparison.pairs[comparison.pairs["dataset"] == sweep["dataset"]]
            for variant, ax in zip(sweep["variants"], axes, strict=True):
                pairs = of_dataset[of_dataset["variant"] == variant]
                scatter(ax, pairs, pairs["strategy"].map(lambda name: MARKERS[name][0]))
                head(ax, panel_title(pairs, sweep["settings"]) or variant)
                drawn.append(pairs.assign(row=row))
            axes[0].set_ylabel(f"{titles[sweep['dataset']]}\npredicted {quantity} effect", parse_math=False)
        for above, below in zip(grid, [*grid[1:], []], strict=True):
            for ax in above[len(below) :]:  # the lowest panels of their columns
                ax.set_xlabel(f"actual {quantity} effect\n(retraining)")
        points = pd.concat(drawn, ignore_index=True)
        entries = [*method_entries(METHODS), entry(""), *strategy_entries(points["strategy"])]
        notes = [*left_out(comparison, "sets"), note]
        explain(figure, entries, "Estimator, removal strategy", notes)
    return Drawing(figure, points[["row", *points.columns.drop("row")]])

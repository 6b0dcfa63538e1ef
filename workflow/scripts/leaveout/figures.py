"""Figures: predicted against actual effects. The only module that knows colours."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from leaveout import files
from leaveout.arrays import Array
from leaveout.comparison import Comparison
from leaveout.plotted import PLOTTED_EVALUATIONS

#: Okabe & Ito's green, blue and sky blue: the paper's colours, told apart by colour-blind readers too.
COLORS = {"if": "#009E73", "rif": "#0072B2", "newton": "#56B4E9"}
METHODS = {"if": "IF", "rif": "RIF", "newton": "NS"}
MARKERS = {
    "random": ("o", "random"),
    "cluster_feature": ("s", "cluster (feature)"),
    "cluster_l2": ("D", "cluster (L2)"),
    "top_positive_test_loss": ("^", "top positive test loss"),
    "top_negative_test_loss": ("v", "top negative test loss"),
    "top_positive_test_prediction": (">", "top positive test prediction"),
    "top_negative_test_prediction": ("<", "top negative test prediction"),
}
EVALUATIONS = {name: name.replace("_", " ") for name in PLOTTED_EVALUATIONS}

PANEL, LEGEND, MARGIN = 2.2, 2.0, 0.7  # inches
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # fonts embedded as fonts: text can be searched and edited
    "svg.fonttype": "path",
    "svg.hashsalt": "leaveout",
    "savefig.dpi": 200,
}
#: Share of the sets that a panel's limits must hold, and how much farther they go to hold all of them.
CENTRAL, STRETCH = 0.98, 1.5


def effects_figure(
    comparison: Comparison, titles: Mapping[str, str], quantity: str = "effect", note: str | None = None
) -> Figure:
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
        What readers have to know, below the panels.
    """
    pairs = comparison.pairs
    rows = [name for name in EVALUATIONS if name in set(pairs["evaluation"])] or list(EVALUATIONS)
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        width, height = PANEL * len(titles) + MARGIN + LEGEND, PANEL * len(rows) + MARGIN
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(len(rows), len(titles), squeeze=False)
        for i, evaluation in enumerate(rows):
            for j, dataset in enumerate(titles):
                chosen = pairs[(pairs["evaluation"] == evaluation) & (pairs["dataset"] == dataset)]
                _panel(axes[i, j], chosen)
            axes[i, 0].set_ylabel(f"{EVALUATIONS[evaluation]}\npredicted {quantity}")
        for j, title in enumerate(titles.values()):
            axes[0, j].set_title(title)
            axes[-1, j].set_xlabel(f"actual {quantity} (retraining)")
        figure.legend(
            handles=_legend(set(pairs["strategy"])), loc="outside right upper", title="Estimator, removal strategy"
        )
        left_out = f"{len(comparison.uncertified)} sets not certified, not drawn" if comparison.uncertified else None
        if notes := [text for text in (left_out, note) if text]:
            figure.text(0.99, 0.01, "\n".join(notes), ha="right", va="bottom")
    return figure


def _panel(ax: Axes, pairs: pd.DataFrame) -> None:
    low, high = _limits(pairs["actual"].to_numpy(), pairs["predicted"].to_numpy())
    ax.plot([low, high], [low, high], color="black", linewidth=0.8, zorder=1)
    for depth, method in enumerate(METHODS, start=2):
        chosen = pairs[pairs["method"] == method]
        for strategy, group in chosen.groupby("strategy"):
            style: dict[str, Any] = {"marker": MARKERS[str(strategy)][0], "color": COLORS[method], "zorder": depth}
            ax.scatter(group["actual"], group["predicted"], s=11, alpha=0.75, linewidths=0, **style)
    inside = pairs[["actual", "predicted"]].apply(lambda values: values.between(low, high)).all(axis=1)
    if not inside.all():
        note = f"{int((~inside).sum())} points outside the panel"
        ax.text(0.03, 0.97, note, transform=ax.transAxes, ha="left", va="top", fontsize=7)
    ax.set(xlim=(low, high), ylim=(low, high), box_aspect=1)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))


def _limits(actual: Array, predicted: Array) -> tuple[float, float]:
    """Limits of both axes: all points, unless a few outliers would squeeze the others."""
    if not len(actual):
        return -1.0, 1.0
    values = np.concatenate([actual, predicted, [0.0]])
    tail = (1 - CENTRAL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    reach = (STRETCH - 1) * (high - low)
    within = values[(values >= low - reach) & (values <= high + reach)]
    padding = 0.05 * (np.ptp(within) or 1.0)
    return float(within.min() - padding), float(within.max() + padding)


def _legend(strategies: set[str]) -> list[Line2D]:
    def entry(label: str, **style: Any) -> Line2D:
        return Line2D([], [], linestyle="none", label=label, **style)

    shown = [(marker, label) for name, (marker, label) in MARKERS.items() if name in strategies]
    return [
        *(entry(METHODS[method], marker="o", color=COLORS[method], markersize=6) for method in METHODS),
        Line2D([], [], color="black", linewidth=0.8, label="prediction = truth"),
        entry(""),
        *(entry(label, marker=marker, color="0.35", markersize=4.5) for marker, label in shown),
    ]


def save(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write a figure in the formats that the paths' endings name; the same figure gives the same bytes."""
    dateless: Mapping[str, Mapping[str, Any]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        for path in map(Path, paths):
            with files.complete(path) as unfinished:
                figure.savefig(unfinished, format=path.suffix[1:], metadata=dict(dateless.get(path.suffix, {})))

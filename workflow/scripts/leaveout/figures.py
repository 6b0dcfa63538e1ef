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
EVALUATIONS = {"test_prediction": "test prediction", "test_loss": "test loss", "self_loss": "self loss"}

PANEL, LEGEND, MARGIN = 2.3, 1.75, 0.65  # inches
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
#: Predictions may widen a panel up to these quantiles of theirs; actual effects are always inside.
KEPT = (0.01, 0.99)


def effects_figure(comparison: Comparison, titles: Mapping[str, str]) -> Figure:
    """Draw predicted against actual effects: a row an evaluation function, a column a data set.

    Parameters
    ----------
    comparison : Comparison
        Pairs of one variant a data set.
    titles : mapping from data set to title
        Columns, in order.
    """
    pairs = comparison.pairs
    rows = [name for name in EVALUATIONS if name in set(pairs["evaluation"])]
    with mpl.rc_context(STYLE):
        width, height = PANEL * len(titles) + MARGIN + LEGEND, PANEL * len(rows) + MARGIN
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(len(rows), len(titles), squeeze=False)
        for i, evaluation in enumerate(rows):
            for j, dataset in enumerate(titles):
                chosen = pairs[(pairs["evaluation"] == evaluation) & (pairs["dataset"] == dataset)]
                _panel(axes[i, j], chosen)
            axes[i, 0].set_ylabel(f"{EVALUATIONS[evaluation]}\npredicted effect")
        for j, title in enumerate(titles.values()):
            axes[0, j].set_title(title)
            axes[-1, j].set_xlabel("actual effect (retraining)")
        figure.legend(handles=_legend(set(pairs["strategy"])), loc="outside right upper")
        if comparison.uncertified:
            figure.text(
                0.99, 0.01, f"{len(comparison.uncertified)} sets not certified, not drawn", ha="right", va="bottom"
            )
    return figure


def _panel(ax: Axes, pairs: pd.DataFrame) -> None:
    actual, predicted = pairs["actual"].to_numpy(), pairs["predicted"].to_numpy()
    low, high = _limits(actual, predicted)
    ax.plot([low, high], [low, high], color="black", linewidth=0.8, zorder=1, label="_diagonal")
    order = {method: position for position, method in enumerate(METHODS)}
    for (method, strategy), group in sorted(
        pairs.groupby(["method", "strategy"]), key=lambda item: order[str(item[0][0])]
    ):
        ax.scatter(
            group["actual"],
            group["predicted"],
            s=11,
            marker=MARKERS[str(strategy)][0],
            color=COLORS[str(method)],
            alpha=0.75,
            linewidths=0,
            zorder=2 + order[str(method)],
        )
    outside = int(np.sum((predicted < low) | (predicted > high)))
    if outside:
        ax.text(
            0.97, 0.03, f"{outside} predictions outside", transform=ax.transAxes, ha="right", va="bottom", fontsize=7
        )
    ax.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5))


def _limits(actual: Array, predicted: Array) -> tuple[float, float]:
    """Both axes' limits: all actual effects, and the predictions but for the farthest hundredth."""
    if not len(actual):
        return -1.0, 1.0
    bounds = np.concatenate([actual, np.quantile(predicted, KEPT), [0.0]])
    padding = 0.05 * (np.ptp(bounds) or 1.0)
    return float(bounds.min() - padding), float(bounds.max() + padding)


def _legend(strategies: set[str]) -> list[Line2D]:
    def entry(label: str, **style: Any) -> Line2D:
        return Line2D([], [], linestyle="none", label=label, **style)

    handles = [entry("Estimator")]
    handles += [entry(METHODS[m], marker="o", color=COLORS[m], markersize=6) for m in METHODS]
    handles += [entry(""), entry("Removal strategy")]
    shown = [(marker, label) for name, (marker, label) in MARKERS.items() if name in strategies]
    handles += [entry(label, marker=marker, color="0.35", markersize=4.5) for marker, label in shown]
    handles += [entry(""), Line2D([], [], color="black", linewidth=0.8, label="prediction = truth")]
    return handles


def save(figure: Figure, paths: Iterable[str | Path]) -> None:
    """Write a figure in the formats that the paths' endings name; the same figure gives the same bytes."""
    dateless: Mapping[str, Mapping[str, Any]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    with mpl.rc_context(STYLE):
        for path in map(Path, paths):
            with files.complete(path) as unfinished:
                figure.savefig(unfinished, format=path.suffix[1:], metadata=dict(dateless.get(path.suffix, {})))

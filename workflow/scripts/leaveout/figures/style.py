"""What all figures share: colours, markers, panels of one size, axes that nothing squeezes, and files fit for print."""

import io
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

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
NEUTRAL = "0.35"

#: Inches: a panel's side, what lies between two of a row and of a column, and what lies around all of them.
PANEL, BETWEEN, ABOVE = 1.7, 0.55, 0.45
LEFT, RIGHT, TOP, BOTTOM = 0.85, 2.3, 0.55, 0.62
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titlepad": 13,  # the axes' common factor stands below
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.frameon": False,
    "legend.borderaxespad": 0,
    "pdf.fonttype": 42,  # fonts embedded as fonts: text can be searched and edited
    "svg.fonttype": "path",
    "svg.hashsalt": "leaveout",
    "savefig.dpi": 200,
}
#: Characters in a line above a panel.
HEAD = 32
#: Share of the points that a panel's limits must hold, and how much farther they go to hold all of them.
CENTRAL, STRETCH = 0.98, 1.5
#: Powers of ten of the largest value on an axis that tick labels write out.
WRITTEN_OUT = range(-1, 4)
NOTHING: Array = np.empty(0)
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure and its numbers.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    points : pandas.DataFrame
        A row for each point that is drawn, and for each that lies outside its panel's limits, which the panel counts.
    """

    figure: Figure
    points: pd.DataFrame


@contextmanager
def style() -> Iterator[None]:
    """Draw in the figures' own style, whatever the reader's is."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        yield


def panels(
    counts: Sequence[int], between: float = BETWEEN, above: float = ABOVE, below: float = BOTTOM, left: float = LEFT
) -> tuple[Figure, list[list[Axes]]]:
    """Square panels of ``PANEL`` inches, beside them room for a legend.

    Parameters
    ----------
    counts : sequence of int
        Panels in each row.
    between, above, below, left : float
        Inches from one panel to the next in its row, and in its column; below the last; and left of the first.
    """
    width = left + max(counts) * PANEL + (max(counts) - 1) * between + RIGHT
    height = TOP + len(counts) * PANEL + (len(counts) - 1) * above + below
    figure = Figure(figsize=(width, height))
    rows = []
    for i, count in enumerate(counts):
        bottom = height - TOP - (i + 1) * PANEL - i * above
        lefts = [left + j * (PANEL + between) for j in range(count)]
        rows.append([figure.add_axes((x / width, bottom / height, PANEL / width, PANEL / height)) for x in lefts])
    return figure, rows


def head(ax: Axes, title: str) -> None:
    """Put a title above a panel, in two lines at most that leave its neighbours room; a $ in it is a $."""
    ax.set_title("\n".join(textwrap.wrap(title, HEAD, max_lines=2, placeholder=" …")), parse_math=False)


def scatter(ax: Axes, pairs: pd.DataFrame, markers: pd.Series, certainly: Array = NOTHING) -> None:
    """Draw predicted against actual, and the diagonal on which the prediction is the truth.

    Both axes have the same limits; points that these leave out are counted in the panel.

    Parameters
    ----------
    ax : Axes
    pairs : pandas.DataFrame
        ``method``, ``actual``, ``predicted``.
    markers : pandas.Series
        Marker of each, by the same index.
    certainly : array
        Values that the limits hold, whatever the others are.
    """
    low, high = limits(pairs["actual"].to_numpy(), pairs["predicted"].to_numpy(), certainly)
    ax.plot([low, high], [low, high], color="black", linewidth=0.8, zorder=1)
    for depth, method in enumerate(METHODS, start=2):
        chosen = pairs[pairs["method"] == method]
        for marker, group in chosen.groupby(markers.loc[chosen.index], sort=False):
            shape: dict[str, Any] = {"marker": marker, "color": COLORS[method], "zorder": depth}
            ax.scatter(group["actual"], group["predicted"], s=11, alpha=0.75, linewidths=0, **shape)
    inside = pairs[["actual", "predicted"]].apply(lambda values: values.between(low, high)).all(axis=1)
    if outside := int((~inside).sum()):
        note = f"{outside} point{'s' if outside > 1 else ''} outside"
        ax.text(0.03, 0.97, note, transform=ax.transAxes, ha="left", va="top", fontsize=7)
    ax.set(xlim=(low, high), ylim=(low, high))
    _tick(ax, max(abs(low), abs(high)))


def limits(actual: Array, predicted: Array, certainly: Array = NOTHING) -> tuple[float, float]:
    """Limits of both axes: all points, unless a few outliers would squeeze the others; and what they hold certainly."""
    if not len(actual):
        return -1.0, 1.0
    values = np.concatenate([actual, predicted, [0.0]])
    tail = (1 - CENTRAL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    reach = (STRETCH - 1) * (high - low)
    within = np.append(values[(values >= low - reach) & (values <= high + reach)], certainly)
    padding = 0.05 * (np.ptp(within) or 1.0)
    return float(within.min() - padding), float(within.max() + padding)


def _tick(ax: Axes, largest: float) -> None:
    """Few ticks with short labels, the same on both axes; a common power of ten stands once, above the panel."""
    power = math.floor(math.log10(largest))
    if power in WRITTEN_OUT:
        power = 0
    else:
        factor = f"axes × 10{str(power).translate(SUPERSCRIPT)}"
        ax.text(0, 1.03, factor, transform=ax.transAxes, ha="left", va="bottom", fontsize=7, color=NEUTRAL)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 10**power:g}".replace("-", "−")))


def entry(label: str, **look: Any) -> Line2D:
    """Entry of a legend."""
    return Line2D([], [], label=label, **{"linestyle": "none", "color": NEUTRAL} | look)


def method_entries(methods: Iterable[str]) -> list[Line2D]:
    """Entries of the estimators' colours, and of the diagonal."""
    colours = [entry(METHODS[method], marker="o", color=COLORS[method], markersize=6) for method in methods]
    return [*colours, entry("prediction = truth", linestyle="-", color="black", linewidth=0.8)]


def strategy_entries(strategies: Iterable[str]) -> list[Line2D]:
    """Entries of the removal strategies' markers, in the order of `MARKERS`."""
    drawn = set(strategies)
    return [entry(label, marker=marker, markersize=4.5) for name, (marker, label) in MARKERS.items() if name in drawn]


def explain(figure: Figure, entries: Iterable[Line2D], title: str, notes: Iterable[str | None]) -> None:
    """Put the legend beside the panels, and below it what readers have to know, if there is anything."""
    width, height = figure.get_size_inches()
    left = (width - RIGHT + 0.25) / width
    figure.legend(
        handles=list(entries),
        loc="upper left",
        bbox_to_anchor=(left, (height - 0.2) / height),
        title=title,
        alignment="left",
    )
    if said := [note for note in notes if note]:
        figure.text(left, 0.1 / height, "\n".join(said), ha="left", va="bottom", fontsize=7)


def left_out(comparison: Comparison, what: str) -> list[str]:
    """Say how many removals have no certificate, and how many predictions no number, if any."""
    missing = {
        f"{what} not certified, not drawn": comparison.uncertified,
        "predictions not computed": comparison.uncomputed,
    }
    return [f"{len(names)} {fate}" for fate, names in missing.items() if names]


def save(drawing: Drawing, paths: Iterable[str | Path]) -> None:
    """Write a figure in the formats that the paths' endings name, and its points to those that end in ``.csv``."""
    for path in map(Path, paths):
        if path.suffix == ".csv":
            with files.complete(path) as unfinished:
                drawing.points.to_csv(unfinished, index=False, lineterminator="\n")
        else:
            write_figure(drawing.figure, path)


def write_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure in the format that the path's ending names; the same figure gives the same bytes."""
    dateless: Mapping[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    form = Path(path).suffix[1:]
    drawn = io.BytesIO()  # matplotlib's pdf hides the error of a full disk behind one of its own
    with style():
        figure.savefig(drawn, format=form, metadata=dateless.get(form, {}))
    with files.complete(path) as unfinished:
        unfinished.write_bytes(drawn.getvalue())

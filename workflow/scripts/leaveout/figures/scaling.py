"""Figure `audit_scaling`: how fast the errors of predictions grow with k, n and d, beside what theory says."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from leaveout.figures.style import Drawing, entry, explain, head, panels, style
from leaveout.scaling import SYNTHETIC
from leaveout.scaling_tables import GAPS, cells

#: Inches from one row of panels to the next: each has labels of its own.
ABOVE = 0.75
#: Colours of n from the fewest samples to the most, and of d: light to dark, told apart by colour-blind readers too.
DARKNESS = (0.35, 1.0)
#: Markers of n where colours are those of d.
MARKERS = "osD^vP*X"
#: How far beside the points a guide line runs.
BESIDE = 1.6
FORMS = {
    "if_newton": "(k + d) √(k d) / n²",
    "rif_newton": "√(k (k−1) d) (√k + √d) / n²",
    "newton_truth": "k d / n²",
}


def scaling_figure(rows: pd.DataFrame, titles: Mapping[str, str], note: str | None = None) -> Drawing:
    """Draw mean norms of differences: against k, against the theory's form, and of data sets.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of ``scaling_tables.read_scaling``.
    titles : mapping from data set to title
        Rows of panels below those of the made-up designs, in order; data sets without rows are left out.
    note : str, optional
        What readers have to know, beside the panels.

    Returns
    -------
    Drawing
        ``row`` of the points counts from 1; points of made-up designs may be in both of their rows.
    """
    found = pd.concat([cells(rows, gap).assign(gap=gap) for gap in GAPS], ignore_index=True)
    measured = [name for name in titles if name in set(found["dataset"])]
    made = found[found["dataset"] == SYNTHETIC]
    middle = _middle(rows.loc[rows["dataset"] == SYNTHETIC, "d"])
    shown = [made[made["d"] == middle], *(found[found["dataset"] == name] for name in measured)]
    names = [f"made-up designs\nof d = {middle}", *(titles[name] for name in measured)]
    with style():
        figure, grid = panels([len(GAPS)] * (2 + len(measured)), above=ABOVE)
        for title, ax in zip(GAPS.values(), grid[0], strict=True):
            head(ax, f"‖{title.name}‖")
        _collapsed(grid[1], made)
        for axes, points, name in zip([grid[0], *grid[2:]], shown, names, strict=True):
            _by_size(axes, points, name)
        for axes in grid:
            _same_heights(axes)
        explain(figure, _entries(found, made), "Mean over random sets T", [EXPLANATION, note])
    drawn = [shown[0].assign(row=1), made.assign(row=2)]
    drawn += [points.assign(row=row) for row, points in enumerate(shown[1:], start=3)]
    points = pd.concat(drawn, ignore_index=True)
    return Drawing(figure, points[["row", "gap", *points.columns.drop(["row", "gap"])]])


EXPLANATION = (
    "Euclidean norms of parameters;\n"
    "a point: the mean of the draws\n"
    "of one design. Dashed: theory,\n"
    "up to constants and logarithms"
)


def _middle(values: pd.Series) -> int:
    """The middle one of the values that there are."""
    different = np.sort(values.unique())
    return int(different[len(different) // 2])


def _shades(values: pd.Series, name: str) -> dict[float, Any]:
    """Colours of the values that there are, the larger the darker."""
    import matplotlib as mpl

    different = np.sort(values.unique())
    return dict(zip(different, mpl.colormaps[name](np.linspace(*DARKNESS, len(different))), strict=True))


def _by_size(axes: Sequence[Axes], points: pd.DataFrame, name: str) -> None:
    """One row of panels: norms against k, a colour for each n."""
    for gap, ax in zip(GAPS, axes, strict=True):
        own = points[points["gap"] == gap]
        for n, color in _shades(own["n_train"], "Blues").items():
            group = own[own["n_train"] == n]
            ax.plot(group["size"], group["mean"], "o", markersize=2.5, markeredgewidth=0, color=color)
            line = group.groupby("size")[["mean", "form"]].mean()
            constant = np.exp(np.log(line["mean"] / line["form"]).mean())
            ax.plot(line.index, constant * line["form"], "--", color=color, linewidth=0.8)
        _logarithmic(ax, "k, samples removed")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for height, (n, color) in enumerate(reversed(_shades(points["n_train"], "Blues").items())):
        look: dict[str, Any] = {"ha": "right", "fontsize": 6, "color": color, "transform": axes[0].transAxes}
        axes[0].text(0.99, 0.03 + 0.07 * height, f"n = {n}", **look)
    axes[0].set_ylabel(f"{name}\nnorm of the difference", parse_math=False)


def _collapsed(axes: Sequence[Axes], made: pd.DataFrame) -> None:
    """The second row: norms of all made-up designs against the theory's form."""
    markers = dict(zip(np.sort(made["n_train"].unique()), MARKERS * 9, strict=False))
    colors = _shades(made["d"], "viridis_r")
    for gap, ax in zip(GAPS, axes, strict=True):
        _logarithmic(ax, FORMS[gap])
        own = made[made["gap"] == gap]
        if own.empty:
            continue
        for n, d in own[["n_train", "d"]].drop_duplicates().itertuples(index=False):
            group = own[(own["n_train"] == n) & (own["d"] == d)]
            look: dict[str, Any] = {"color": colors[d], "markersize": 2.5, "markeredgewidth": 0, "alpha": 0.8}
            ax.plot(group["form"], group["mean"], markers[n], **look)
        constant = np.exp(np.log(own["mean"] / own["form"]).mean())
        ends = np.array([own["form"].min() / BESIDE, own["form"].max() * BESIDE])
        ax.plot(ends, constant * ends, "--", color="black", linewidth=0.8, zorder=1)
    axes[0].set_ylabel("all made-up designs\nnorm of the difference")


def _same_heights(axes: Sequence[Axes]) -> None:
    """Give the panels of a row one scale: which difference is larger is seen at once; empty ones have none."""
    limits = np.ravel([ax.get_ylim() for ax in axes if ax.lines])
    for ax in axes if len(limits) else []:
        ax.set_ylim(limits.min(), limits.max())


def _logarithmic(ax: Axes, label: str) -> None:
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel(label)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(numticks=5))
        axis.set_minor_formatter(NullFormatter())


def _entries(found: pd.DataFrame, made: pd.DataFrame) -> list[Any]:
    """Legend: what colours and markers of the second row are, and the guide lines."""
    colors = _shades(made["d"], "viridis_r")
    markers = dict(zip(np.sort(made["n_train"].unique()), MARKERS * 9, strict=False))
    return [
        entry("theory's slope", linestyle="--", color="black", linewidth=0.8),
        entry(""),
        entry("second row:"),
        *(entry(f"d = {d}", marker="o", color=color, markersize=5) for d, color in colors.items()),
        *(entry(f"n = {n}", marker=marker, markersize=4.5) for n, marker in markers.items()),
    ]

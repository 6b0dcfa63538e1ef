"""Figure `audit_theorem`: how far RIF is from the Newton step, beside the bounds of Theorem 3.1 and its companions."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from leaveout.figures.style import NEUTRAL, Drawing, entry, explain, head, panels, style
from leaveout.plotted import PLOTTED_EVALUATIONS

#: Bounds from the loosest: colour, told apart by colour-blind readers too, width of the line, and what it is called.
BOUNDS = {
    "data_theorem": ("black", 1, "Theorem 3.1, constants\nof all samples"),
    "theorem": (
        "#D55E00",
        2,
        "Theorem 3.1, constants\nof the set",
    ),  # wide, since the next one holds for almost the same sets
    "sharper": ("#E69F00", 1, "sharper constant"),
    "row_sums": ("#CC79A7", 1, "row sums"),
    "spectral": ("#5D3A9B", 1, "spectral"),
}
#: Columns of the figure's numbers.
POINTS = ["dataset", "variant", "evaluation", "strategy", "size", "set_id", "threshold", "applies", "data_applies"]
POINTS += ["observed", *(f"{name}_bound" for name in BOUNDS)]
#: What the rows of panels show.
LABELS = ("difference in\n{}", "share of a bound\nthat is observed", "sets for which\na bound holds")
#: Room for tick labels like 10^-4 between panels.
BETWEEN = 0.65
EXPLANATION = (
    "difference: |⟨∇f, NS − RIF⟩| of each\n"
    "set of k ≥ 2 samples (of one, NS\n"
    "is RIF), and what the theorem\n"
    "bounds it by, with the constants\n"
    "of the set; share of a bound:\n"
    "median, and dotted the worst,\n"
    "over the sets that it holds for;\n"
    "1 is a bound that is attained"
)


def shown_evaluation(evaluations: Sequence[str]) -> str | None:
    """The function that the figure shows: the first that figures show among those with a gradient; None of none."""
    known = [*PLOTTED_EVALUATIONS, *evaluations]
    return next((name for name in known if name in evaluations), None)


def theorem_figure(rows: pd.DataFrame, titles: Mapping[str, str], note: str | None = None) -> Drawing:
    """Draw the observed difference and its bounds against k, how much of each bound that is, and how often each holds.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of ``theorem_tables.read_theorem``; those under the run's own convention are drawn.
    titles : mapping from data set to title
        Columns, in order.
    note : str, optional
        What readers have to know, beside the panels.
    """
    evaluation = shown_evaluation(rows["evaluation"].unique().tolist())
    drawn = rows[rows["own"] & (rows["evaluation"] == evaluation) & rows["dataset"].isin(titles)]
    with style():
        figure, grid = panels([len(titles)] * 3, between=BETWEEN)
        for place, dataset in enumerate(titles):
            of_dataset = drawn[drawn["dataset"] == dataset]
            for axes, draw in zip(grid, (_differences, _ratios, _shares), strict=True):
                draw(axes[place], of_dataset)
                _sizes(axes[place], of_dataset)
            head(grid[0][place], titles[dataset])
            grid[-1][place].set_xlabel("removed samples k")
        quantity = (evaluation or "effect").replace("_", " ")
        for axes, label in zip(grid, LABELS, strict=True):
            axes[0].set_ylabel(label.format(quantity))
        entries = [
            entry("k below the theorem's\nthreshold", marker="o", markersize=4),
            entry("k above it", marker="o", markersize=4, markerfacecolor="none"),
            entry("what the theorem says", marker="_", color=BOUNDS["theorem"][0], markersize=6),
            entry(""),
            *(entry(label, linestyle="-", color=color, linewidth=width) for color, width, label in BOUNDS.values()),
        ]
        missing = int(drawn["observed"].isna().sum())
        uncomputed = f"{missing} sets without a Newton step" if missing else None
        explain(figure, entries, "Observed, and bounds", [EXPLANATION, uncomputed, note])
    return Drawing(figure, drawn[POINTS].reset_index(drop=True))


def _differences(ax: Axes, rows: pd.DataFrame) -> None:
    """Observed differences, filled where the theorem speaks of the set, and what it says there."""
    positive = rows[rows["observed"] > 0]
    for applies, face in ((True, NEUTRAL), (False, "none")):
        sets = positive[positive["applies"] == applies]
        ax.scatter(sets["size"], sets["observed"], s=7, facecolors=face, edgecolors=NEUTRAL, linewidths=0.5, zorder=2)
    bounded = positive[positive["theorem_bound"] > 0]
    ax.scatter(bounded["size"], bounded["theorem_bound"], s=22, marker="_", color=BOUNDS["theorem"][0], linewidths=0.8)
    if len(positive):
        ax.set_yscale("log")


def _ratios(ax: Axes, rows: pd.DataFrame) -> None:
    """Observed difference over each bound, median and worst of the sets that it holds for."""
    for name, (color, width, _) in BOUNDS.items():
        bounded = rows[(rows[f"{name}_bound"] > 0) & (rows["observed"] > 0)]
        ratios = (bounded["observed"] / bounded[f"{name}_bound"]).groupby(bounded["size"])
        ax.plot(ratios.median(), color=color, linewidth=width, marker=".", markersize=3)
        ax.plot(ratios.max(), color=color, linewidth=width / 2, linestyle=":")
    ax.axhline(1, color=NEUTRAL, linewidth=0.8)
    if (rows["observed"] > 0).any():
        ax.set_yscale("log")


def _shares(ax: Axes, rows: pd.DataFrame) -> None:
    """Share of the sets of each size for which a bound holds."""
    for name, (color, width, _) in BOUNDS.items():
        share = rows[f"{name}_bound"].notna().groupby(rows["size"]).mean()
        ax.plot(share, color=color, linewidth=width, marker=".", markersize=3)
    ax.set(ylim=(-0.04, 1.04))
    ax.yaxis.set_major_formatter(PercentFormatter(1))


def _sizes(ax: Axes, rows: pd.DataFrame) -> None:
    """A logarithmic axis of set sizes, the same in the panels of a column, with plain numbers."""
    if rows.empty:
        return
    ax.set(xscale="log", xlim=(rows["size"].min() / 1.25, rows["size"].max() * 1.25))
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())

"""Cost as samples, features and removal sets double: ``cost = c x^e``, fitted on logarithms."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from bench import data
from bench.cases import Case
from bench.chain import Chain, run
from leaveout.figures.style import COLORS, style

AXES = {"n": "training samples n", "d": "features d", "sets": "removal sets"}
COSTS: dict[str, Callable[[Chain], float]] = {
    "fit": lambda chain: chain.seconds["fit"],
    "sets": lambda chain: chain.seconds["measure"],
    "memory": lambda chain: float(chain.memory["peak"] - chain.memory["before"]),
}
#: What is drawn, in seconds.
DRAWN = {"fit": ("fit", COLORS["if"]), "sets": ("IF, RIF, NS, retrains, effects", COLORS["rif"])}
PANEL = 2.6  # inches
#: How often each axis doubles.
DOUBLINGS = 3


@dataclass(frozen=True)
class Point:
    """One chain on one of the axes: ``n``, ``d`` or ``sets``."""

    axis: str
    value: int
    chain: Chain


def cases(middle: Case, doublings: int = DOUBLINGS) -> Iterator[tuple[str, Case]]:
    """Yield problems around one, each twice as large as the one before along one axis."""
    for factor in 2 ** np.arange(doublings + 1):
        yield "n", replace(middle, n=int(factor * middle.n) // 2)
        yield "d", replace(middle, d=int(factor * middle.d) // 4)
        yield "sets", replace(middle, set_sizes=int(factor * middle.set_sizes) // 2**DOUBLINGS)


def measure(middle: Case, folder: Path, doublings: int) -> list[Point]:
    """Run the chain of every problem."""
    points, chains = [], {}
    for axis, case in cases(middle, doublings):
        if case not in chains:  # the axes cross
            chains[case] = run(case, data.write(case, folder))
        chain = chains[case]
        value = {"n": case.n, "d": case.d, "sets": len(chain.set_sizes)}[axis]
        points.append(Point(axis, value, chain))
    return points


def exponent(x: npt.ArrayLike, cost: npt.ArrayLike) -> float:
    """``e`` of ``cost = c x^e``: least squares on logarithms."""
    return float(np.polyfit(np.log(x), np.log(np.maximum(cost, np.finfo(np.float64).tiny)), 1)[0])


def exponents(points: Sequence[Point]) -> dict[str, dict[str, float]]:
    """Exponent of every cost along every axis."""
    found = {}
    for axis in AXES:
        along = [point for point in points if point.axis == axis]
        x = [point.value for point in along]
        found[axis] = {name: exponent(x, [cost(p.chain) for p in along]) for name, cost in COSTS.items()}
    return found


def figure(points: Sequence[Point]) -> Figure:
    """Draw seconds along every axis, both logarithmic."""
    with style():
        drawn = Figure(figsize=(PANEL * len(AXES), PANEL), layout="constrained")
        panels = drawn.subplots(1, len(AXES), sharey=True, squeeze=False)[0]
        for ax, axis in zip(panels, AXES, strict=True):
            _panel(ax, axis, [point for point in points if point.axis == axis])
        panels[0].set_ylabel("seconds")
        low, high = panels[0].get_ylim()
        panels[0].set_ylim(low, 4 * high)  # room for the legends
    return drawn


def _panel(ax: Axes, axis: str, points: Sequence[Point]) -> None:
    x = np.array([point.value for point in points])
    for name, (label, color) in DRAWN.items():
        seconds = np.array([COSTS[name](point.chain) for point in points])
        slope = exponent(x, seconds)
        line = np.exp(np.mean(np.log(seconds)) + slope * (np.log(x) - np.mean(np.log(x))))
        ax.plot(x, line, color=color, linewidth=0.8)
        ax.scatter(x, seconds, color=color, s=14, label=f"{label}: exponent {slope:.2f}")
    ax.set(xscale="log", yscale="log", xlabel=AXES[axis])
    ax.xaxis.set_major_locator(FixedLocator(x.tolist()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.legend(loc="upper left", fontsize=6)

"""Targets beside measured values, and whether they are met."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench import bound, scaling
from bench.constants import Constants
from bench.refits import Refits
from bench.results import Repeated, Results
from leaveout.certificate import CERTIFIED

#: The rate at which targets in seconds hold, flops a second; a slower machine has more time in proportion.
REFERENCE_RATE = 80e9
BOUND_RATIO, CHAIN_SECONDS, LARGE_SECONDS, CONSTANTS_SECONDS = 2.5, 15.0, 60.0, 60.0
PUBLISHED_RATIO, REFIT_RATIO, COPIES = 100.0, 200.0, 4.0


@dataclass(frozen=True)
class Row:
    """A line of the table; ``met`` is None where there is no target."""

    work: str
    target: str
    measured: str
    met: bool | None = None


def rows(results: Results) -> list[Row]:
    """Judge whatever was measured."""
    found: list[Row] = []
    if results.main:
        found += [*_chain(results.main, results.rate), *_others(results, results.main)]
    if results.constants:
        found += _constants(results.constants, results.rate)
    found += [_wide(wide, results.rate) for wide in results.wide]
    if results.large:
        work = f"{name(results.large)}, {results.large.sets} sets"
        found.append(_seconds(work, results.large, LARGE_SECONDS, results.rate))
    if results.main:
        copies = max(chain.copies for chain in results.main.chains)
        target = f"<= {COPIES:g} copies of X + one p x p factor"
        found.append(Row("peak memory above the bare process", target, f"{copies:.1f} copies of X", copies <= COPIES))
    if results.scaling:
        found += _scaling(results.scaling)
    return found if results.judged else [replace(row, met=None) for row in found]


def markdown(found: Sequence[Row]) -> str:
    """The table in Markdown."""
    words = {True: "yes", False: "**no**", None: "-"}
    frame = pd.DataFrame(
        [(row.work, row.target, row.measured, words[row.met]) for row in found],
        columns=["work", "target", "measured", "met"],
    )
    return str(frame.to_markdown(index=False, disable_numparse=True))


def name(repeated: Repeated) -> str:
    """A case in the readers' words."""
    chain = repeated.chains[0]
    return f"n = {chain.n}, p = {chain.parameters}, lambda = {repeated.case.regularization:g}"


def _chain(main: Repeated, rate: float) -> Iterator[Row]:
    least = bound.seconds(main.flops, rate)
    work = f"fit + {main.sets} sets x (IF, RIF, NS, certified retrain, all f), {name(main)}"
    measured = f"{main.seconds / least:.1f} x ({main.seconds:.1f} s, bound {least:.1f} s)"
    yield Row(work, f"<= {BOUND_RATIO} x the bound", measured, main.seconds <= BOUND_RATIO * least)
    yield _seconds("the same in seconds", main, CHAIN_SECONDS, rate)


def _seconds(work: str, repeated: Repeated, limit: float, rate: float) -> Row:
    allowed, target = _allowed(limit, rate)
    measured = f"{repeated.seconds:.1f} s, {repeated.certified} of {repeated.sets} certified"
    met = repeated.seconds < allowed and repeated.certified == repeated.sets
    return Row(work, target, measured, met)


def _allowed(limit: float, rate: float) -> tuple[float, str]:
    """Seconds that a target gives a machine of some rate, and the target in words."""
    allowed, target = limit * max(1.0, REFERENCE_RATE / rate), f"< {limit:g} s at {REFERENCE_RATE / 1e9:g} GFLOP/s"
    return allowed, target + (f", hence {allowed:.0f} s here" if allowed > limit else "")


def _constants(found: Constants, rate: float) -> Iterator[Row]:
    work = (
        f"constants of Theorem 3.1, of all samples and each of {found.sets} sets, n = {found.n}, p = {found.parameters}"
    )
    total, (allowed, target) = sum(found.seconds.values()), _allowed(CONSTANTS_SECONDS, rate)
    measured = f"{total:.1f} s (all samples {found.seconds['all']:.1f} s, sets {found.seconds['sets']:.1f} s)"
    yield Row(work, target, measured, total < allowed)
    measured = f"{found.squares:.2f} of one, all arrays together"
    yield Row("their memory beside the model", "no n x n array held whole", measured, found.squares < 1)


def _others(results: Results, main: Repeated) -> Iterator[Row]:
    if published := results.published:
        total = published.total(main.sets)
        measured = (
            f"{total / main.seconds:.0f} x ({total:.0f} s: shared {published.prepared:.0f} s + {main.sets} x mean of "
            f"{published.sets} sets), {main.certified} of {main.sets} certified"
        )
        met = total >= PUBLISHED_RATIO * main.seconds and main.certified == main.sets
        yield Row("against the published procedure", f">= {PUBLISHED_RATIO:g} x, all certified", measured, met)
    if refits := results.newton_cholesky:
        ratio = float(np.mean(refits.seconds)) / (main.seconds / main.sets)
        proved = max(refits.gradient_norm) <= CERTIFIED
        measured = f"{ratio:.0f} x ({_refit(refits)})" + ("" if proved else ", not to the certificate")
        yield Row(
            "a set, against scikit-learn newton-cholesky", f">= {REFIT_RATIO:g} x", measured, ratio >= REFIT_RATIO
        )
    if refits := results.lbfgs:
        ratio = float(np.mean(refits.seconds)) / (main.seconds / main.sets)
        measured = f"{ratio:.0f} x ({_refit(refits)}, {max(refits.iterations)} iterations)"
        yield Row("a set, against scikit-learn lbfgs as far as it goes", "printed", measured)
    if (profiled := results.profiled) and profiled.passes:
        yield _passes("passes over X a certified retrain, median", profiled.passes)
        counted = {
            strategy: [sum(both) for both in zip(passes, profiled.inner[strategy], strict=True)]
            for strategy, passes in profiled.passes.items()
        }
        yield _passes("the same, its inner products counted by their operations", counted)


def _passes(work: str, counted: dict[str, list[float]]) -> Row:
    every = [passes for strategy in counted.values() for passes in strategy]
    medians = [float(np.median(strategy)) for strategy in counted.values()]
    measured = (
        f"{np.median(every):.0f} ({min(medians):.0f} to {max(medians):.0f} by strategy, {max(every):.0f} at most)"
    )
    return Row(work, f"<= {bound.PASSES}", measured, bool(np.median(every) <= bound.PASSES))


def _refit(refits: Refits) -> str:
    return (
        f"mean of {len(refits.seconds)} sets {np.mean(refits.seconds):.2f} s, gradient {max(refits.gradient_norm):.0e}"
    )


def _wide(wide: Repeated, rate: float) -> Row:
    least = bound.seconds(wide.flops, rate)
    measured = (
        f"{wide.seconds / least:.1f} x ({wide.seconds:.1f} s, bound {least:.1f} s), {wide.certified} of {wide.sets}"
    )
    target = f"cost of the n-dimensional problem: <= {BOUND_RATIO} x its bound"
    met = wide.seconds <= BOUND_RATIO * least and wide.certified == wide.sets
    return Row(f"wide, {name(wide)}, {wide.sets} sets", target, f"{measured} certified", met)


def _scaling(points: Sequence[scaling.Point]) -> Iterator[Row]:
    for axis, found in scaling.exponents(points).items():
        measured = f"fit {found['fit']:.2f}, sets {found['sets']:.2f}, memory {found['memory']:.2f}"
        yield Row(f"exponents as {scaling.AXES[axis]} double", "measured", measured)

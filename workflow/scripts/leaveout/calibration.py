r"""How well a predicted effect matches the actual one, over many removal sets.

With actual effects ``x`` (certified retrains) and predicted effects ``y`` of one estimator and evaluation function:

    slope            sum x y / sum x^2              least squares through the origin: an empty set has no effect
    r2               1 - sum (y - x)^2 / sum (x - mean x)^2          of the prediction itself, not of a fitted line
    spearman         correlation of the ranks
    relative_error   median of |y - x| / |x| over sets with |x| above its 10 % quantile

Intervals are percentile bootstrap intervals over sets, resampled within each strategy: they say how much the number
would move with other sets of the same strategies, for this one model. A bootstrap sample is how often each set is
drawn: products, ranks and orders of the sets themselves are computed once for all samples.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from leaveout.arrays import Array

STATISTICS = ("slope", "r2", "spearman", "relative_error")
CONFIDENCE = 0.95
#: A statistic's column, and those of its limits.
ENDS = ("", "_low", "_high")
SMALL_EFFECTS = 0.1
#: Spread of the actual effects, relative to their size, below which they are all the same number.
RESOLVED = 1e-20
#: Bootstrap samples whose statistics are computed at a time: what they need stays in a processor's cache.
SAMPLES = 128


@dataclass(frozen=True)
class Interval:
    """A statistic with its bootstrap interval."""

    value: float
    low: float
    high: float

    @classmethod
    def around(cls, value: float, resampled: Array, method: Literal["linear", "inverted_cdf"] = "linear") -> Self:
        """Percentiles of resampled statistics, (b,), NaN left out; ``inverted_cdf`` where some may be infinite."""
        known = resampled[~np.isnan(resampled)]
        tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
        low, high = np.quantile(known, tails, method=method) if len(known) else (np.nan, np.nan)
        return cls(float(value), float(low), float(high))

    def columns(self, name: str) -> dict[str, float]:
        """``{name}``, ``{name}_low``, ``{name}_high``, as tables have them."""
        return dict(zip(columns([name]), (self.value, self.low, self.high), strict=True))


def columns(names: Iterable[str]) -> list[str]:
    """Columns of some statistics, each with its limits."""
    return [f"{name}{end}" for name in names for end in ENDS]


def statistics(actual: Array, predicted: Array, drawn: Array) -> dict[str, Array]:
    """The four statistics of bootstrap samples, (b,) each; NaN where one is undefined.

    Parameters
    ----------
    actual, predicted : (m,) float64 arrays
    drawn : (b, m) float64 array
        How often each set counts: ones for the sets themselves.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        size = drawn @ actual**2
        mean = drawn @ actual / drawn.sum(axis=1)
        centered = np.einsum("bm,bm->b", drawn, (actual - mean[:, None]) ** 2)
        found = {
            "slope": drawn @ (actual * predicted) / size,
            "r2": np.where(centered > RESOLVED * size, 1 - drawn @ (predicted - actual) ** 2 / centered, np.nan),
            "spearman": _correlation(_centered_ranks(actual, drawn), _centered_ranks(predicted, drawn), drawn),
            "relative_error": _relative_error(actual, predicted, drawn),
        }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _centered_ranks(values: Array, drawn: Array) -> Array:
    """Ranks of the values in each sample, less their mean, (b, m); equal values share the mean of their ranks."""
    order = np.argsort(values)
    counted = np.cumsum(np.pad(drawn[:, order], ((0, 0), (1, 0))), axis=1)
    smaller, not_larger = (counted[:, np.searchsorted(values[order], values, side)] for side in ("left", "right"))
    return (smaller + not_larger - counted[:, -1:]) / 2


def _correlation(x: Array, y: Array, drawn: Array) -> Array:
    """Correlation of centred values, (b, m) each."""
    weighted = drawn * x
    xy, xx, yy = (np.einsum("bm,bm->b", *pair) for pair in ((weighted, y), (weighted, x), (drawn * y, y)))
    return xy / np.sqrt(xx * yy)


def _relative_error(actual: Array, predicted: Array, drawn: Array) -> Array:
    size = np.abs(actual)
    # a quantile lies at an order statistic or between it and the next: what is above both is above the first
    (smallest,) = _order_statistics(size, drawn, [np.floor(SMALL_EFFECTS * (drawn.sum(axis=1) - 1))])
    large = drawn * (size > smallest[:, None])
    return medians(np.abs(predicted - actual) / size, large)


def medians(values: Array, drawn: Array) -> Array:
    """Median of some values, (m,), in each sample, (b,): ``drawn``, (b, m), says how often each counts; NaN of none."""
    count = drawn.sum(axis=1)
    if not len(values):
        return np.full(len(drawn), np.nan)
    low, high = _order_statistics(values, drawn, [np.ceil(count / 2) - 1, np.floor(count / 2)])
    return np.where(count > 0, (low + high) / 2, np.nan)


def _order_statistics(values: Array, drawn: Array, ranks: Sequence[Array]) -> list[Array]:
    """The values that have some ``ranks``, (b,) each: so many of a sample's values come before."""
    order = np.argsort(values)
    counted = np.cumsum(drawn[:, order], axis=1)
    places = [np.sum(counted <= rank[:, None], axis=1) for rank in ranks]
    return [values[order][np.minimum(place, len(values) - 1)] for place in places]


def resamples(strategies: npt.NDArray[np.str_], count: int, generator: np.random.Generator) -> Array:
    """How often each of the m sets is in each of ``count`` bootstrap samples, (count, m).

    A sample has as many sets of each strategy as there are.
    """
    total, first = len(strategies), len(strategies) * np.arange(count)[:, None]
    drawn = np.zeros(count * total)
    for strategy in np.unique(strategies):
        members = np.flatnonzero(strategies == strategy)
        chosen = generator.choice(members, size=(count, len(members)))
        drawn += np.bincount((first + chosen).ravel(), minlength=count * total)
    return drawn.reshape(count, total)


def calibrate(actual: Array, predicted: Array, drawn: Array) -> Mapping[str, Interval]:
    """Each statistic with its interval.

    Parameters
    ----------
    actual, predicted : (m,) float64 arrays
        Effects of the same sets.
    drawn : (b, m) float64 array
        Bootstrap samples, from ``resamples``. Estimators that share them are compared on the same sets.
    """
    values = statistics(actual, predicted, np.ones((1, len(actual))))
    parts = np.array_split(drawn, -(-len(drawn) // SAMPLES))
    replicates = [statistics(actual, predicted, part) for part in parts]
    return {
        name: Interval.around(values[name][0], np.concatenate([part[name] for part in replicates]))
        for name in STATISTICS
    }

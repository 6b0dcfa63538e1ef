r"""How well a predicted effect matches the actual one, over many removal sets.

With actual effects ``x`` (certified retrains) and predicted effects ``y`` of one estimator and evaluation function:

    slope            sum x y / sum x^2              least squares through the origin: an empty set has no effect
    r2               1 - sum (y - x)^2 / sum (x - mean x)^2          of the prediction itself, not of a fitted line
    spearman         correlation of the ranks
    relative_error   median of |y - x| / |x| over sets with |x| above its 10 % quantile

Intervals are percentile bootstrap intervals over sets, resampled within each strategy: they say how much the number
would move with other sets of the same strategies, for this one model.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from leaveout.arrays import Array, IntArray

STATISTICS = ("slope", "r2", "spearman", "relative_error")
CONFIDENCE = 0.95
SMALL_EFFECTS = 0.1
#: Spread of the actual effects, relative to their size, below which they are all the same number.
RESOLVED = 1e-20


@dataclass(frozen=True)
class Interval:
    """A statistic with its bootstrap interval."""

    value: float
    low: float
    high: float


def statistics(actual: Array, predicted: Array) -> dict[str, Array]:
    """The four statistics over the last axis, (b,) each, of (b, m) arrays; NaN where one is undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = np.sum((predicted - actual) ** 2, axis=-1)
        centered = np.sum((actual - actual.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
        found = {
            "slope": np.sum(actual * predicted, axis=-1) / np.sum(actual**2, axis=-1),
            "r2": np.where(centered > RESOLVED * np.sum(actual**2, axis=-1), 1 - squared / centered, np.nan),
            "spearman": _correlation(rankdata(actual, axis=-1), rankdata(predicted, axis=-1)),
            "relative_error": _relative_error(actual, predicted),
        }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _correlation(x: Array, y: Array) -> Array:
    x = x - x.mean(axis=-1, keepdims=True)
    y = y - y.mean(axis=-1, keepdims=True)
    return np.sum(x * y, axis=-1) / np.sqrt(np.sum(x**2, axis=-1) * np.sum(y**2, axis=-1))


def _relative_error(actual: Array, predicted: Array) -> Array:
    size = np.abs(actual)
    large = size > np.quantile(size, SMALL_EFFECTS, axis=-1, keepdims=True)
    errors = np.where(large, np.abs(predicted - actual) / size, np.nan)
    counted = np.where(large.any(axis=-1, keepdims=True), errors, 0.0)
    return np.where(large.any(axis=-1), np.nanmedian(counted, axis=-1), np.nan)


def resamples(strategies: npt.NDArray[np.str_], count: int, generator: np.random.Generator) -> IntArray:
    """Positions of ``count`` bootstrap samples, (count, m): as many sets of each strategy as there are."""
    drawn = np.empty((count, len(strategies)), dtype=np.int64)
    for strategy in np.unique(strategies):
        members = np.flatnonzero(strategies == strategy)
        drawn[:, members] = generator.choice(members, size=(count, len(members)))
    return drawn


def calibrate(actual: Array, predicted: Array, drawn: IntArray) -> Mapping[str, Interval]:
    """Each statistic with its interval.

    Parameters
    ----------
    actual, predicted : (m,) float64 arrays
        Effects of the same sets.
    drawn : (b, m) int array
        Bootstrap samples, from ``resamples``. Estimators that share them are compared on the same sets.
    """
    values = statistics(actual[None], predicted[None])
    replicates = statistics(actual[drawn], predicted[drawn])
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    found = {}
    for name in STATISTICS:
        finite = replicates[name][np.isfinite(replicates[name])]
        low, high = np.quantile(finite, tails) if len(finite) else (np.nan, np.nan)
        found[name] = Interval(float(values[name][0]), float(low), float(high))
    return found

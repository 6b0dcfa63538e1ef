r"""The logistic loss of one sample and its changes, as functions of the linear predictor.

With label ``y`` in {0, 1} and ``z = <x, theta>``: ``l(z) = log(1 + e^z) - y z``, slope ``p - y``, curvature ``p (1 -
p)``, ``p = 1 / (1 + e^-z)``. Changes from ``z`` to ``z + t`` are computed from ``t``, never by subtracting two
losses. Both have a mirror symmetry that keeps the probability in the formula at most 1/2, where nothing cancels:
``p(z + t) - p(z)`` is odd and the divergence even under ``(z, t) -> (-z, -t)``.
"""

import numpy as np
from scipy.special import expit

from leaveout.arrays import Array

LARGE = 30.0  # e^t - 1 and e^t are the same number: differences need no care, overflow does
SMALL = 1e-3  # below, the divergence is a series: its leading terms cancel otherwise

#: Bounds of the second derivative in z: of the probability 1/(6 sqrt 3), of the loss 1/4.
PROBABILITY_CURVATURE = 1 / (6 * np.sqrt(3))
LOSS_CURVATURE = 0.25


def value(z: Array, y: Array) -> Array:
    """Loss ``log(1 + e^z) - y z``, without overflow."""
    return np.logaddexp(0.0, np.where(y > 0, -z, z))


def slope(z: Array, y: Array) -> Array:
    """First derivative ``p - y``, to full relative accuracy for confident samples too."""
    return np.where(y > 0, -expit(-z), expit(z))


def curvature(z: Array) -> Array:
    """Second derivative ``p (1 - p)``."""
    return expit(z) * expit(-z)


def probability_change(z: Array, t: Array) -> Array:
    """``p(z + t) - p(z) = p (1 - p) e / (1 + p e)`` with ``e = expm1(t)``; also the change of the loss's slope."""
    sign = np.where(z > 0, -1.0, 1.0)
    z, t = sign * z, sign * t
    p = expit(z)
    e = np.expm1(np.minimum(t, LARGE))
    change = p * (1 - p) * e / (1 + p * e)
    return sign * np.where(t < LARGE, change, expit(z + t) - p)


def divergence(z: Array, t: Array) -> Array:
    """Bregman divergence ``l(z + t) - l(z) - l'(z) t = log1p(p e) - p t >= 0``, the same for both labels."""
    sign = np.where(z > 0, -1.0, 1.0)
    z, t = sign * z, sign * t
    p = expit(z)
    exact = np.log1p(p * np.expm1(np.minimum(t, LARGE))) - p * t
    large = np.logaddexp(0.0, z + t) - np.logaddexp(0.0, z) - p * t
    a = p * (1 - p)
    series = a * t**2 * (1 / 2 + t * (1 - 2 * p) / 6 + t**2 * (1 - 6 * a) / 24)
    return np.where(np.abs(t) < SMALL, series, np.where(t < LARGE, exact, large))

r"""The logistic loss of one sample and its changes, as functions of the linear predictor.

With label ``y`` in {0, 1} and ``z = <x, theta>``: ``l(z) = log(1 + e^z) - y z``, slope ``p - y``, curvature ``p (1 -
p)``, ``p = 1 / (1 + e^-z)``. Changes from ``z`` to ``z + t`` are computed from ``t``, never by subtracting two
losses. Both have a mirror symmetry that keeps the probability in the formula at most 1/2, where nothing cancels:
``p(z + t) - p(z)`` is odd and the divergence even under ``(z, t) -> (-z, -t)``.
"""

import math

from leaveout.arrays import Array
from leaveout.linear_algebra import expit, namespace

LARGE = 30.0  # e^t - 1 and e^t are the same number: differences need no care, overflow does
SMALL = 1e-3  # below, the divergence is a series: its leading terms cancel otherwise

#: Bounds of the second derivative in z: of the probability 1/(6 sqrt 3), of the loss 1/4.
PROBABILITY_CURVATURE = 1 / (6 * math.sqrt(3))
LOSS_CURVATURE = 0.25


def value(z: Array, y: Array) -> Array:
    """Loss ``log(1 + e^z) - y z``, without overflow."""
    xp = namespace(z)
    return xp.logaddexp(0 * z, xp.where(y > 0, -z, z))


def slope(z: Array, y: Array) -> Array:
    """First derivative ``p - y``, to full relative accuracy for confident samples too."""
    sign = 1 - 2 * y
    return sign * expit(sign * z)


def curvature(z: Array) -> Array:
    """Second derivative ``p (1 - p)``."""
    return expit(z) * expit(-z)


def probability_change(z: Array, t: Array) -> Array:
    """``p(z + t) - p(z) = p (1 - p) e / (1 + p e)`` with ``e = expm1(t)``; also the change of the loss's slope."""
    xp = namespace(t)
    sign, z, t = _mirrored(z, t)
    p, large = expit(z), t >= LARGE
    overflows = bool(xp.any(large))
    e = xp.expm1(xp.clip(t, max=LARGE) if overflows else t)
    divisor = p * e
    divisor += 1
    e *= sign * p * (1 - p)
    e /= divisor
    return xp.where(large, sign * (expit(z + t) - p), e) if overflows else e


def divergence(z: Array, t: Array) -> Array:
    """Bregman divergence ``l(z + t) - l(z) - l'(z) t = log1p(p e) - p t >= 0``, the same for both labels."""
    xp = namespace(t)
    _, z, t = _mirrored(z, t)
    p = expit(z)
    found = xp.log1p(p * xp.expm1(xp.clip(t, max=LARGE))) - p * t
    a = p * (1 - p)
    series = t * (1 - 6 * a)
    series /= 24
    series += (1 - 2 * p) / 6
    series *= t
    series += 0.5
    series *= t * t
    series *= a
    found = xp.where(xp.abs(t) < SMALL, series, found)
    large = t >= LARGE
    if not xp.any(large):
        return found
    return xp.where(large, xp.logaddexp(0 * t, z + t) - xp.logaddexp(0 * z, z) - p * t, found)


def _mirrored(z: Array, t: Array) -> tuple[Array, Array, Array]:
    """Sign, and arguments with ``z <= 0``."""
    xp = namespace(t)
    sign = xp.where(z > 0, -1.0 + 0 * z, 1.0 + 0 * z)
    return sign, sign * z, sign * t

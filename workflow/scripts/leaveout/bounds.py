r"""How far the optimum can be from an iterate: a bound that needs no Hessian at the iterate.

Let F be the sum-form objective of some samples, ``M = X' diag(a) X + mu P`` its Hessian at a *reference* point, and
``theta`` an iterate with gradient ``g`` and linear predictors ``z``. With ``beta_i >= ||x_i||_{M^-1}`` let

- ``s_i(t) = [sigmoid(|z_i| + beta_i t) - sigmoid(|z_i|)] / (beta_i t a_i)``: the least mean curvature of sample i,
  relative to the reference, while the optimum is within t;
- ``Psi(t) = min { sum_i w_i min(s_i, 1) + w_0 : 0 <= w_i <= min(1, a_i beta_i^2), sum_i w_i + w_0 = 1 }``: a sample can
  only carry its own leverage.

Then ``||theta* - theta||_M <= t`` for every t with ``t Psi(t) >= ||g||_{M^-1}``: along the minimisers of
``F - (1 - s) g' theta``, s from 0 to 1, the mean Hessian is at least ``Psi`` times M, and the path starts at ``theta``.
A finite t also proves that an optimum exists at all.
"""

import numpy as np

from leaveout import loss
from leaveout.arrays import Array

SEARCH_LIMIT = 60
#: Change of a linear predictor beyond which a sample has no curvature left: the search ends there.
FARTHEST = 700.0


def relative_curvature(t: float, z: Array, curvature: Array, beta: Array) -> float:
    """``Psi(t)``: the least curvature of F within distance t, relative to the reference.

    Parameters
    ----------
    t : float
        Distance in the norm of M, > 0.
    z : (n,) float64 array
        Linear predictors at the iterate.
    curvature, beta : (n,) float64 arrays
        ``a_i`` at the reference, and bounds of ``||x_i||_{M^-1}``.
    """
    reach = beta * t
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = loss.probability_change(np.abs(z), reach) / (reach * curvature)
    ratio = np.where(np.isfinite(ratio), np.minimum(ratio, 1.0), 1.0)  # a sample without leverage carries no weight
    order = np.argsort(ratio)
    capacity = np.minimum(1.0, curvature * beta**2)[order]
    filled = np.minimum(np.cumsum(capacity), 1.0)
    weights = np.diff(filled, prepend=0.0)
    rest = 1.0 - (filled[-1] if len(filled) else 0.0)
    return float(weights @ ratio[order]) + rest


def distance(decrement: float, z: Array, curvature: Array, beta: Array) -> float:
    """Return a t with ``||theta* - theta||_M <= t``, or infinity where the argument proves none.

    Parameters
    ----------
    decrement : float
        ``||g||_{M^-1}``, sum form, rounding included.
    z, curvature, beta : (n,) float64 arrays
        As in ``relative_curvature``.
    """
    if decrement == 0:
        return 0.0
    t = decrement
    for _ in range(SEARCH_LIMIT):
        psi = relative_curvature(t, z, curvature, beta)
        if t * psi >= decrement:
            return t
        t = 1.01 * decrement / psi if psi > 0 else np.inf
        if not t * np.max(beta, initial=0.0) <= FARTHEST:
            break
    return np.inf

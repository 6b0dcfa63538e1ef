r"""How far the optimum can be from an iterate: a bound that needs no Hessian at the iterate.

Let F be the sum-form objective of some samples, ``M = X' diag(a) X + mu P`` its Hessian at a *reference* point, and
``theta`` an iterate with gradient ``g`` and linear predictors ``z``. With ``beta_i >= ||x_i||_{M^-1}`` let

- ``s_i(t) = [sigmoid(|z_i| + beta_i t) - sigmoid(|z_i|)] / (beta_i t a_i)``: the least mean curvature of sample i,
  relative to the reference, while the optimum is within t;
- ``Psi(t) = min { sum_i w_i min(s_i, 1) + w_0 : 0 <= w_i <= min(1, a_i beta_i^2), sum_i w_i + w_0 = 1 }``: a sample can
  only carry its own leverage.

Then ``||theta* - theta||_M <= t`` for every t with ``t Psi(t) >= ||g||_{M^-1}``: along the minimisers of
``F - (1 - s) g' theta``, s from 0 to 1, the mean Hessian is at least ``Psi`` times M, and the path starts at ``theta``.
A finite t also proves that an optimum exists at all. Psi itself is bounded through its dual,
``Psi = max_v { v - sum_i min(1, a_i beta_i^2) max(0, v - s_i) }``, where every v in [0, 1] gives a lower bound.
"""

from collections.abc import Sequence

import numpy as np

from leaveout import loss
from leaveout.arrays import Array, rounding
from leaveout.linear_algebra import beside, namespace, on_host

SEARCH_LIMIT = 60
#: Change of a linear predictor beyond which a sample has no curvature left: the search ends there.
FARTHEST = 700.0
#: Stands for a reach of zero.
TINY = 1e-300
#: Multipliers v that are tried: few, for what is bounded only to be negligible, and many, for what has to be tight.
MULTIPLIERS = tuple(0.7**power for power in range(16))
FINE_MULTIPLIERS = (*(0.97**power for power in range(60)), *(0.7**power for power in range(6, 16)))


def relative_curvature(
    t: Array, z: Array, curvature: Array, beta: Array, multipliers: Sequence[float] = MULTIPLIERS
) -> Array:
    """Lower bound of ``Psi(t)``, (m,): the least curvature of F within distance t, relative to the reference.

    Parameters
    ----------
    t : (m,) numpy array
        Distances in the norm of M, > 0, one an iterate.
    z : (m, n) float64 array
        Linear predictors at the iterates.
    curvature : (n,) float64 array
        ``a_i`` at the reference.
    beta : (m, n) float64 array
        Bounds of ``||x_i||_{M^-1}``; 0 for samples that F does not contain.
    multipliers : sequence of float
        Those that are tried, in [0, 1].
    """
    xp = namespace(z)
    reach = beta * beside(z, t)[:, None]
    least = loss.probability_change(xp.abs(z), reach)
    scale = reach * curvature
    carries = scale > 0  # a sample without leverage carries no weight
    ratio = xp.clip(xp.where(carries, least, scale + 1) / xp.where(carries, scale, 0 * scale + 1), max=1.0)
    capacity = xp.clip(curvature * beta**2, max=1.0)
    found = np.zeros(len(z))
    for v in multipliers:
        missing = xp.clip(v - ratio, min=0.0)
        missing *= capacity
        found = np.maximum(found, v - on_host(xp.sum(missing, axis=1)))
    return np.maximum(0.0, found - rounding(z.shape[1]))


def distances(
    decrements: Array, z: Array, curvature: Array, beta: Array, multipliers: Sequence[float] = MULTIPLIERS
) -> Array:
    """Return t with ``||theta* - theta||_M <= t``, (m,), or infinity where the argument proves none.

    Parameters
    ----------
    decrements : (m,) numpy array
        ``||g||_{M^-1}``, sum form, rounding included.
    z, curvature, beta, multipliers
        As in ``relative_curvature``.
    """
    found = np.where(decrements == 0, 0.0, np.inf)
    farthest = FARTHEST / np.maximum(on_host(namespace(beta).max(beta, axis=1)), TINY)
    t = decrements.copy()
    pending = np.flatnonzero((decrements > 0) & (t <= farthest))
    for _ in range(SEARCH_LIMIT):
        if not pending.size:
            break
        psi = relative_curvature(t[pending], z[pending], curvature, beta[pending], multipliers)
        enough = t[pending] * psi >= decrements[pending]
        found[pending[enough]] = t[pending[enough]]
        pending, psi = pending[~enough & (psi > 0)], psi[~enough & (psi > 0)]
        t[pending] = 1.01 * decrements[pending] / psi
        pending = pending[t[pending] <= farthest[pending]]
    return found

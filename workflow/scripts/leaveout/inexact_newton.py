r"""Newton directions for many removal sets at once, from the samples that matter.

In whitened coordinates (see ``whitening``) the Hessian without a set T of k samples is, at any parameters,

    I - (k - 1) share diag(sigma) + W' diag(c) W,     c_i = -a_i for i in T, else a_i(theta) - a_i

with ``a_i`` the curvatures at ``theta_hat``: the identity, which the full model's factor has paid for, and what changed
since. Most samples lie far from the decision boundary and change next to nothing; the others alone, in single
precision, give a direction that is good to a tenth. It has to go down, no more: gradients and steps are exact.
"""

from typing import Any

import numpy as np
from array_api_compat import device

from leaveout.arrays import Array, IntArray
from leaveout.conjugate_gradients import conjugate_gradients
from leaveout.expansion import Expansion
from leaveout.linear_algebra import as_type, namespace, on_host

#: Share of ``sum_i |c_i| ||w_i||^2`` that samples may carry and yet be left out.
NEGLIGIBLE_CHANGE = 0.005
#: Condition number of ``H_1`` up to which single precision is enough for directions.
SINGLE_CONDITION = 1e10
#: Rows of W that are copied at a time.
ROWS = 512
#: Share of the gradient that most directions may leave, how many are most, and how many products they may take.
TOLERANCE, SHARE, PRODUCT_LIMIT = 0.1, 0.5, 50


def precision(model: Expansion) -> Any:
    """Data type of directions: single, unless the Hessian's condition takes all of its digits, or may do so."""
    xp = namespace(model.X)
    benign = model.penalty.regularization > 0 and model.whitening.condition < SINGLE_CONDITION
    return xp.float32 if benign else xp.float64


def solve(model: Expansion, rhs: Array, shifts: Array, changes: Array) -> tuple[Array, float]:
    """Solve ``(I + shift_j diag(sigma) + W' diag(c_j) W) x_j = b_j``, nearly, for each row j.

    Parameters
    ----------
    model : Expansion
    rhs : (m, q) array
        ``b``, in whitened coordinates and in the precision of the arithmetic.
    shifts : (m,) float64 array
        ``-(k - 1) share``.
    changes : (m, n) array
        ``c``, in that precision.

    Returns
    -------
    solutions : (m, q) array
    passes : float
        What the products of a row amount to, in sweeps over X.
    """
    samples = _relevant(model, changes)
    W, c = _gathered(model.whitened, samples, rhs), changes[:, samples]
    diagonals = as_type(1 + shifts[:, None] * model.whitening.penalty, rhs.dtype)

    def product(vectors: Array) -> Array:
        along = vectors @ W.T
        along *= c
        image = along @ W
        image += diagonals * vectors
        return image

    solutions, products = conjugate_gradients(product, rhs, TOLERANCE, SHARE, PRODUCT_LIMIT)
    return solutions, products * len(samples) / model.n


def _relevant(model: Expansion, changes: Array) -> IntArray:
    """Fewest samples such that all others together change little in any row."""
    xp = namespace(changes)
    highest, lowest = xp.max(changes, axis=0), xp.min(changes, axis=0)
    size = on_host(xp.where(highest > -lowest, highest, -lowest) * model.deletion_gram)
    order = np.argsort(size)
    return np.sort(order[np.cumsum(size[order]) > NEGLIGIBLE_CHANGE * size.sum()])


def _gathered(W: Array, samples: IntArray, like: Array) -> Array:
    """Rows of W in the precision of ``like``, a few at a time: no copy in double precision."""
    rows = namespace(like).empty((len(samples), W.shape[1]), dtype=like.dtype, device=device(like))
    for begin in range(0, len(samples), ROWS):
        part = samples[begin : begin + ROWS]
        rows[begin : begin + ROWS] = W[part]
    return rows

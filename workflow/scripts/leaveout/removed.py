r"""The Hessian without a removal set, in whitened coordinates: what Newton step, retraining and bounds share.

With ``W = X B`` (see ``whitening``) the Hessian at ``theta_hat`` without a set T of k samples is

    H_T = D - U' U,     U = A_T^{1/2} W_T,     D = I - (k - 1) share diag(sigma)

and with ``V = U D^{-1/2}`` a k x k factor inverts it exactly (Woodbury): ``D^{-1/2} (I + V' (I - V V')^{-1} V)
D^{-1/2}``; where k >= q, that of ``I - V' V`` does. Without more than half of the samples it is built from the others.
The Newton step takes all of it; what stays for retraining is a preconditioner, which the samples of highest leverage
make as good, in single precision.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaveout.arrays import Array, IntArray, rounding
from leaveout.errors import NotRemovable
from leaveout.linear_algebra import as_type, cholesky, eye, matrix_norm, namespace, on_host, triangular_inverse
from leaveout.model import Model, hessian

#: Bytes that the working arrays of one block of removal sets may take.
BLOCK_BYTES = 128 * 2**20
#: Arrays of n and of q numbers that a set in a block needs while it is retrained.
ARRAYS_OF_SAMPLES, ARRAYS_OF_PARAMETERS = 10, 32
#: Most samples of a set that its preconditioner knows of.
MOST_ROWS = 128
#: Condition number of ``H_1`` up to which single precision is enough to precondition.
SINGLE_CONDITION = 1e10
#: Stands for an eigenvalue of which nothing is known but that it is positive: no bound follows from it.
LEAST_EIGENVALUE = 1e-200


@dataclass(frozen=True, eq=False)
class RemovedHessian:
    """The Newton step of one set, an approximation of ``H_T^{-1}``, and how much less ``H_T`` is than ``H_1``.

    Attributes
    ----------
    removed : (k,) int array
        The set, sorted.
    newton_step : (q,) float64 array
        NS_T in whitened coordinates, exact.
    scale : (q,) float array
        ``D^{-1/2}``.
    update : (r, q) float array, or None
        Rows of ``V``, r <= 128; None where the factor is that of all of H_T.
    inverse : (r, r) or (q, q) float array
        Inverse of the lower Cholesky factor of ``I - V V'``, or of ``D^{-1/2} H_T D^{-1/2}``.
    least_eigenvalue : float
        ``H_T >= least_eigenvalue H_1``; for a small set 1 minus its joint leverage, bounded from below.
    """

    removed: IntArray
    newton_step: Array
    scale: Array
    update: Array | None
    inverse: Array
    least_eigenvalue: float

    def precondition(self, rhs: Array) -> Array:
        """``H_T^{-1} rhs``, (q,), nearly, in the precision of ``rhs``."""
        return _solve(self.update, self.inverse, self.scale, rhs)


def removed_hessian(model: Model, removed: IntArray) -> RemovedHessian:
    """Factor the Hessian without one set, and take the Newton step.

    Raises
    ------
    NotRemovable
        Without the set the Hessian is singular: the parameters are not determined.
    """
    k, share = len(removed), model.penalty.share
    W = model.whitened[removed]
    gradient = model.residual[removed] @ W + k * share * model.whitening.whiten(model.P * model.parameters)
    try:
        return _updated(model, removed, W, gradient) if 2 * k <= model.n else _rebuilt(model, removed, gradient)
    except np.linalg.LinAlgError:
        raise NotRemovable(
            f"the {k} samples have joint leverage 1: without them the parameters are not determined"
        ) from None


def _updated(model: Model, removed: IntArray, W: Array, gradient: Array) -> RemovedHessian:
    """By taking the removed samples away; ``W`` is overwritten."""
    xp, k = namespace(W), len(removed)
    diagonal = model.whitening.shifted(-(k - 1) * model.penalty.share)
    scale = 1 / xp.sqrt(diagonal)
    W *= xp.sqrt(model.curvature[removed])[:, None]
    W *= scale
    few = k < len(scale)
    gram = W @ W.T if few else W.T @ W
    inverse = _inverse_factor(model, eye(gram) - gram)
    least = float(xp.min(diagonal)) * _least_eigenvalue(inverse)
    step = _solve(W if few else None, inverse, scale, gradient)
    if few and k > MOST_ROWS:
        rows = np.sort(np.argsort(on_host(xp.linalg.diagonal(gram)))[-MOST_ROWS:])
        W, gram = W[rows], gram[rows][:, rows]
        inverse = triangular_inverse(cholesky(eye(gram) - gram))
    dtype = precision(model)
    parts = as_type(scale, dtype), as_type(W, dtype) if few else None, as_type(inverse, dtype)
    return RemovedHessian(removed, step, *parts, least)


def precision(model: Model) -> Any:
    """Data type of preconditioners: single, unless the Hessian's condition takes all of its digits, or may do so."""
    xp = namespace(model.X)
    benign = model.penalty.regularization > 0 and model.whitening.condition < SINGLE_CONDITION
    return xp.float32 if benign else xp.float64


def _inverse_factor(model: Model, matrix: Array) -> Array:
    """Inverse of the Cholesky factor; ``LinAlgError`` where a pivot is rounding.

    With a regulariser no joint leverage is 1, whatever rounding says; without, the condition takes its digits.
    """
    factor = cholesky(matrix)
    smallest = rounding(model.X.shape[1])
    if not model.penalty.regularization:
        smallest *= model.whitening.scaled_condition
    if len(factor) and float(factor.diagonal().min()) ** 2 <= smallest:
        raise np.linalg.LinAlgError("a pivot is rounding")
    return triangular_inverse(factor)


def _rebuilt(model: Model, removed: IntArray, gradient: Array) -> RemovedHessian:
    """From the samples that are kept: taking most of them away would cancel."""
    inverse = _inverse_factor(model, whitened_hessian(model, removed, model.curvature))
    scale, dtype = 0 * gradient + 1, precision(model)
    least = 1 / float(namespace(inverse).linalg.svdvals(inverse)[0]) ** 2
    step = _solve(None, inverse, scale, gradient)
    return RemovedHessian(removed, step, as_type(scale, dtype), None, as_type(inverse, dtype), min(1.0, least))


def whitened_hessian(model: Model, removed: IntArray, curvature: Array) -> Array:
    """``W_K' diag(curvature) W_K + mu diag(sigma)`` over the kept samples K, (q, q)."""
    kept = np.delete(np.arange(model.n), removed)
    weight = model.penalty.weight(model.n, len(removed))
    return hessian(model.whitened[kept], curvature[kept], weight * model.whitening.penalty)


def unfactored(model: Model, removed: IntArray) -> RemovedHessian:
    """What is left where ``H_T`` is singular in floating point, but not in truth: ``H_1``, and no Newton step."""
    nothing = 0 * model.parameters
    dtype = precision(model)
    empty = as_type(model.whitened[:0], dtype)
    return RemovedHessian(
        removed, nothing + np.nan, as_type(nothing + 1, dtype), empty, empty @ empty.T, LEAST_EIGENVALUE
    )


def _solve(update: Array | None, inverse: Array, scale: Array, rhs: Array) -> Array:
    scaled = scale * rhs
    if update is None:
        return scale * ((inverse @ scaled) @ inverse)
    return scale * (scaled + ((inverse @ (update @ scaled)) @ inverse) @ update)


def _least_eigenvalue(inverse: Array) -> float:
    """Least eigenvalue of ``L L' <= I`` from below: ``(L L')^{-1} - I`` is at most the 4-norm of its eigenvalues."""
    if not len(inverse):
        return 1.0
    excess = inverse.T @ inverse - eye(inverse)
    return 1 / (1 + matrix_norm(excess.T @ excess) ** 0.5)


def blocks(model: Model, sets: list[IntArray], budget: int = BLOCK_BYTES) -> Iterator[range]:
    """Cut positions in ``sets`` into ranges whose working arrays fit ``budget`` bytes; a range is never empty."""
    n, q = model.X.shape
    begin, size = 0, 0
    for position, removed in enumerate(sets):
        k = len(removed)
        factored = q * q // 2 if k >= q or 2 * k > n else min(k, MOST_ROWS) * (q + min(k, MOST_ROWS)) // 2
        needed = 8 * (ARRAYS_OF_SAMPLES * n + ARRAYS_OF_PARAMETERS * q + factored)
        if position > begin and size + needed > budget:
            yield range(begin, position)
            begin, size = position, 0
        size += needed
    if sets:
        yield range(begin, len(sets))

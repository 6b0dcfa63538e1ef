r"""The Hessian without a removal set, in whitened coordinates: what Newton step, retraining and bounds share.

With ``W = X B`` (see ``whitening``) the Hessian at ``theta_hat`` without a set T of k samples is

    H_T = D - U' U,     U = A_T^{1/2} W_T,     D = I - (k - 1) share diag(sigma)

and with ``V = U D^{-1/2}`` a k x k factor inverts it exactly (Woodbury): ``D^{-1/2} (I + V' (I - V V')^{-1} V)
D^{-1/2}``; where k >= q, that of ``I - V' V`` does. Without more than half of the samples it is built from the others.
What mostly stays of it is the Newton step, where retraining starts, and the least eigenvalue, which bounds follow
from.
"""

from dataclasses import dataclass

import numpy as np

from leaveout.arrays import Array, IntArray, rounding
from leaveout.errors import NotRemovable
from leaveout.expansion import Expansion, hessian
from leaveout.linear_algebra import cholesky, eye, matrix_norm, namespace, triangular_inverse

#: Stands for an eigenvalue of which nothing is known but that it is positive: no bound follows from it.
LEAST_EIGENVALUE = 1e-200


@dataclass(frozen=True, eq=False)
class RemovedHessian:
    """The Newton step of one set, and how much less ``H_T`` is than ``H_1``.

    Attributes
    ----------
    removed : (k,) int array
        The set, sorted.
    newton_step : (q,) float64 array
        NS_T in whitened coordinates, exact.
    least_eigenvalue : float
        ``H_T >= least_eigenvalue H_1``; for a small set 1 minus its joint leverage, bounded from below.
    """

    removed: IntArray
    newton_step: Array
    least_eigenvalue: float


@dataclass(frozen=True, eq=False)
class InverseHessian:
    """``H_T^{-1}`` of one set in whitened coordinates, factored.

    Attributes
    ----------
    update : (k, q) float64 array, or None
        ``V``; None where the factor is that of a (q, q) matrix.
    inverse : (k, k) or (q, q) float64 array
        Inverse of the Cholesky factor.
    scale : (q,) float64 array
        ``D^{-1/2}``, or ones.
    least_eigenvalue : float
        As in ``RemovedHessian``.
    """

    update: Array | None
    inverse: Array
    scale: Array
    least_eigenvalue: float

    def solve(self, rhs: Array) -> Array:
        """``H_T^{-1}`` times a vector (q,), or times each row of (m, q)."""
        scaled = self.scale * rhs
        if self.update is None:
            return self.scale * ((scaled @ self.inverse.T) @ self.inverse)
        inner = ((scaled @ self.update.T) @ self.inverse.T) @ self.inverse
        return self.scale * (scaled + inner @ self.update)


def removed_hessian(model: Expansion, removed: IntArray) -> RemovedHessian:
    """Factor the Hessian without one set, and take the Newton step.

    Raises
    ------
    NotRemovable
        Without the set the Hessian is singular: the parameters are not determined.
    """
    gradient = model.residual[removed] @ model.whitened[removed]
    gradient += len(removed) * model.penalty.share * model.whitened_penalty
    factored = inverse_hessian(model, removed)
    return RemovedHessian(removed, factored.solve(gradient), factored.least_eigenvalue)


def inverse_hessian(model: Expansion, removed: IntArray) -> InverseHessian:
    """Factor the Hessian without one set.

    Raises
    ------
    NotRemovable
        It is singular: without the set the parameters are not determined.
    """
    k = len(removed)
    try:
        if model.penalty.regularization == 0 and model.n - k < len(model.parameters):
            raise np.linalg.LinAlgError("fewer samples than parameters")
        return _updated(model, removed) if 2 * k <= model.n else _rebuilt(model, removed)
    except np.linalg.LinAlgError:
        raise NotRemovable(
            f"the {k} samples have joint leverage 1: without them the parameters are not determined"
        ) from None


def _updated(model: Expansion, removed: IntArray) -> InverseHessian:
    """By taking the removed samples away."""
    W = model.whitened[removed]
    xp, k = namespace(W), len(removed)
    diagonal = model.whitening.shifted(-(k - 1) * model.penalty.share)
    scale = 1 / xp.sqrt(diagonal)
    W *= xp.sqrt(model.curvature[removed])[:, None]
    W *= scale
    few = k < len(scale)
    gram = W @ W.T if few else W.T @ W
    inverse = _inverse_factor(model, eye(gram) - gram)
    return InverseHessian(W if few else None, inverse, scale, float(xp.min(diagonal)) * _least_eigenvalue(inverse))


def _inverse_factor(model: Expansion, matrix: Array) -> Array:
    """Inverse of the Cholesky factor; ``LinAlgError`` where a pivot is rounding.

    With a regulariser no joint leverage is 1, whatever rounding says; without, the condition takes its digits.
    """
    factor = cholesky(matrix)
    smallest = rounding(model.X.shape[1])
    if not model.penalty.regularization:
        smallest *= model.whitening.scaled_condition
    if len(factor) and not float(factor.diagonal().min()) ** 2 > smallest:
        raise np.linalg.LinAlgError("a pivot is rounding")
    return triangular_inverse(factor)


def _rebuilt(model: Expansion, removed: IntArray) -> InverseHessian:
    """From the samples that are kept: taking most of them away would cancel."""
    inverse = _inverse_factor(model, whitened_hessian(model, removed, model.curvature))
    least = 1 / float(namespace(inverse).linalg.svdvals(inverse)[0]) ** 2
    return InverseHessian(None, inverse, 0 * model.parameters + 1, min(1.0, least))


def whitened_hessian(model: Expansion, removed: IntArray, curvature: Array) -> Array:
    """``W_K' diag(curvature) W_K + mu diag(sigma)`` over the kept samples K, (q, q)."""
    kept = namespace(curvature).asarray(curvature, copy=True)
    kept[removed] = 0.0  # of the samples themselves there is no copy
    return hessian(model.whitened, kept, model.weight(len(removed)) * model.whitening.penalty)


def unfactored(model: Expansion, removed: IntArray) -> RemovedHessian:
    """What is left where ``H_T`` is singular in floating point, but not in truth: ``H_1``, and no Newton step."""
    return RemovedHessian(removed, 0 * model.parameters + np.nan, LEAST_EIGENVALUE)


def _least_eigenvalue(inverse: Array) -> float:
    """Least eigenvalue of ``L L' <= I`` from below: ``(L L')^{-1} - I`` is at most the 4-norm of its eigenvalues."""
    if not len(inverse):
        return 1.0
    excess = inverse.T @ inverse - eye(inverse)
    return 1 / (1 + matrix_norm(excess.T @ excess) ** 0.5)

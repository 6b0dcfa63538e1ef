r"""The Hessian without a removal set, in whitened coordinates: what Newton step, retraining and bounds share.

With ``H_1 = L_1 L_1'`` and ``u = L_1' x`` the deletion Hessian is the identity, and without a set T of k samples

    H_T = (I - U U') - (k - 1) share S,     U = L_1^{-1} X_T' A_T^{1/2},     S = L_1^{-1} P L_1^{-T}

For a small set the bracket is inverted with a k x k factor (Woodbury). It is H_T but for the regulariser's share of
the other k - 1 samples, which is at most a fraction (k - 1)/(n - 1) of it. A set of more than half of the samples, or
of more samples than parameters, is built from the samples that are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg

from leaveout import newton
from leaveout.arrays import Array, IntArray
from leaveout.errors import NotRemovable
from leaveout.model import Model

#: Bytes that the working arrays of one block of removal sets may take.
BLOCK_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class RemovedHessian:
    """A factored approximation of ``H_T`` in whitened coordinates, and how good it is.

    Attributes
    ----------
    removed : (k,) int array
        The set, sorted.
    update : (q, k) float64 array, or None
        ``U``; None where the factor is that of ``H_T`` itself.
    factor : (k, k) or (q, q) float64 array
        Lower Cholesky factor of ``I - U' U``, or of ``H_T``.
    shift : float
        ``(k - 1) share``: the weight of S that the factor leaves out; 0 where it is exact.
    ratio : float
        ``H_T >= ratio`` times the factored matrix; at most 1.
    """

    removed: IntArray
    update: Array | None
    factor: Array
    shift: float
    ratio: float

    def solve(self, rhs: Array) -> Array:
        """Inverse of the factored matrix times ``rhs``, (q,) or (q, m)."""
        if self.update is None:
            return newton.solve(self.factor, rhs)
        return rhs + self.update @ newton.solve(self.factor, self.update.T @ rhs)

    @cached_property
    def least_eigenvalue(self) -> float:
        """Least eigenvalue of ``H_T`` relative to ``H_1``, bounded from below: 1 minus a small set's joint leverage."""
        if not self.factor.size:
            return self.ratio
        smallest = scipy.linalg.svdvals(self.factor, check_finite=False)[-1] ** 2
        return self.ratio * (min(1.0, smallest) if self.update is not None else smallest)


def removed_hessian(model: Model, removed: IntArray) -> RemovedHessian:
    """Factor the Hessian without one set.

    Raises
    ------
    NotRemovable
        Without the set the Hessian is singular: the parameters are not determined.
    """
    n, k = model.n, len(removed)
    try:
        if k < model.X.shape[1] and 2 * k <= n:
            update = (model.whitened[removed] * np.sqrt(model.curvature[removed])[:, None]).T
            gram = update.T @ update
            factor = newton.cholesky(np.eye(k) - gram)
            shift = (k - 1) * model.penalty.share
            ratio = (n - k) / (n - 1) if shift > 0 else 1.0
            return RemovedHessian(removed, update, factor, shift, ratio)
        kept = np.delete(np.arange(n), removed)
        matrix = newton.hessian(model.whitened[kept], model.curvature[kept], np.zeros(model.X.shape[1]))
        matrix += model.penalty.weight(n, k) * whitened_penalty(model, np.eye(model.X.shape[1]))
        return RemovedHessian(removed, None, newton.cholesky(matrix), 0.0, 1.0)
    except np.linalg.LinAlgError:
        raise NotRemovable(
            f"the {k} samples have joint leverage 1: without them the parameters are not determined"
        ) from None


def whitened_penalty(model: Model, vectors: Array) -> Array:
    """``S v = L_1^{-1} P L_1^{-T} v`` for the columns of ``vectors``, (q, m)."""
    return model.whiten(model.P * model.unwhiten(vectors.T)).T


def blocks(model: Model, sets: list[IntArray], budget: int = BLOCK_BYTES) -> Iterator[range]:
    """Cut positions in ``sets`` into ranges whose working arrays fit ``budget`` bytes; a range is never empty."""
    n, q = model.X.shape
    begin, size = 0, 0
    for position, removed in enumerate(sets):
        k = len(removed)
        needed = 8 * (12 * n + 12 * q + min(k, q) * (q + min(k, q)))
        if position > begin and size + needed > budget:
            yield range(begin, position)
            begin, size = position, 0
        size += needed
    if sets:
        yield range(begin, len(sets))

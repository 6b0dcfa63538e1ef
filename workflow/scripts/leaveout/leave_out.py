r"""The leave-T-out objectives of several removal sets, as functions of the change ``delta`` from the full model.

The gradient, sum form, is

    g_T(delta) = sum_{i not in T} x_i [p(z_i + t_i) - p(z_i)] + mu P delta - (sum_{i in T} g_i - n grad J(theta_hat))

with ``t = X delta``, in which nothing cancels: its rounding is relative to the change itself, not to the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from leaveout import bounds, loss
from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.estimators import indicators
from leaveout.linear_algebra import (
    beside,
    cholesky,
    dots,
    eye,
    matrix_norm,
    namespace,
    on_host,
    squares,
    triangular_solve,
)
from leaveout.model import Model
from leaveout.removed import RemovedHessian, whitened_hessian

#: Error of a retrained change, relative to it, in the norm of the Hessian, that is not worth another iteration.
NEGLIGIBLE = 1e-11


@dataclass(frozen=True, eq=False)
class LeaveOut:
    """Objectives without the sets of ``hessians``, as ``lbfgs`` minimises them: one column a set.

    Attributes
    ----------
    model : Model
        In its own coordinates, q of them.
    hessians : sequence of RemovedHessian
        The sets, and what preconditions their directions.
    """

    model: Model
    hessians: Sequence[RemovedHessian]

    @cached_property
    def weight(self) -> Array:
        """``mu``: the regulariser's weight in sum form, (m,), a numpy array."""
        return np.array([self.model.penalty.weight(self.model.n, len(h.removed)) for h in self.hessians])

    @cached_property
    def divisor(self) -> Array:
        """What turns the sum form into the mean form, (m,), a numpy array."""
        return np.array([float(self.model.penalty.divisor(self.model.n, len(h.removed))) for h in self.hessians])

    @cached_property
    def target(self) -> Array:
        """``sum_{i in T} g_i - n grad J(theta_hat)``, (q, m): what the change has to balance."""
        model = self.model
        sizes = beside(model.X, [len(h.removed) for h in self.hessians])
        summed = model.X.T @ indicators(model, [h.removed for h in self.hessians], model.residual).T
        shares = (model.penalty.share * model.P * model.parameters)[:, None]
        return summed + sizes * shares - model.gradient[:, None]

    @cached_property
    def ridge(self) -> Array:
        """Diagonals of ``mu P``, (q, m)."""
        return self.model.P[:, None] * beside(self.model.X, self.weight)

    def kept(self, values: Array, columns: IntArray) -> Array:
        """Set the removed samples' entries to zero, in place."""
        for i, j in enumerate(columns):
            values[self.hessians[j].removed, i] = 0.0
        return values

    def reference(self) -> tuple[Array, Array]:
        """Linear predictors and probabilities of the full model, (n, 1)."""
        return self.model.z[:, None], self.model.probability[:, None]

    def predictors(self, parameters: Array, columns: IntArray) -> Array:
        """``t = X delta``, zero for removed samples."""
        return self.kept(self.model.X @ parameters, columns)

    def slopes(self, predictors: Array) -> Array:
        """``p(z + t) - p(z)``: zero for removed samples."""
        return loss.probability_change(self.model.z[:, None], predictors)

    def gradient(self, parameters: Array, slopes: Array, columns: IntArray) -> Array:
        """``g_T(delta)``, (q, m)."""
        gradient = self.model.X.T @ slopes
        gradient += self.ridge[:, columns] * parameters
        gradient -= self.target[:, columns]
        return gradient

    def precondition(self, gradients: Array, columns: IntArray) -> Array:
        """``H_T^{-1}`` at ``theta_hat`` times gradients: what the Newton step has factored already."""
        whitened = self.model.whitening.basis.T @ gradients
        for i, j in enumerate(columns):
            whitened[:, i] = self.hessians[j].solve(whitened[:, i])
        return self.model.whitening.basis @ whitened

    def penalty_along(self, direction: Array, columns: IntArray) -> Array:
        """``mu d' P d``, (m,)."""
        return dots(self.ridge[:, columns] * direction, direction)

    def accurate(self, parameters: Array, decrements: Array, columns: IntArray) -> BoolArray:
        """Whether the distance still to go is negligible beside that gone, in the norm of the mean Hessian between."""
        gone = np.maximum(0.0, on_host(dots(parameters, self.target[:, columns])))
        return decrements <= NEGLIGIBLE * np.sqrt(gone)

    def rounding(self, parameters: Array, predictors: Array, slopes: Array) -> Array:
        """Norms of the errors with which gradients are computed, (m,)."""
        model, xp = self.model, namespace(predictors)
        p = model.probability[:, None] + slopes
        here, there = model.curvature[:, None], p * (1 - p)
        curvature = xp.where(there > here, there, 0 * p + here)
        sizes = model.size + xp.linalg.vector_norm(parameters, axis=0)
        return model.gradient_rounding + model.gradient_errors(slopes, curvature, sizes)

    def separated(self, predictors: Array, columns: IntArray) -> BoolArray:
        """Which sets' kept samples are all on their own side: without regularisation no optimum exists then."""
        if self.model.penalty.regularization:
            return np.zeros(len(columns), dtype=np.bool_)
        wrong = (2 * self.model.y - 1)[:, None] * (self.model.z[:, None] + predictors) <= 0
        wrong = self.kept(wrong, columns)
        return ~on_host(namespace(wrong).any(wrong, axis=0))

    def refactored(self, column: int, predictors: Array) -> "LeaveOut":
        """The objective of one column, preconditioned by its Hessian at an iterate, (n, 1).

        Raises
        ------
        numpy.linalg.LinAlgError
            That Hessian is singular.
        """
        hessian = self.hessians[column]
        at = loss.curvature(self.model.z + predictors[:, 0])
        factor = cholesky(whitened_hessian(self.model, hessian.removed, at))
        return LeaveOut(self.model, [replace(hessian, update=None, factor=factor, scale=0 * hessian.scale + 1)])

    def reach(self, gram: Array) -> Array:
        """Bounds of ``||x||_{H_T^{-1}}``, (s, m), H_T at ``theta_hat``, from ``x' H_1^{-1} x``, (s,)."""
        return namespace(gram).sqrt(gram[:, None] / beside(gram, self.least_eigenvalues))

    @cached_property
    def least_eigenvalues(self) -> Array:
        """Least eigenvalues of ``H_T`` relative to ``H_1``, (m,), bounded from below; a numpy array."""
        return np.array([h.least_eigenvalue for h in self.hessians])

    def dual_norms(self, vectors: Array) -> Array:
        """``||v||_{H_T^{-1}}``, H_T at ``theta_hat``, of one row of ``vectors`` (m, q) a set; bounded from above."""
        whitened = self.model.whitening.whiten(vectors)
        return np.array([h.dual_norm(w) for h, w in zip(self.hessians, whitened, strict=True)])

    def decrements(self, gradients: Array, predictors: Array) -> Array:
        """Newton decrements ``||g||_{N^{-1}}``, (m,), N the Hessian at the iterate; bounded from above.

        By the least curvature relative to H_T at ``theta_hat``, or that of the regulariser alone.
        """
        relative = self.dual_norms(gradients.T)
        z = self.model.z[:, None] + predictors
        nowhere = np.finfo(np.float64).eps / np.maximum(1.0, self._farthest)
        least = bounds.relative_curvature(nowhere, z, self.model.curvature[:, None], self._reach)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(relative > 0, relative / np.sqrt(least), 0.0)
            if bool(self.model.P.all()):
                norms = on_host(namespace(gradients).linalg.vector_norm(gradients, axis=0))
                found = np.minimum(found, np.where(norms > 0, norms / np.sqrt(self.weight), 0.0))
        return found

    @cached_property
    def _reach(self) -> Array:
        return self.kept(self.reach(self.model.deletion_gram), np.arange(len(self.hessians)))

    @cached_property
    def _farthest(self) -> Array:
        return on_host(namespace(self._reach).max(self._reach, axis=0))

    def distances(self, gradients: Array, parameters: Array, predictors: Array) -> Array:
        """Bounds of ``||delta* - delta||_{H_T}``, (m,): what gradients and rounding leave open (see ``bounds``)."""
        model, xp = self.model, namespace(gradients)
        rounding = on_host(self.rounding(parameters, predictors, self.slopes(predictors)))
        decrements = self.dual_norms(gradients.T) + rounding * np.sqrt(self.inverse_norms)
        z = model.z[:, None] + predictors
        found = bounds.distances(decrements, z, model.curvature[:, None], self._reach)
        unproved = ~np.isfinite(found) & (self.weight > 0)
        if unproved.any() and bool(model.P.all()):
            # strong convexity alone: ||delta* - delta||_2 <= ||g|| / mu
            error = on_host(xp.linalg.vector_norm(gradients, axis=0)) + rounding
            found[unproved] = model.whitening.hessian_norm**0.5 * (error / self.weight)[unproved]
        return found

    def proved_at(self, column: int, gradient: Array, parameters: Array, predictors: Array) -> bool:
        """Whether the Hessian at an iterate of one column, not that at ``theta_hat``, proves an optimum near by."""
        model, hessian = self.model, self.hessians[column]
        z = model.z + predictors[:, 0]
        try:
            factor = cholesky(whitened_hessian(model, hessian.removed, loss.curvature(z)))
        except np.linalg.LinAlgError:
            return False
        whitened = triangular_solve(factor, model.whitened.T)
        beta = self.kept(namespace(z).sqrt(squares(whitened.T))[:, None], np.array([column]))
        inverse_norm = model.whitening.inverse_norm * matrix_norm(triangular_solve(factor, eye(factor))) ** 2
        rounding = on_host(self.rounding(parameters, predictors, self.slopes(predictors)))
        own = triangular_solve(factor, model.whitening.basis.T @ gradient)
        decrements = np.sqrt(on_host(dots(own, own))) + rounding * inverse_norm**0.5
        return bool(np.isfinite(bounds.distances(decrements, z[:, None], loss.curvature(z)[:, None], beta)).all())

    @property
    def inverse_norms(self) -> Array:
        """Bounds of ``||H_T^{-1}||_2`` at ``theta_hat``, (m,)."""
        return self.model.whitening.inverse_norm / self.least_eigenvalues

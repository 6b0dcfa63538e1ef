r"""The leave-T-out objectives of several removal sets, as functions of the change ``delta`` from the full model.

The gradient, sum form, is

    g_T(delta) = sum_{i not in T} x_i [p(z_i + t_i) - p(z_i)] + mu P delta - (sum_{i in T} g_i - n grad J(theta_hat))

with ``t = X delta``, in which nothing cancels: its rounding is relative to the change itself, not to the model. In
whitened coordinates, ``W = X L_1^{-T}``, the Hessian needs one pass over W and no penalty matrix:

    N = W' (diag(w) - c A) W + c I

with ``w_i`` the curvature at the iterate for kept samples, else 0, and ``c = mu / (weight of P in H_1)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leaveout import bounds, loss, newton
from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.conjugate_gradients import conjugate_gradients
from leaveout.estimators import summed_gradients
from leaveout.model import Model
from leaveout.removed import RemovedHessian

INNER_LIMIT = 500


@dataclass(frozen=True, eq=False)
class LeaveOut:
    """Objectives without the sets of ``hessians``; arrays have one column a set, ``columns`` says which.

    Attributes
    ----------
    model : Model
        In its own coordinates, q of them.
    hessians : sequence of RemovedHessian
        The sets, and what preconditions their Newton directions.
    """

    model: Model
    hessians: Sequence[RemovedHessian]

    @cached_property
    def weight(self) -> Array:
        """``mu``: the regulariser's weight in sum form."""
        return np.array([self.model.penalty.weight(self.model.n, len(h.removed)) for h in self.hessians])

    @cached_property
    def divisor(self) -> Array:
        """What turns the sum form into the mean form."""
        return np.array([float(self.model.penalty.divisor(self.model.n, len(h.removed))) for h in self.hessians])

    @cached_property
    def target(self) -> Array:
        """``sum_{i in T} g_i - n grad J(theta_hat)``, (q, m): what the change has to balance."""
        summed = summed_gradients(self.model, [h.removed for h in self.hessians], self.model.residual)
        return (summed - self.model.gradient).T

    def _kept(self, values: Array, columns: IntArray) -> Array:
        """Set the removed samples' entries to zero, in place."""
        for i, j in enumerate(columns):
            values[self.hessians[j].removed, i] = 0.0
        return values

    def gradient(self, delta: Array, t: Array, columns: IntArray) -> Array:
        """``g_T(delta)``, (q, len(columns)), from the changes of parameters and linear predictors."""
        change = self._kept(loss.probability_change(self.model.z[:, None], t), columns)
        penalty = self.weight[columns] * self.model.P[:, None] * delta
        return self.model.X.T @ change + penalty - self.target[:, columns]

    def newton_direction(
        self, gradient: Array, t: Array, columns: IntArray, tolerance: Array
    ) -> tuple[Array, IntArray]:
        """Solve ``N s = -g_T`` to a relative residual of ``tolerance``; also return the passes that it took."""
        model = self.model
        c = (
            self.weight[columns] / model.penalty.weight(model.n, 1)
            if model.penalty.regularization
            else np.ones(len(columns))
        )
        curvature = self._kept(loss.curvature(model.z[:, None] + t), columns) - c * model.curvature[:, None]

        def apply(vectors: Array, inner: IntArray) -> Array:
            image = model.whitened @ vectors
            image *= curvature[:, inner]
            return model.whitened.T @ image + c[inner] * vectors

        def precondition(vectors: Array, inner: IntArray) -> Array:
            solved = [self.hessians[columns[j]].solve(vectors[:, i]) for i, j in enumerate(inner)]
            return np.column_stack(solved)

        rhs = -model.whiten(gradient.T).T
        solution, passes = conjugate_gradients(apply, precondition, rhs, tolerance, INNER_LIMIT)
        return model.unwhiten(solution.T).T, passes

    def step_lengths(self, gradient: Array, t: Array, direction: Array, dt: Array, columns: IntArray) -> Array:
        """Armijo step lengths along ``direction``, whose predictors change by ``dt``; 0 where none decreases enough."""
        descent = np.einsum("ij,ij->j", gradient, direction)
        penalty = self.weight[columns] * np.einsum("ij,ij->j", direction, self.model.P[:, None] * direction)
        return newton.step_lengths(self.model.z[:, None] + t, self._kept(dt.copy(), columns), descent, penalty)

    def separated(self, t: Array, columns: IntArray) -> BoolArray:
        """Which sets' kept samples are all on their own side: without regularisation no optimum exists then."""
        if self.model.penalty.regularization:
            return np.zeros(len(columns), dtype=np.bool_)
        margins = (2 * self.model.y - 1)[:, None] * (self.model.z[:, None] + t)
        for i, j in enumerate(columns):
            margins[self.hessians[j].removed, i] = np.inf
        return margins.min(axis=0) > 0

    def row_reach(self, gram: Array, column: int) -> Array:
        """Bound of ``||x||_{H_T^{-1}}``, H_T at ``theta_hat``, from ``x' H_1^{-1} x``."""
        return np.sqrt(gram / self.hessians[column].least_eigenvalue)

    def dual_norms(self, vectors: Array) -> Array:
        """``||v||_{H_T^{-1}}``, H_T at ``theta_hat``, of one row of ``vectors`` (m, q) a set; bounded from above."""
        whitened = self.model.whiten(vectors)
        squares = [w @ h.solve(w) / h.ratio for h, w in zip(self.hessians, whitened, strict=True)]
        return np.sqrt(np.maximum(0.0, squares))

    def distances(self, gradients: Array, deltas: Array, t: Array) -> Array:
        """Bounds of ``||delta* - delta||_{H_T}``, (m,): what gradients and rounding leave open (see ``bounds``)."""
        model, decrements = self.model, self.dual_norms(gradients.T)
        found = np.empty(len(self.hessians))
        for j, hessian in enumerate(self.hessians):
            kept = np.delete(np.arange(model.n), hessian.removed)
            rounded = self.gradient_rounding(deltas[:, j], t[:, j]) * np.sqrt(self.inverse_norm(j))
            reach = self.row_reach(model.deletion_gram[kept], j)
            at = (model.z + t[:, j])[kept]
            found[j] = bounds.distance(decrements[j] + rounded, at, model.curvature[kept], reach)
            if not np.isfinite(found[j]) and model.P.all() and self.weight[j]:
                # strong convexity alone: ||delta* - delta||_2 <= ||g|| / mu
                error = np.linalg.norm(gradients[:, j]) + self.gradient_rounding(deltas[:, j], t[:, j])
                found[j] = np.sqrt(model.hessian_norm) * error / self.weight[j]
        return found

    def inverse_norm(self, column: int) -> float:
        """Bound of ``||H_T^{-1}||_2`` at ``theta_hat``: by the regulariser where it covers all, else by the factor."""
        by_factor = self.model.inverse_norm / self.hessians[column].least_eigenvalue
        return 1 / self.weight[column] if self.model.P.all() and self.weight[column] else float(by_factor)

    def gradient_rounding(self, delta: Array, t: Array) -> float:
        """Norm of the error with which ``gradient`` is computed."""
        model = self.model
        size = float(np.linalg.norm(model.parameters) + np.linalg.norm(delta))
        curvature = np.maximum(model.curvature, loss.curvature(model.z + t))
        change = loss.probability_change(model.z, t)
        return model.gradient_rounding + model.gradient_error(change, curvature, size)

r"""The leave-T-out objectives of several removal sets, as functions of the change ``delta`` from the full model.

The gradient, sum form, is

    g_T(delta) = sum_{i not in T} x_i [p(z_i + t_i) - p(z_i)] + mu P delta - (sum_{i in T} g_i - n grad J(theta_hat))

with ``t = X delta``, in which nothing cancels: its rounding is relative to the change itself, not to the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from leaveout import bounds, inexact_newton, loss
from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.blocks import pieces
from leaveout.estimators import indicators
from leaveout.expansion import Expansion
from leaveout.linear_algebra import (
    as_type,
    beside,
    cholesky,
    dots,
    matrix_norm,
    namespace,
    on_host,
    triangular_inverse,
)
from leaveout.removed import RemovedHessian, whitened_hessian

#: Error of a retrained change, relative to it, in the norm of the Hessian, that is not worth another iteration.
NEGLIGIBLE = 1e-11


@dataclass(frozen=True, eq=False)
class LeaveOut:
    """Objectives without the sets of ``hessians``, as ``lbfgs`` minimises them: one row a set.

    Attributes
    ----------
    model : Expansion
        In its own coordinates, q of them.
    hessians : sequence of RemovedHessian
        The sets, and their Hessians at ``theta_hat``.
    """

    model: Expansion
    hessians: Sequence[RemovedHessian]

    @cached_property
    def weight(self) -> Array:
        """``mu``: the regulariser's weight in sum form, (m,), a numpy array."""
        return np.array([self.model.weight(len(h.removed)) for h in self.hessians])

    @cached_property
    def divisor(self) -> Array:
        """What turns the sum form into the mean form, (m,), a numpy array."""
        return np.array([float(self.model.divisor(len(h.removed))) for h in self.hessians])

    @cached_property
    def target(self) -> Array:
        """``sum_{i in T} g_i - n grad J(theta_hat)``, (m, q): what the change has to balance."""
        model = self.model
        sizes = beside(model.X, [len(h.removed) for h in self.hessians])[:, None]
        summed = indicators(model, [h.removed for h in self.hessians], model.residual) @ model.X
        return summed + sizes * (model.penalty.share * model.P * model.parameters) - model.gradient

    @cached_property
    def ridge(self) -> Array:
        """Diagonals of ``mu P``, (m, q)."""
        return beside(self.model.X, self.weight)[:, None] * self.model.P

    def kept(self, values: Array, rows: IntArray) -> Array:
        """Set the removed samples' entries to zero, in place."""
        for i, j in enumerate(rows):
            values[i, self.hessians[j].removed] = 0.0
        return values

    def reference(self) -> tuple[Array, Array]:
        """Linear predictors and probabilities of the full model, (n,)."""
        return self.model.z, self.model.probability

    def predictors(self, parameters: Array, rows: IntArray) -> Array:
        """``t = X delta``, (m, n), zero for removed samples."""
        return self.kept(parameters @ self.model.X.T, rows)

    def slopes(self, predictors: Array) -> Array:
        """``p(z + t) - p(z)``, (m, n): zero for removed samples."""
        slopes = namespace(predictors).empty_like(predictors)
        for piece in pieces(slopes.shape):
            slopes[piece] = loss.probability_change(self.model.z, predictors[piece])
        return slopes

    def gradient(self, parameters: Array, slopes: Array, rows: IntArray) -> Array:
        """``g_T(delta)``, (m, q)."""
        gradient = slopes @ self.model.X
        gradient += self.ridge[rows] * parameters
        gradient -= self.target[rows]
        return gradient

    @property
    def precision(self) -> Any:
        """Data type of directions."""
        return inexact_newton.precision(self.model)

    @cached_property
    def _basis(self) -> Array:
        return as_type(self.model.whitening.basis, self.precision)

    def precondition(self, gradients: Array, slopes: Array, rows: IntArray) -> tuple[Array, float]:
        """Inverse of the Hessian at the iterate, nearly, times gradients, (m, q), and the sweeps that it took."""
        sizes = beside(self.model.X, [len(self.hessians[j].removed) for j in rows])
        shifts = -(sizes - 1) * self.model.penalty.share
        whitened = gradients @ self._basis
        solved, passes = inexact_newton.solve(self.model, whitened, shifts, self.curvature_changes(slopes, rows))
        return solved @ self._basis.T, passes

    def curvature_changes(self, slopes: Array, rows: IntArray) -> Array:
        """Curvatures at iterates less those at ``theta_hat``, (m, n), where a removed sample has none.

        Zero where it is not a number: all rows of a block share the samples that are chosen by these.
        """
        xp = namespace(slopes)
        changes = xp.empty_like(slopes, dtype=self.precision)
        for piece in pieces(slopes.shape):
            p = self.model.probability + slopes[piece]
            change = p * (1 - p) - self.model.curvature
            changes[piece] = as_type(xp.where(xp.isfinite(change), change, 0 * self.model.curvature), self.precision)
        without = as_type(-self.model.curvature, self.precision)
        for i, j in enumerate(rows):
            changes[i, self.hessians[j].removed] = without[self.hessians[j].removed]
        return changes

    def penalty_along(self, direction: Array, rows: IntArray) -> Array:
        """``mu d' P d``, (m,)."""
        return dots(self.ridge[rows] * direction, direction)

    def accurate(self, parameters: Array, decrements: Array, rows: IntArray) -> BoolArray:
        """Whether the distance still to go is negligible beside that gone, in the norm of the mean Hessian between."""
        gone = np.maximum(0.0, on_host(dots(parameters, self.target[rows])))
        return decrements <= NEGLIGIBLE * np.sqrt(gone)

    def rounding(self, parameters: Array, predictors: Array, slopes: Array) -> Array:
        """Norms of the errors with which gradients are computed, (m,)."""
        model, xp = self.model, namespace(predictors)
        p = model.probability + slopes
        there = p * (1 - p)
        curvature = xp.where(there > model.curvature, there, model.curvature)
        sizes = model.size + xp.linalg.vector_norm(parameters, axis=1)
        return model.gradient_rounding + model.gradient_errors(slopes, curvature, sizes)

    def separated(self, predictors: Array, rows: IntArray) -> BoolArray:
        """Which sets' kept samples are all on their own side: without regularisation no optimum exists then."""
        if self.model.penalty.regularization:
            return np.zeros(len(rows), dtype=np.bool_)
        margins = (2 * self.model.y - 1) * (self.model.z + predictors)
        for i, j in enumerate(rows):
            margins[i, self.hessians[j].removed] = np.inf
        found: BoolArray = on_host(namespace(margins).min(margins, axis=1)) > 0
        return found

    def refactored(self, row: int, predictors: Array) -> "LeaveOut | None":
        """The objective of one set, preconditioned by its Hessian at an iterate, (n,); None where that is singular."""
        hessian, inverse = self.hessians[row], self._inverse_at(row, predictors)
        if inverse is None:
            return None
        return Factored(self.model, [hessian], as_type(inverse, self.precision))

    def _inverse_at(self, row: int, predictors: Array) -> Array | None:
        """Inverse of the Cholesky factor of the Hessian at an iterate, in whitened coordinates."""
        curvature = loss.curvature(self.model.z + predictors)
        try:
            return triangular_inverse(cholesky(whitened_hessian(self.model, self.hessians[row].removed, curvature)))
        except np.linalg.LinAlgError:
            return None

    def reach(self, gram: Array) -> Array:
        """Bounds of ``||x||_{H_T^{-1}}``, (m, s), H_T at ``theta_hat``, from ``x' H_1^{-1} x``, (s,)."""
        return namespace(gram).sqrt(gram / beside(gram, self.least_eigenvalues)[:, None])

    @cached_property
    def least_eigenvalues(self) -> Array:
        """Least eigenvalues of ``H_T`` relative to ``H_1``, (m,), bounded from below; a numpy array."""
        return np.array([h.least_eigenvalue for h in self.hessians])

    def dual_norms(self, vectors: Array) -> Array:
        """``||v||_{H_T^{-1}}``, H_T at ``theta_hat``, of one row of ``vectors`` (m, q) a set; bounded from above."""
        whitened = self.model.whitening.whiten(vectors)
        return np.sqrt(on_host(dots(whitened, whitened)) / self.least_eigenvalues)

    def decrements(self, gradients: Array, predictors: Array) -> Array:
        """Newton decrements ``||g||_{N^{-1}}``, (m,), N the Hessian at the iterate; bounded from above.

        By the least curvature relative to H_T at ``theta_hat``, or that of the regulariser alone.
        """
        relative = self.dual_norms(gradients)
        z = self.model.z + predictors
        nowhere = np.finfo(np.float64).eps / np.maximum(1.0, self._farthest)
        least = bounds.relative_curvature(nowhere, z, self.model.curvature, self._reach)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(relative == 0, 0.0, relative / np.sqrt(least))
            if bool(self.model.P.all()):
                norms = on_host(namespace(gradients).linalg.vector_norm(gradients, axis=1))
                found = np.minimum(found, np.where(norms == 0, 0.0, norms / np.sqrt(self.weight)))
        for row in np.flatnonzero(np.isinf(found)):
            inverse = self._inverse_at(int(row), predictors[row])
            found[row] = np.inf if inverse is None else self._norm_at(inverse, gradients[row])
        return found

    def _norm_at(self, inverse: Array, gradient: Array) -> float:
        """``||g||_{N^{-1}}`` for the Hessian N at an iterate, from the inverse of its factor."""
        own = self.model.whitening.whiten(gradient) @ inverse.T
        return float(own @ own) ** 0.5

    @cached_property
    def _reach(self) -> Array:
        return self.kept(self.reach(self.model.deletion_gram), np.arange(len(self.hessians)))

    @cached_property
    def _farthest(self) -> Array:
        return on_host(namespace(self._reach).max(self._reach, axis=1))

    def distances(self, gradients: Array, parameters: Array, predictors: Array) -> Array:
        """Bounds of ``||delta* - delta||_{H_T}``, (m,): what gradients and rounding leave open (see ``bounds``)."""
        model, xp = self.model, namespace(gradients)
        rounding = on_host(self.rounding(parameters, predictors, self.slopes(predictors)))
        decrements = self.dual_norms(gradients) + rounding * np.sqrt(self.inverse_norms)
        z = model.z + predictors
        found = bounds.distances(decrements, z, model.curvature, self._reach)
        found[~(found >= 0)] = np.inf
        unproved = np.isinf(found)
        if bool(model.P.all()):
            # strong convexity alone: ||delta* - delta||_2 <= ||g|| / mu
            error = on_host(xp.linalg.vector_norm(gradients, axis=1)) + rounding
            convex = unproved & (self.weight > 0)
            norm = model.whitening.hessian_norm + model.penalty.share
            found[convex] = norm**0.5 * error[convex] / self.weight[convex]
        for row in np.flatnonzero(np.isinf(found) & np.isfinite(rounding)):
            found[row] = self._distance_at(int(row), gradients[row], predictors[row], float(rounding[row]))
        return found

    def _distance_at(self, row: int, gradient: Array, predictors: Array, rounding: float) -> float:
        """The same bound by the Hessian N at the iterate of one set, which costs a factor: infinite if this fails too.

        It bounds ``||.||_N``; in whitened coordinates ``N >= I / ||L_N^{-1}||^2``, and ``H_T <= (1 + share sigma) I``.
        """
        model, z = self.model, self.model.z + predictors
        inverse = self._inverse_at(row, predictors)
        if inverse is None:
            return float("inf")
        whitened = model.whitened @ inverse.T
        beta = self.kept(namespace(z).sqrt(dots(whitened, whitened))[None, :], np.array([row]))
        size = matrix_norm(inverse)
        decrement = self._norm_at(inverse, gradient) + rounding * size * model.whitening.inverse_norm**0.5
        found = bounds.distances(np.array([decrement]), z[None, :], loss.curvature(z), beta)[0]
        largest = float(model.whitening.shifted(model.penalty.share).max())
        return float(found) * size * largest**0.5

    @property
    def inverse_norms(self) -> Array:
        """Bounds of ``||H_T^{-1}||_2`` at ``theta_hat``, (m,)."""
        found = self.model.whitening.inverse_norm / self.least_eigenvalues
        if bool(self.model.P.all()):
            found = np.where(self.weight > 0, np.minimum(found, 1 / np.where(self.weight > 0, self.weight, 1.0)), found)
        return found


@dataclass(frozen=True, eq=False)
class Factored(LeaveOut):
    """One objective, with the inverse of a Cholesky factor of its Hessian near by, (q, q), whitened."""

    inverse: Array

    def precondition(self, gradients: Array, slopes: Array, rows: IntArray) -> tuple[Array, float]:
        """That Hessian's inverse times the gradient, (1, q), which takes no sweep."""
        whitened = (gradients @ self._basis @ self.inverse.T) @ self.inverse
        return whitened @ self._basis.T, 0.0

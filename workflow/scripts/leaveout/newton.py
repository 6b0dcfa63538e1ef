r"""Minimise the regularised logistic objective by Newton's method.

``F(theta) = sum_i l_i(theta) + (weight / 2) theta' P theta`` (sum form). The line search needs differences of F that
sink under the rounding of F itself close to the optimum. It never subtracts two values: with ``d`` the step,
``F(theta + s d) - F(theta) = s <grad F, d> + sum_i D_i(s) + (s^2 / 2) weight d' P d``, where the divergences ``D_i >=
0`` are computed from the change of the linear predictor (see ``loss``). What decides is then the gradient, down to
rounding.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from leaveout import loss
from leaveout.arrays import Array
from leaveout.certificate import CERTIFIED, TARGET
from leaveout.errors import NoOptimum

ITERATION_LIMIT = 100
HALVINGS = 50
SUFFICIENT_DECREASE = 1e-4


@dataclass(frozen=True)
class Minimum:
    """Where Newton's method stopped, and after how many directions."""

    theta: Array
    iterations: int


def step_lengths(z: Array, dz: Array, descent: Array, penalty: Array) -> Array:
    """Largest of 1, 1/2, 1/4, ... that decreases each column's objective enough (Armijo); 0 where none does.

    Parameters
    ----------
    z, dz : (n, m) float64 arrays
        Linear predictors and their directions; rows that do not count have ``dz = 0``.
    descent, penalty : (m,) float64 arrays
        ``<grad F, d> < 0`` and ``weight d' P d``.
    """
    lengths = np.ones(len(descent))
    pending = np.arange(len(descent))
    for _ in range(HALVINGS):
        s = lengths[pending]
        divergences = loss.divergence(z[:, pending], s * dz[:, pending]).sum(axis=0)
        change = s * descent[pending] + divergences + s**2 / 2 * penalty[pending]
        pending = pending[~(change <= SUFFICIENT_DECREASE * s * descent[pending])]
        if not pending.size:
            return lengths
        lengths[pending] /= 2
    lengths[pending] = 0.0
    return lengths


def hessian(X: Array, curvature: Array, ridge: Array) -> Array:
    """``X' diag(curvature) X + diag(ridge)``, (q, q), as one symmetric rank-n product."""
    scaled = np.sqrt(curvature)[:, None] * X
    result: Array = scaled.T @ scaled
    result[np.diag_indices_from(result)] += ridge
    return result


def cholesky(matrix: Array) -> Array:
    """Lower Cholesky factor; ``LinAlgError`` where the matrix is not positive definite."""
    return scipy.linalg.cholesky(matrix, lower=True, check_finite=False)


def solve(factor: Array, rhs: Array) -> Array:
    """``(L L')^{-1} rhs``."""
    return scipy.linalg.cho_solve((factor, True), rhs, check_finite=False)


def minimize(X: Array, y: Array, ridge: Array, divisor: int, start: Array) -> Minimum:
    """Newton's method from ``start`` until the gradient is 1e-13 in mean form, or rounding stops it.

    Parameters
    ----------
    X : (n, q) float64 array
        Features, the constant column included.
    y : (n,) float64 array
        Labels in {0, 1}.
    ridge : (q,) float64 array
        Diagonal of ``weight P``.
    divisor : int
        Turns the sum form into the mean form.
    start : (q,) float64 array
        Where to begin.

    Raises
    ------
    NoOptimum
        No regularisation, and the data are separable or their columns linearly dependent.
    """
    theta, z = start, X @ start
    previous, factor, iterations = np.inf, None, 0
    while iterations < ITERATION_LIMIT:
        gradient = X.T @ loss.slope(z, y) + ridge * theta
        norm = float(np.linalg.norm(gradient)) / divisor
        if norm <= TARGET or (norm <= CERTIFIED and norm > previous / 2):
            break
        if not ridge.any() and np.all((2 * y - 1) * z > 0):
            raise NoOptimum("the classes are separable and regularization = 0: the weights grow for ever (regularise)")
        previous, factor = norm, _factor(hessian(X, loss.curvature(z), ridge))
        step = -solve(factor, gradient)
        dz = X @ step
        descent, penalty = np.array([gradient @ step]), np.array([step @ (ridge * step)])
        length = step_lengths(z[:, None], dz[:, None], descent, penalty)[0]
        if length == 0:
            break
        theta = theta + length * step
        z = X @ theta
        iterations += 1
    return Minimum(theta if factor is None else _polish(X, y, ridge, theta, factor), iterations)


def _factor(matrix: Array) -> Array:
    try:
        return cholesky(matrix)
    except np.linalg.LinAlgError:
        raise NoOptimum(
            "the Hessian is singular, the optimum is not unique: the features' columns are linearly dependent and not "
            "regularised, or so large that the regulariser vanishes beside them (drop columns, scale, regularise)"
        ) from None


def _polish(X: Array, y: Array, ridge: Array, theta: Array, factor: Array) -> Array:
    """Repeat steps with the last factor, one pass each, while they halve the gradient: it enters every effect."""

    def gradient(candidate: Array) -> Array:
        return X.T @ loss.slope(X @ candidate, y) + ridge * candidate

    current = gradient(theta)
    while True:
        candidate = theta - solve(factor, current)
        following = gradient(candidate)
        if not np.linalg.norm(following) < np.linalg.norm(current) / 2:
            return theta
        theta, current = candidate, following

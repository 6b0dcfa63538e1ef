"""A logistic regression expanded at given parameters: what leave-out objectives and predictions start from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leaveout import loss
from leaveout.arrays import Array, rounding
from leaveout.blocks import BLOCK_BYTES
from leaveout.coordinates import Coordinates
from leaveout.linear_algebra import beside, dots, expit, freeze, namespace
from leaveout.penalty import Penalty
from leaveout.whitening import Whitening

#: Samples that a Hessian adds up at a time, at most.
HESSIAN_ROWS = 16384


def hessian(X: Array, curvature: Array, ridge: Array) -> Array:
    """``X' diag(curvature) X + diag(ridge)``, (q, q), by symmetric rank-k products."""
    result = beside(X, np.zeros((X.shape[1], X.shape[1])))
    scale = namespace(X).sqrt(curvature)
    rows = max(1, min(HESSIAN_ROWS, BLOCK_BYTES // (8 * X.shape[1])))
    for begin in range(0, len(X), rows):  # a copy of few at a time
        scaled = scale[begin : begin + rows, None] * X[begin : begin + rows]
        result += scaled.T @ scaled
    diagonal = np.arange(len(result))
    result[diagonal, diagonal] += ridge
    return result


@dataclass(frozen=True, eq=False, repr=False)
class Expansion:
    r"""A logistic regression at given parameters, with a factored Hessian: what other objectives start from.

    All arrays live where the features live, and are in the coordinates of ``coordinates``: those of the features for n
    >= d, of their row space otherwise. Derived quantities are computed when first asked for, and kept.

    Attributes
    ----------
    X : (n, q) float64 array
        Features of the training samples, the constant column included.
    y : (n,) float64 array
        Labels in {0, 1}.
    penalty : Penalty
        Strength and convention of the regulariser.
    coordinates : Coordinates
        The way between R^q and the parameters R^p.
    parameters : (q,) float64 array
        Where it is expanded.
    whitening : Whitening
        The factored Hessian ``H_1 = H - share P``: H without one sample's share of the regulariser.
    whitened : (n, q) float64 array
        ``W = X B``: features in which ``H_1`` is the identity.
    """

    X: Array
    y: Array
    penalty: Penalty
    coordinates: Coordinates
    parameters: Array
    whitening: Whitening
    whitened: Array

    def __post_init__(self) -> None:
        for array in (self.X, self.y, self.parameters, self.whitened):
            freeze(array)  # what is derived from them is kept

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.y)

    def weight(self, removed: int = 0) -> float:
        """Weight of the regulariser in sum form when ``removed`` samples are gone."""
        return self.penalty.weight(self.n, removed)

    def divisor(self, removed: int = 0) -> int:
        """What turns the sum form into the mean form."""
        return self.penalty.divisor(self.n, removed)

    @cached_property
    def P(self) -> Array:
        """Diagonal of P, (q,)."""
        return beside(self.X, self.penalty.diagonal(self.X.shape[1]))

    @cached_property
    def z(self) -> Array:
        """Linear predictors ``<x_i, theta_hat>``, (n,)."""
        return self.X @ self.parameters

    @cached_property
    def probability(self) -> Array:
        """``p_i``, (n,)."""
        return expit(self.z)

    @cached_property
    def residual(self) -> Array:
        """``r_i = p_i - y_i``, (n,)."""
        return loss.slope(self.z, self.y)

    @cached_property
    def curvature(self) -> Array:
        """``a_i = p_i (1 - p_i)``, (n,)."""
        return loss.curvature(self.z)

    @cached_property
    def gradient(self) -> Array:
        """Sum-form gradient, (q,); at an optimum what rounding leaves of it."""
        return self.X.T @ self.residual + self.weight() * self.P * self.parameters

    @cached_property
    def row_norms(self) -> Array:
        """``||x_i||_2``, (n,)."""
        return dots(self.X, self.X) ** 0.5

    def gradient_errors(self, slopes: Array, curvature: Array, sizes: Array) -> Array:
        """Norms of the errors of ``X' slopes``, (m,): by its own sum, and by that of the linear predictors.

        Parameters
        ----------
        slopes, curvature : (m, n) float64 arrays
            Slopes of the samples' losses, and how much they change with the linear predictor.
        sizes : (m,) float64 array
            Norms of the parameters that the linear predictors are computed from.
        """
        slopes, curvature = slopes * self.row_norms, curvature * self.row_norms**2
        summed, predicted = dots(slopes, slopes), dots(curvature, curvature)
        return namespace(slopes).sqrt(rounding(self.n) ** 2 * summed + rounding() ** 2 * sizes**2 * predicted)

    @cached_property
    def size(self) -> float:
        """``||theta_hat||_2``."""
        return float(namespace(self.X).linalg.vector_norm(self.parameters))

    @cached_property
    def gradient_rounding(self) -> float:
        """Norm of the error with which ``gradient`` itself is computed, sum form."""
        slopes, curvature, size = self.residual[None, :], self.curvature[None, :], beside(self.X, [self.size])
        return float(self.gradient_errors(slopes, curvature, size)[0])

    @cached_property
    def whitened_penalty(self) -> Array:
        """``B' P theta_hat``, (q,): the regulariser's gradient, in units of its weight."""
        return self.whitening.whiten(self.P * self.parameters)

    @cached_property
    def deletion_gram(self) -> Array:
        """``x_i' H_1^{-1} x_i``, (n,)."""
        return dots(self.whitened, self.whitened)

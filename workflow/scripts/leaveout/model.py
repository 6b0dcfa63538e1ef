"""The full model: a regularised logistic regression at its certified optimum."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from leaveout import bounds, loss
from leaveout.arrays import Array, rounding
from leaveout.certificate import CERTIFIED, Certificate, Status
from leaveout.coordinates import Coordinates
from leaveout.linear_algebra import beside, dots, expit, freeze, namespace, on_host, squares
from leaveout.penalty import Penalty
from leaveout.whitening import Whitening, whitening

#: Samples that a Hessian adds up at a time.
HESSIAN_ROWS = 16384


def hessian(X: Array, curvature: Array, ridge: Array) -> Array:
    """``X' diag(curvature) X + diag(ridge)``, (q, q), by symmetric rank-k products."""
    result = beside(X, np.zeros((X.shape[1], X.shape[1])))
    scale = namespace(X).sqrt(curvature)
    for begin in range(0, len(X), HESSIAN_ROWS):  # a copy of few rows at a time
        scaled = scale[begin : begin + HESSIAN_ROWS, None] * X[begin : begin + HESSIAN_ROWS]
        result += scaled.T @ scaled
    diagonal = np.arange(len(result))
    result[diagonal, diagonal] += ridge
    return result


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    r"""The optimum ``theta_hat`` of ``J(theta) = (1/n) sum_i l_i(theta) + (lambda/2) theta' P theta``.

    All arrays but ``theta`` and ``leverage`` live where the features live, and are in the coordinates of
    ``coordinates``: those of the features for n >= d, of their row space otherwise. Derived quantities are computed
    when first asked for, and kept.

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
        The optimum.
    iterations : int
        Directions that the fit took.
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
    iterations: int
    whitening: Whitening
    whitened: Array

    @classmethod
    def at(
        cls, X: Array, y: Array, penalty: Penalty, coordinates: Coordinates, parameters: Array, iterations: int
    ) -> Self:
        """Factor the Hessian at ``parameters``; ``LinAlgError`` where it is singular."""
        P = beside(X, penalty.diagonal(X.shape[1]))
        curvature = loss.curvature(X @ parameters)
        factored = whitening(hessian(X, curvature, penalty.weight(len(y), 1) * P), P)
        return cls(X, y, penalty, coordinates, parameters, iterations, factored, factored.whiten(X))

    def __post_init__(self) -> None:
        for array in (self.X, self.y, self.parameters, self.whitened):
            freeze(array)  # what is derived from them is kept

    def __repr__(self) -> str:
        settings = f"regularization={self.penalty.regularization:g}, regularizer={self.penalty.regularizer!r}"
        return (
            f"<Model of {self.n} samples, {len(self.theta)} parameters, {settings}, gradient {self.gradient_norm:.0e}>"
        )

    @property
    def n(self) -> int:
        """Number of training samples."""
        return len(self.y)

    @property
    def theta(self) -> Array:
        """Parameters ``theta_hat``, (p,), a numpy array; the constant's weight, if there is one, is the last."""
        return on_host(self.coordinates.lift(self.parameters))

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
        """What is left of the sum-form gradient at ``theta_hat``, (q,): rounding."""
        return self.X.T @ self.residual + self.penalty.weight(self.n) * self.P * self.parameters

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

    @property
    def gradient_norm(self) -> float:
        """``||grad J(theta_hat)||``, mean form."""
        return float(namespace(self.X).linalg.vector_norm(self.gradient)) / self.n

    @cached_property
    def whitened_penalty(self) -> Array:
        """``B' P theta_hat``, (q,): the regulariser's gradient, in units of its weight."""
        return self.whitening.whiten(self.P * self.parameters)

    @cached_property
    def deletion_gram(self) -> Array:
        """``x_i' H_1^{-1} x_i``, (n,)."""
        return dots(self.whitened, self.whitened)

    @cached_property
    def leverage(self) -> Array:
        """Leverages ``h_i = a_i x_i' H^{-1} x_i``, (n,), in [0, 1); their sum is the effective number of parameters."""
        return on_host(self.curvature * squares(self.whitened, 1 / self.whitening.shifted(self.penalty.share)))

    def dual_norm(self, vector: Array) -> float:
        """``||v||_{H^{-1}}`` of a vector (q,), a gradient."""
        whitened = self.whitening.whiten(vector)
        return float((whitened**2 @ (1 / self.whitening.shifted(self.penalty.share))) ** 0.5)

    @cached_property
    def distance(self) -> float:
        """Bound of ``||theta* - theta_hat||_H``: how far the exact optimum can be; infinite where none is proved."""
        decrement = self.certificate.newton_decrement + self.gradient_rounding * self.whitening.inverse_norm**0.5
        beta = self.deletion_gram[None, :] ** 0.5
        return float(bounds.distances(np.array([decrement]), self.z[None, :], self.curvature, beta)[0])

    @cached_property
    def certificate(self) -> Certificate:
        """The evidence, computed from the parameters at hand, also when they were read from a file."""
        return Certificate(
            gradient_norm=self.gradient_norm,
            newton_decrement=self.dual_norm(self.gradient),
            iterations=self.iterations,
            status=Status.CONVERGED if self.gradient_norm <= CERTIFIED else Status.ITERATION_LIMIT,
            condition=self.whitening.condition,
            gradient_floor=self.gradient_rounding / self.n,
        )

    def objective(self, theta: Array) -> float:
        """``J(theta)``, mean form, for parameters (p,)."""
        u = self.coordinates.reduce(beside(self.X, theta))
        total = loss.value(self.X @ u, self.y).sum() + self.penalty.weight(self.n) / 2 * u**2 @ self.P
        return float(total) / self.n

    def features(self, X: npt.ArrayLike) -> Array:
        """Other samples' features, (m, d), in the model's coordinates, (m, q)."""
        return self.coordinates.reduce(beside(self.X, self.penalty.design(np.asarray(on_host(X)))))

    def accuracy(self, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Share of samples on their own side of the decision boundary; ``X`` is (m, d)."""
        return float(np.mean((on_host(self.features(X) @ self.parameters) > 0) == (np.asarray(on_host(y)) > 0)))

"""The full model: a regularised logistic regression at its certified optimum."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from leaveout import bounds, loss
from leaveout.arrays import Array
from leaveout.certificate import CERTIFIED, Certificate, Status
from leaveout.coordinates import Coordinates
from leaveout.expansion import Expansion, hessian
from leaveout.linear_algebra import beside, namespace, on_host, squares
from leaveout.penalty import Penalty
from leaveout.whitening import whitening


@dataclass(frozen=True, eq=False, repr=False)
class Model(Expansion):
    r"""The optimum ``theta_hat`` of ``J(theta) = (1/n) sum_i l_i(theta) + (lambda/2) theta' P theta``.

    An expansion at the optimum, with the evidence that it is one. ``theta`` and ``leverage`` are numpy arrays.

    Attributes
    ----------
    iterations : int
        Directions that the fit took.
    """

    iterations: int

    @classmethod
    def at(
        cls, X: Array, y: Array, penalty: Penalty, coordinates: Coordinates, parameters: Array, iterations: int
    ) -> Self:
        """Factor the Hessian at ``parameters``; ``LinAlgError`` where it is singular."""
        P = beside(X, penalty.diagonal(X.shape[1]))
        curvature = loss.curvature(X @ parameters)
        factored = whitening(hessian(X, curvature, penalty.weight(len(y), 1) * P), P)
        return cls(X, y, penalty, coordinates, parameters, factored, factored.whiten(X), iterations)

    def __repr__(self) -> str:
        settings = f"regularization={self.penalty.regularization:g}, regularizer={self.penalty.regularizer!r}"
        return (
            f"<Model of {self.n} samples, {len(self.theta)} parameters, {settings}, gradient {self.gradient_norm:.0e}>"
        )

    @property
    def theta(self) -> Array:
        """Parameters ``theta_hat``, (p,), a numpy array; the constant's weight, if there is one, is the last."""
        return on_host(self.coordinates.lift(self.parameters))

    @property
    def gradient_norm(self) -> float:
        """``||grad J(theta_hat)||``, mean form."""
        return float(namespace(self.X).linalg.vector_norm(self.gradient)) / self.n

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
        total = loss.value(self.X @ u, self.y).sum() + self.weight() / 2 * u**2 @ self.P
        return float(total) / self.n

    def features(self, X: npt.ArrayLike) -> Array:
        """Other samples' features, (m, d), in the model's coordinates, (m, q)."""
        return self.coordinates.reduce(beside(self.X, self.penalty.design(np.asarray(on_host(X)))))

    def accuracy(self, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Share of samples on their own side of the decision boundary; ``X`` is (m, d)."""
        return float(np.mean((on_host(self.features(X) @ self.parameters) > 0) == (np.asarray(on_host(y)) > 0)))

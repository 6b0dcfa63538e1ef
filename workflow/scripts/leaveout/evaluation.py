r"""Evaluation functions f: what is asked of a model, and how its change is computed without cancellation.

``f(theta) = sum_{i in S} phi(z_i) + [penalized] (|S| lambda / 2) theta' P theta`` over a set S of samples:

================  ============  =============  ==========  =======================================
name              phi           S              penalized
================  ============  =============  ==========  =======================================
test_prediction   probability   chosen test    no
test_loss         loss          chosen test    yes         as published: a sample's loss contains
total_test_loss   loss          all test       yes         the regulariser
self_loss         loss          all training   yes         this is n J: stationary at theta_hat
test_loss_plain   loss          chosen test    no
self_loss_plain   loss          all training   no
================  ============  =============  ==========  =======================================

Effects are after minus before: a positive test_loss effect says that the removal hurt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from leaveout import loss, seeds
from leaveout.arrays import Array, IntArray, rounding
from leaveout.linear_algebra import beside, dots, namespace, on_host, squares
from leaveout.model import Model

#: How many test points are chosen by highest loss, and how many at random from the others.
CHOSEN = 50

Quantity = Literal["probability", "loss"]


@dataclass(frozen=True)
class Definition:
    """A row of the table above; ``points`` is chosen, test or train."""

    quantity: Quantity
    points: Literal["chosen", "test", "train"]
    penalized: bool


EVALUATIONS: Mapping[str, Definition] = {
    "test_prediction": Definition("probability", "chosen", penalized=False),
    "test_loss": Definition("loss", "chosen", penalized=True),
    "self_loss": Definition("loss", "train", penalized=True),
    "total_test_loss": Definition("loss", "test", penalized=True),
    "test_loss_plain": Definition("loss", "chosen", penalized=False),
    "self_loss_plain": Definition("loss", "train", penalized=False),
}


@dataclass(frozen=True, eq=False)
class Points:
    """Samples that evaluation functions look at, in a model's coordinates.

    Attributes
    ----------
    X : (s, q) float64 array
    y : (s,) float64 array
    z : (s,) float64 array
        Linear predictors under the full model.
    gram : (s,) float64 array
        ``x' H_1^{-1} x``.
    """

    X: Array
    y: Array
    z: Array
    gram: Array


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One evaluation function, bound to a model and its points."""

    name: str
    definition: Definition
    model: Model
    points: Points
    rows: IntArray | slice

    @property
    def points_name(self) -> str:
        """Key of the points among those of ``Evaluations``: "test" or "train"."""
        return "train" if self.definition.points == "train" else "test"

    @cached_property
    def X(self) -> Array:
        """Features of S, (s, q)."""
        return self.points.X[self.rows]

    @cached_property
    def y(self) -> Array:
        """Labels of S, (s,)."""
        return self.points.y[self.rows]

    @cached_property
    def z(self) -> Array:
        """Linear predictors of S under the full model, (s,)."""
        return self.points.z[self.rows]

    @property
    def penalty_weight(self) -> float:
        """``|S| lambda`` if the regulariser is counted, else 0."""
        return len(self.y) * self.model.penalty.regularization if self.definition.penalized else 0.0

    @property
    def stationary(self) -> bool:
        """Whether f is the model's own objective n J, whose gradient vanishes at ``theta_hat``."""
        return self.definition == EVALUATIONS["self_loss"]

    @cached_property
    def gradient(self) -> Array:
        """``grad f(theta_hat)``, (q,)."""
        return self.gradients_at(0 * self.model.parameters[None, :], 0 * self.y[None, :])[0]

    def gradients_at(self, changes: Array, t: Array) -> Array:
        """``grad f(theta_hat + change)`` for each row of ``changes`` (m, q), (m, q); ``t`` is (m, s)."""
        z = self.z + t
        slopes = loss.curvature(z) if self.definition.quantity == "probability" else loss.slope(z, self.y)
        return slopes @ self.X + self.penalty_weight * self.model.P * (self.model.parameters + changes)

    def effect(self, changes: Array, t: Array) -> Array:
        """``f(theta_hat + change) - f(theta_hat)`` for each row of ``changes`` (m, q); ``t`` is (m, s).

        A loss is its linear term plus divergences plus the regulariser's quadratic term: on the model's own objective,
        where the linear term is rounding, nothing else would leave any digits.
        """
        if self.definition.quantity == "probability":
            return loss.probability_change(self.z, t).sum(axis=1)
        quadratic = self.penalty_weight / 2 * (changes**2 @ self.model.P)
        return changes @ self.gradient + loss.divergence(self.z, t).sum(axis=1) + quadratic

    def linear_effect(self, changes: Array, t: Array) -> Array:
        """Leading-order term: ``<grad f, change>``, or ``change' H change / 2`` for the model's own objective."""
        if not self.stationary:
            return changes @ self.gradient
        return (squares(t, loss.curvature(self.z)) + self.penalty_weight * (changes**2 @ self.model.P)) / 2

    def curvature_bound(self, reach: Array, inverse_penalty: Array) -> Array:
        """C with ``|d' (Hessian of f) d| <= C ||d||_M^2`` everywhere, (m,), for m metrics M.

        Parameters
        ----------
        reach : (m,) numpy array
            ``sum_{i in S} ||x_i||_{M^{-1}}^2``, bounded from above.
        inverse_penalty : (m,) numpy array
            ``1 / mu``, mu the weight of P in M.
        """
        steepest = loss.PROBABILITY_CURVATURE if self.definition.quantity == "probability" else loss.LOSS_CURVATURE
        return steepest * reach + (self.penalty_weight * inverse_penalty if self.penalty_weight else 0.0)

    def rounding_errors(self, changes: Array, t: Array) -> Array:
        """Error with which each ``effect`` is computed, (m,): by its sums, and by those of the linear predictors."""
        xp, size = namespace(t), self.model.size
        norms = xp.sqrt(dots(self.X, self.X))
        sizes = xp.linalg.vector_norm(changes, axis=1)
        here, there = loss.curvature(self.z), loss.curvature(self.z + t)
        a = xp.where(there > here, there, here)
        t = xp.abs(t)
        slopes = a if self.definition.quantity == "probability" else a * t + xp.abs(loss.slope(self.z, self.y))
        by_size, by_change = norms * slopes, norms * a * t
        predictors = xp.sqrt(dots(by_size, by_size)) * sizes + xp.sqrt(dots(by_change, by_change)) * size
        terms = dots(slopes, t) + self.penalty_weight * sizes * (size + sizes)
        return rounding() * predictors + rounding(len(self.z)) * terms


@dataclass(frozen=True, eq=False)
class Evaluations:
    """Evaluation functions of one model, with the points that they share.

    Attributes
    ----------
    functions : tuple of Evaluation
    points : mapping from "test" and "train" to Points
    """

    functions: tuple[Evaluation, ...]
    points: Mapping[str, Points]

    def predictors(self, changes: Array) -> dict[str, Array]:
        """Changes of the linear predictors of all points, (m, s) each, under ``changes`` (m, q)."""
        return {name: changes @ points.X.T for name, points in self.points.items()}


def choose_test_points(test_loss: Array, generator: np.random.Generator) -> IntArray:
    """Return the 50 points with the highest loss and 50 drawn at random from the others; all where there are fewer."""
    order = np.argsort(-test_loss, kind="stable")
    others = generator.permutation(order[CHOSEN:])[:CHOSEN]
    return np.sort(np.concatenate([order[:CHOSEN], others]))


def bind(names: Sequence[str], model: Model, X_test: Array, y_test: Array, seed: int, dataset: str) -> Evaluations:
    """Bind evaluation functions to a model and its test set.

    Parameters
    ----------
    names : sequence of str
        Keys of ``EVALUATIONS``.
    model : Model
    X_test : (s, d) array
        Test features, without a constant column; a numpy array, as ``y_test``.
    y_test : (s,) array in {0, 1}
    seed, dataset : int, str
        Seed the draw of the test points that are not chosen by their loss.
    """
    X = model.features(X_test)
    z = X @ model.parameters
    whitened = model.whitening.whiten(X)
    test = Points(X, beside(X, y_test), z, dots(whitened, whitened))
    train = Points(model.X, model.y, model.z, model.deletion_gram)
    rows: dict[str, IntArray | slice] = {
        "chosen": choose_test_points(on_host(loss.value(z, test.y)), seeds.generator(seed, dataset, "test points")),
        "test": slice(None),
        "train": slice(None),
    }
    functions = []
    for name in names:
        definition = EVALUATIONS[name]
        points = train if definition.points == "train" else test
        functions.append(Evaluation(name, definition, model, points, rows[definition.points]))
    return Evaluations(tuple(functions), {"test": test, "train": train})

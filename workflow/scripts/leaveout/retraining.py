r"""Retrain without each removal set, to certified optima.

Newton's method on the change from the full model, with directions from conjugate gradients preconditioned by the
removed set's own Hessian, which the Newton step has factored already, and a safeguarded line search: from a Newton
step undamped iterations diverge on real data with leverages near 1. The sets of a block advance together, so that a
pass over X is a matrix-matrix product, but each stops by its own gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from leaveout.arrays import Array, BoolArray, IndexSets, IntArray
from leaveout.certificate import CERTIFIED, TARGET, Status
from leaveout.errors import InvalidData, NotRemovable
from leaveout.estimators import newton_change
from leaveout.leave_out import LeaveOut
from leaveout.model import Model
from leaveout.removed import RemovedHessian, blocks, removed_hessian
from leaveout.sets import index_sets

ITERATION_LIMIT = 100
#: Largest and smallest relative residual that a Newton direction is solved to, and those of the last one and of the
#: decrement.
LOOSEST, TIGHTEST, CLOSING, DECREMENT_TOLERANCE = 0.1, 1e-8, 1e-4, 0.1

Start = Literal["newton", "full", "zero"]


@dataclass(frozen=True, eq=False)
class Retraining:
    """Retrained models and their certificates, one a removal set.

    Attributes
    ----------
    theta, change : (m, p) float64 arrays
        Parameters, and their difference from the full model's, to more digits than subtracting would give; NaN where no
        optimum exists.
    gradient_norm : (m,) float64 array
        ``||grad J_T(theta)||``, mean form.
    newton_decrement : (m,) float64 array
        ``sqrt(g' H^{-1} g)``, sum form, H the Hessian at ``theta``.
    distance : (m,) float64 array
        Bound of the distance to the exact optimum, rounding included, in the norm of the leave-T-out Hessian at
        ``theta_hat`` (see ``bounds``); infinite where none is proved.
    iterations, passes : (m,) int arrays
        Newton directions, and sweeps over X (one forms ``X v`` and ``X' u``).
    status : (m,) array of str
        Values of ``Status``.
    """

    theta: Array
    change: Array
    gradient_norm: Array
    newton_decrement: Array
    distance: Array
    iterations: IntArray
    passes: IntArray
    status: npt.NDArray[np.str_]

    @classmethod
    def not_removable(cls, sets: int, parameters: int) -> Self:
        """Return a record in which no set has an optimum, to be filled in."""
        theta, change = np.full((2, sets, parameters), np.nan)
        gradient_norm, newton_decrement = np.full((2, sets), np.nan)
        iterations, passes = np.zeros((2, sets), dtype=np.int64)
        status = np.full(sets, Status.NOT_REMOVABLE.value, dtype="<U20")
        distance = np.full(sets, np.inf)
        return cls(theta, change, gradient_norm, newton_decrement, distance, iterations, passes, status)

    @property
    def certified(self) -> BoolArray:
        """Which models are proved to be the optimum."""
        return self.status == Status.CONVERGED.value

    def assign(self, positions: npt.ArrayLike, part: "Retraining") -> None:
        """Fill in the sets at ``positions``."""
        for field in fields(self):
            getattr(self, field.name)[positions] = getattr(part, field.name)


def retrain(
    model: Model, sets: IndexSets, start: Start | npt.ArrayLike = "newton", iteration_limit: int = ITERATION_LIMIT
) -> Retraining:
    """Retrain without each set until the gradient norm is 1e-13 in mean form or rounding stops it.

    Parameters
    ----------
    model : Model
        A certified fit.
    sets : sequence of (k,) int arrays
        Training samples to remove, in any order.
    start : {"newton", "full", "zero"} or (len(sets), p) array
        Where to begin: the Newton step, the full model, zero, or given parameters. The optimum does not depend on it.
    iteration_limit : int
        Most Newton directions for a set.

    Returns
    -------
    Retraining
        A set that could not be certified has a ``status`` that says why; it is never an exception.

    Raises
    ------
    InvalidSet
        A set repeats a sample, or names one that does not exist.
    """
    checked = index_sets(sets, model.n)
    begin = _initial_changes(model, len(checked), start)
    found = Retraining.not_removable(len(checked), model.X.shape[1])
    for block in blocks(model, checked):
        hessians = factor_removable(model, [checked[position] for position in block])
        if not hessians:
            continue
        positions = np.array([block[j] for j in hessians])
        factored = list(hessians.values())
        initial = newton_change(model, factored) if begin is None else begin[positions]
        found.assign(positions, retrain_block(model, factored, initial, iteration_limit))
    change = model.coordinates.lift(found.change)
    scalars = {field.name: getattr(found, field.name) for field in fields(found)}
    return Retraining(**scalars | {"theta": model.theta + change, "change": change})


def _initial_changes(model: Model, sets: int, start: Start | npt.ArrayLike) -> Array | None:
    """Return the changes to start from, (sets, q); None for the Newton step's."""
    if isinstance(start, str):
        if start not in ("newton", "full", "zero"):
            raise InvalidData(f"start = {start!r}: allowed is newton, full, zero, or an array of parameters")
        if start == "newton":
            return None
        return np.tile(-model.parameters if start == "zero" else np.zeros_like(model.parameters), (sets, 1))
    theta = np.asarray(start, dtype=np.float64)
    if theta.shape != (sets, len(model.theta)) or not np.isfinite(theta).all():
        raise InvalidData(f"start: expected finite parameters of shape {(sets, len(model.theta))}, got {theta.shape}")
    return model.coordinates.reduce(theta) - model.parameters


def factor_removable(model: Model, sets: Sequence[IntArray]) -> dict[int, RemovedHessian]:
    """Factor the Hessian of each set without which an optimum can exist; keys are positions in ``sets``.

    With an unpenalised intercept both classes must remain: a vanishing gradient would not tell.
    """
    # A fixed regulariser of all weights has its optimum, zero, without any sample.
    everything_fixed = model.penalty.weight(model.n, model.n) > 0 and model.penalty.intercept != "unpenalized"
    required = 0 if everything_fixed else 1 + (model.penalty.intercept == "unpenalized")
    hessians = {}
    for position, removed in enumerate(sets):
        remaining = len(np.unique(np.delete(model.y, removed)))
        if remaining < required:
            continue
        try:
            hessians[position] = removed_hessian(model, removed)
        except NotRemovable:
            continue
    return hessians


def retrain_block(
    model: Model, hessians: Sequence[RemovedHessian], initial: Array, iteration_limit: int = ITERATION_LIMIT
) -> Retraining:
    """Retrain without sets whose Hessians are factored, all together, in the model's coordinates.

    Parameters
    ----------
    model : Model
        A certified fit with q coordinates.
    hessians : sequence of RemovedHessian
        One a set.
    initial : (len(hessians), q) float64 array
        Changes to start from.
    iteration_limit : int
        Most Newton directions for a set.
    """
    problem = LeaveOut(model, hessians)
    iterate = _minimize(problem, initial, iteration_limit)
    everything = np.arange(len(hessians))
    tolerance = np.full(len(hessians), DECREMENT_TOLERANCE)
    closing, products = problem.newton_direction(iterate.gradient, iterate.t, everything, tolerance)
    distance = problem.distances(iterate.gradient, iterate.delta, iterate.t)
    if model.penalty.regularization == 0:
        unproved = (iterate.status == Status.CONVERGED.value) & ~np.isfinite(distance)
        iterate.status[unproved] = Status.NOT_REMOVABLE.value
    exists = (iterate.status != Status.NOT_REMOVABLE.value)[:, None]
    return Retraining(
        theta=np.where(exists, model.parameters + iterate.delta.T, np.nan),
        change=np.where(exists, iterate.delta.T, np.nan),
        gradient_norm=iterate.norm,
        newton_decrement=np.sqrt(np.maximum(0.0, -np.einsum("ij,ij->j", iterate.gradient, closing))),
        distance=distance,
        iterations=iterate.iterations,
        passes=iterate.passes + products,
        status=iterate.status,
    )


@dataclass(frozen=True, eq=False)
class _Iterate:
    """Where each set's iteration stands, a column or an entry a set; filled in place."""

    delta: Array
    t: Array
    gradient: Array
    norm: Array
    iterations: IntArray
    passes: IntArray
    status: npt.NDArray[np.str_]


def _minimize(problem: LeaveOut, initial: Array, iteration_limit: int) -> _Iterate:
    """Newton's method on all sets; a set that is done leaves the block."""
    X, m = problem.model.X, len(initial)
    counts = np.zeros((2, m), dtype=np.int64)
    status = np.full(m, Status.ITERATION_LIMIT.value, dtype="<U20")
    delta = np.ascontiguousarray(initial.T)
    at = _Iterate(delta, X @ delta, np.zeros_like(delta), np.full(m, np.inf), counts[0], counts[1] + 1, status)
    previous, going = np.full(m, np.inf), np.arange(m)
    while True:
        at.gradient[:, going] = problem.gradient(at.delta[:, going], at.t[:, going], going)
        at.norm[going] = np.linalg.norm(at.gradient[:, going], axis=0) / problem.divisor[going]
        going = _unfinished(problem, at, previous, going, iteration_limit)
        if not going.size:
            return at
        gradient, t = at.gradient[:, going], at.t[:, going]
        direction, products = problem.newton_direction(gradient, t, going, _forcing(at.norm[going], previous[going]))
        dt = X @ direction
        length = problem.step_lengths(gradient, t, direction, dt, going)
        at.delta[:, going] += length * direction
        at.t[:, going] += length * dt
        at.iterations[going] += 1
        at.passes[going] += products + 1
        previous[going] = at.norm[going]
        stuck = going[length == 0]
        at.status[stuck] = np.where(
            at.norm[stuck] <= CERTIFIED, Status.CONVERGED.value, Status.LINE_SEARCH_FAILED.value
        )
        going = going[length > 0]


def _unfinished(problem: LeaveOut, at: _Iterate, previous: Array, going: IntArray, iteration_limit: int) -> IntArray:
    """Judge the sets that are still going by their new gradients, and return those that go on.

    A set that has reached the target takes one more direction: what a gradient of 1e-13 leaves open still shows in
    small effects, by more than the runs from two starts may differ.
    """
    norm = at.norm[going]
    rounded = (norm <= CERTIFIED) & (norm > previous[going] / 2)
    exhausted = at.iterations[going] >= iteration_limit
    converged = (previous[going] <= TARGET) | rounded | (exhausted & (norm <= CERTIFIED))
    separated = problem.separated(at.t[:, going], going) & ~converged
    at.status[going[converged]] = Status.CONVERGED.value
    at.status[going[separated]] = Status.NOT_REMOVABLE.value
    return going[~converged & ~separated & ~exhausted]


def _forcing(norm: Array, previous: Array) -> Array:
    """How exactly to solve for the next direction: no better than Newton's own convergence, or the target, deserves.

    Eisenstat & Walker's second choice: the square of the last reduction; a quarter of the target is enough.
    """
    reduction = np.where(np.isfinite(previous), norm / previous, 1.0)
    enough = TARGET / (4 * np.maximum(norm, TARGET))
    return np.where(norm > TARGET, np.clip(np.maximum(reduction**2, enough), TIGHTEST, LOOSEST), CLOSING)

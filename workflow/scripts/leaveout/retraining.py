r"""Retrain without each removal set, to certified optima.

Newton's method with directions that are good to a tenth (see ``inexact_newton``) and a line search that cannot fail:
from a Newton step undamped iterations diverge on real data with leverages near 1. The sets of a block advance
together, so that a pass over X is a matrix-matrix product, but each stops by its own gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from leaveout import lbfgs
from leaveout.arrays import Array, BoolArray, IndexSets, IntArray
from leaveout.blocks import blocks, pieces
from leaveout.certificate import CERTIFIED, Status
from leaveout.errors import InvalidData, NotRemovable
from leaveout.estimators import newton_change
from leaveout.expansion import Expansion
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import beside, namespace, on_host
from leaveout.model import Model
from leaveout.removed import RemovedHessian, removed_hessian, unfactored
from leaveout.sets import index_sets

ITERATION_LIMIT = 1000
#: A factor of the Hessian at an iterate costs q / 4 passes over X (n q^2 against 4 n q operations), as much as some
#: q / 20 directions and steps of a few passes each, and serves for so many iterations.
PASSES_A_FACTOR, DIRECTIONS_A_FACTOR, ITERATIONS_A_FACTOR = 4, 20, 20

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
        ``sqrt(g' H^{-1} g)``, sum form, H the Hessian at ``theta``; bounded from above.
    distance : (m,) float64 array
        Bound of the distance to the exact optimum, rounding included, in the norm of the leave-T-out Hessian at
        ``theta_hat`` (see ``bounds``); infinite where none is proved.
    iterations, passes : (m,) int arrays
        Directions, and sweeps over X (one forms ``X v`` and ``X' u``).
    inner_passes : (m,) float64 array
        What the directions took besides, in the operations of such sweeps: most of it in single precision.
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
    inner_passes: Array
    status: npt.NDArray[np.str_]

    @classmethod
    def not_removable(cls, sets: int, parameters: int) -> Self:
        """Return a record in which no set has an optimum, to be filled in."""
        theta, change = np.full((2, sets, parameters), np.nan)
        gradient_norm, newton_decrement = np.full((2, sets), np.nan)
        iterations, passes = np.zeros((2, sets), dtype=np.int64)
        inner_passes = np.zeros(sets)
        status = np.full(sets, Status.NOT_REMOVABLE.value, dtype="<U20")
        distance = np.full(sets, np.inf)
        return cls(theta, change, gradient_norm, newton_decrement, distance, iterations, passes, inner_passes, status)

    @property
    def certified(self) -> BoolArray:
        """Which models are proved to be the optimum."""
        return self.status == Status.CONVERGED.value

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The sets of several records, one after the other."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )

    def evidence(self, j: int, effect_error: float) -> dict[str, Any]:
        """Columns of results that prove one model: its certificate, and the bound of what an effect can be off by."""
        return {
            "gradient_norm": float(self.gradient_norm[j]),
            "newton_decrement": float(self.newton_decrement[j]),
            "effect_error": effect_error,
            "iterations": int(self.iterations[j]),
            "status": str(self.status[j]),
        }

    def assign(self, positions: IntArray | slice, part: "Retraining") -> None:
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
        Most directions for a set.

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
    for block in blocks(model.X.shape, len(checked)):
        hessians = factor_removable(model, checked[block])
        if not hessians:
            continue
        positions = block.start + np.array(list(hessians))
        factored = list(hessians.values())
        initial = newton_change(model, factored) if begin is None else beside(model.X, begin[positions])
        found.assign(positions, retrain_block(model, factored, initial, iteration_limit))
    change = on_host(model.coordinates.lift(beside(model.X, found.change)))
    scalars = {field.name: getattr(found, field.name) for field in fields(found)}
    return Retraining(**scalars | {"theta": model.theta + change, "change": change})


def _initial_changes(model: Model, sets: int, start: Start | npt.ArrayLike) -> Array | None:
    """Return the changes to start from, (sets, q); None for the Newton step's."""
    if isinstance(start, str):
        if start not in ("newton", "full", "zero"):
            raise InvalidData(f"start = {start!r}: allowed is newton, full, zero, or an array of parameters")
        if start == "newton":
            return None
        return np.tile(-on_host(model.parameters) if start == "zero" else np.zeros(model.X.shape[1]), (sets, 1))
    theta = np.asarray(on_host(start), dtype=np.float64)
    if theta.shape != (sets, len(model.theta)) or not np.isfinite(theta).all():
        raise InvalidData(f"start: expected finite parameters of shape {(sets, len(model.theta))}, got {theta.shape}")
    return on_host(model.coordinates.reduce(beside(model.X, theta)) - model.parameters)


def factor_removable(model: Model, sets: Sequence[IntArray]) -> dict[int, RemovedHessian]:
    """Factor the Hessian of each set without which an optimum can exist; keys are positions in ``sets``.

    With an unpenalised intercept both classes must remain: a vanishing gradient would not tell.
    """
    # A fixed regulariser of all weights has its optimum, zero, without any sample.
    everything_fixed = model.weight(model.n) > 0 and model.penalty.intercept != "unpenalized"
    required = 0 if everything_fixed else 1 + (model.penalty.intercept == "unpenalized")
    labels, hessians = on_host(model.y), {}
    ones = labels.sum()
    for position, removed in enumerate(sets):
        kept_ones = ones - labels[removed].sum()
        remaining = int(kept_ones > 0) + int(kept_ones < model.n - len(removed))
        if remaining < required:
            continue
        try:
            hessians[position] = removed_hessian(model, removed)
        except NotRemovable:
            if model.weight(len(removed)) > 0:
                hessians[position] = unfactored(model, removed)
    return hessians


def retrain_block(
    model: Expansion, hessians: Sequence[RemovedHessian], initial: Array, iteration_limit: int = ITERATION_LIMIT
) -> Retraining:
    """Retrain without sets whose Hessians are factored, all together, in the model's coordinates.

    Parameters
    ----------
    model : Expansion
        In q coordinates.
    hessians : sequence of RemovedHessian
        One a set.
    initial : (len(hessians), q) float64 array
        Changes to start from; zero where there is none.
    iteration_limit : int
        Most directions for a set.
    """
    problem, xp = LeaveOut(model, hessians), namespace(model.X)
    initial = xp.where(xp.isfinite(initial), initial, 0 * model.parameters)
    patience = model.X.shape[1] // DIRECTIONS_A_FACTOR + ITERATIONS_A_FACTOR
    at = lbfgs.minimize(problem, initial, min(iteration_limit, patience))
    passes = at.iterations + 1
    for row in np.flatnonzero(at.unfinished() & (at.iterations < iteration_limit)):
        passes[row] += _finish(problem, at, int(row), iteration_limit)
    found = Retraining.not_removable(len(hessians), model.X.shape[1])
    for piece in pieces(at.predictors.shape):
        found.assign(piece, _certified(LeaveOut(model, hessians[piece]), at.of(piece), passes[piece]))
    return found


def _certified(problem: LeaveOut, at: lbfgs.Iterate, passes: IntArray) -> Retraining:
    """What is known about the models where the iteration ended."""
    model, status = problem.model, at.status.copy()
    status[(status == Status.ITERATION_LIMIT.value) & (at.gradient_norm <= CERTIFIED)] = Status.CONVERGED.value
    distance = problem.distances(at.gradient, at.parameters, at.predictors)
    if model.penalty.regularization == 0:  # a vanishing gradient proves nothing: deny what no bound proves
        status[(status == Status.CONVERGED.value) & np.isinf(distance)] = Status.NOT_REMOVABLE.value
    exists = (status != Status.NOT_REMOVABLE.value)[:, None]
    change = on_host(at.parameters)
    return Retraining(
        theta=np.where(exists, on_host(model.parameters) + change, np.nan),
        change=np.where(exists, change, np.nan),
        gradient_norm=at.gradient_norm,
        newton_decrement=problem.decrements(at.gradient, at.predictors),
        distance=distance,
        iterations=at.iterations,
        passes=passes,
        inner_passes=at.inner_passes,
        status=status,
    )


def _finish(problem: LeaveOut, at: lbfgs.Iterate, row: int, iteration_limit: int) -> int:
    """Go on with one set, with a factor of the Hessian where it stands; return the passes' worth that it took.

    By then the iterations have cost as much as a factor does, or found no way down.
    """
    one, passes, failed = np.array([row]), 0, False
    while at.unfinished()[row] and at.iterations[row] < iteration_limit and not failed:
        alone = problem.refactored(row, at.predictors[row])
        if alone is None:
            if problem.model.penalty.regularization == 0:
                at.status[row] = Status.NOT_REMOVABLE.value  # the curvature is gone: the weights grow for ever
            break
        limit = min(ITERATIONS_A_FACTOR, iteration_limit - int(at.iterations[row]))
        found = lbfgs.minimize(alone, at.parameters[one], limit)
        at.assign(one, found)
        failed = found.status[0] == Status.LINE_SEARCH_FAILED.value
        passes += int(found.iterations[0]) + 1 + problem.model.X.shape[1] // PASSES_A_FACTOR
    return passes

"""The measurement itself: predictions and certified retrains of many removal sets, as rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaveout.arrays import Array
from leaveout.blocks import blocks, pieces
from leaveout.effect_error import effect_errors
from leaveout.effects import RETRAIN
from leaveout.estimators import additive_change, newton_change
from leaveout.evaluation import Evaluations
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import beside, on_host
from leaveout.model import Model
from leaveout.removal import RemovalSet
from leaveout.retraining import ITERATION_LIMIT, Retraining, factor_removable, retrain_block


@dataclass(frozen=True, eq=False)
class Measured:
    """Effects of one method on a block: (F, m) arrays over evaluation functions and sets; NaN where there is none."""

    effect: Array
    effect_linear: Array


def measure(
    model: Model,
    evaluations: Evaluations,
    sets: Sequence[RemovalSet],
    labels: Mapping[str, Any],
    iteration_limit: int = ITERATION_LIMIT,
) -> Iterator[dict[str, Any]]:
    """Measure every set: IF, RIF, NS and the certified retrain, on every evaluation function.

    Parameters
    ----------
    model : Model
    evaluations : Evaluations
        Bound to ``model``.
    sets : sequence of RemovalSet
    labels : mapping
        Columns that all rows share: study, data set, variant and settings.
    iteration_limit : int
        Most directions for a retrain; one that needs more is not certified, and its row says so.

    Yields
    ------
    dict
        Rows of ``effects.SCHEMA``, in the order of the sets; how they are cut into blocks changes nothing.
    """
    for block in blocks(model.X.shape, len(sets)):
        yield from _measure_block(model, evaluations, sets[block], labels, iteration_limit)


def _measure_block(
    model: Model, evaluations: Evaluations, sets: Sequence[RemovalSet], labels: Mapping[str, Any], iteration_limit: int
) -> Iterator[dict[str, Any]]:
    positions = [removal_set.positions for removal_set in sets]
    hessians = factor_removable(model, positions)
    where, factored = np.array(list(hessians), dtype=np.int64), list(hessians.values())
    newton = beside(model.X, np.full((len(sets), model.X.shape[1]), np.nan))
    retrained = Retraining.not_removable(len(sets), model.X.shape[1])
    errors = np.full((len(evaluations.functions), len(sets)), np.nan)
    if factored:
        newton[where] = newton_change(model, factored)
        found = retrain_block(model, factored, newton[where], iteration_limit)
        retrained.assign(where, found)
        for piece in pieces((len(factored), _most_points(evaluations))):
            problem, change = LeaveOut(model, factored[piece]), beside(model.X, found.change[piece])
            predictors, distances = evaluations.predictors(change), found.distance[piece]
            errors[:, where[piece]] = effect_errors(problem, evaluations, change, distances, predictors)
    measured = {
        "if": evaluate(evaluations, additive_change(model, positions, "if")),
        "rif": evaluate(evaluations, additive_change(model, positions, "rif")),
        "newton": evaluate(evaluations, newton),
        RETRAIN: evaluate(evaluations, beside(model.X, retrained.change)),
    }
    for j, removal_set in enumerate(sets):
        shared = dict(labels) | removal_set.columns
        for i, f in enumerate(evaluations.functions):
            for method, values in measured.items():
                row = shared | {
                    "evaluation": f.name,
                    "method": method,
                    "effect": float(values.effect[i, j]),
                    "effect_linear": float(values.effect_linear[i, j]),
                }
                yield row | (retrained.evidence(j, float(errors[i, j])) if method == RETRAIN else {})


def _most_points(evaluations: Evaluations) -> int:
    """Samples of the larger of the sets that functions look at: training or test."""
    return max(len(points.y) for points in evaluations.points.values())


def evaluate(evaluations: Evaluations, changes: Array) -> Measured:
    """Effects of some changes of the parameters, (m, q), on every evaluation function; a change of NaN has none."""
    known = np.flatnonzero(np.isfinite(on_host(changes)).all(axis=1))
    measured = Measured(*np.full((2, len(evaluations.functions), len(changes)), np.nan))
    for piece in pieces((len(known), _most_points(evaluations))):
        rows = known[piece]
        predictors = evaluations.predictors(changes[rows])
        for i, f in enumerate(evaluations.functions):
            t = predictors[f.points_name][:, f.rows]
            measured.effect[i, rows] = on_host(f.effect(changes[rows], t))
            measured.effect_linear[i, rows] = on_host(f.linear_effect(changes[rows], t))
    return measured

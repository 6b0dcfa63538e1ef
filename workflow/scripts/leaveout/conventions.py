r"""The same removal sets under each convention of the regulariser, and under the mixture in the paper's code.

The full model is the same under both conventions (see ``penalty``); predictions and retrained models are not. The
paper's code removes a sample's share of the regulariser in some places and not in others:

==========  ==================================================================================
as          per_sample  IF
published   neither     RIF: that IF of each sample over ``1 - h_i``, h_i the leverage
            fixed       NS where k <= p, the number of parameters; per_sample for more samples
            per_sample  the retrained model
==========  ==================================================================================
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from leaveout import effects, result_rows
from leaveout.arrays import Array, IntArray
from leaveout.blocks import blocks
from leaveout.effects import RETRAIN
from leaveout.estimators import additive_change, indicators, newton_change
from leaveout.evaluation import Evaluations
from leaveout.linear_algebra import beside, namespace
from leaveout.measurement import evaluate, measure
from leaveout.model import Model
from leaveout.penalty import Regularizer
from leaveout.removal import RemovalSet
from leaveout.retraining import ITERATION_LIMIT, factor_removable
from leaveout.whitening import from_basis

AS_PUBLISHED = "as_published"
PER_SAMPLE: Regularizer = "per_sample"
FIXED: Regularizer = "fixed"
#: Rows of ``effects.SCHEMA`` under a convention: one of the regulariser, or `AS_PUBLISHED`; ``own`` is the run's.
SCHEMA = result_rows.schema(
    "1",
    *effects.SCHEMA,
    pa.field("convention", pa.string(), nullable=False),
    pa.field("own", pa.bool_(), nullable=False),
)


def under(model: Model, regularizer: Regularizer) -> Model:
    """The same full model, removals from which obey ``regularizer``: nothing is fitted or factored anew.

    The two differ in ``H_1``, by one sample's share of the regulariser, and in what ``B`` whitens (see ``whitening``)
    that is another scale of its columns.
    """
    penalty = replace(model.penalty, regularizer=regularizer)
    old, shift = model.whitening, penalty.weight(model.n, 1) - model.weight(1)
    if not shift:
        return model
    scale = old.shifted(shift) ** -0.5
    whitening = from_basis(old.basis * scale, model.P, old.hessian_norm + max(shift, 0.0), old.scaled_condition)
    return replace(model, penalty=penalty, whitening=whitening, whitened=model.whitened * scale)


def measure_conventions(
    model: Model,
    bound: Callable[[Model], Evaluations],
    sets: Sequence[RemovalSet],
    labels: Mapping[str, Any],
    iteration_limit: int = ITERATION_LIMIT,
) -> Iterator[dict[str, Any]]:
    """Measure all sets under the model's own convention, and those of the first seed under the others.

    Parameters
    ----------
    model : Model
    bound : function
        Binds the evaluation functions to a model.
    sets : sequence of RemovalSet
        Those of ``repeat`` 0 are of the first seed.
    labels : mapping
        Columns that all rows share; ``regularizer`` is that of the truth.
    iteration_limit : int
        Most directions for a retrain.

    Yields
    ------
    dict
        Rows of ``SCHEMA``. `AS_PUBLISHED` repeats the retrained models of per_sample, which it is held against.
    """
    own, first = model.penalty.regularizer, [one for one in sets if one.repeat == 0]
    names = {one.set_id for one in first}
    for convention in (PER_SAMPLE, FIXED):
        variant, chosen = under(model, convention), sets if convention == own else first
        common = dict(labels) | {"regularizer": convention}
        evaluations = bound(variant)
        for row in measure(variant, evaluations, chosen, common, iteration_limit):
            yield row | {"convention": convention, "own": convention == own}
            if (convention, row["method"]) == (PER_SAMPLE, RETRAIN) and row["set_id"] in names:
                yield row | {"convention": AS_PUBLISHED, "own": False}
        if convention == PER_SAMPLE:
            yield from _as_published(variant, evaluations, first, common)


def _as_published(
    model: Model, evaluations: Evaluations, sets: Sequence[RemovalSet], labels: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Rows of the predictions that the paper's code makes; ``model`` is under per_sample."""
    for block in blocks(model.X.shape, len(sets)):
        chosen = sets[block]
        changes = published_changes(model, [one.positions for one in chosen])
        measured = {method: evaluate(evaluations, change) for method, change in changes.items()}
        for j, one in enumerate(chosen):
            for i, f in enumerate(evaluations.functions):
                for method, values in measured.items():
                    numbers = {"effect": values.effect[i, j], "effect_linear": values.effect_linear[i, j]}
                    named = {"evaluation": f.name, "method": method, "convention": AS_PUBLISHED, "own": False}
                    yield dict(labels) | one.columns | named | {name: float(value) for name, value in numbers.items()}


def published_changes(model: Model, sets: Sequence[IntArray]) -> dict[str, Array]:
    """Changes of the parameters as the paper's code predicts them, (m, q) each.

    Parameters
    ----------
    model : Model
        Under per_sample.
    sets : sequence of (k,) int arrays
    """
    share = model.penalty.share
    own_share = share * model.whitened_penalty
    rescale = 1 / (1 - beside(model.X, model.leverage))
    weights = indicators(model, sets, rescale)
    summed = (weights * model.residual) @ model.whitened + namespace(weights).sum(weights, axis=1)[:, None] * own_share
    rescaled = model.whitening.unwhiten(summed / model.whitening.shifted(share))
    return {"if": additive_change(model, sets, "if"), "rif": rescaled, "newton": _published_newton(model, sets)}


def _published_newton(model: Model, sets: Sequence[IntArray]) -> Array:
    """The Newton step without the samples' share of the regulariser for few of them, with it for many."""
    few = under(model, FIXED)
    changes = beside(model.X, np.full((len(sets), model.X.shape[1]), np.nan))
    for j, removed in enumerate(sets):
        convention = few if len(removed) <= len(model.theta) else model
        for hessian in factor_removable(convention, [removed]).values():
            changes[j] = newton_change(convention, [hessian])[0]
    return changes

r"""The published truth: models retrained until a loose rule stops them, from the prediction that they are to judge.

The published procedure minimises ``J_T(theta) = (1/m) sum_{i not in T} l_i + (lambda/2) theta' P theta`` over the m
samples at hand by L-BFGS-B, and stops as soon as one of these holds:

- an iteration lowers ``J_T`` by no more than 1e-6 max(|J_T|, 1), which is far from nothing for a loss below 1;
- no entry of the gradient is larger than 1e-5;
- the evaluations are used up: 500 for the full model, which starts at zero, 50 for each retrained one.

What stopped it is ignored. A retrained model starts at the Newton step. Two imitations of what comes of this:

=============  ====================================  ========================================================
base           the full model                        everything else
=============  ====================================  ========================================================
``certified``  the certified optimum                 IF, RIF, NS of ``per_sample``; retrained by the published
                                                     rule from that NS: what the rule does by itself; and by
                                                     ``simplified_newton`` from there
``published``  fitted by the published rule          IF, RIF, NS as the paper's code mixes them (see
                                                     ``conventions``), retrained from that NS; effects relative
                                                     to that model: the published pipeline
=============  ====================================  ========================================================

The published retrains drop a removed sample's share of the regulariser: the truth is that of ``per_sample``. The rule
looks at single entries of the gradient, which a rotation mixes: it works on the features as they are, also where the
model works in their row space.

References
----------
Rubinstein & Hopkins, "Rescaled Influence Functions", 2025, and the code published with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from leaveout import loss, result_rows, simplified_newton
from leaveout.arrays import Array, IntArray
from leaveout.blocks import blocks
from leaveout.conventions import PER_SAMPLE, published_changes, under
from leaveout.effects import RETRAIN
from leaveout.estimators import additive_change, newton_change
from leaveout.evaluation import Evaluation, Evaluations, Points
from leaveout.linear_algebra import beside, dots, on_host
from leaveout.measurement import evaluate
from leaveout.model import Model
from leaveout.removal import RemovalSet
from leaveout.removed import RemovedHessian
from leaveout.result_rows import RUN, SET
from leaveout.retraining import factor_removable

#: The published tolerances, and the most evaluations of the full model and of each retrained one.
RELATIVE_DECREASE, GRADIENT_ENTRY = 1e-6, 1e-5
FULL_EVALUATIONS, RETRAIN_EVALUATIONS = 500, 50
#: The bases.
CERTIFIED, PUBLISHED = "certified", "published"
#: Method of models retrained by simplified Newton steps, beside ``RETRAIN``, by the published rule.
SIMPLIFIED = "simplified"

#: A row for each base, set, evaluation function and method; see `measure`.
SCHEMA = result_rows.schema(
    "1",
    *RUN,
    *SET,
    pa.field("evaluation", pa.string(), nullable=False),
    pa.field("base", pa.string(), nullable=False),
    pa.field("base_gradient_norm", pa.float64(), nullable=False),
    pa.field("base_error", pa.float64(), nullable=False),
    pa.field("method", pa.string(), nullable=False),
    pa.field("effect", pa.float64()),
    pa.field("gradient_norm", pa.float64()),
    pa.field("evaluations", pa.int64()),
    pa.field("reason", pa.string()),
)


@dataclass(frozen=True, eq=False)
class Stopped:
    """Where the published rule leaves a model, and why.

    Attributes
    ----------
    theta : (p,) float64 array
    evaluations : int
        Of the loss; as many of the gradient. 1: it never left its start.
    gradient_norm : float
        ``||grad J_T(theta)||_2``, mean form.
    reason : str
        ``gradient`` (no entry is larger than 1e-5), ``decrease`` (the last iteration hardly lowered the loss),
        ``limit`` (the evaluations are used up) or ``line_search`` (no way down was found). Simplified Newton
        steps end by the norm of the gradient, ``simplified_newton.VANISHED``, or at their limit.
    """

    theta: Array
    evaluations: int
    gradient_norm: float
    reason: str


def stop(X: Array, y: Array, regularization: float | Array, start: Array, evaluations: int) -> Stopped:
    """Minimise ``J(theta) = (1/m) sum_i l_i + (lambda/2) ||theta||^2`` until the published rule stops it.

    Parameters
    ----------
    X : (m, p) float64 array
        The samples at hand, the constant column included.
    y : (m,) array in {0, 1}
    regularization : float or (p,) float64 array
        lambda; or that of each parameter, where not all are regularised.
    start : (p,) float64 array
    evaluations : int
        Most iterations, and most evaluations of the loss.
    """
    from scipy.optimize import minimize  # here: loading it takes a tenth of a second, and most jobs stop nothing

    def objective(theta: Array) -> tuple[float, Array]:
        z, penalty = X @ theta, regularization * theta
        value = loss.value(z, y).mean() + theta @ penalty / 2
        return float(value), X.T @ loss.slope(z, y) / len(y) + penalty

    found = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"ftol": RELATIVE_DECREASE, "gtol": GRADIENT_ENTRY, "maxiter": evaluations, "maxfun": evaluations},
    )
    small = bool(np.abs(found.jac).max() <= GRADIENT_ENTRY)
    reason = {0: "gradient" if small else "decrease", 1: "limit"}.get(found.status, "line_search")
    return Stopped(found.x, int(found.nfev), float(np.linalg.norm(found.jac)), reason)


def published_base(model: Model) -> Model:
    """Fit the full model of ``model``'s samples by the published rule, and expand it there: it is no optimum.

    Its ``gradient_norm`` says how far from one it is, its ``iterations`` are evaluations of the loss.
    """
    X, y = features(model)
    found = stop(X, y, ridge(model), np.zeros(X.shape[1]), FULL_EVALUATIONS)
    parameters = model.coordinates.reduce(beside(model.X, found.theta))
    return Model.at(model.X, model.y, model.penalty, model.coordinates, parameters, found.evaluations)


def features(model: Model) -> tuple[Array, Array]:
    """Training samples as they are, (n, p), the constant column included, and their labels, (n,): numpy arrays."""
    return on_host(model.coordinates.lift(model.X)), on_host(model.y)


def ridge(model: Model) -> Array:
    """``lambda P``, its diagonal, (p,)."""
    return model.penalty.regularization * model.penalty.diagonal(len(model.theta))


def bound_to(base: Model, evaluations: Evaluations) -> Evaluations:
    """The same evaluation functions, of the same points, for a model of the same samples at other parameters."""
    moved = {name: _points_of(base, points) for name, points in evaluations.points.items()}
    functions = [Evaluation(f.name, f.definition, base, moved[f.points_name], f.rows) for f in evaluations.functions]
    return Evaluations(tuple(functions), moved)


def _points_of(base: Model, points: Points) -> Points:
    whitened = base.whitening.whiten(points.X)
    return Points(points.X, points.y, points.X @ base.parameters, dots(whitened, whitened))


def measure(
    model: Model, evaluations: Evaluations, sets: Sequence[RemovalSet], labels: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    r"""Measure every set as the published procedure would, from the certified optimum and from its own full model.

    Parameters
    ----------
    model : Model
        Certified.
    evaluations : Evaluations
        Bound to ``model``; its points stay the same at both bases.
    sets : sequence of RemovalSet
    labels : mapping
        Columns that all rows share: study, data set, variant and settings.

    Yields
    ------
    dict
        Rows of ``SCHEMA``: ``base`` (``certified`` or ``published``) says where everything is expanded,
        ``base_gradient_norm`` is ``||grad J(theta_0)||_2`` there (mean form), ``base_error`` is ``||theta_0 -
        theta_hat||_2 / ||theta_hat||_2``; ``effect`` is ``f(theta_0 + change) - f(theta_0)`` by the row's ``method``
        (``if``, ``rif``, ``newton``, ``retrain``, ``simplified``; see the module); of a retrained model
        ``gradient_norm``, ``evaluations`` and ``reason`` are those of `Stopped`. Null where no optimum exists without a
        set.
    """
    certified = under(model, PER_SAMPLE)  # the same optimum under each convention
    for name in (CERTIFIED, PUBLISHED):
        base = certified if name == CERTIFIED else published_base(certified)
        shared = dict(labels) | {
            "base": name,
            "base_gradient_norm": base.gradient_norm,
            "base_error": float(np.linalg.norm(base.theta - model.theta) / np.linalg.norm(model.theta)),
        }
        bound = bound_to(base, evaluations)
        for block in blocks(model.X.shape, len(sets)):
            yield from _measure_block(base, bound, sets[block], shared)


def _measure_block(
    base: Model, evaluations: Evaluations, sets: Sequence[RemovalSet], shared: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    positions = [removal_set.positions for removal_set in sets]
    stopped: dict[str, dict[int, Stopped]] = {}
    if shared["base"] == PUBLISHED:
        changes = published_changes(base, positions)
    else:
        hessians = factor_removable(base, positions)
        changes = own_changes(base, positions, hessians)
        stopped[SIMPLIFIED] = retrain_simplified(base, hessians, changes["newton"])
    stopped[RETRAIN] = retrain(base, sets, on_host(base.coordinates.lift(changes["newton"])))
    for method, found in stopped.items():
        changes[method] = beside(base.X, np.full((len(sets), base.X.shape[1]), np.nan))
        for j, ended in found.items():
            changes[method][j] = base.coordinates.reduce(beside(base.X, ended.theta - base.theta))
    measured = {name: evaluate(evaluations, change) for name, change in changes.items()}
    for j, removal_set in enumerate(sets):
        for i, f in enumerate(evaluations.functions):
            for method, values in measured.items():
                row = {
                    **shared,
                    **removal_set.columns,
                    "evaluation": f.name,
                    "method": method,
                    "effect": values.effect[i, j],
                }
                yield row | (_evidence(stopped[method][j]) if j in stopped.get(method, {}) else {})


def own_changes(base: Model, sets: Sequence[IntArray], hessians: Mapping[int, RemovedHessian]) -> dict[str, Array]:
    """Changes of the parameters by IF, RIF and NS under the model's convention, (m, q) each; NaN for no NS."""
    newton = beside(base.X, np.full((len(sets), base.X.shape[1]), np.nan))
    if hessians:
        newton[list(hessians)] = newton_change(base, list(hessians.values()))
    additive = {"if": additive_change(base, sets, "if"), "rif": additive_change(base, sets, "rif")}
    return {**additive, "newton": newton}


def retrain_simplified(base: Model, hessians: Mapping[int, RemovedHessian], starts: Array) -> dict[int, Stopped]:
    """Retrain without each set by simplified Newton steps; keys are positions, as in ``hessians``.

    Parameters
    ----------
    base : Model
    hessians : mapping
        Of the sets without which an optimum can exist.
    starts : (m, q) float64 array
        Changes to start from: Newton steps. Sets whose row is not finite are left out.
    """
    found = {}
    for j, hessian in hessians.items():
        if np.isfinite(on_host(starts[j])).all():
            change, norm, evaluations = simplified_newton.iterate(base, hessian, starts[j])
            reason = "gradient" if norm <= simplified_newton.VANISHED else "limit"
            found[j] = Stopped(base.theta + on_host(base.coordinates.lift(change)), evaluations, norm, reason)
    return found


def retrain(base: Model, sets: Sequence[RemovalSet], starts: Array) -> dict[int, Stopped]:
    """Retrain without each set by the published rule; keys are positions in ``sets``.

    Parameters
    ----------
    base : Model
    sets : sequence of RemovalSet
    starts : (len(sets), p) float64 array
        Changes to start from: Newton steps. Sets whose row is not finite are left out.
    """
    X, y = features(base)
    found = {}
    for j in np.flatnonzero(np.isfinite(starts).all(axis=1)).tolist():
        kept = np.delete(np.arange(base.n), sets[j].positions)
        found[j] = stop(X[kept], y[kept], ridge(base), base.theta + starts[j], RETRAIN_EVALUATIONS)
    return found


def _evidence(stopped: Stopped) -> dict[str, Any]:
    return {
        "gradient_norm": stopped.gradient_norm,
        "evaluations": stopped.evaluations,
        "reason": stopped.reason,
    }

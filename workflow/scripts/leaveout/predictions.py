r"""How wrong each prediction is, what could be told of that without retraining, and what makes it wrong: rows.

For each removal set T and estimator: the certified error ``theta_p - theta_T`` of the predicted parameters, beside the
estimate and the bounds of ``prediction_bounds``, which know no retrained model. And for each set what each estimator
ignores. With ``K_T = A_T^{1/2} X_T H^{-1} X_T' A_T^{1/2}``, t = X delta, and ``rho_i = [p(z_i + t_i) - p(z_i)] / (a_i
t_i)``, the mean curvature of sample i along delta relative to that at ``theta_hat``:

IF ignores the joint leverage of T,     ``kappa_T``, the largest eigenvalue of K_T
RIF ignores the overlap within T,       ``||K_T - diag(K_T)||_2``: 0 where no removed sample predicts another
NS ignores the change of curvature,     ``c(delta) = sqrt(sum_{i not in T} a_i (rho_i - 1)^2 t_i^2) / ||delta||_{H_T}``

Two of these are bounds of relative errors:

    ||NS - IF||_{H_T} <= (kappa_T + s) ||NS||_{H_T},      s = k / n under ``per_sample``, 0 under ``fixed``
    ||NS - truth||_{H_T} <= c(truth) ||truth||_{H_T},     ||grad F_T(theta_NS)||_{H_T^{-1}} <= c(NS) ||NS||_{H_T}

where the truth is the change of the parameters by retraining. The first: ``NS - IF = H^{-1} (H - H_T) NS``, and ``C =
H^{-1/2} (H - H_T) H^{-1/2} <= kappa_T + s`` commutes with ``H^{-1/2} H_T H^{-1/2} = I - C``. The second: ``NS - truth =
H_T^{-1} X_K' A_K (rho - 1) t`` over the kept samples K, and ``||X_K' A_K^{1/2} v||_{H_T^{-1}} <= ||v||``, since ``X_K'
A_K X_K <= H_T``; at NS the same vector, without ``H_T^{-1}``, is the gradient. The third estimator has no such bound:
where removed samples cancel each other, NS vanishes and RIF need not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from leaveout import result_rows
from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.blocks import ARRAYS_OF_A_PIECE, blocks, numbers_of_bounds, pieces
from leaveout.certificate import Status
from leaveout.effects import PREDICTIONS
from leaveout.errors import NotRemovable
from leaveout.estimators import additive_change, newton_change
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import beside, dots, namespace, on_host
from leaveout.model import Model
from leaveout.prediction_bounds import PASSES, PredictionBounds, prediction_bounds, reaches
from leaveout.removal import RemovalSet
from leaveout.removed import InverseHessian, RemovedHessian, inverse_hessian
from leaveout.result_rows import RUN, SET
from leaveout.retraining import ITERATION_LIMIT, Retraining, factor_removable, retrain_block

#: Bounds by duality: Euclidean, from below and above, by the passes that they take.
LOWER, UPPER = [[f"{side}_{passes}" for passes in PASSES] for side in ("lower", "upper")]
#: A row for each removal set and estimator. In the units of the parameters, Euclidean, or in the norm of H_T, the
#: Hessian at ``theta_hat`` of the sum-form objective without the set.
#:
#: - ``largest_leverage``: max of ``h_i`` over T; ``joint_leverage``: ``kappa_T``; ``overlap``: that of T, as above;
#: - ``newton_logit_change``, ``logit_change``: max over kept samples of ``|x_i' delta|``, delta the Newton step and the
#:   truth, ``theta_T - theta_hat``; ``newton_curvature_change``, ``curvature_change``: ``c`` of the two;
#: - ``change_*``: norm of ``theta_T - theta_hat``, by retraining; ``error_*``: of ``theta_p - theta_T``;
#: - ``estimate_hessian``: ``||g||_{H_T^{-1}}``; ``convexity_euclidean``: ``||g|| / mu``; ``factor_hessian``: the bound
#:   of ``bounds``, null where none is finite; ``lower_*``, ``upper_*``: by duality. Null where a bound does not exist:
#:   Euclidean ones need a regulariser, and are of the penalised parameters, as are ``error_`` and ``change_euclidean``;
#: - ``prediction_gradient_norm``: ``||grad J_T(theta_p)||``, mean form; ``gradient_norm``, ``status``: certificate of
#:   ``theta_T``; ``distance_*``: bounds of its own distance to the exact optimum, which errors may be off by.
#:   Without a certificate there is no ``change`` and no ``error``.
SCHEMA = result_rows.schema(
    "1",
    *RUN,
    *SET,
    pa.field("method", pa.string(), nullable=False),
    pa.field("largest_leverage", pa.float64()),
    pa.field("joint_leverage", pa.float64()),
    pa.field("overlap", pa.float64()),
    pa.field("newton_logit_change", pa.float64()),
    pa.field("logit_change", pa.float64()),
    pa.field("newton_curvature_change", pa.float64()),
    pa.field("curvature_change", pa.float64()),
    pa.field("change_euclidean", pa.float64()),
    pa.field("change_hessian", pa.float64()),
    pa.field("error_euclidean", pa.float64()),
    pa.field("error_hessian", pa.float64()),
    pa.field("prediction_gradient_norm", pa.float64()),
    pa.field("estimate_hessian", pa.float64()),
    pa.field("convexity_euclidean", pa.float64()),
    pa.field("factor_hessian", pa.float64()),
    *(pa.field(name, pa.float64()) for name in (*LOWER, *UPPER)),
    pa.field("gradient_norm", pa.float64()),
    pa.field("distance_euclidean", pa.float64()),
    pa.field("distance_hessian", pa.float64()),
    pa.field("status", pa.string(), nullable=False),
)
#: Stands for a curvature of zero.
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class _Sets:
    """Some removal sets, m of them, with what all predictions of them share; changes of the parameters are (m, q)."""

    problem: LeaveOut
    inverses: Sequence[InverseHessian | None]
    joint: Array
    overlap: Array
    reach: Array

    @classmethod
    def of(cls, model: Model, hessians: Sequence[RemovedHessian]) -> "_Sets":
        problem = LeaveOut(model, hessians)
        joint, overlap = np.array([leverages(model, one.removed) for one in hessians]).T
        inverses = [_inverse(model, one.removed) for one in hessians]
        return cls(problem, inverses, joint, overlap, reaches(problem, joint))

    def norms(self, changes: Array) -> tuple[Array, Array]:
        """Euclidean norms of the penalised parameters, and norms of all in ``H_T``, (m,) each."""
        rows = np.arange(len(changes))
        predictors = self.problem.predictors(changes, rows)
        curved = dots(self.problem.model.curvature * predictors, predictors)
        squares = curved + self.problem.penalty_along(changes, rows)
        return on_host(dots(changes * self.problem.model.P, changes)) ** 0.5, on_host(squares) ** 0.5

    def kept_changes(self, changes: Array) -> dict[str, Array]:
        """Largest change of a kept sample's linear predictor, and ``c``, (m,) each."""
        model, xp = self.problem.model, namespace(changes)
        t = self.problem.predictors(changes, np.arange(len(changes)))
        ignored = self.problem.slopes(t) - model.curvature * t
        curved = dots(ignored / xp.where(model.curvature > TINY, model.curvature, 0 * model.curvature + TINY), ignored)
        largest = on_host(xp.max(xp.abs(t), axis=1))
        return {"logit_change": largest, "curvature_change": on_host(curved) ** 0.5 / self.norms(changes)[1]}

    def bounds(self, changes: Array, passes: Sequence[int] = PASSES) -> PredictionBounds:
        """What is known about them without retraining; of a change of NaN, nothing."""
        known = on_host(namespace(changes).isfinite(changes)).all(axis=1)
        filled = beside(changes, np.where(known[:, None], on_host(changes), 0.0))
        found = prediction_bounds(self.problem, self.inverses, self.reach, filled, passes)
        return PredictionBounds(**{name: _where(known, values) for name, values in vars(found).items()})


def leverages(model: Model, removed: IntArray) -> tuple[float, float]:
    """Joint leverage ``kappa_T``, in [0, 1), and overlap ``||K_T - diag(K_T)||_2`` of a set, (k,)."""
    if not len(removed):
        return 0.0, 0.0
    xp, share = namespace(model.X), model.penalty.share
    W = model.whitened[removed] / xp.sqrt(model.whitening.shifted(share))
    W *= xp.sqrt(model.curvature[removed])[:, None]
    gram, k = W @ W.T, np.arange(len(removed))
    joint = float(xp.linalg.eigvalsh(gram)[-1])
    gram[k, k] = 0.0
    return joint, float(xp.max(xp.abs(xp.linalg.eigvalsh(gram))))


def _where(known: BoolArray, values: Array) -> Array:
    return np.where(known if values.ndim == 1 else known[:, None], values, np.nan)


def _inverse(model: Model, removed: IntArray) -> InverseHessian | None:
    try:
        return inverse_hessian(model, removed)
    except NotRemovable:  # in floating point, not in truth
        return None


def measure_predictions(
    model: Model, sets: Sequence[RemovalSet], labels: Mapping[str, Any], iteration_limit: int = ITERATION_LIMIT
) -> Iterator[dict[str, Any]]:
    """Measure the errors of IF, RIF and NS on every set, and what could be told of them without retraining.

    Parameters
    ----------
    model : Model
    sets : sequence of RemovalSet
    labels : mapping
        Columns that all rows share: study, data set, variant and settings.
    iteration_limit : int
        Most directions for a retrain; one that needs more is not certified, and its rows say so.

    Yields
    ------
    dict
        Rows of ``SCHEMA``, in the order of the sets; how they are cut into blocks changes nothing.
    """
    for block in blocks(model.X.shape, len(sets)):
        yield from _measure_block(model, sets[block], labels, iteration_limit)


def _measure_block(
    model: Model, sets: Sequence[RemovalSet], labels: Mapping[str, Any], iteration_limit: int
) -> Iterator[dict[str, Any]]:
    hessians = factor_removable(model, [one.positions for one in sets])
    where, factored = np.array(list(hessians), dtype=np.int64), list(hessians.values())
    columns: dict[int, dict[str, dict[str, Any]]] = {}
    if factored:
        newton = newton_change(model, factored)
        retrained = retrain_block(model, factored, newton, iteration_limit)
        for piece in _affordable(model, factored):
            found = _columns(model, factored[piece], newton[piece], retrained, piece)
            columns |= dict(zip(where[piece].tolist(), found, strict=True))
    for j, one in enumerate(sets):
        leverage = float(model.leverage[one.positions].max(initial=0.0))
        shared = dict(labels) | one.columns | {"largest_leverage": leverage}
        for method in PREDICTIONS:
            known = columns[j][method] if j in columns else {"status": Status.NOT_REMOVABLE.value}
            yield dict.fromkeys(SCHEMA.names) | shared | {"method": method} | known


def _affordable(model: Model, hessians: Sequence[RemovedHessian]) -> Iterator[slice]:
    """Slices of sets whose bounds and factors are in memory together: what ``memory`` counts as a piece."""
    numbers = numbers_of_bounds(model.n, model.X.shape[1], max(len(one.removed) for one in hessians))
    return pieces((len(hessians), -(-numbers // ARRAYS_OF_A_PIECE)))


def _columns(
    model: Model, hessians: Sequence[RemovedHessian], newton: Array, retrained: Retraining, piece: slice
) -> list[dict[str, dict[str, Any]]]:
    """What rows say of some sets: for each of them, by method."""
    together, removed = _Sets.of(model, hessians), [one.removed for one in hessians]
    truth, certified = beside(model.X, retrained.change[piece]), retrained.certified[piece]
    shared: dict[str, Any] = {"joint_leverage": together.joint, "overlap": together.overlap}
    shared |= {"gradient_norm": retrained.gradient_norm[piece], "status": retrained.status[piece]}
    shared |= {f"newton_{name}": values for name, values in together.kept_changes(newton).items()}
    known = _truth(together, truth, retrained.distance[piece])
    shared |= {name: _where(certified, values) for name, values in known.items()}
    changes = {name: additive_change(model, removed, name) for name in ("if", "rif")} | {"newton": newton}
    columns = {
        method: shared | _of_prediction(together, change, truth, certified) for method, change in changes.items()
    }
    return [
        {method: {name: _plain(values[j]) for name, values in found.items()} for method, found in columns.items()}
        for j in range(len(hessians))
    ]


def _truth(together: _Sets, truth: Array, distance: Array) -> dict[str, Array]:
    """Size of the true changes, and how far they can be from the exact ones."""
    euclidean, hessian = together.norms(truth)
    found = together.bounds(truth, PASSES[:1])  # so near to the optimum one step says it all
    return {
        **together.kept_changes(truth),
        "change_euclidean": euclidean,
        "change_hessian": hessian,
        "distance_euclidean": found.upper[:, -1],
        "distance_hessian": np.fmin(found.factor, np.where(np.isfinite(distance), distance, np.nan)),
    }


def _of_prediction(together: _Sets, change: Array, truth: Array, certified: BoolArray) -> dict[str, Array]:
    """Errors of one estimator, and what is known of them without the truth."""
    errors, found = together.norms(change - truth), together.bounds(change)
    return {
        "error_euclidean": _where(certified, errors[0]),
        "error_hessian": _where(certified, errors[1]),
        "prediction_gradient_norm": found.gradient_norm,
        "estimate_hessian": found.estimate,
        "convexity_euclidean": found.convexity,
        "factor_hessian": found.factor,
        **dict(zip(LOWER, found.lower.T, strict=True)),
        **dict(zip(UPPER, found.upper.T, strict=True)),
    }


def _plain(value: Any) -> Any:
    """A number or word of an array as Python's own."""
    return value.item()

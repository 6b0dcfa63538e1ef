r"""Poisoning: a sample with a wrong label joins the training samples, and what removing it again would change.

The poisoned model ``theta_+`` is the optimum of n + 1 samples, with the regulariser's weight ``(n + 1) lambda`` under
``per_sample`` and ``n lambda`` under ``fixed``, so that removing the poison gives back exactly the clean model:

    truth    x' (theta_hat - theta_+)                    the change of the poison's own logit
    RIF      x' H_c^{-1} g                               H_c: the clean samples' Hessian at theta_+
    IF       x' (H_c + a x x' + share P)^{-1} g          g = (p - y) x + share P theta_+

with p, a at theta_+. Removing one sample, a Newton step is RIF. All weights ``a_i`` have moved since the clean model
was factored, so ``H_c`` is applied, not factored: conjugate gradients in the clean model's whitened coordinates.

References
----------
Rubinstein & Hopkins, section 2 (Figure 3) and appendix C.4.3.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leaveout import loss, result_rows
from leaveout.arrays import Array, IntArray, rounding
from leaveout.blocks import TOGETHER, blocks
from leaveout.conjugate_gradients import conjugate_gradients
from leaveout.effects import RETRAIN
from leaveout.embeddings import Samples
from leaveout.enlarged import Enlarged, enlarge
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import beside, dots, namespace, on_host, squares
from leaveout.model import Model
from leaveout.result_rows import CERTIFICATE, RUN
from leaveout.retraining import ITERATION_LIMIT, Retraining, retrain_block

#: Residual of a solve, relative to its right-hand side, and products that it may take.
TOLERANCE, PRODUCT_LIMIT = 1e-14, 1000
#: Residual with which a solve counts: what rounding leaves of conjugate gradients.
SOLVED = 1e-9

#: A row for each poison and method; ``y`` is the wrong label, ``logit`` that of the poisoned model, ``effect`` its
#: change when the poison is removed.
SCHEMA = result_rows.schema(
    "1",
    *RUN,
    pa.field("id", pa.string(), nullable=False),
    pa.field("y", pa.int8(), nullable=False),
    pa.field("method", pa.string(), nullable=False),
    pa.field("logit", pa.float64()),
    pa.field("effect", pa.float64()),
    *CERTIFICATE,
)


@dataclass(frozen=True, eq=False)
class Poisoned:
    """Poisoned models, one for each added sample, and what removing that sample changes.

    Attributes
    ----------
    refit : Retraining
        The poisoned models and their certificates.
    logit : (m,) float64 array
        Linear predictor of the added sample under its poisoned model.
    actual, influence, rescaled : (m,) float64 arrays
        Change of that logit when the sample is removed: in truth, by IF, by RIF.
    error : (m,) float64 array
        Bound of what can still be wrong with ``actual``; infinite where none is proved.
    """

    refit: Retraining
    logit: Array
    actual: Array
    influence: Array
    rescaled: Array
    error: Array


def poison(model: Model, X: npt.ArrayLike, y: npt.ArrayLike, iteration_limit: int = ITERATION_LIMIT) -> Poisoned:
    """Add samples to a model's training samples, one at a time, refit, and predict what removing them would change.

    Parameters
    ----------
    model : Model
        The clean model, certified.
    X : (m, d) array
        Features of the samples, without a constant column.
    y : (m,) array in {0, 1}
        The labels that they are added with.
    iteration_limit : int
        Most directions for a refit; one that needs more is not certified, and says so.

    Returns
    -------
    Poisoned
        Parameters are the model's, (m, p). A refit that could not be certified says so in its ``status``.
    """
    features, labels = np.asarray(X), np.asarray(y, dtype=np.float64)
    cuts = range(0, max(1, len(labels)), TOGETHER)
    parts = [_poison(model, features[i : i + TOGETHER], labels[i : i + TOGETHER], iteration_limit) for i in cuts]
    return _joined(parts)


def _poison(model: Model, X: Array, y: Array, iteration_limit: int) -> Poisoned:
    """The same for few samples: each poisoned model carries the predictors of all of them."""
    wide = enlarge(model, X, y)
    m, q = wide.further, wide.X.shape[1]
    refit = Retraining.not_removable(m, q)
    logit, actual, influence, rescaled, error = np.full((5, m), np.nan)
    for block in blocks(wide.X.shape, m):
        rows = np.arange(block.start, block.stop)
        without = [wide.only(int(row)) for row in rows]
        found = retrain_block(wide, without, beside(wide.X, np.zeros((len(rows), q))), iteration_limit)
        refit.assign(block, found)
        change = beside(wide.X, found.change)
        t = change @ wide.X.T
        own = wide.trained + rows
        moved = t[np.arange(len(rows)), own]
        logit[block] = on_host(wide.z[own] + moved)
        actual[block] = on_host(-moved)
        along = wide.whitening.whiten(wide.P * (wide.parameters + change))
        influence[block], rescaled[block] = _predicted(model, wide, t, along, own)
        error[block] = _errors(model, LeaveOut(wide, without), found.distance, change, own)
    lifted = on_host(wide.coordinates.lift(beside(wide.X, refit.change)))
    refit = replace(refit, theta=model.theta + lifted, change=lifted)
    return Poisoned(refit, logit, actual, influence, rescaled, error)


def _joined(parts: Sequence[Poisoned]) -> Poisoned:
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Poisoned)
        if field.name != "refit"
    }
    return Poisoned(refit=Retraining.joined([part.refit for part in parts]), **arrays)


def _predicted(model: Model, wide: Enlarged, t: Array, along: Array, own: IntArray) -> tuple[Array, Array]:
    """IF and RIF of the poisons' own logits, (m,) each.

    Parameters
    ----------
    model, wide : Model, Enlarged
    t : (m, n + m) float64 array
        Changes of the linear predictors, from the clean model to the poisoned ones.
    along : (m, q) float64 array
        ``P theta_+``, whitened.
    own : (m,) int array
        Each poisoned model's own further sample.
    """
    share, each, x = model.penalty.share, np.arange(len(own)), wide.whitened[own]
    z = wide.z[own] + t[each, own]
    residual, curvature = loss.slope(z, wide.y[own]), loss.curvature(z)
    u = _clean_solve(wide, t, x, model.weight())
    rescaled = residual * dots(x, u) + share * dots(along, u)
    if share:
        u = _clean_solve(wide, t, x, model.weight(-1))
    influence = (residual * dots(x, u) + share * dots(along, u)) / (1 + curvature * dots(x, u))
    return on_host(influence), on_host(rescaled)


def _clean_solve(wide: Enlarged, t: Array, rhs: Array, weight: float) -> Array:
    """``(X' A_+ X + weight P)^{-1} rhs``, whitened, (m, q): the clean samples' Hessian at each poisoned model.

    NaN where conjugate gradients did not come to their end.
    """
    W, z = wide.whitened[: wide.trained], wide.z[: wide.trained]
    moved = loss.curvature(z + t[:, : wide.trained]) - loss.curvature(z)
    diagonal = wide.whitening.shifted(weight - wide.weight(1))

    def product(vectors: Array) -> Array:
        predictors = vectors @ W.T
        predictors *= moved
        return predictors @ W + diagonal * vectors

    solution, _ = conjugate_gradients(product, rhs, TOLERANCE, 1.0, PRODUCT_LIMIT)
    left, size = (dots(v, v) ** 0.5 for v in (product(solution) - rhs, rhs))
    return namespace(rhs).where((left <= SOLVED * size)[:, None], solution, np.nan + 0 * solution)


def _errors(model: Model, problem: LeaveOut, distances: Array, changes: Array, own: IntArray) -> Array:
    """Bound of what can still be wrong with the change of the own logits, (m,).

    The refit's distance to its optimum, the clean model's, each in the norm that it was bounded in, and the rounding of
    the inner product.
    """
    wide = problem.model
    x, features = wide.whitened[own], wide.X[own]
    clean = squares(x, 1 / wide.whitening.shifted(model.weight() - wide.weight(1)))
    reach = on_host(dots(x, x)) / problem.least_eigenvalues
    sizes = on_host(dots(features, features) * dots(changes, changes)) ** 0.5
    return reach**0.5 * distances + on_host(clean) ** 0.5 * model.distance + rounding(wide.X.shape[1]) * sizes


def chosen(test: Samples, count: int, generator: np.random.Generator) -> IntArray:
    """Return positions of ``count`` random test samples, sorted; of all of them where there are fewer."""
    return np.sort(generator.permutation(len(test.y))[:count])


def rows(poisoned: Poisoned, ids: Sequence[str], y: Array, labels: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of ``SCHEMA`` for samples of these ids, added with the labels y (m,); ``labels`` name the run."""
    methods = {"if": poisoned.influence, "rif": poisoned.rescaled, RETRAIN: poisoned.actual}
    for j, name in enumerate(ids):
        for method, effects in methods.items():
            row = dict(labels) | {"id": name, "y": int(y[j]), "method": method}
            row |= {"logit": float(poisoned.logit[j]), "effect": float(effects[j])}
            yield row | (poisoned.refit.evidence(j, float(poisoned.error[j])) if method == RETRAIN else {})

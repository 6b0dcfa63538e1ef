r"""Change of the parameters when samples are removed, predicted without retraining.

With ``g_i = r_i x_i + share P theta_hat`` and ``H_i = a_i x_i x_i' + share P`` (``penalty`` says what ``share`` is):

    IF_T  = H^{-1} sum_{i in T} g_i
    RIF_T = sum_{i in T} (H - H_i)^{-1} g_i
    NS_T  = (H - sum_{i in T} H_i)^{-1} sum_{i in T} g_i

IF and RIF are additive: both are ``M^{-1} (X_T' c_T + k share P theta_hat)``. For IF ``M = H`` and ``c = r``. For RIF,
by Sherman-Morrison, one factor of ``M = H_1 = H - share P`` serves all samples:

    c_i = (r_i + share a_i x_i' v) / (1 - a_i x_i' H_1^{-1} x_i),     v = H_1^{-1} P theta_hat

In whitened coordinates (see ``whitening``) M is the identity or diagonal. NS_T comes with the factored Hessian without
the set (see ``removed``).

References
----------
Rubinstein & Hopkins, "Rescaled Influence Functions", section 1; Koh et al. 2019; Pregibon 1981.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from leaveout.arrays import EPSILON, Array, IndexSets, IntArray
from leaveout.blocks import blocks
from leaveout.errors import InvalidData, NotRemovable
from leaveout.expansion import Expansion
from leaveout.linear_algebra import beside, namespace, on_host
from leaveout.model import Model
from leaveout.removed import RemovedHessian, removed_hessian
from leaveout.sets import index_sets

Additive = Literal["if", "rif"]
Method = Literal["if", "rif", "newton"]


@dataclass(frozen=True, eq=False)
class Attribution:
    """An additive estimator: sample i changes the parameters by ``M^{-1} (c_i x_i + share P theta_hat)``.

    Attributes
    ----------
    diagonal : (q,) float64 array
        M in whitened coordinates.
    coefficients : (n,) float64 array
        ``c``.
    """

    diagonal: Array
    coefficients: Array


def attribution(model: Model, method: Additive) -> Attribution:
    """Matrix and coefficients of IF or RIF.

    Raises
    ------
    NotRemovable
        A single sample determines a parameter: its leverage is 1.
    """
    share = model.penalty.share
    if method == "if":
        return Attribution(model.whitening.shifted(share), model.residual)
    room = 1 - model.curvature * model.deletion_gram
    worst = int(namespace(room).argmin(room))
    if float(room[worst]) <= EPSILON:
        raise NotRemovable(f"training sample {worst} has leverage 1: without it the parameters are not determined")
    along = model.whitened @ model.whitened_penalty
    return Attribution(model.whitening.shifted(0.0), (model.residual + share * model.curvature * along) / room)


def indicators(model: Expansion, sets: Sequence[IntArray], coefficients: Array) -> Array:
    """``coefficients`` where a sample is in a set, else 0: (len(sets), n)."""
    rows = beside(coefficients, np.zeros((len(sets), len(coefficients))))
    for j, removed in enumerate(sets):
        rows[j, removed] = coefficients[removed]
    return rows


def additive_change(model: Model, sets: Sequence[IntArray], method: Additive) -> Array:
    """IF_T or RIF_T in the model's coordinates, (len(sets), q)."""
    estimator = attribution(model, method)
    sizes = beside(model.X, [len(removed) for removed in sets])[:, None]
    shares = model.penalty.share * model.whitened_penalty
    summed = indicators(model, sets, estimator.coefficients) @ model.whitened + sizes * shares
    return model.whitening.unwhiten(summed / estimator.diagonal)


def newton_change(model: Expansion, hessians: Sequence[RemovedHessian]) -> Array:
    """NS_T in the model's coordinates, (len(hessians), q), for sets whose Hessians are factored."""
    return model.whitening.unwhiten(namespace(model.X).stack([hessian.newton_step for hessian in hessians]))


def influence(model: Model, sets: IndexSets, method: Method = "rif") -> Array:
    """Predict the change of the parameters, after minus before, when each set is removed.

    Parameters
    ----------
    model : Model
        A certified fit of n samples.
    sets : sequence of (k,) int arrays
        Training samples to remove, in any order.
    method : {"if", "rif", "newton"}
        Influence function, rescaled influence function, or Newton step; see the module for the formulas.

    Returns
    -------
    (len(sets), p) float64 numpy array
        Exact under the model's regulariser convention.

    Raises
    ------
    InvalidSet
        A set repeats a sample, or names one that does not exist.
    NotRemovable
        Without a set, which is named, the parameters are not determined.
    """
    if method not in get_args(Method):
        raise InvalidData(f"method = {method!r}: allowed is one of {', '.join(get_args(Method))}")
    checked = index_sets(sets, model.n)
    changes = np.empty((len(checked), len(model.theta)))
    for block in blocks(model.X.shape, len(checked)):
        if method == "newton":
            change = newton_change(model, [_factored(model, checked, j) for j in range(block.start, block.stop)])
        else:
            change = additive_change(model, checked[block], method)
        changes[block] = on_host(model.coordinates.lift(change))
    return changes


def _factored(model: Model, sets: list[IntArray], position: int) -> RemovedHessian:
    try:
        return removed_hessian(model, sets[position])
    except NotRemovable as error:
        raise NotRemovable(f"set {position}: {error}") from None


def contributions(model: Model, method: Additive = "rif", directions: npt.ArrayLike | None = None) -> Array:
    """Predict the change of the parameters when each training sample is removed; these add up over any set.

    Parameters
    ----------
    model : Model
        A certified fit of n samples with p parameters.
    method : {"if", "rif"}
        The Newton step is not additive.
    directions : (m, p) array, optional
        Gradients of evaluation functions. Only the changes along them are computed, at 2 n p flops a direction.

    Returns
    -------
    (n, p) float64 numpy array, or (n, m) where directions are given
    """
    if method not in get_args(Additive):
        raise InvalidData(f"method = {method!r}: additive are {' and '.join(get_args(Additive))}")
    estimator = attribution(model, method)
    shares = model.penalty.share * model.whitened_penalty
    if directions is None:
        summed = estimator.coefficients[:, None] * model.whitened + shares
        return on_host(model.coordinates.lift(model.whitening.unwhiten(summed / estimator.diagonal)))
    along = np.asarray(on_host(directions), dtype=np.float64)
    if along.ndim != 2 or along.shape[1] != len(model.theta):
        raise InvalidData(f"directions: expected shape (m, {len(model.theta)}), got {along.shape}")
    solved = model.whitening.whiten(model.coordinates.reduce(beside(model.X, along))) / estimator.diagonal
    products = model.X @ model.whitening.unwhiten(solved).T
    return on_host(estimator.coefficients[:, None] * products + solved @ shares)

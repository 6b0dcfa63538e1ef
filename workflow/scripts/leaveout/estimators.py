r"""Change of the parameters when samples are removed, predicted without retraining.

With ``g_i = r_i x_i + share P theta_hat`` and ``H_i = a_i x_i x_i' + share P`` (``penalty`` says what ``share`` is):

    IF_T  = H^{-1} sum_{i in T} g_i
    RIF_T = sum_{i in T} (H - H_i)^{-1} g_i
    NS_T  = (H - sum_{i in T} H_i)^{-1} sum_{i in T} g_i

IF and RIF are additive: both are ``B^{-1} (X_T' c_T + k share P theta_hat)``. For IF ``B = H`` and ``c = r``. For RIF,
by Sherman-Morrison, one factor of ``B = H_1 = H - share P`` serves all samples:

    c_i = (r_i + share a_i x_i' q) / (1 - a_i x_i' H_1^{-1} x_i),     q = H_1^{-1} P theta_hat

References
----------
Rubinstein & Hopkins, "Rescaled Influence Functions", section 1; Koh et al. 2019; Pregibon 1981.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from leaveout import newton
from leaveout.arrays import EPSILON, Array, IndexSets, IntArray
from leaveout.conjugate_gradients import conjugate_gradients
from leaveout.errors import InvalidData, NotRemovable
from leaveout.model import Model
from leaveout.removed import RemovedHessian, blocks, removed_hessian, whitened_penalty
from leaveout.sets import index_sets

#: Sets small enough for the k x k factor have eigenvalues in [1/2, 1]: rounding is reached in 25 steps.
SHIFT_LIMIT = 100

Additive = Literal["if", "rif"]
Method = Literal["if", "rif", "newton"]


@dataclass(frozen=True, eq=False)
class Attribution:
    """An additive estimator: sample i changes the parameters by ``B^{-1} (c_i x_i + share P theta_hat)``.

    Attributes
    ----------
    factor : (q, q) float64 array
        Lower Cholesky factor of B.
    coefficients : (n,) float64 array
        ``c``.
    """

    factor: Array
    coefficients: Array


def attribution(model: Model, method: Additive) -> Attribution:
    """Matrix and coefficients of IF or RIF.

    Raises
    ------
    NotRemovable
        A single sample determines a parameter: its leverage is 1.
    """
    if method == "if":
        return Attribution(model.hessian_factor, model.residual)
    q = newton.solve(model.deletion_factor, model.P * model.parameters)
    room = 1 - model.curvature * model.deletion_gram
    worst = int(np.argmin(room))
    if room[worst] <= EPSILON:
        raise NotRemovable(f"training sample {worst} has leverage 1: without it the parameters are not determined")
    coefficients = (model.residual + model.penalty.share * model.curvature * (model.X @ q)) / room
    return Attribution(model.deletion_factor, coefficients)


def summed_gradients(model: Model, sets: Sequence[IntArray], coefficients: Array) -> Array:
    """``X_T' c_T + k share P theta_hat`` for each set, (len(sets), q)."""
    shares = model.penalty.share * model.P * model.parameters
    return np.array([coefficients[T] @ model.X[T] + len(T) * shares for T in sets]).reshape(len(sets), model.X.shape[1])


def additive_change(model: Model, sets: Sequence[IntArray], method: Additive) -> Array:
    """IF_T or RIF_T in the model's coordinates, (len(sets), q)."""
    estimator = attribution(model, method)
    return newton.solve(estimator.factor, summed_gradients(model, sets, estimator.coefficients).T).T


def newton_change(model: Model, hessians: Sequence[RemovedHessian]) -> Array:
    r"""NS_T in the model's coordinates, (len(hessians), q), for sets whose Hessians are factored.

    Conjugate gradients without a pass over X, preconditioned by the factor: the eigenvalues lie in
    ``[1 - (k - 1)/(n - 1), 1]``, so that rounding is reached in a number of steps known in advance, 8 at k = 5 % of n.
    """
    summed = summed_gradients(model, [hessian.removed for hessian in hessians], model.residual)

    def precondition(vectors: Array, columns: IntArray) -> Array:
        return np.column_stack([hessians[j].solve(vectors[:, i]) for i, j in enumerate(columns)])

    def apply(vectors: Array, columns: IntArray) -> Array:
        shifts = np.array([hessians[j].shift for j in columns])
        image = np.column_stack([_factored_product(hessians[j], vectors[:, i]) for i, j in enumerate(columns)])
        return image - shifts * whitened_penalty(model, vectors) if shifts.any() else image

    tolerance = np.full(len(hessians), 4 * EPSILON)
    solution, _ = conjugate_gradients(apply, precondition, model.whiten(summed).T, tolerance, SHIFT_LIMIT)
    return model.unwhiten(solution.T)


def _factored_product(hessian: RemovedHessian, vector: Array) -> Array:
    if hessian.update is None:
        return hessian.factor @ (hessian.factor.T @ vector)
    return vector - hessian.update @ (hessian.update.T @ vector)


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
    (len(sets), p) float64 array
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
    if method != "newton":
        return model.coordinates.lift(additive_change(model, checked, method))
    changes = np.empty((len(checked), model.X.shape[1]))
    for block in blocks(model, checked):
        changes[block] = newton_change(model, [_factored(model, checked, position) for position in block])
    return model.coordinates.lift(changes)


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
    (n, p) float64 array, or (n, m) where directions are given
    """
    if method not in get_args(Additive):
        raise InvalidData(f"method = {method!r}: additive are {' and '.join(get_args(Additive))}")
    estimator = attribution(model, method)
    shares = model.penalty.share * model.P * model.parameters
    if directions is None:
        gradients = estimator.coefficients[:, None] * model.X + shares
        return model.coordinates.lift(newton.solve(estimator.factor, gradients.T).T)
    along = np.asarray(directions, dtype=np.float64)
    if along.ndim != 2 or along.shape[1] != len(model.theta):
        raise InvalidData(f"directions: expected shape (m, {len(model.theta)}), got {along.shape}")
    solved = newton.solve(estimator.factor, model.coordinates.reduce(along).T)
    return estimator.coefficients[:, None] * (model.X @ solved) + shares @ solved

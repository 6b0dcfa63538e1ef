r"""Theorem 3.1 on data: how far RIF is from the Newton step to leading order, and four bounds of it.

For a removal set T of k samples and an evaluation function f the theorem is about ``|<grad f, NS_T - RIF_T>|``:

==========  ==============================================================  =====================================
bound       value                                                           holds where
==========  ==============================================================  =====================================
theorem     k^2 eta (1 + 2 C_R) (epsilon + C_R C_l delta)                   k < 1 / (2 delta C_R)
sharper     2 C_R k (k - 1) eta (epsilon + C_R C_l delta)                   (k - 1) delta C_R <= 1/2
row sums    max_j ||e_j|| sum_j ||u_j|| / (1 - max_j sum_i D_ij)            the row sums of D are below 1
spectral    (sum_j ||e_j||^2)^{1/2} (sum_j ||u_j||^2)^{1/2} / (1 - kappa)   always
==========  ==============================================================  =====================================

The constants are those of ``theorem_constants``; the proof needs them over the samples of T alone, so a set is held
against its own, and against those of the whole data set, which the theorem's text takes. The companions follow from

    <grad f, NS_T - RIF_T> = sum_ij e_i' ((I - C)^{-1})_ij u_j,     e_j = H_j^{1/2} H^{-1} grad f
                                                                    u_j = H_j^{1/2} sum_{i in T, i != j} RIF_i
                                                                    C_ij = H_i^{1/2} H^{-1} H_j^{1/2}

that is exact under both conventions: ``NS_T - RIF_T = H_T^{-1} sum_j H_j sum_{i != j} RIF_i``. D bounds ``||C_ij||``,
and kappa, the norm of C, is the largest eigenvalue of ``H^{-1/2} (sum_{j in T} H_j) H^{-1/2}``. For an f whose gradient
vanishes at the optimum there is nothing to bound.

References
----------
Rubinstein & Hopkins, "Rescaled Influence Functions", theorem 3.1 and appendix A.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.linalg

from leaveout import result_rows, theorem_constants
from leaveout.arrays import Array, IntArray, rounding
from leaveout.conventions import FIXED, PER_SAMPLE, under
from leaveout.estimators import attribution
from leaveout.evaluation import Evaluations
from leaveout.linear_algebra import namespace, on_host, squares, substituting
from leaveout.model import Model
from leaveout.removal import RemovalSet
from leaveout.result_rows import RUN, SET
from leaveout.retraining import factor_removable
from leaveout.theorem_constants import Constants, Terms, block_norm, gradient_overlaps

#: Bounds of a row, in the order of the table above.
BOUNDS = ("theorem", "sharper", "row_sums", "spectral")
#: A row for each convention, set and evaluation function whose gradient does not vanish. ``regularizer`` is the
#: convention that everything in the row obeys, ``own`` whether it is the run's. ``c_l`` to ``threshold`` are constants
#: over the samples of the set, ``data_c_l`` to ``data_threshold`` the same over all training samples; ``applies`` says
#: whether the set is smaller than the threshold. ``difference`` is <grad f, NS_T - RIF_T>, and a bound that does not
#: hold is null. ``joint_leverage`` is the largest eigenvalue of A_T^{1/2} X_T H^{-1} X_T' A_T^{1/2},
#: ``largest_leverage`` the largest entry of its diagonal.
SCHEMA = result_rows.schema(
    "1",
    *RUN,
    pa.field("own", pa.bool_(), nullable=False),
    *SET,
    pa.field("evaluation", pa.string(), nullable=False),
    *(
        pa.field(f"{of}{name}", kind, nullable=False)
        for of in ("", "data_")
        for name, kind in (
            *((name, pa.float64()) for name in ("c_l", "c_r", "epsilon", "delta", "eta", "threshold")),
            ("applies", pa.bool_()),
        )
    ),
    pa.field("joint_leverage", pa.float64(), nullable=False),
    pa.field("largest_leverage", pa.float64(), nullable=False),
    pa.field("difference", pa.float64()),
    *(pa.field(f"{name}_bound", pa.float64()) for name in (*BOUNDS, "data_theorem")),
)


@dataclass(frozen=True, eq=False)
class Companions:
    """What the two companion bounds of one set are made of, but for f.

    Attributes
    ----------
    parts : (k,) float64 array
        ``||u_j||``.
    amplification : float
        A bound of ``1 / (1 - kappa)``: exact under fixed, else too large by at most 1 / (1 - k/n) - 1; NaN where the
        Hessian without the set is singular in floating point.
    row_sum : float
        ``max_j sum_i D_ij``.
    joint_leverage : float
        Largest eigenvalue of ``A_T^{1/2} G_TT A_T^{1/2}``.
    """

    parts: Array
    amplification: float
    row_sum: float
    joint_leverage: float

    def spectral(self, overlaps: Array) -> float:
        """The spectral bound; ``overlaps`` are ``||e_j||``, (k,)."""
        return float(np.linalg.norm(overlaps) * np.linalg.norm(self.parts) * self.amplification)

    def row_sums(self, overlaps: Array) -> float:
        """The bound by row sums; NaN where one is not below 1."""
        room = 1 - self.row_sum
        return float(overlaps.max() * self.parts.sum() / room) if room > 0 else np.nan


def companions(terms: Terms, coefficients: Array, removed: IntArray, gram: Array) -> Companions:
    """What bounds one set: k x k matrices only.

    Parameters
    ----------
    terms : Terms
    coefficients : (n,) float64 array
        ``c``, those of RIF (see ``estimators``).
    removed : (k,) int array
    gram : (k, k) float64 numpy array
        ``G_ij`` of its samples.
    """
    root, border = terms.root_curvature[removed], terms.border[removed]
    coupled = root[:, None] * gram * root
    bounded = block_norm(np.abs(coupled), border[:, None], border, terms.spread)
    joint = _largest_eigenvalue(coupled)
    amplification = 1 / (1 - joint) if joint < 1 else np.nan
    if terms.spread:
        amplification = _amplification(terms, removed)
    parts = other_influences(terms, coefficients, removed)
    return Companions(parts, amplification, float(bounded.sum(axis=1).max()), joint)


def other_influences(terms: Terms, coefficients: Array, removed: IntArray) -> Array:
    """``||u_j||``, u_j the influences by RIF of a set's *other* samples as sample j's Hessian sees them: (k,)."""
    model, k = terms.model, len(removed)
    W, c, share = model.whitened[removed], coefficients[removed], model.penalty.share
    shared = share * model.whitened_penalty
    gram = W @ W.T
    along = gram @ c - namespace(gram).linalg.diagonal(gram) * c + (k - 1) * (W @ shared)
    seen = terms.root_curvature[removed] ** 2 * on_host(along) ** 2
    if share:
        others = c @ W + (k - 1) * shared - c[:, None] * W
        seen = seen + on_host(squares(others, terms.regularizer))
    return np.sqrt(seen)


def _amplification(terms: Terms, removed: IntArray) -> float:
    r"""A bound of ``||(E - U'U)^{-1}||``, E what k shares of the regulariser leave of H, in units of H.

    ``U = A_T^{1/2} W_T D^{-1/2}``. By Woodbury the inverse is ``E^{-1}``, between 1 and 1 / (1 - k max T), and a matrix
    of rank k, whose norm a generalised eigenproblem of k x k matrices gives.
    """
    model, k = terms.model, len(removed)
    W, root = model.whitened[removed], terms.root_curvature[removed]
    left = terms.diagonal - k * terms.regularizer
    within, twice = (
        root[:, None] * on_host((W * weights) @ W.T) * root for weights in (1 / left, terms.diagonal / left**2)
    )
    with substituting():
        try:
            last = k - 1
            (added,) = scipy.linalg.eigh(twice, np.eye(k) - within, eigvals_only=True, subset_by_index=(last, last))
        except np.linalg.LinAlgError:
            return np.nan
    return 1 / (1 - k * terms.spread) + float(added)


def _largest_eigenvalue(matrix: Array) -> float:
    last = len(matrix) - 1
    with substituting():
        (found,) = scipy.linalg.eigh(matrix, eigvals_only=True, subset_by_index=(last, last))
    return float(found)


def theorem_rows(
    model: Model,
    bound: Callable[[Model], Evaluations],
    sets: Sequence[RemovalSet],
    labels: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """Hold the theorem against sets: all under the model's own convention, those of the first seed under the other.

    Parameters
    ----------
    model : Model
        A certified fit.
    bound : function
        Binds the evaluation functions to a model.
    sets : sequence of RemovalSet
        None of them empty; those of ``repeat`` 0 are of the first seed.
    labels : mapping
        Columns that all rows share; ``regularizer`` is set to the convention of the row.

    Yields
    ------
    dict
        Rows of ``SCHEMA``.

    Raises
    ------
    NotRemovable
        A single sample determines a parameter: its leverage is 1.
    """
    for convention in (PER_SAMPLE, FIXED):
        own = convention == model.penalty.regularizer
        variant, chosen = under(model, convention), [one for one in sets if own or one.repeat == 0]
        shared = dict(labels) | {"regularizer": convention, "own": own}
        yield from _rows_of_convention(variant, bound(variant), chosen, shared)


def _rows_of_convention(
    model: Model, evaluations: Evaluations, sets: Sequence[RemovalSet], labels: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    functions = [f for f in evaluations.functions if not f.stationary]
    if not functions or not sets:
        return
    terms, coefficients = Terms.of(model), attribution(model, "rif").coefficients
    gradients = model.whitening.whiten(namespace(model.X).stack([f.gradient for f in functions]))
    overlaps, data = gradient_overlaps(terms, gradients), theorem_constants.of_all(terms)
    for one in sets:
        removed = one.positions
        gram = terms.gram(removed, removed)
        constants, found = (
            theorem_constants.of_set(terms, removed, gram),
            companions(terms, coefficients, removed, gram),
        )
        leverages = {
            "joint_leverage": found.joint_leverage,
            "largest_leverage": float((terms.root_curvature[removed] ** 2 * np.diagonal(gram)).max()),
        }
        differences = differences_along(model, coefficients, removed, on_host(gradients))
        for f, difference, overlap in zip(functions, differences, overlaps, strict=True):
            yield {
                **labels,
                **one.columns,
                "evaluation": f.name,
                **_described(constants, one.size, float(overlap[removed].max()), ""),
                **_described(data, one.size, float(overlap.max()), "data_"),
                **leverages,
                "difference": float(difference),
                "sharper_bound": constants.sharper(one.size, float(overlap[removed].max())),
                "row_sums_bound": found.row_sums(overlap[removed]),
                "spectral_bound": found.spectral(overlap[removed]),
            }


def differences_along(model: Model, coefficients: Array, removed: IntArray, gradients: Array) -> Array:
    """``<grad f, NS_T - RIF_T>`` for whitened gradients (m, q), (m,); NaN where there is no Newton step.

    Zero where it is less than rounding leaves of two changes that are the same but for that.
    """
    rif = on_host(coefficients[removed] @ model.whitened[removed])
    rif += len(removed) * model.penalty.share * on_host(model.whitened_penalty)
    hessians = factor_removable(model, [removed])
    if not hessians:
        return np.full(len(gradients), np.nan)
    newton = on_host(hessians[0].newton_step)
    found = gradients @ (newton - rif)
    noise = rounding(model.n) * np.linalg.norm(gradients, axis=1) * (np.linalg.norm(newton) + np.linalg.norm(rif))
    return np.where(np.abs(found) > noise, found, 0.0)


def _described(constants: Constants, k: int, eta: float, of: str) -> dict[str, Any]:
    """Constants, whether the theorem speaks of sets of k samples, and what it says, under names that begin with of."""
    return {
        f"{of}c_l": constants.c_l,
        f"{of}c_r": constants.c_r,
        f"{of}epsilon": constants.epsilon,
        f"{of}delta": constants.delta,
        f"{of}eta": eta,
        f"{of}threshold": constants.threshold,
        f"{of}applies": k < constants.threshold,
        f"{of}theorem_bound": constants.theorem(k, eta),
    }

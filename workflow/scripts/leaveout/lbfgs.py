r"""Minimise convex objectives, one a row, by L-BFGS whose initial matrix is an approximate inverse of the Hessian.

Each iteration costs one sweep over X: ``X d`` for the step, ``X' r`` for the gradient, and what the preconditioner
takes. What that leaves wrong, a few steps and changes of the gradient correct (Nocedal & Wright, Numerical
Optimization, algorithm 7.4).

The line search needs no value of the objective. The logistic loss is self-concordant, ``|l'''| <= l''``: along ``d``
the curvature grows at most by ``e^{b s}`` with b the largest change of a linear predictor. With slope ``-g`` and
curvature ``c`` at hand, the step ``s = g / c`` therefore decreases the objective wherever ``b s <= 1``, and ``s = log(1
+ b g / c) / b`` never goes past the minimum along ``d``. What is longer is walked in such steps.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.blocks import pieces
from leaveout.certificate import CERTIFIED, TARGET, Status
from leaveout.linear_algebra import as_type, dots, expit, namespace, on_host

#: Steps and changes of the gradient that are remembered.
MEMORY = 5
#: A walk along a direction ends where this share of the slope is left.
REMAINING_SLOPE = 0.1
WALK_LIMIT = 100
LARGEST = 1e300


class Objective(Protocol):
    """m convex functions of (m, q) arrays of parameters, one a row; ``rows`` names those that are meant."""

    @property
    def divisor(self) -> Array:
        """What turns the sum form into the mean form, (m,)."""

    @property
    def precision(self) -> Any:
        """Data type in which directions are computed: they only have to go down."""

    def predictors(self, parameters: Array, rows: IntArray) -> Array:
        """``parameters X'``, (m, n), zero for samples that do not count."""

    def reference(self) -> tuple[Array, Array]:
        """Linear predictors and probabilities, (n,), that predictors and slopes are changes of."""

    def slopes(self, predictors: Array) -> Array:
        """First derivatives of the losses, (m, n), up to a term of the reference."""

    def gradient(self, parameters: Array, slopes: Array, rows: IntArray) -> Array:
        """Gradients in sum form, (m, q)."""

    def precondition(self, gradients: Array, slopes: Array, rows: IntArray) -> tuple[Array, float]:
        """Inverses of Hessians near those where the slopes are these, times gradients, (m, q).

        And what that took for each, in sweeps over X.
        """

    def penalty_along(self, direction: Array, rows: IntArray) -> Array:
        """Second derivative of the regulariser along a direction, (m,)."""

    def accurate(self, parameters: Array, decrements: Array, rows: IntArray) -> BoolArray:
        """Whether these Newton decrements leave nothing worth an iteration, (m,)."""

    def rounding(self, parameters: Array, predictors: Array, slopes: Array) -> Array:
        """Norms of the errors with which gradients are computed, sum form, (m,)."""

    def separated(self, predictors: Array, rows: IntArray) -> BoolArray:
        """Which functions are shown by these predictors to have no minimum, (m,)."""


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where each objective stands; filled in place.

    Attributes
    ----------
    parameters, gradient : (m, q) float64 arrays
    predictors : (m, n) float64 array
    gradient_norm : (m,) float64 array
        Mean form.
    iterations : (m,) int array
    inner_passes : (m,) float64 array
        What the preconditioner took, in sweeps over X.
    status : (m,) array of str
        Values of ``Status``; ``iteration_limit`` for all that is not finished.
    """

    parameters: Array
    predictors: Array
    gradient: Array
    gradient_norm: Array
    iterations: IntArray
    inner_passes: Array
    status: npt.NDArray[np.str_]

    @classmethod
    def begin(cls, parameters: Array, predictors: Array) -> Self:
        """Nothing is known yet but where each starts."""
        m, gradient = len(parameters), namespace(parameters).zeros_like(parameters)
        status = np.full(m, Status.ITERATION_LIMIT.value, dtype="<U20")
        return cls(
            parameters, predictors, gradient, np.full(m, np.inf), np.zeros(m, dtype=np.int64), np.zeros(m), status
        )

    def of(self, rows: slice) -> "Iterate":
        """Return some rows."""
        return Iterate(*(getattr(self, field.name)[rows] for field in fields(self)))

    def assign(self, rows: IntArray, part: "Iterate") -> None:
        """Fill in rows that were iterated further."""
        for values, others in (
            (self.parameters, part.parameters),
            (self.predictors, part.predictors),
            (self.gradient, part.gradient),
        ):
            values[rows] = others
        self.gradient_norm[rows], self.status[rows] = part.gradient_norm, part.status
        self.iterations[rows] += part.iterations
        self.inner_passes[rows] += part.inner_passes

    def unfinished(self) -> BoolArray:
        """Which rows another factor, or more iterations, could still change."""
        return np.isin(self.status, (Status.ITERATION_LIMIT.value, Status.LINE_SEARCH_FAILED.value))


def minimize(objective: Objective, start: Array, limit: int, until_cut: bool = False) -> Iterate:
    """Iterate until each gradient is 1e-13 in mean form and what it leaves open is negligible, or rounding stops it.

    Parameters
    ----------
    objective : Objective
        m functions.
    start : (m, q) float64 array
        Where to begin.
    limit : int
        Most iterations.
    until_cut : bool
        End after a step that had to be cut: the factored Hessian is one of far away.
    """
    xp, m = namespace(start), len(start)
    going = np.arange(m)
    x = xp.asarray(start, copy=True)
    t = objective.predictors(x, going)
    at = Iterate.begin(x, t)
    slopes = objective.slopes(t)
    gradient = objective.gradient(x, slopes, going)
    norm = on_host(xp.linalg.vector_norm(gradient, axis=1)) / objective.divisor[going]
    previous, decrement = np.full(m, np.inf), np.where(norm == 0, 0.0, np.inf)
    stuck, cut = np.zeros((2, m), dtype=np.bool_)
    pairs: deque[_Pair] = deque(maxlen=MEMORY)
    for iteration in range(limit + 1):
        status = _judge(objective, x, t, slopes, norm, previous, decrement, stuck, going)
        leaving = (status != Status.ITERATION_LIMIT.value) | (iteration == limit) | (until_cut & cut)
        if leaving.any():
            done, stay = going[leaving], np.flatnonzero(~leaving)
            at.parameters[done], at.predictors[done], at.gradient[done] = x[leaving], t[leaving], gradient[leaving]
            at.gradient_norm[done], at.iterations[done], at.status[done] = norm[leaving], iteration, status[leaving]
            going = going[stay]
            if not going.size:
                break
            x, gradient, norm = x[stay], gradient[stay], norm[stay]
            t = t[stay]
            slopes = slopes[stay]
            pairs = deque((pair.of(stay) for pair in pairs), maxlen=MEMORY)
        direction, inner_passes = _inverse_product(objective, pairs, -gradient, slopes, going)
        at.inner_passes[going] += inner_passes
        descent = dots(gradient, direction)
        stuck = ~on_host(descent < 0)
        direction[stuck], descent[stuck] = 0.0, 0.0
        dt = objective.predictors(direction, going)
        lengths, cut = _step_lengths(objective, t, slopes, dt, descent, objective.penalty_along(direction, going))
        direction *= lengths[:, None]
        dt *= lengths[:, None]
        x += direction
        t += dt
        del dt, slopes
        slopes = objective.slopes(t)
        following = objective.gradient(x, slopes, going)
        pairs.append(_Pair.between(direction, following - gradient, objective.precision))
        gradient, previous = following, norm
        norm = on_host(xp.linalg.vector_norm(gradient, axis=1)) / objective.divisor[going]
        shrunk = norm / np.where(previous > 0, previous, 1.0)
        decrement = np.sqrt(np.maximum(0.0, -on_host(descent))) * shrunk  # as the gradient did
    return at


@dataclass(frozen=True, eq=False)
class _Pair:
    """A step, the change of the gradient, and one over their product; 0 where rounding left no curvature."""

    step: Array
    change: Array
    inverse: Array

    @classmethod
    def between(cls, step: Array, change: Array, precision: Any) -> "_Pair":
        xp, product = namespace(step), dots(step, change)
        positive = product > xp.finfo(precision).tiny * 4
        inverse = xp.where(positive, 1 / xp.where(positive, product, 0 * product + 1), 0 * product)
        return cls(as_type(step, precision), as_type(change, precision), as_type(inverse, precision))

    def of(self, rows: IntArray) -> "_Pair":
        return _Pair(self.step[rows], self.change[rows], self.inverse[rows])


def _inverse_product(
    objective: Objective, pairs: Sequence[_Pair], gradient: Array, slopes: Array, rows: IntArray
) -> tuple[Array, float]:
    """Two-loop recursion: the inverse Hessian's approximation times gradients, in the objective's precision."""
    xp = namespace(gradient)
    norm = xp.linalg.vector_norm(gradient, axis=1)[:, None]
    norm = xp.where(norm > 0, norm, 0 * norm + 1)
    vector, weights = as_type(gradient / norm, objective.precision), []
    for pair in reversed(pairs):
        weight = pair.inverse * dots(pair.step, vector)
        vector -= weight[:, None] * pair.change
        weights.append(weight)
    vector, inner_passes = objective.precondition(vector, slopes, rows)
    for pair, weight in zip(pairs, reversed(weights), strict=True):
        vector += (weight - pair.inverse * dots(pair.change, vector))[:, None] * pair.step
    return as_type(vector, gradient.dtype) * norm, inner_passes


def _judge(
    objective: Objective,
    x: Array,
    t: Array,
    slopes: Array,
    norm: Array,
    previous: Array,
    decrement: Array,
    stuck: BoolArray,
    going: IntArray,
) -> npt.NDArray[np.str_]:
    """Status of each row by its own gradient: converged, without a minimum, stuck, or iteration_limit."""
    stalled = (norm <= CERTIFIED) & (norm > previous / 2)
    if stalled.any():
        stalled &= norm * objective.divisor[going] <= on_host(objective.rounding(x, t, slopes))
    accurate = (norm <= TARGET) & objective.accurate(x, decrement, going)
    status = np.full(len(going), Status.ITERATION_LIMIT.value, dtype="<U20")
    status[stuck] = Status.LINE_SEARCH_FAILED.value
    status[accurate | stalled | (norm == 0) | (stuck & (norm <= CERTIFIED))] = Status.CONVERGED.value
    status[objective.separated(t, going)] = Status.NOT_REMOVABLE.value
    return status


def _step_lengths(
    objective: Objective, t: Array, slopes: Array, dt: Array, descent: Array, penalty: Array
) -> tuple[Array, BoolArray]:
    """Step lengths that decrease each objective, (m,), and which of them had to be cut."""
    lengths, cut = 0 * descent, np.zeros(len(t), dtype=np.bool_)
    for piece in pieces(t.shape):
        z, p = objective.reference()
        given = dt[piece], descent[piece], penalty[piece]
        lengths[piece], cut[piece] = _bounded_steps(z + t[piece], p + slopes[piece], *given)
    return lengths, cut


def _bounded_steps(z: Array, p: Array, dt: Array, descent: Array, penalty: Array) -> tuple[Array, BoolArray]:
    """Minima of the quadratic models where these hold, else walks; and which had to be walked."""
    xp = namespace(dt)
    highest, lowest = xp.max(dt, axis=1), xp.min(dt, axis=1)
    reach = xp.where(highest > -lowest, highest, -lowest)
    step, ratio = _model_step(p, dt, reach, descent, penalty)
    cut = on_host(ratio) > 1
    if cut.any():
        far = np.flatnonzero(cut)
        step[far] = _walk(z[far], dt[far], reach[far], step[far], ratio[far], descent[far], penalty[far])
    return step, cut


def _model_step(p: Array, dt: Array, reach: Array, descent: Array, penalty: Array) -> tuple[Array, Array]:
    """Step to the minimum of the quadratic model, and the largest change of a linear predictor by it."""
    xp = namespace(p)
    curved = p * (1 - p)
    curved *= dt
    curvature = xp.clip(dots(curved, dt) + penalty, min=0.0)
    least = xp.where(-descent * (1 + reach) > 1, -descent * (1 + reach), 1 + 0 * reach) / LARGEST
    step = -descent / xp.where(curvature > least, curvature, least)
    return step, reach * step


def _walk(z: Array, dt: Array, reach: Array, model: Array, ratio: Array, descent: Array, penalty: Array) -> Array:
    """Steps that never pass the minimum, until the quadratic model holds or little of the slope is left."""
    xp = namespace(z)
    length, pending, p = 0 * reach, np.arange(len(reach)), expit(z)
    for _ in range(WALK_LIMIT):
        near = ratio <= 1
        length[pending] += xp.where(near, model, xp.log1p(ratio) / xp.where(reach > 0, reach, 1 + 0 * reach))
        at = expit(z + length[pending][:, None] * dt)
        slope = descent + dots(at - p, dt) + length[pending] * penalty
        going = np.flatnonzero(~on_host(near) & (on_host(slope) < REMAINING_SLOPE * on_host(descent)))
        if not going.size:
            break
        pending, z, dt, p = pending[going], z[going], dt[going], p[going]
        reach, descent, penalty = reach[going], descent[going], penalty[going]
        model, ratio = _model_step(at[going], dt, reach, slope[going], penalty)
    return length

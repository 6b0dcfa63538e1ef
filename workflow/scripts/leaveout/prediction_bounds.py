r"""How far a predicted model is from the one retrained without a set: an estimate and bounds, without retraining.

Let ``F`` be the leave-T-out objective, sum form, ``mu`` its regulariser's weight and ``theta*`` its optimum. A
prediction ``theta_p`` of any estimator has the gradient ``g = grad F(theta_p)``, which one pass over X computes (see
``leave_out``). With ``H_T`` the Hessian of F at ``theta_hat``:

estimate   ``||g||_{H_T^{-1}}``, what ``||theta* - theta_p||_{H_T}`` would be if F were quadratic; no bound
convexity  ``||theta* - theta_p|| <= ||g|| / mu``, since F is mu-strongly convex
factor     ``||theta* - theta_p||_{H_T} <= t``, by the curvature that is left within t (see ``bounds``); may be infinite
duality    ``||s|| - R <= ||theta* - theta_p|| <= ||s|| + R`` after a few more passes: with N the Hessian at theta_p,

    s        some conjugate gradient steps on N s = -g, preconditioned by H_T^{-1};       theta_2 = theta_p + s
    alpha_i  = p_i + a_i x_i's at theta_p, cut to [0, 1]: a dual point
    gap      = sum_{i not in T} KL(alpha_i || p_i(theta_2)) + ||X'(alpha - y) + mu theta_2||^2 / (2 mu)
    R        = sqrt(2 gap / mu) >= ||theta* - theta_2||

KL is at most ``(alpha - p)^2 / (p (1 - p))``, in which nothing cancels; the smaller of the two is taken. Without any
step the duality bound is that of convexity. What rounding can do to g is part of every bound.

Norms without H_T are over the penalised parameters. An unpenalised constant b is first put where it minimises F, for
one pass more: F minimised over b is mu-strongly convex in the weights. Of g counts what is left in its entry ``g_b``
then, times the largest weights' part of a sample: the residuals that b moves are all of one sign. ``alpha`` is cut from
``p_i + a_i (x_i's + c)`` with the c at which ``sum_{i not in T} (alpha_i - y_i) = 0``, as duality demands.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from leaveout import bounds, loss
from leaveout.arrays import EPSILON, Array, IntArray, rounding
from leaveout.expansion import Expansion
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import beside, dots, expit, namespace, on_host, squares
from leaveout.removed import InverseHessian

#: Passes over X after which the duality bound is reported: one for the gradient, one for each conjugate gradient step,
#: and one, of which a half is used, for the dual point.
PASSES = (3, 4, 5)
#: What a Kullback-Leibler divergence of moderate numbers can be off by, relative to the numbers that it is the sum of.
KL_ROUNDING = 8 * EPSILON
#: Steps in which a constant is found.
STEPS = 100
#: Stands for a probability of zero.
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class PredictionBounds:
    """What is known about predictions of m sets without retraining; numpy arrays, NaN where there is nothing.

    Attributes
    ----------
    gradient_norm : (m,) float64 array
        ``||grad J_T(theta_p)||``, mean form.
    estimate : (m,) float64 array
        Of the error in the norm of ``H_T``.
    convexity : (m,) float64 array
        Bound of the Euclidean error of the penalised parameters; NaN where mu = 0.
    factor : (m,) float64 array
        Bound of the error in the norm of ``H_T``; NaN where none is finite.
    lower, upper : (m, len(passes)) float64 arrays
        Bounds of the same by duality, each the best so far; NaN like ``convexity``.
    """

    gradient_norm: Array
    estimate: Array
    convexity: Array
    factor: Array
    lower: Array
    upper: Array


@dataclass(frozen=True, eq=False)
class _Prediction:
    """One estimator's predictions, a row a set: linear predictors at ``theta_p``, gradients, and their rounding."""

    z: Array
    gradient: Array
    rounding: Array


def removed_share(model: Expansion, removed: IntArray) -> float:
    """``c`` with ``H - H_T <= (kappa_T + c) H``: the share of the regulariser that a set takes along, k / n or 0."""
    return len(removed) / model.n if model.penalty.share else 0.0


def reaches(problem: LeaveOut, joint: Array) -> Array:
    """Bounds of ``||x_i||_{H_T^{-1}}``, (m, n), zero for removed samples.

    The better of ``x_i' H_1^{-1} x_i`` by the least eigenvalue of ``H_T`` relative to ``H_1``, and ``x_i' H^{-1} x_i /
    (1 - kappa_T - removed_share)``.

    Parameters
    ----------
    problem : LeaveOut
        m sets.
    joint : (m,) numpy array
        Their joint leverages ``kappa_T``.
    """
    model = problem.model
    xp, found = namespace(model.X), problem.reach(model.deletion_gram)
    gram = squares(model.whitened, 1 / model.whitening.shifted(model.penalty.share))
    for row, (factored, kappa) in enumerate(zip(problem.hessians, joint, strict=True)):
        room = 1 - kappa - removed_share(model, factored.removed) - rounding(model.n)
        if room > 0:
            by_leverage = xp.sqrt(gram / room)
            found[row] = xp.where(by_leverage < found[row], by_leverage, found[row])
    return problem.kept(found, np.arange(len(found)))


def prediction_bounds(
    problem: LeaveOut,
    inverses: Sequence[InverseHessian | None],
    reach: Array,
    changes: Array,
    passes: Sequence[int] = PASSES,
) -> PredictionBounds:
    """Estimate and bound the errors of one prediction for each set.

    Parameters
    ----------
    problem : LeaveOut
        m sets.
    inverses : sequence of InverseHessian
        ``H_T^{-1}`` at ``theta_hat``, one a set; None where it is singular in floating point.
    reach : (m, n) float64 array
        From ``reaches``.
    changes : (m, q) float64 array
        ``theta_p - theta_hat``, finite.
    passes : sequence of int
        After which the duality bound is reported: some of ``PASSES``, ascending.
    """
    at = _predicted(problem, changes)
    norms = on_host(namespace(changes).linalg.vector_norm(at.gradient, axis=1))
    solved = _precondition(problem, inverses, at.gradient)
    estimate = np.sqrt(np.maximum(0.0, on_host(dots(at.gradient, solved))))
    estimate[[inverse is None for inverse in inverses]] = np.nan
    decrements = estimate + at.rounding * np.sqrt(problem.inverse_norms)
    factor = bounds.distances(decrements, at.z, problem.model.curvature, reach, bounds.FINE_MULTIPLIERS)
    weight = np.where(problem.weight > 0, problem.weight, np.nan)
    if problem.model.penalty.intercept == "unpenalized":
        at = _predicted(problem, with_best_constants(problem, changes))
        solved = _precondition(problem, inverses, at.gradient)
    convexity = _penalised(problem, at.gradient, at.rounding)[0] / weight
    corrections = newton_corrections(problem, inverses, at.gradient, solved, at.z)
    lower, upper = _by_duality(problem, at, corrections, passes, convexity, weight)
    return PredictionBounds(
        gradient_norm=norms / problem.divisor,
        estimate=estimate,
        convexity=convexity,
        factor=np.where(np.isfinite(factor), factor, np.nan),
        lower=lower,
        upper=upper,
    )


def _predicted(problem: LeaveOut, changes: Array) -> _Prediction:
    rows = np.arange(len(changes))
    predictors = problem.predictors(changes, rows)
    slopes = problem.slopes(predictors)
    gradient, error = problem.gradient(changes, slopes, rows), problem.rounding(changes, predictors, slopes)
    return _Prediction(problem.model.z + predictors, gradient, on_host(error))


def with_best_constants(problem: LeaveOut, changes: Array) -> Array:
    """Changes (m, q) whose last entries, those of an unpenalised constant, minimise F for the others as they are."""
    rows = np.arange(len(changes))
    t = problem.predictors(changes, rows)
    there, target = problem.model.z + t, on_host(problem.target[:, -1])

    def slope_and_curvature(constants: Array) -> tuple[Array, Array]:
        shift = beside(changes, constants)[:, None]
        moved = problem.kept(problem.slopes(t + shift), rows)
        curved = problem.kept(loss.curvature(there + shift), rows)
        return on_host(moved.sum(axis=1)) - target, on_host(curved.sum(axis=1))

    # so far out all probabilities together are less than 1, or all but one: both classes are among the kept samples
    reach = on_host(namespace(changes).max(namespace(changes).abs(there), axis=1)) + np.log(problem.model.n) + 1
    shifted = beside(changes, np.zeros(changes.shape))
    shifted[:, -1] = beside(changes, roots(slope_and_curvature, reach))
    return changes + shifted


def roots(function: Callable[[Array], tuple[Array, Array]], reach: Array) -> Array:
    """Zeros (m,) of m increasing functions within ``reach`` of 0, as near as rounding allows.

    Newton's steps, and halves of what is left where these would leave it.

    Parameters
    ----------
    function : function
        Values and slopes, (m,) each, at m numbers.
    reach : (m,) float64 array
    """
    low, high, x = -reach, +reach, np.zeros(len(reach))
    for _ in range(STEPS):
        value, slope = function(x)
        low, high = np.where(value <= 0, x, low), np.where(value >= 0, x, high)
        step = np.divide(value, slope, out=np.full(len(x), np.inf), where=slope > 0)
        inside = (x - step >= low) & (x - step <= high)
        following = np.where(inside, x - step, (low + high) / 2)
        if np.all(np.abs(following - x) <= EPSILON * np.maximum(1.0, np.abs(x))):
            break
        x = following
    return x


def _penalised(problem: LeaveOut, gradient: Array, error: Array) -> tuple[Array, Array]:
    """Norm of a gradient (m, q) of F minimised over the constant, and what is left in the constant's entry: bounds.

    ``error`` bounds the norm of the gradient's own error, (m,).
    """
    model, xp = problem.model, namespace(gradient)
    norms = on_host(xp.linalg.vector_norm(gradient * model.P, axis=1)) + error
    if model.penalty.intercept != "unpenalized":
        return norms, np.zeros(len(norms))
    left = np.abs(on_host(gradient[:, -1])) + error
    return norms + left * float(xp.max(squares(model.X, model.P))) ** 0.5, left


def _precondition(problem: LeaveOut, inverses: Sequence[InverseHessian | None], gradients: Array) -> Array:
    """``H_T^{-1}`` times gradients, (m, q); ``H_1^{-1}`` where that is not known."""
    whitening = problem.model.whitening
    whitened = whitening.whiten(gradients)
    for row, inverse in enumerate(inverses):
        if inverse is not None:
            whitened[row] = inverse.solve(whitened[row])
    return whitening.unwhiten(whitened)


def newton_corrections(
    problem: LeaveOut, inverses: Sequence[InverseHessian | None], gradient: Array, solved: Array, z: Array
) -> Iterator[tuple[Array, Array]]:
    """Yield ``s``, (m, q), and ``X s``, (m, n), after each conjugate gradient step on ``N s = -g``: one pass a step.

    The next step overwrites both arrays.

    Parameters
    ----------
    problem, inverses
        As in ``prediction_bounds``.
    gradient, solved : (m, q) float64 arrays
        g and ``H_T^{-1} g``.
    z : (m, n) float64 array
        Linear predictors at the predictions.
    """
    X, xp = problem.model.X, namespace(gradient)
    curvature = problem.kept(loss.curvature(z), np.arange(len(z)))
    step, along, residual, direction = 0 * gradient, 0 * z, -gradient, -solved
    square = dots(gradient, solved)
    while True:
        predictors = direction @ X.T
        image = (curvature * predictors) @ X + problem.ridge * direction
        along_direction = dots(direction, image)
        going = (square > 0) & (along_direction > 0)  # else rounding is all that is left
        length = xp.where(going, square, 0 * square) / xp.where(going, along_direction, 0 * square + 1)
        step += length[:, None] * direction
        along += length[:, None] * predictors
        residual -= length[:, None] * image
        yield step, along
        solved = _precondition(problem, inverses, residual)
        left = dots(residual, solved)
        direction *= (xp.where(going, left, 0 * left) / xp.where(going, square, 0 * square + 1))[:, None]
        direction += solved
        square = left


def _by_duality(
    problem: LeaveOut,
    at: _Prediction,
    corrections: Iterator[tuple[Array, Array]],
    passes: Sequence[int],
    convexity: Array,
    weight: Array,
) -> tuple[Array, Array]:
    """Lower and upper bounds of the Euclidean error, (m, len(passes)) each."""
    lower, upper = np.full((2, len(convexity), len(passes)), np.nan)
    if np.isnan(weight).all():
        return lower, upper
    least, most = np.zeros(len(convexity)), convexity
    for done, (step, along) in zip(range(PASSES[0], passes[-1] + 1), corrections, strict=False):
        radius = np.sqrt(2 * duality_gap(problem, at, step, along) / weight)
        length = on_host(namespace(step).linalg.vector_norm(step * problem.model.P, axis=1))
        least, most = np.fmax(least, length - radius), np.fmin(most, length + radius)
        if done in passes:
            column = passes.index(done)
            lower[:, column], upper[:, column] = np.where(np.isnan(weight), np.nan, least), most
    return lower, upper


def duality_gap(problem: LeaveOut, at: _Prediction, step: Array, along: Array) -> Array:
    """``F(theta_p + s)`` less the dual objective at ``alpha``, bounded from above: (m,), a numpy array.

    Parameters
    ----------
    problem : LeaveOut
    at : _Prediction
    step, along : (m, q) and (m, n) float64 arrays
        ``s`` and ``X s``.
    """
    model, rows = problem.model, np.arange(len(step))
    moved = _dual_change(problem, at, along)
    infeasible = at.gradient + moved @ model.X + problem.ridge * step
    summed = on_host(model.gradient_errors(moved, 0 * moved, 0 * moved[:, 0]))
    residual, left = _penalised(problem, infeasible, at.rounding + summed)
    divergences = problem.kept(_divergences(at.z, along, moved), rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = on_host(divergences.sum(axis=1)) + residual**2 / (2 * problem.weight)
    return gap + _balancing(problem, at.z, along, moved, left) if left.any() else gap


def _balancing(problem: LeaveOut, z: Array, t: Array, moved: Array, left: Array) -> Array:
    """What the divergences grow by at most, (m,), when one ``alpha`` takes up what is ``left`` of a sum over samples.

    The one in the middle, of largest ``v = alpha (1 - alpha)``: by ``left`` times the difference of the log odds of
    ``alpha`` and of ``p(z + t)``, which itself moves by ``2 left / v`` at most as long as that is at most 1/2.
    """
    xp, rows = namespace(z), np.arange(len(z))
    alpha, other = expit(z) + moved, expit(-z) - moved
    middle = xp.argmax(problem.kept(alpha * other, rows), axis=1)
    alpha, other, there = (on_host(values)[rows, on_host(middle)] for values in (alpha, other, z + t))
    room = np.maximum(alpha * other, TINY)
    apart = np.abs(np.log(np.maximum(alpha, TINY) / np.maximum(other, TINY)) - there)
    return np.where(4 * left <= room, left * (apart + 2 * left / room), np.inf)


def _dual_change(problem: LeaveOut, at: _Prediction, along: Array) -> Array:
    """``alpha - p``, (m, n), zero for removed samples; for an unpenalised constant with the sum that it demands."""
    xp, rows = namespace(along), np.arange(len(along))
    least, most, curvature = -expit(at.z), expit(-at.z), problem.kept(loss.curvature(at.z), rows)

    def cut(constants: Array) -> Array:
        moved = curvature * (along + beside(along, constants)[:, None])
        return xp.where(moved < least, least, xp.where(moved > most, most, moved))

    def sum_and_slope(constants: Array) -> tuple[Array, Array]:
        moved = cut(constants)
        free = xp.where((moved > least) & (moved < most), curvature, 0 * curvature)
        return on_host(moved.sum(axis=1)) + on_host(at.gradient[:, -1]), on_host(free.sum(axis=1))

    none = np.zeros(len(along))
    unpenalised = problem.model.penalty.intercept == "unpenalized"
    return cut(roots(sum_and_slope, none + 1 / EPSILON) if unpenalised else none)


def _divergences(z: Array, t: Array, moved: Array) -> Array:
    """``KL(p(z) + moved || p(z + t))`` of Bernoulli variables, (m, n), bounded from above."""
    xp, there = namespace(z), z + t
    difference, curvature = moved - loss.probability_change(z, t), loss.curvature(there)
    curved = curvature > 0
    squared = xp.where(curved, difference**2 / xp.where(curved, curvature, 0 * z + 1), 0 * z + np.inf)
    alpha, other = xp.clip(expit(z) + moved, min=0.0, max=1.0), xp.clip(expit(-z) - moved, min=0.0, max=1.0)
    surprise = alpha * xp.logaddexp(0 * z, -there) + other * xp.logaddexp(0 * z, there)
    exact = surprise + _entropy(alpha) + _entropy(other) + KL_ROUNDING * (1 + surprise)
    return xp.where(squared < exact, squared, exact)


def _entropy(p: Array) -> Array:
    """``p log p``, 0 at 0."""
    xp = namespace(p)
    return p * xp.log(xp.where(p > 0, p, 0 * p + 1))

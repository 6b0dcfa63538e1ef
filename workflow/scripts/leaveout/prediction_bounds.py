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
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from leaveout import bounds, loss
from leaveout.arrays import EPSILON, Array, IntArray, rounding
from leaveout.expansion import Expansion
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import dots, expit, namespace, on_host, squares
from leaveout.removed import InverseHessian

#: Passes over X after which the duality bound is reported: one for the gradient, one for each conjugate gradient step,
#: and one, of which a half is used, for the dual point.
PASSES = (3, 4, 5)
#: What a Kullback-Leibler divergence of moderate numbers can be off by, relative to the numbers that it is the sum of.
KL_ROUNDING = 8 * EPSILON


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
        Bound of the Euclidean error; NaN unless all parameters are penalised.
    factor : (m,) float64 array
        Bound of the error in the norm of ``H_T``; NaN where none is finite.
    lower, upper : (m, len(passes)) float64 arrays
        Bounds of the Euclidean error by duality, each the best so far; NaN like ``convexity``.
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
    strongly = bool(problem.model.P.all()) & (problem.weight > 0)
    weight = np.where(strongly, problem.weight, np.nan)
    convexity = (norms + at.rounding) / weight
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
        length = on_host(namespace(step).linalg.vector_norm(step, axis=1))
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
    model, xp, rows = problem.model, namespace(step), np.arange(len(step))
    probability = expit(at.z)
    moved = problem.kept(loss.curvature(at.z) * along, rows)
    moved = xp.where(moved < -probability, -probability, moved)
    moved = xp.where(moved > expit(-at.z), expit(-at.z), moved)
    infeasible = at.gradient + moved @ model.X + problem.ridge * step
    summed = on_host(model.gradient_errors(moved, 0 * moved, 0 * moved[:, 0]))
    residual = on_host(xp.linalg.vector_norm(infeasible, axis=1)) + at.rounding + summed
    divergences = problem.kept(_divergences(at.z, along, moved), rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        return on_host(xp.sum(divergences, axis=1)) + residual**2 / (2 * problem.weight)


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

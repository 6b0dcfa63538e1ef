r"""What can still be wrong with the effect of a certified retrain: a bound of |reported - exact|, one number an effect.

Three parts: the distance d_T of the retrained model to its exact optimum, that of the full model d_0 (its remaining
gradient enters every effect), and the rounding of the evaluation. Each distance, in the norm of the Hessian M that it
was bounded in, moves f by at most ``||grad f||_{M^{-1}} d + C d^2 / 2`` with C a bound of f's curvature relative to
M.
"""

import numpy as np

from leaveout.arrays import Array
from leaveout.evaluation import Evaluation, Evaluations
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import on_host
from leaveout.model import Model


def effect_errors(
    problem: LeaveOut, evaluations: Evaluations, changes: Array, distances: Array, predictors: dict[str, Array]
) -> Array:
    """Bound the error of every effect of a block of retrained sets.

    Parameters
    ----------
    problem : LeaveOut
        The block, m sets.
    evaluations : Evaluations
        F functions.
    changes : (m, q) float64 array
        Changes of the parameters, by retraining.
    distances : (m,) float64 array
        Bounds of their distance to the exact optimum.
    predictors : dict of (m, s) float64 arrays
        Changes of the linear predictors.

    Returns
    -------
    (F, m) float64 array
    """
    return np.array([_errors(problem, f, changes, distances, predictors) for f in evaluations.functions])


def _errors(problem: LeaveOut, f: Evaluation, changes: Array, distances: Array, predictors: dict[str, Array]) -> Array:
    t = predictors[f.points_name][:, f.rows]
    slopes = problem.dual_norms(f.gradients_at(changes, t))
    gram = float(f.points.gram[f.rows].sum())
    curvatures = f.curvature_bound(gram / problem.least_eigenvalues, _inverse(problem.weight))
    known = np.where(np.isfinite(distances), distances, 0.0)
    own = np.where(np.isfinite(distances), slopes * known + curvatures / 2 * known**2, np.inf)
    return own + _base_error(f.model, f, gram) + on_host(f.rounding_errors(changes, t))


def _base_error(model: Model, f: Evaluation, gram: float) -> float:
    curvature = f.curvature_bound(np.array([gram]), _inverse(np.array([model.weight()])))
    return float(model.dual_norm(f.gradient) * model.distance + curvature[0] / 2 * model.distance**2)


def _inverse(weights: Array) -> Array:
    return np.where(weights > 0, 1 / np.where(weights > 0, weights, 1.0), 0.0)

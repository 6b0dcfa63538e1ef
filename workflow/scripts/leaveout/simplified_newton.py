r"""Models retrained by simplified Newton steps, and never looked at.

From the Newton step without a set T, in sum form,

    delta <- delta - H_T(theta_hat)^{-1} g_T(delta)

a number of times: the Hessian that the Newton step has factored serves for all of them. Nothing shortens a step. Where
curvature more than doubles on the way, as it may for kept samples on which a model of few samples for each feature then
leans, a step is too long by more than a factor of two, and they never arrive; that the gradient tells so is known and
not asked. `retraining` starts at the same place, follows the curvature, shortens steps where it must, and certifies
where it ends.
"""

import numpy as np

from leaveout.arrays import Array
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import namespace
from leaveout.model import Model
from leaveout.removed import RemovedHessian, inverse_hessian

#: Most steps, as many as R's ``glm`` takes; and the norm of the gradient, mean form, that needs no further one.
STEPS, VANISHED = 25, 1e-10


def iterate(model: Model, hessian: RemovedHessian, start: Array) -> tuple[Array, float, int]:
    """Take simplified Newton steps without one set, at most `STEPS`, until the gradient has vanished.

    Parameters
    ----------
    model : Model
        The full model, in q coordinates.
    hessian : RemovedHessian
        The set's.
    start : (q,) float64 array
        Change of the parameters.

    Returns
    -------
    change : (q,) float64 array
        Wherever the last step led.
    gradient_norm : float
        ``||grad J_T||_2`` there, mean form.
    evaluations : int
        Of the gradient: 1 if it had vanished at the start.

    Raises
    ------
    NotRemovable
        The Hessian without the set is singular.
    """
    problem, inverse, whitening = LeaveOut(model, [hessian]), inverse_hessian(model, hessian.removed), model.whitening
    one, change = np.arange(1), start[None, :]
    for evaluations in range(1, STEPS + 2):
        slopes = problem.slopes(problem.predictors(change, one))
        gradient = problem.gradient(change, slopes, one)
        norm = float(namespace(gradient).linalg.vector_norm(gradient)) / float(problem.divisor[0])
        if norm <= VANISHED or evaluations > STEPS:
            break
        change = change - whitening.unwhiten(inverse.solve(whitening.whiten(gradient)))
    return change[0], norm, evaluations

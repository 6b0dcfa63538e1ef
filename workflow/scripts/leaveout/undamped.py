r"""Models retrained by Newton's method with full steps, and never looked at.

From the Newton step without a set T, in sum form,

    delta <- delta - H_T(theta_hat + delta)^{-1} g_T(delta)

a fixed number of times, as iteratively reweighted least squares do: quadratic near the optimum, and free to jump over
it where curvature falls on the way. Nothing shortens a step, and whether the gradient vanished is known and not asked.
`retraining` starts at the same place, shortens steps where it must, and certifies where it ends.
"""

import numpy as np

from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.conjugate_gradients import conjugate_gradients
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import beside, namespace, on_host

#: Most steps, as many as R's ``glm`` takes; and the norm of the gradient, mean form, that needs no further one.
STEPS, VANISHED = 25, 1e-10
#: Residual of a direction's linear system, relative to the gradient, and most products for it.
TOLERANCE, PRODUCT_LIMIT = 1e-8, 1000


def iterate(problem: LeaveOut, start: Array) -> tuple[Array, Array, IntArray]:
    """Take full Newton steps from ``start``, at most `STEPS`, until the gradient has vanished or is not a number.

    Parameters
    ----------
    problem : LeaveOut
        m objectives in q coordinates.
    start : (m, q) float64 array
        Changes of the parameters.

    Returns
    -------
    change : (m, q) float64 array
        Wherever the last step led.
    gradient_norm : (m,) float64 array
        ``||grad J_T||_2`` there, mean form.
    evaluations : (m,) int array
        Of the gradient: 1 where it had vanished at the start.
    """
    xp, m = namespace(start), len(start)
    change, norms, evaluations = xp.asarray(start, copy=True), np.full(m, np.inf), np.zeros(m, dtype=np.int64)
    going = np.arange(m)
    for step in range(STEPS + 1):
        slopes = problem.slopes(problem.predictors(change[going], going))
        gradient = problem.gradient(change[going], slopes, going)
        norms[going] = on_host(xp.linalg.vector_norm(gradient, axis=1)) / problem.divisor[going]
        evaluations[going] += 1
        further: BoolArray = (norms[going] > VANISHED) & (step < STEPS)
        going, slopes, gradient = going[further], slopes[further], gradient[further]
        if not going.size:
            break
        change[going] -= newton_direction(problem, gradient, slopes, going)
    return change, norms, evaluations


def newton_direction(problem: LeaveOut, gradient: Array, slopes: Array, rows: IntArray) -> Array:
    """``H_T(theta_hat + delta)^{-1} g``, (m, q), by conjugate gradients in whitened coordinates."""
    model = problem.model
    p = model.probability + slopes
    changes = problem.kept(p * (1 - p), rows) - model.curvature
    sizes = beside(model.X, [len(problem.hessians[j].removed) for j in rows])
    diagonals = 1 - (sizes[:, None] - 1) * model.penalty.share * model.whitening.penalty

    def product(vectors: Array) -> Array:
        return ((vectors @ model.whitened.T) * changes) @ model.whitened + diagonals * vectors

    solved, _ = conjugate_gradients(product, gradient @ model.whitening.basis, TOLERANCE, 1.0, PRODUCT_LIMIT)
    return solved @ model.whitening.basis.T

"""Preconditioned conjugate gradients for many systems at once, each with its own matrix and its own stop."""

from collections.abc import Callable

import numpy as np

from leaveout.arrays import Array, IntArray

Operator = Callable[[Array, IntArray], Array]


def conjugate_gradients(
    apply: Operator, precondition: Operator, rhs: Array, tolerance: Array, limit: int
) -> tuple[Array, IntArray]:
    """Solve ``A_j x_j = b_j`` for the columns j of ``rhs``; what a column becomes does not depend on its companions.

    Parameters
    ----------
    apply, precondition : callable
        ``(V, columns) -> (q, len(columns))``: ``A_j v_j``, and a symmetric positive definite approximation of
        ``A_j^{-1} v_j``, for the named columns.
    rhs : (q, m) float64 array
        Right sides.
    tolerance : (m,) float64 array
        Column j stops when its residual, in the preconditioner's norm, is ``tolerance[j]`` times its right side.
    limit : int
        Most iterations.

    Returns
    -------
    solution : (q, m) float64 array
    iterations : (m,) int array
        Products with ``A_j``.
    """
    solution = np.zeros_like(rhs)
    iterations = np.zeros(rhs.shape[1], dtype=np.int64)
    columns = np.flatnonzero(np.any(rhs != 0, axis=0))
    if not columns.size:
        return solution, iterations
    residual = rhs[:, columns]
    conditioned = precondition(residual, columns)
    energy = _dots(residual, conditioned)
    goal = tolerance[columns] ** 2 * energy
    direction = conditioned
    for _ in range(limit):
        if not columns.size:
            break
        image = apply(direction, columns)
        length = energy / _dots(direction, image)
        solution[:, columns] += length * direction
        iterations[columns] += 1
        residual = residual - length * image
        conditioned = precondition(residual, columns)
        following = _dots(residual, conditioned)
        going = np.isfinite(following) & (following > goal)
        direction = (conditioned + (following / energy) * direction)[:, going]
        columns, residual, energy, goal = columns[going], residual[:, going], following[going], goal[going]
    return solution, iterations


def _dots(left: Array, right: Array) -> Array:
    return np.einsum("ij,ij->j", left, right)

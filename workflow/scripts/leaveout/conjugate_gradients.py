"""Conjugate gradients for several symmetric positive definite systems at once, one a row."""

from collections.abc import Callable

from leaveout.arrays import Array
from leaveout.linear_algebra import dots, namespace, on_host


def conjugate_gradients(
    product: Callable[[Array], Array], rhs: Array, tolerance: float, share: float, limit: int
) -> tuple[Array, int]:
    """Solve ``A_j x_j = b_j`` until most have ``||A_j x_j - b_j|| <= tolerance ||b_j||``.

    All go on together, for the sake of wide products: most become better than asked for, some less good.

    Parameters
    ----------
    product : callable
        Multiplies rows, (m, q), by the matrices of their systems.
    rhs : (m, q) array
        ``b``; its precision is that of the arithmetic.
    tolerance, share : float
        What residual is small enough, and for what share of the systems it has to be.
    limit : int
        Most products.

    Returns
    -------
    solutions : (m, q) array
        ``b_j' x_j > 0`` unless ``b_j`` is zero: whenever it ends, a solution is a direction of descent.
    products : int
    """
    xp = namespace(rhs)
    x, residual, direction = xp.zeros_like(rhs), xp.asarray(rhs, copy=True), xp.asarray(rhs, copy=True)
    square = dots(residual, residual)
    enough = tolerance**2 * square
    products = 0
    while products < limit:
        image, products = product(direction), products + 1
        curvature = dots(direction, image)
        curved = curvature > 0  # else rounding is all that is left
        length = xp.where(curved, square, 0 * square) / xp.where(curved, curvature, 0 * curvature + 1)
        x += length[:, None] * direction
        residual -= length[:, None] * image
        left = dots(residual, residual)
        if float(on_host(~curved | (left <= enough)).mean()) >= share:
            break
        direction *= (left / xp.where(square > 0, square, 0 * square + 1))[:, None]
        direction += residual
        square = left
    return x, products

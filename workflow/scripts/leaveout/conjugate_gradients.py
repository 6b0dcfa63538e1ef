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
        ``b_j' x_j > 0`` unless ``b_j`` is zero: whenever it ends, a solution is a direction of descent; ``b_j`` itself
        where rounding left no curvature at all.
    products : int
    """
    xp = namespace(rhs)
    x, residual, direction = xp.zeros_like(rhs), xp.asarray(rhs, copy=True), xp.asarray(rhs, copy=True)
    square = dots(residual, residual)
    enough, going, products = tolerance**2 * square, square > 0, 0
    while products < limit:
        image, products = product(direction), products + 1
        curvature = dots(direction, image)
        going &= curvature > 0  # else rounding is all that is left
        length = xp.where(going, square, xp.zeros_like(square)) / xp.where(going, curvature, xp.ones_like(curvature))
        x += length[:, None] * direction
        residual -= length[:, None] * image
        left = dots(residual, residual)
        if float(on_host(~going | (left <= enough)).mean()) >= share:
            break
        direction *= (left / xp.where(going, square, xp.ones_like(square)))[:, None]
        direction += residual
        square = left
    untouched = ~xp.any(x != 0, axis=1)
    return xp.where(untouched[:, None], rhs, x), products

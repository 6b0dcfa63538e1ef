r"""Where the mathematics is done: the features, or their row space when there are fewer samples than features.

With an l2 penalty every optimum and every estimator lies in the row space of X. With ``X' = Q R`` the model on the n
x n features ``R'`` is the same model, exactly; ``theta = Q u`` maps its parameters back. An unpenalised intercept
stays out of the rotation, since it is not penalised like its neighbours.
"""

from dataclasses import dataclass

from leaveout.arrays import Array
from leaveout.linear_algebra import namespace
from leaveout.penalty import Penalty


@dataclass(frozen=True)
class Coordinates:
    """An orthonormal basis of the parameters that can differ from zero.

    Attributes
    ----------
    basis : (p, q) float64 array, or None
        Columns span the row space; None where every parameter is free (n >= d).
    """

    basis: Array | None

    def reduce(self, vectors: Array) -> Array:
        """Rows in R^p to rows in R^q: features, gradients, parameters."""
        return vectors if self.basis is None else vectors @ self.basis

    def lift(self, vectors: Array) -> Array:
        """Rows in R^q back to rows in R^p."""
        return vectors if self.basis is None else vectors @ self.basis.T


def row_space(design: Array, penalty: Penalty) -> tuple[Array, Coordinates]:
    """Return the features to compute with, (n, q), and the way back to R^p.

    A QR factorisation of X' rather than the Cholesky factor of the Gram matrix X X': duplicated samples make that one
    singular, and it squares the condition number.
    """
    n, p = design.shape
    free = int(penalty.intercept == "unpenalized")
    if penalty.regularization == 0 or n >= p - free:
        return design, Coordinates(None)
    xp = namespace(design)
    basis, triangle = xp.linalg.qr(design[:, : p - free].T)
    if not free:
        return xp.asarray(triangle.T, copy=True), Coordinates(basis)
    rotated = xp.concat([triangle.T, design[:, -1:]], axis=1)
    constant = xp.concat([0 * basis[:, :1], 0 * basis[:1, :1] + 1], axis=0)
    return rotated, Coordinates(xp.concat([xp.concat([basis, 0 * basis[:1]], axis=0), constant], axis=1))


def widened(coordinates: Coordinates, design: Array, penalty: Penalty) -> Coordinates:
    """Coordinates that span further samples too, ``design`` (m, p): new ones follow those that are penalised.

    The columns that ``coordinates`` has stay as they are, an unpenalised intercept the last one.
    """
    if coordinates.basis is None:
        return coordinates
    xp, free = namespace(design), int(penalty.intercept == "unpenalized")
    p, q = (size - free for size in coordinates.basis.shape)
    both = xp.concat([coordinates.basis[:p, :q], design[:, :p].T], axis=1)
    added = xp.linalg.qr(both)[0][:, q:]
    padded = xp.concat([added, 0 * design[:free, :1] @ added[:1]], axis=0)
    return Coordinates(xp.concat([coordinates.basis[:, :q], padded, coordinates.basis[:, q:]], axis=1))

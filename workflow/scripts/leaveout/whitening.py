r"""Coordinates in which the Hessian without one sample is the identity and the regulariser is diagonal.

``H_1 = X' A X + w P`` with w the regulariser's weight less one sample's share. ``H_1 = L L'`` and the eigenvectors
``Q`` of ``L^{-1} P L^{-T}`` give ``B = L^{-T} Q`` with

    B' H_1 B = I,        B' P B = diag(sigma)

so that ``H_1 + c P`` is ``I + c diag(sigma)`` for every c: one factorisation serves every number of removed samples,
under both conventions, exactly. That L comes first keeps the accuracy of a Cholesky factor on badly scaled columns.
"""

from dataclasses import dataclass

import numpy as np

from leaveout.arrays import Array
from leaveout.linear_algebra import cholesky, freeze, namespace, on_host, squares, triangular_inverse


@dataclass(frozen=True, eq=False)
class Whitening:
    """What all removals share.

    Attributes
    ----------
    basis : (q, q) float64 array
        ``B``.
    penalty : (q,) float64 array
        ``sigma``, >= 0.
    hessian_norm, inverse_norm : float
        Bounds of ``||H_1||_2`` (the 1-norm) and ``||H_1^{-1}||_2``.
    scaled_condition : float
        Estimate of the condition number once columns are scaled to a diagonal of ones: what rounding sees.
    """

    basis: Array
    penalty: Array
    hessian_norm: float
    inverse_norm: float
    scaled_condition: float

    def __post_init__(self) -> None:
        freeze(self.basis)
        freeze(self.penalty)

    @property
    def condition(self) -> float:
        """Condition number of ``H_1``, bounded from above."""
        return self.hessian_norm * self.inverse_norm

    def whiten(self, vectors: Array) -> Array:
        """Rows ``v``, features or gradients, to ``B' v``."""
        return vectors @ self.basis

    def unwhiten(self, vectors: Array) -> Array:
        """Rows ``u``, changes of the parameters in whitened coordinates, to ``B u``."""
        return vectors @ self.basis.T

    def shifted(self, weight: float) -> Array:
        """Diagonal of ``B' (H_1 + weight P) B``, (q,)."""
        return 1 + weight * self.penalty


def whitening(hessian: Array, P: Array) -> Whitening:
    """Diagonalise ``hessian``, (q, q), that is ``H_1``, and the regulariser ``diag(P)``, (q,), together.

    Raises
    ------
    numpy.linalg.LinAlgError
        ``H_1`` is singular.
    """
    xp = namespace(hessian)
    norm, diagonal = float(xp.max(xp.sum(xp.abs(hessian), axis=0))), +xp.linalg.diagonal(hessian)
    inverse = triangular_inverse(cholesky(hessian))
    del hessian
    penalized = inverse * xp.sqrt(P)
    _, vectors = xp.linalg.eigh(penalized @ penalized.T)
    basis = inverse.T @ vectors
    return from_basis(basis, P, norm, float((diagonal[:, None] * basis**2).sum()))


def from_basis(basis: Array, P: Array, hessian_norm: float, scaled_condition: float) -> Whitening:
    """Take up a basis that was computed before: everything else follows from it."""
    penalty = squares(basis.T, P)
    # B' B = diag(sigma) + the rows of B that P leaves out
    free = basis[np.flatnonzero(on_host(P) == 0)]
    return Whitening(basis, penalty, hessian_norm, float(penalty.max() + (free**2).sum()), scaled_condition)

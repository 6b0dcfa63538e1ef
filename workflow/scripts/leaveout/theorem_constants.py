r"""The constants of Theorem 3.1: how large the samples' gradients and Hessians are beside H, and how much they overlap.

With ``H = sum_i H_i`` (under ``fixed`` the regulariser is one more term, which is never removed) and over samples i
of a set, or pairs i != j of it:

    C_l      max_i ||H^{-1/2} g_i||                                   the largest gradient
    C_R      1 / (1 - max_i ||H^{-1/2} H_i H^{-1/2}||)                the largest rescaling of an influence
    epsilon  max_ij ||H_j^{1/2} H^{-1} g_i||                          overlap of gradients and Hessians
    delta    max_ij ||H_i^{1/2} H^{-1} H_j^{1/2}||                    overlap of Hessians

Norms of matrices are largest singular values. In the coordinates of ``whitening`` H is ``D = I + S^2`` with ``S^2 =
share diag(sigma)``, and ``H_i = F_i F_i'`` with ``F_i = [sqrt(a_i) w_i, S]``. So the couplings

    ||H_i^{1/2} H^{-1} H_j^{1/2}|| = ||F_i' D^{-1} F_j|| = || sqrt(a_i a_j) G_ij   b_i' ||
                                                           || b_j                 T    ||

    G_ij = w_i' D^{-1} w_j,     b_i = sqrt(a_i) S D^{-1} w_i

with ``T = S D^{-1} S`` diagonal. Those of pairs are at most delta, and a sample's with itself are those of C_R. Under
``fixed`` b and T vanish. Under ``per_sample`` the largest is found from few exact couplings: pairs are taken in the
order of the norm of the 2 x 2 matrix of the blocks' norms, which bounds them from above, until it proves that no other
pair can be larger. Where there are fewer samples than features all of this is meant in the row space of the samples,
in which every change of the parameters lies: the theorem holds there too, and no constant is larger.

References
----------
Rubinstein & Hopkins, "Rescaled Influence Functions", section 3, assumptions 2 and 3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from leaveout.arrays import EPSILON, Array, IntArray
from leaveout.blocks import ARRAYS_OF_PAIRS, BLOCK_BYTES, PAIRED
from leaveout.linear_algebra import on_host, squares
from leaveout.model import Model

#: A pair whose bound exceeds the largest coupling by less, relatively, is not looked at.
RESOLVED = 1e-12


@dataclass(frozen=True)
class Constants:
    """``C_l``, ``C_R``, ``epsilon`` and ``delta`` of some samples, under the model's convention.

    ``epsilon`` and ``delta`` of a single sample are 0: there is no pair.
    """

    c_l: float
    c_r: float
    epsilon: float
    delta: float

    @property
    def threshold(self) -> float:
        """``1 / (2 delta C_R)``: Theorem 3.1 speaks of sets of fewer samples; infinite where nothing overlaps."""
        return 1 / (2 * self.delta * self.c_r) if self.delta else np.inf

    @property
    def overlap(self) -> float:
        """``epsilon + C_R C_l delta``, a bound of ``||H_j^{1/2} RIF_i||``, j another sample than i."""
        return self.epsilon + self.c_r * self.c_l * self.delta

    def theorem(self, k: int, eta: float) -> float:
        """``k^2 eta (1 + 2 C_R) (epsilon + C_R C_l delta)`` for k samples; NaN unless k is below the threshold."""
        return k**2 * eta * (1 + 2 * self.c_r) * self.overlap if k < self.threshold else np.nan

    def sharper(self, k: int, eta: float) -> float:
        """``2 C_R k (k - 1) eta (epsilon + C_R C_l delta)``; NaN unless ``(k - 1) delta C_R <= 1/2``.

        By block diagonal dominance: diagonal blocks of I less the matrix of couplings have inverses of norm at most
        C_R, the k - 1 other blocks of a row norms of at most delta.
        """
        return 2 * self.c_r * k * (k - 1) * eta * self.overlap if k - 1 <= self.threshold else np.nan


@dataclass(frozen=True, eq=False)
class Terms:
    """What the constants are made of: numbers of each training sample, (n,) numpy arrays, and vectors on demand.

    Attributes
    ----------
    model : Model
    diagonal : (q,) float64 array
        ``D``, that is H in whitened coordinates.
    regularizer : (q,) float64 array
        ``S^2``, one sample's share of the regulariser.
    spread : float
        ``max T``, the share's own coupling, at most 1/n.
    root_curvature, residual : arrays
        ``sqrt(a_i)`` and ``r_i``.
    own_gram : array
        ``G_ii``.
    border : array
        ``||b_i||``.
    slope : array
        ``share w_i' D^{-1} B' P theta_hat``.
    gradient : array
        ``||H^{-1/2} g_i||^2``.
    shrinkage : array
        ``||S D^{-1} g_i||^2``, what the regulariser's share of another sample adds to epsilon.
    """

    model: Model
    diagonal: Array
    regularizer: Array
    spread: float
    root_curvature: Array
    residual: Array
    own_gram: Array
    border: Array
    slope: Array
    gradient: Array
    shrinkage: Array

    @classmethod
    def of(cls, model: Model) -> "Terms":
        """Compute them: a few passes over the whitened samples."""
        share, W = model.penalty.share, model.whitened
        D, S2 = model.whitening.shifted(share), share * model.whitening.penalty
        pull = share * model.whitened_penalty  # the regulariser's part of every gradient
        a, r = on_host(model.curvature), on_host(model.residual)
        gram, stretch = on_host(squares(W, 1 / D)), on_host(squares(W, S2 / D**2))
        slope, cross = on_host(W @ (pull / D)), on_host(W @ (S2 / D**2 * pull))
        return cls(
            model,
            D,
            S2,
            spread=float((S2 / D).max()),
            root_curvature=a**0.5,
            residual=r,
            own_gram=gram,
            border=(a * stretch) ** 0.5,
            slope=slope,
            gradient=r**2 * gram + 2 * r * slope + float(pull**2 @ (1 / D)),
            shrinkage=r**2 * stretch + 2 * r * cross + float(pull**2 @ (S2 / D**2)),
        )

    def gram(self, rows: IntArray | slice, columns: IntArray | slice) -> Array:
        """``G_ij`` of some samples, a numpy array."""
        W = self.model.whitened
        return on_host((W[rows] / self.diagonal) @ W[columns].T)

    def border_vectors(self, i: int, j: int) -> tuple[Array, Array]:
        """``b_i`` and ``b_j``, numpy arrays (q,)."""
        W, scale = self.model.whitened, self.regularizer**0.5 / self.diagonal
        return on_host(W[i] * scale) * self.root_curvature[i], on_host(W[j] * scale) * self.root_curvature[j]


def block_norm(corner: Any, across: Any, down: Any, spread: float) -> Any:
    """Spectral norms of ``[[corner, across], [down, spread]]``, elementwise; all entries are >= 0."""
    total = corner**2 + across**2 + down**2 + spread**2
    determinant = corner * spread - across * down
    return np.sqrt((total + np.sqrt(np.maximum(total**2 - 4 * determinant**2, 0.0))) / 2)


def coupling(terms: Terms, i: int, j: int, gram: float) -> float:
    r"""``||H_i^{1/2} H^{-1} H_j^{1/2}||`` of one pair, i = j allowed, exactly; ``gram`` is ``G_ij``.

    The largest root of the secular equation of the bordered diagonal matrix: ``s > max T`` is above its norm if and
    only if the Schur complement of ``s I - [[0, M], [M', 0]]``, a 2 x 2 matrix, is positive definite.
    """
    corner = terms.root_curvature[i] * terms.root_curvature[j] * gram
    if not terms.spread:
        return float(abs(corner))
    across, down = terms.border_vectors(i, j)
    T = on_host(terms.regularizer / terms.diagonal)

    def least_eigenvalue(s: float) -> float:
        room = s**2 - T**2
        first, second = (s * (1 - float(b**2 @ (1 / room))) for b in (across, down))
        other = corner + float((across * down) @ (T / room))
        return float((first + second) / 2 - np.hypot((first - second) / 2, other))

    norms = float(across @ across), float(down @ down)
    low = max(terms.spread * (1 + RESOLVED), (corner**2 + max(norms)) ** 0.5)
    high = float(block_norm(abs(corner), norms[0] ** 0.5, norms[1] ** 0.5, terms.spread)) * (1 + RESOLVED)
    if high <= low or least_eigenvalue(low) >= 0:
        return float(low)
    return float(brentq(least_eigenvalue, low, high, xtol=EPSILON * low, rtol=4 * EPSILON))


def largest_coupling(terms: Terms, gram: Array, i: IntArray, j: IntArray, least: float = 0.0) -> float:
    """Largest coupling of some pairs, or ``least`` if that is larger.

    Parameters
    ----------
    terms : Terms
    gram : (m,) float64 array
        ``G_ij``.
    i, j : (m,) int arrays
        Positions of the pairs' samples.
    least : float
        What is known to be attained.
    """
    corner = np.abs(gram) * terms.root_curvature[i] * terms.root_curvature[j]
    if not terms.spread:
        return max(least, float(corner.max(initial=0.0)))
    bound = block_norm(corner, terms.border[i], terms.border[j], terms.spread)
    for place in np.argsort(-bound, kind="stable"):
        if bound[place] <= least * (1 + RESOLVED):
            break
        least = max(least, coupling(terms, int(i[place]), int(j[place]), float(gram[place])))
    return least


def pair_constants(
    terms: Terms, gram: Array, rows: IntArray, columns: IntArray, least: tuple[float, float] = (0.0, 0.0)
) -> tuple[float, float]:
    """``epsilon`` and ``delta`` over the pairs of a block, or ``least`` where these are larger.

    Parameters
    ----------
    terms : Terms
    gram : (b, c) float64 array
        ``G_ij``.
    rows, columns : (b,), (c,) int arrays
        Positions; only pairs whose first is smaller than the second count, in both orders.
    """
    root, residual, slope = terms.root_curvature, terms.residual, terms.slope
    pairs = rows[:, None] < columns

    def overlap(values: Array, a: Array, added: Array) -> float:
        values **= 2
        values *= a
        values += added
        return float(np.max(values, where=pairs, initial=0.0))

    epsilon = max(
        overlap(residual[rows, None] * gram + slope[columns], root[columns] ** 2, terms.shrinkage[rows, None]),
        overlap(residual[columns] * gram + slope[rows, None], root[rows, None] ** 2, terms.shrinkage[columns]),
    )
    corner = np.abs(gram)
    corner *= root[rows, None]
    corner *= root[columns]
    corner[~pairs] = -1.0
    delta = _largest_of_block(terms, gram, corner, rows, columns, least[1])
    return max(least[0], epsilon**0.5), delta


def _largest_of_block(
    terms: Terms, gram: Array, corner: Array, rows: IntArray, columns: IntArray, least: float
) -> float:
    """Largest coupling of a block; ``corner`` is ``sqrt(a_i a_j) |G_ij|``, negative where there is no pair."""
    if not terms.spread:
        return max(least, float(corner.max(initial=0.0)))
    first, second = np.unravel_index(int(np.argmax(corner)), corner.shape)
    if corner[first, second] < 0:
        return least
    least = max(least, coupling(terms, int(rows[first]), int(columns[second]), float(gram[first, second])))
    # a norm of blocks is at most that of its diagonal and that of the rest together: few pairs need a closer look
    reach = float(max(terms.border[rows].max(initial=0.0), terms.border[columns].max(initial=0.0)))
    candidates = corner >= (0.0 if terms.spread + reach > least else max(least - reach, 0.0))
    b, c = np.nonzero(candidates)
    return largest_coupling(terms, gram[b, c], rows[b], columns[c], least)


def of_set(terms: Terms, removed: IntArray, gram: Array) -> Constants:
    """The constants over the samples of one set; ``gram`` is their ``G_ij``, (k, k)."""
    return _constants(terms, removed, pair_constants(terms, gram, removed, removed))


def of_all(terms: Terms) -> Constants:
    """The constants over all training samples: ``n^2 q`` operations in blocks of bounded memory, each pair once."""
    n, least = terms.model.n, (0.0, 0.0)
    positions = np.arange(n)
    size = max(1, min(PAIRED, BLOCK_BYTES // (8 * ARRAYS_OF_PAIRS * n)))
    for begin in range(0, n, size):
        rows, columns = slice(begin, begin + size), slice(begin, n)
        least = pair_constants(terms, terms.gram(rows, columns), positions[rows], positions[columns], least)
    return _constants(terms, positions, least)


def _constants(terms: Terms, chosen: IntArray, pairs: tuple[float, float]) -> Constants:
    largest = largest_coupling(terms, terms.own_gram[chosen], chosen, chosen)
    largest_gradient = float(np.sqrt(np.max(terms.gradient[chosen], initial=0.0)))
    return Constants(largest_gradient, 1 / (1 - largest) if largest < 1 else np.inf, *pairs)


def gradient_overlaps(terms: Terms, gradients: Array) -> npt.NDArray[np.float64]:
    """``eta_i = ||H_i^{1/2} H^{-1} grad f||`` of every sample for some gradients, whitened, (m, q): (m, n) on the host.

    Their maximum over i is the theorem's eta (assumption 4).
    """
    solved = gradients / terms.diagonal
    slopes = on_host(solved @ terms.model.whitened.T) * terms.root_curvature
    return np.sqrt(slopes**2 + on_host(squares(solved, terms.regularizer))[:, None])

"""Names for the arrays that the library passes around."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
IndexSets = Sequence[npt.ArrayLike]

EPSILON = float(np.finfo(np.float64).eps)


def rounding(terms: int = 1) -> float:
    """Relative error of a sum of ``terms`` rounded products: ``4 eps sqrt(terms)``.

    The probabilistic constant (Higham & Mary 2019, "A new approach to probabilistic rounding error analysis"): it holds
    for each of very many sums with overwhelming probability, where the worst case ``terms * eps`` is never met.
    """
    return 4 * EPSILON * float(np.sqrt(terms))

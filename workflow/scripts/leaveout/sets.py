"""Removal sets: lists of training samples, checked."""

import numpy as np

from leaveout.arrays import IndexSets, IntArray
from leaveout.errors import InvalidSet


def index_sets(sets: IndexSets, n: int) -> list[IntArray]:
    """Return each set as a sorted array of positions in ``range(n)``.

    Raises
    ------
    InvalidSet
        A set is not one-dimensional, not of integers, repeats a sample, or names one that does not exist.
    """
    return [_index_set(candidate, position, n) for position, candidate in enumerate(sets)]


def _index_set(candidate: object, position: int, n: int) -> IntArray:
    try:
        indices = np.asarray(candidate)
    except ValueError:
        raise InvalidSet(f"set {position}: expected a one-dimensional array of positions, got nested lists") from None
    if indices.ndim != 1:
        raise InvalidSet(
            f"set {position}: expected a one-dimensional array of positions, got {type(candidate).__name__} of shape "
            f"{indices.shape} (sets are a list of lists: [[3, 17], [4]])"
        )
    if indices.size == 0:
        return np.empty(0, dtype=np.int64)
    if not np.issubdtype(indices.dtype, np.integer):
        raise InvalidSet(f"set {position}: positions must be integers, got {indices.dtype}")
    indices = np.sort(indices).astype(np.int64)
    if indices[0] < 0 or indices[-1] >= n:
        wrong = indices[0] if indices[0] < 0 else indices[-1]
        raise InvalidSet(f"set {position}: there is no training sample {wrong} (allowed: 0 to {n - 1})")
    if (repeated := indices[1:][indices[1:] == indices[:-1]]).size:
        raise InvalidSet(f"set {position}: training sample {repeated[0]} is listed more than once")
    return indices

"""Places in an order of scores."""

import numpy as np

from leaveout.arrays import Array, IntArray


def ranks(scores: Array, priority: IntArray) -> IntArray:
    """Rank of each score, (n,): 1 is the largest; of equal ones that of the least ``priority``, (n,)."""
    found = np.empty(len(scores), dtype=np.int64)
    found[np.lexsort((priority, -scores))] = 1 + np.arange(len(scores))
    return found

"""How many removal sets are worked on at a time: as many as memory allows, since wide products are the fast ones."""

from collections.abc import Iterator

#: Bytes that the arrays of one block of removal sets may take while it is retrained.
BLOCK_BYTES = 128 * 2**20
#: Arrays of n and of q numbers that a set needs while it is retrained.
ARRAYS_OF_SAMPLES, ARRAYS_OF_PARAMETERS = 5, 16
#: Samples that are put beside a model at a time, at most.
TOGETHER = 128
#: Sets whose elementwise functions, certificates and evaluations are computed at a time, at most, and the arrays of n
#: numbers that this needs for each.
PIECE, ARRAYS_OF_A_PIECE = 64, 10
#: Arrays of n and of q numbers that the bounds of a set's prediction need.
ARRAYS_OF_BOUNDS = 16


def numbers_of_bounds(n: int, q: int, largest: int) -> int:
    """Numbers that the bounds of one set's predictions need at a time, its factored Hessian included.

    Parameters
    ----------
    n, q : int
        Samples and coordinates of the model.
    largest : int
        Samples of the set, or of the largest of some.
    """
    side = q if 2 * largest > n else min(largest, q)
    return ARRAYS_OF_BOUNDS * (n + q) + side * (q + side)


#: Samples that are paired with all others at a time, at most, and the arrays of pairs that this needs.
PAIRED, ARRAYS_OF_PAIRS = 512, 10


def blocks(shape: tuple[int, ...], count: int, budget: int | None = None) -> Iterator[slice]:
    """Cut ``count`` sets into slices that are retrained together, with features of this ``shape``, (n, q).

    What a block needs is at most ``budget`` bytes; a block is never empty.
    """
    needed = 8 * (ARRAYS_OF_SAMPLES * shape[0] + ARRAYS_OF_PARAMETERS * shape[1])
    return _slices(count, max(1, (BLOCK_BYTES if budget is None else budget) // needed))


def pieces(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cut the rows of an array of this ``shape``, (m, n), a set a row, into slices of few, within half the bytes."""
    count, n = shape
    return _slices(count, max(1, min(PIECE, BLOCK_BYTES // (2 * 8 * ARRAYS_OF_A_PIECE * n))))


def _slices(count: int, size: int) -> Iterator[slice]:
    """As few slices of at most ``size`` as there can be, all nearly equal."""
    number = -(-count // size)
    return (slice(count * i // number, count * (i + 1) // number) for i in range(number))

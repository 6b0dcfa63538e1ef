"""Blocks and pieces cover every set once, in order, within their budget."""

import pytest

from leaveout.blocks import ARRAYS_OF_PARAMETERS, ARRAYS_OF_SAMPLES, PIECE, blocks, pieces

SHAPE = (100, 20)
A_SET = 8 * (ARRAYS_OF_SAMPLES * 100 + ARRAYS_OF_PARAMETERS * 20)


@pytest.mark.parametrize("count", [0, 1, 40, 41])
@pytest.mark.parametrize("budget", [1, A_SET, 7 * A_SET, 7 * A_SET + A_SET // 2, 10**9])
def test_blocks_cover_every_set_once_within_the_budget(count, budget):
    found = list(blocks(SHAPE, count, budget))
    assert [position for block in found for position in range(count)[block]] == list(range(count))
    sizes = [block.stop - block.start for block in found]
    assert all(size == 1 or size * A_SET <= budget for size in sizes)
    assert len(found) == -(-count // max(1, min(budget // A_SET, count or 1)))


@pytest.mark.parametrize("count", [0, 1, PIECE, PIECE + 1, 100])
def test_pieces_cover_every_set_once(count):
    assert [position for piece in pieces(count) for position in range(count)[piece]] == list(range(count))

"""Blocks and pieces cover every set once, in order, within their budget."""

import tracemalloc

import numpy as np
import pytest

import leaveout
from conftest import gaussian
from leaveout.blocks import ARRAYS_OF_PARAMETERS, ARRAYS_OF_SAMPLES, BLOCK_BYTES, PIECE, blocks, pieces

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
@pytest.mark.parametrize("n", [1, 1000, 10**6, 10**9])
def test_pieces_cover_every_set_once_and_are_smaller_where_there_are_many_samples(count, n):
    found = list(pieces((count, n)))
    assert [position for piece in found for position in range(count)[piece]] == list(range(count))
    sizes = [piece.stop - piece.start for piece in found]
    assert all(size == 1 or (size <= PIECE and size * n * 80 <= BLOCK_BYTES / 2) for size in sizes)


def test_a_block_stays_within_its_budget(monkeypatch):
    """Retraining allocates no more than it says, beside what it shares with the model."""
    X, y = gaussian(4000, 20, seed=0)
    model = leaveout.fit(X, y, 1e-3)
    sets = [np.arange(i, i + 20) for i in range(200)]
    leaveout.retrain(model, sets[:1])
    budget = 40 * 2**20
    monkeypatch.setattr("leaveout.blocks.BLOCK_BYTES", budget)
    tracemalloc.start()
    leaveout.retrain(model, sets)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert budget / 4 < peak < 1.5 * budget

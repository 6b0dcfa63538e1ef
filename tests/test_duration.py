"""Minutes that jobs ask for: more than was measured, and more for larger problems."""

from pathlib import Path

import pytest

from leaveout.duration import SECONDS, START, UNPACKING, embedding_minutes, model_minutes
from leaveout.embed import __path__ as embeddings


@pytest.mark.parametrize(
    "n, d, retrained, seconds",
    [
        (9600, 2048, 0, 28.6),  # docs/paper.md: the longest fit
        (9600, 2048, 40, 10.2),  # the longest shard
        (9600, 2048, 100, 17.6),  # the poisoning
        (9600, 2048, 60, 14.5),  # the longest draw of a detection
    ],
)
def test_models_are_allowed_several_times_what_they_took(n, d, retrained, seconds):
    assert 60 * (model_minutes(n, d, retrained) - START) > 4 * seconds


@pytest.mark.parametrize("method, n, cores, seconds", [("bow", 5172, 2, 104), ("logmel", 100, 2, 5.3)])
def test_embeddings_are_allowed_several_times_what_they_took(method, n, cores, seconds):
    assert 60 * (embedding_minutes(n, method, cores, card=False) - UNPACKING) > 4 * seconds


def test_time_grows_with_samples_features_and_retrained_models():
    base = model_minutes(20_000, 3000, 100)
    for n, d, retrained in [(40_000, 3000, 100), (20_000, 6000, 100), (20_000, 3000, 200)]:
        assert model_minutes(n, d, retrained) > 1.3 * base


def test_cores_and_cards_make_networks_faster():
    one, eight, card = (
        embedding_minutes(50_000, "text", cores, card=card) for cores, card in [(1, False), (8, False), (8, True)]
    )
    assert one > 3 * eight > 9 * card


def test_every_embedding_has_a_time():
    modules = {file.stem for file in Path(embeddings[0]).glob("*.py")} - {"__init__", "networks"}
    assert set(SECONDS) == modules

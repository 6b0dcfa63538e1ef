"""Removal sets are what their strategies say, and no draw depends on another."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import leaveout
from conftest import case
from leaveout import evaluation, removal
from leaveout.errors import InvalidData
from leaveout.removal import STRATEGIES, Candidates, draw, read_removal_sets, sizes, write_removal_sets


def given_candidates(n=200, d=6, seed=0):
    generator = np.random.default_rng(seed)
    influence = {name: generator.normal(size=n) for name in removal.RANKED_BY}
    return Candidates(generator.normal(size=(n, d)), generator.exponential(size=n), influence)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("k", [1, 10, 100])
def test_every_strategy_gives_a_set_of_its_size(strategy, k):
    chosen = STRATEGIES[strategy](given_candidates(), k, np.random.default_rng(1))
    assert len(set(chosen.tolist())) == k
    assert 0 <= chosen.min() <= chosen.max() < 200


def test_feature_clusters_are_the_closest_in_one_feature():
    candidates = given_candidates()
    for seed in range(20):
        chosen = STRATEGIES["cluster_feature"](candidates, 15, np.random.default_rng(seed))
        spans = []
        for feature in candidates.features.T:
            inside = feature[chosen]
            spans.append(np.sum((feature >= inside.min()) & (feature <= inside.max())))
        assert min(spans) == 15  # in one feature nothing else lies between them


def test_feature_clusters_keep_their_centre_among_ties_and_break_them_at_random():
    candidates = Candidates(np.zeros((100, 1)), np.zeros(100), {})
    chosen = [STRATEGIES["cluster_feature"](candidates, 5, np.random.default_rng(seed)) for seed in range(30)]
    for seed, members in enumerate(chosen):
        assert np.random.default_rng(seed).integers(100) in members
    assert len(np.unique(chosen)) > 50


def test_distance_clusters_are_a_ball_around_a_sample():
    candidates = given_candidates()
    chosen = STRATEGIES["cluster_l2"](candidates, 12, np.random.default_rng(3))
    distances = np.linalg.norm(candidates.features[:, None] - candidates.features[chosen], axis=2)
    assert any(set(np.argsort(distances[:, j])[:12].tolist()) == set(chosen.tolist()) for j in range(12))


@pytest.mark.parametrize("sign, name", [(1, "positive"), (-1, "negative")])
@pytest.mark.parametrize("function", removal.RANKED_BY)
def test_top_sets_are_drawn_from_the_2k_most_influential(sign, name, function):
    candidates = given_candidates()
    top = set(np.argsort(-sign * candidates.influence[function])[:20].tolist())
    drawn = [
        set(STRATEGIES[f"top_{name}_{function}"](candidates, 10, np.random.default_rng(s)).tolist()) for s in range(9)
    ]
    assert all(chosen <= top for chosen in drawn)
    assert len(set(map(frozenset, drawn))) > 1


def test_high_loss_sets_are_drawn_from_the_2k_worst():
    candidates = given_candidates()
    chosen = STRATEGIES["high_loss"](candidates, 10, np.random.default_rng(0))
    assert set(chosen.tolist()) <= set(np.argsort(-candidates.loss)[:20].tolist())


def test_candidates_hold_the_influence_of_each_sample():
    one = case(n=50, d=4, intercept="penalized")
    evaluations = evaluation.bind(removal.RANKED_BY, one.model, one.X, one.y, seed=0, dataset="same")
    candidates = removal.candidates(one.model, evaluations, one.X)
    changes = leaveout.influence(one.model, [[i] for i in range(50)], "if")
    for f in evaluations.functions:
        expected = changes @ one.model.coordinates.lift(f.gradient[None])[0]
        np.testing.assert_allclose(candidates.influence[f.name], expected, rtol=1e-9)


@given(st.integers(2, 50_000), st.floats(0.05, 2), st.floats(2, 60), st.integers(1, 60))
def test_sizes_are_distinct_and_within_their_limits(n, smallest, largest, count):
    found = sizes(n, smallest, largest, count)
    assert found == sorted(set(found))
    assert found[0] == max(1, round(smallest / 100 * n))
    assert len(found) <= count
    assert found[-1] <= max(1, np.rint(largest / 100 * n))


def test_the_papers_sizes():
    assert sizes(1437, 0.1, 5, 40)[0] == 1
    assert sizes(1437, 0.1, 5, 40)[-1] == 72
    assert len(sizes(1437, 0.1, 5, 40)) == 40
    assert sizes(100, 0.1, 5, 40) == [1, 2, 3, 4, 5]


def positions(strategies, set_sizes, repeats, seed=0, dataset="a", n=200):
    drawn = draw(given_candidates(n), strategies, set_sizes, repeats, seed, dataset)
    return {found.set_id: tuple(found.positions) for found in drawn}


def test_adding_a_strategy_a_size_or_a_repeat_changes_no_other_set():
    few = positions(["random", "cluster_l2"], [5, 9], 1)
    many = positions(["high_loss", "cluster_l2", "random"], [1, 5, 7, 9], 3)
    assert few.items() <= many.items()
    assert len(many) == 3 * 4 * 3


def test_seed_data_set_and_size_change_the_draw():
    base = positions(["random"], [20], 1)["random-20-0"]
    assert positions(["random"], [20], 2)["random-20-1"] != base
    assert positions(["random"], [20], 1, seed=1)["random-20-0"] != base
    assert positions(["random"], [20], 1, dataset="b")["random-20-0"] != base


@pytest.mark.parametrize("n", [40, 333, 9600])
@pytest.mark.parametrize("step", [1, 7, 39, 40])
def test_parts_of_the_sizes_make_the_whole(n, step):
    """Neighbours that round to the same size: it belongs to the first part that has it, and to no other."""
    parts = [removal.sizes(n, 0.1, 5, 40, first, first + step - 1) for first in range(0, 40, step)]
    assert list(itertools.chain(*parts)) == removal.sizes(n, 0.1, 5, 40)


def test_sets_survive_the_file(tmp_path):
    drawn = list(draw(given_candidates(), ["random", "cluster_l2"], [3, 8], 2, 0, "a"))
    ids = np.array([f"sample-{i}" for i in range(200)], dtype=object)
    removal.write_removal_sets(drawn, ids, tmp_path / "sets.parquet")
    found = removal.read_removal_sets(tmp_path / "sets.parquet", "cluster_l2")
    expected = [s for s in drawn if s.strategy == "cluster_l2"]
    assert [(s.set_id, tuple(s.positions)) for s in found] == [(s.set_id, tuple(s.positions)) for s in expected]
    part = removal.read_removal_sets(tmp_path / "sets.parquet", "cluster_l2", [8])
    assert [s.set_id for s in part] == ["cluster_l2-8-0", "cluster_l2-8-1"]


@pytest.mark.parametrize("sign, name", [(1, "positive"), (-1, "negative")])
@pytest.mark.parametrize("k", [1, 7, 40])
def test_the_published_selection_is_the_highest_of_any_samples_but_the_2k_lowest(sign, name, k):
    candidates = given_candidates()
    order = np.argsort(-sign * candidates.influence["test_loss"]).tolist()
    chosen = STRATEGIES[f"published_{name}_test_loss"]
    drawn = [chosen(candidates, k, np.random.default_rng(seed)).tolist() for seed in range(200)]
    assert not {i for sample in drawn for i in sample} & set(order[-2 * k :])
    places = np.array([[order.index(i) for i in sample] for sample in drawn])
    # of 2k of m places drawn at random the k lowest are expected at (1 .. k) (m + 1) / (2k + 1)
    expected = np.arange(1, k + 1) * (200 - 2 * k + 1) / (2 * k + 1) - 1
    assert np.allclose(np.sort(places, axis=1).mean(axis=0), expected, atol=12)


def test_the_published_selection_misses_most_of_the_top():
    given = Candidates(np.zeros((2000, 1)), np.zeros(2000), {"test_loss": np.random.default_rng(0).normal(size=2000)})
    chosen = STRATEGIES["published_positive_test_loss"](given, 20, np.random.default_rng(0))
    assert len(set(chosen.tolist()) & set(np.argsort(-given.influence["test_loss"])[:40].tolist())) <= 4


def test_the_published_selection_refuses_more_than_half_of_the_samples():
    with pytest.raises(InvalidData, match=r"removal sets of 101 samples: .* at most 100"):
        STRATEGIES["published_positive_test_loss"](given_candidates(), 101, np.random.default_rng(0))


def test_the_sets_of_one_strategy_or_of_all_are_read(tmp_path):
    drawn = list(draw(given_candidates(), ["random", "high_loss"], [2, 3], 2, 0, "made"))
    write_removal_sets(drawn, np.arange(200).astype(str).astype(object), tmp_path / "sets.parquet")
    assert [s.set_id for s in read_removal_sets(tmp_path / "sets.parquet")] == [s.set_id for s in drawn]
    assert len(read_removal_sets(tmp_path / "sets.parquet", "high_loss", [3])) == 2

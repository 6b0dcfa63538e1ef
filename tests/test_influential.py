"""The most influential samples are those that brute force finds, and groups of them have the effects of any set."""

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import leaveout
from conftest import REGULARIZERS, case, gaussian
from leaveout import blocks, effects, influential, measurement, result_rows
from leaveout.evaluation import EVALUATIONS, bind
from leaveout.removal import RemovalSet
from oracles.dense import sigmoid
from rows import LABELS
from tolerance import EXACT, FINITE_DIFFERENCE

NAMES = list(EVALUATIONS)
TEST = 120


def bound(one, names=NAMES):
    """Evaluation functions of a fitted case, on a test set of its own."""
    return bind(names, one.model, *gaussian(TEST, one.X.shape[1], seed=77), seed=0, dataset="d")


def total(f, one, theta):
    """The evaluation function's own value, from its definition: points, labels and regulariser."""
    z = one.model.coordinates.lift(f.X) @ theta
    if f.definition.quantity == "probability":
        return sigmoid(z).sum()
    ridge = one.model.penalty.regularization / 2 * theta @ one.dense.P @ theta
    return np.sum(np.logaddexp(0, z) - f.y * z) + f.definition.penalized * len(z) * ridge


def brute_force(f, one, method):
    """Leading-order effect of each sample, one at a time: a finite difference along its change of the parameters."""
    theta, n = one.model.theta, one.model.n
    changes = leaveout.influence(one.model, [[i] for i in range(n)], method)
    if f.name == "self_loss":
        return np.array([change @ one.dense.hessian(theta) @ change / 2 for change in changes])
    steps = [1e-5 * change / max(np.linalg.norm(change), 1e-300) for change in changes]
    slopes = [(total(f, one, theta + step) - total(f, one, theta - step)) / 2e-5 for step in steps]
    return np.array([slope * np.linalg.norm(change) for slope, change in zip(slopes, changes, strict=True)])


@pytest.mark.parametrize("method", ["if", "rif"])
def test_leading_effects_are_those_of_one_sample_at_a_time(solved, method):
    for f in bound(solved).functions:
        expected = brute_force(f, solved, method)
        found = influential.leading_effects(solved.model, f, method)
        assert found.shape == (solved.model.n,)
        limit = 10 * FINITE_DIFFERENCE if f.name != "self_loss" else EXACT
        assert_allclose(found, expected, rtol=limit, atol=limit * np.abs(expected).max(), err_msg=f.name)


def test_the_models_own_objective_can_only_rise(solved):
    (f,) = bound(solved, ["self_loss"]).functions
    (ranking,) = influential.rankings(solved.model, f)
    assert ranking.direction == "raises"
    assert len(ranking.order) == solved.model.n
    assert (ranking.rif >= 0).all()


@pytest.fixture(params=REGULARIZERS)
def one(request):
    return case(regularizer=request.param, intercept="penalized")


def test_rankings_begin_with_the_strongest_and_hold_one_direction_only(one):
    for f in bound(one).functions:
        expected = brute_force(f, one, "rif")
        for ranking in influential.rankings(one.model, f):
            moved = {"raises": 1, "lowers": -1}[ranking.direction] * expected
            assert_array_equal(ranking.order, np.argsort(-moved)[: np.sum(moved > 0)])
    assert {r.direction for f in bound(one).functions for r in influential.rankings(one.model, f)} == {
        "raises",
        "lowers",
    }


def listed(one, count=4, permutation=slice(None), names=NAMES):
    n = one.model.n
    ids, y = np.array([f"s{i}" for i in range(n)], dtype=object)[permutation], one.y
    ranked = [ranking for f in bound(one, names).functions for ranking in influential.rankings(one.model, f)]
    return influential.listed(ranked, count, ids, y, LABELS).to_pandas()


def test_a_row_says_what_both_estimators_say_of_a_sample(one):
    rows = listed(one)
    assert rows.groupby(["evaluation", "direction"]).size().to_dict() == {
        (name, direction): 4 for name in NAMES for direction in ("raises", "lowers") if (name, direction) != NEVER
    }
    for f in bound(one).functions:
        rif, influence = (brute_force(f, one, method) for method in ("rif", "if"))
        for row in rows[rows["evaluation"] == f.name].to_dict("records"):
            i = int(row["id"][1:])
            sign = 1 if row["direction"] == "raises" else -1
            assert row["y"] == one.y[i]
            assert row["rif"] == pytest.approx(rif[i], rel=1e-5)
            assert row["if"] == pytest.approx(influence[i], rel=1e-5)
            assert row["rank"] == 1 + np.sum(sign * rif > sign * rif[i])
            assert row["if_rank"] == 1 + np.sum(sign * influence > sign * influence[i])
            assert sign * row["rif"] > 0


NEVER = ("self_loss", "lowers")


def test_the_order_of_the_samples_changes_neither_ids_nor_values(one):
    permutation = np.random.default_rng(5).permutation(one.model.n)
    model = leaveout.fit(
        one.X[permutation],
        one.y[permutation],
        one.model.penalty.regularization,
        one.model.penalty.regularizer,
        "penalized",
    )
    permuted = type(one)(one.X[permutation], one.y[permutation], one.dense, model, [])
    before, after = listed(one, 20), listed(permuted, 20, permutation)
    assert before["id"].tolist() == after["id"].tolist()
    assert before["if_rank"].tolist() == after["if_rank"].tolist()
    for column in ("rif", "if"):
        assert_allclose(after[column], before[column], rtol=1e-7)


def test_equal_samples_stand_in_the_order_of_the_data(monkeypatch):
    one = case(intercept="penalized")
    (f,) = bound(one, ["test_loss"]).functions
    tied = np.round(influential.leading_effects(one.model, f, "rif"), 1)
    monkeypatch.setattr(influential, "leading_effects", lambda *_: tied)
    for ranking in influential.rankings(one.model, f):
        values = tied[ranking.order]
        assert len(set(values)) < len(values)
        for value in set(values):
            assert (np.diff(ranking.order[values == value]) > 0).all()


def test_pieces_change_no_value(one, monkeypatch):
    (f,) = bound(one, ["self_loss"]).functions
    whole = influential.leading_effects(one.model, f, "rif")
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    assert_allclose(influential.leading_effects(one.model, f, "rif"), whole, rtol=1e-13)


def ranked(one, names=NAMES):
    evaluations = bound(one, names)
    return evaluations, [ranking for f in evaluations.functions for ranking in influential.rankings(one.model, f)]


def test_groups_are_the_first_of_a_ranking():
    one = case(intercept="penalized")
    for ranking in ranked(one)[1]:
        for group in influential.groups(ranking, [1, 3]):
            assert group.size == len(group.positions)
            assert_array_equal(group.positions, np.sort(ranking.order[: group.size]))
            sign = "positive" if ranking.direction == "raises" else "negative"
            assert group.set_id == f"top_{sign}_rif_{ranking.evaluation}-{group.size}-0"


def test_groups_have_the_effects_of_measuring_the_same_sets(one):
    evaluations, found = ranked(one)
    rows = effects.table(influential.measure_groups(one.model, evaluations, found, [1, 5], LABELS)).to_pandas()
    key = ["set_id", "evaluation", "method"]
    assert not rows.duplicated(key).any()
    assert len(rows) == len(found) * 2 * 4
    assert all(row["strategy"].endswith(f"_rif_{row['evaluation']}") for row in rows.to_dict("records"))
    assert set(rows.loc[rows["method"] == "retrain", "status"]) == {"converged"}
    sets = [RemovalSet(g.strategy, g.size, 0, g.positions) for r in found for g in influential.groups(r, [1, 5])]
    others = effects.table(measurement.measure(one.model, bound(one), sets, LABELS)).to_pandas().set_index(key)
    for row in rows.to_dict("records"):
        other = others.loc[tuple(row[name] for name in key)]
        assert row["effect"] == pytest.approx(other["effect"], rel=1e-9, abs=2e-10)
        if row["method"] == "retrain":
            assert row["effect_error"] < 1e-6 * (abs(row["effect"]) + 1e-3)


def test_the_retrain_of_a_group_is_brute_forces(one):
    evaluations, found = ranked(one, ["test_loss_plain", "self_loss"])
    rows = effects.table(influential.measure_groups(one.model, evaluations, found, [3], LABELS)).to_pandas()
    actual = rows[rows["method"] == "retrain"].set_index(["evaluation", "strategy"])["effect"]
    for ranking in found:
        f = next(f for f in evaluations.functions if f.name == ranking.evaluation)
        theta = one.dense.optimum(ranking.order[:3])
        expected = float(total(f, one, theta) - total(f, one, one.model.theta.astype(np.longdouble)))
        strategy = influential.strategy(f.name, ranking.direction)
        assert actual[f.name, strategy] == pytest.approx(expected, rel=1e-7)
        assert np.sign(expected) == (1 if ranking.direction == "raises" else -1)


def test_groups_that_no_ranking_can_fill_are_left_out_and_said_so(caplog):
    one = case(intercept="penalized")
    _, found = ranked(one, ["test_loss", "self_loss"])
    with caplog.at_level(logging.INFO, logger="leaveout"):
        for ranking in found:
            most = min(len(ranking.order), one.model.n - 1)
            sizes = [group.size for group in influential.groups(ranking, [2, most, most + 1, 10_000])]
            assert sizes == [2, most]
            strategy = influential.strategy(ranking.evaluation, ranking.direction)
            assert f"{strategy}: at most {most} samples" in caplog.records[-1].message
            assert caplog.records[-1].message.endswith(f"groups of {most + 1}, 10000")
    assert len(caplog.records) == len(found)


def test_rows_are_what_was_written(one, tmp_path):
    _, found = ranked(one, ["test_loss"])
    ids = np.array([f"s{i}" for i in range(one.model.n)], dtype=object)
    rows = influential.listed(found, 3, ids, one.y, LABELS)
    result_rows.write(rows, tmp_path / "influential.parquet")
    assert result_rows.read(tmp_path / "influential.parquet", influential.SCHEMA).equals(rows)
    assert rows.column_names[:7] == effects.SCHEMA.names[:7]

"""Rows say what the library says, however the work is cut."""

import numpy as np
import pytest

import leaveout
from conftest import gaussian
from leaveout import blocks, effects, evaluation, measurement
from leaveout.removal import RemovalSet
from rows import LABELS


@pytest.fixture
def problem():
    X, y = gaussian(70, 5, seed=0)
    X_test, y_test = gaussian(120, 5, seed=9)
    model = leaveout.fit(X, y, 1e-3, intercept="unpenalized")
    evaluations = evaluation.bind(["test_loss", "self_loss"], model, X_test, y_test, 0, "d")
    sets = [RemovalSet("random", k, 0, np.arange(k)) for k in (1, 4, 9, 20)]
    one_class = RemovalSet("random", int(y.sum()), 1, np.flatnonzero(y == 1))
    return model, evaluations, [*sets, one_class]


def measured(problem):
    model, evaluations, sets = problem
    return effects.table(measurement.measure(model, evaluations, sets, LABELS)).to_pandas()


def test_each_set_has_a_row_for_each_evaluation_and_method(problem):
    rows = measured(problem)
    assert len(rows) == 5 * 2 * 4
    assert not rows.duplicated(["set_id", "evaluation", "method"]).any()


def test_rows_hold_the_effects_of_the_public_calls(problem):
    model, evaluations, sets = problem
    rows = measured(problem).set_index(["set_id", "evaluation", "method"])["effect"]
    loss = evaluations.functions[0]
    for method in ("if", "rif", "newton", "retrain"):
        removed_sets = [s.positions for s in sets[:4]]
        retrained = method == "retrain"
        change = (
            leaveout.retrain(model, removed_sets).change
            if retrained
            else leaveout.influence(model, removed_sets, method)
        )
        for removal_set, delta in zip(sets, change, strict=False):
            z, z_after = loss.X @ model.theta, loss.X @ (model.theta + delta)
            ridge = 1e-3 / 2 * (np.sum((model.theta + delta)[:-1] ** 2) - np.sum(model.theta[:-1] ** 2))
            expected = np.sum(np.logaddexp(0, z_after) - np.logaddexp(0, z) - loss.y * (z_after - z)) + len(z) * ridge
            assert rows[removal_set.set_id, "test_loss", method] == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_retrain_rows_carry_certificates_and_others_none(problem):
    rows = measured(problem)
    certificate = ["gradient_norm", "newton_decrement", "effect_error", "iterations", "status"]
    retrains = rows[(rows["method"] == "retrain") & (rows["status"] == "converged")]
    assert len(retrains) == 4 * 2
    assert retrains[certificate].notna().all(axis=None)
    assert (retrains["gradient_norm"] <= 1e-10).all()
    assert rows.loc[rows["method"] != "retrain", certificate].isna().all(axis=None)


def test_a_set_without_an_optimum_keeps_its_predictions_and_says_why(problem):
    rows = measured(problem)
    impossible = rows[rows["set_id"] == problem[2][-1].set_id].set_index(["evaluation", "method"])
    assert impossible.loc[("self_loss", "retrain"), "status"] == "not_removable"
    assert np.isnan(impossible.loc[("self_loss", "retrain"), "effect"])
    assert np.isfinite(impossible.loc[("self_loss", "if"), "effect"])


def test_blocks_and_order_change_no_row(problem, monkeypatch):
    model, evaluations, sets = problem
    whole = measured(problem).set_index(["set_id", "evaluation", "method"])["effect"]
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    other = measured((model, evaluations, sets[::-1])).set_index(["set_id", "evaluation", "method"])["effect"]
    typical = whole.abs().groupby(level="evaluation").median()
    limit = 1e-9 * (whole.abs() + typical.reindex(whole.index.get_level_values("evaluation")).to_numpy())
    difference = (other.reindex(whole.index) - whole).abs()
    assert ((difference <= limit) | whole.isna()).all()
    assert (other.reindex(whole.index).isna() == whole.isna()).all()

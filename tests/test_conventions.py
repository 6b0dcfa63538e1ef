"""Conventions of the regulariser: one full model under both, and the mixture in the paper's code."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import REGULARIZERS, case
from leaveout.conventions import AS_PUBLISHED, measure_conventions, published_changes, under
from leaveout.effects import RETRAIN
from leaveout.evaluation import bind
from leaveout.removal import RemovalSet
from oracles.dense import sigmoid
from tolerance import EXACT


@pytest.mark.parametrize("other", REGULARIZERS)
def test_under_another_convention_a_model_predicts_what_a_fit_under_it_does(solved, other):
    fitted = leaveout.fit(solved.X, solved.y, 1e-3, other, solved.dense.intercept)
    found = under(solved.model, other)
    assert_allclose(found.leverage, fitted.leverage, rtol=EXACT)
    for method in ("if", "rif", "newton"):
        expected = leaveout.influence(fitted, solved.sets, method)
        changes = leaveout.influence(found, solved.sets, method)
        assert_allclose(changes, expected, rtol=EXACT, atol=EXACT * np.abs(expected).max())
    largest = np.linalg.norm(np.linalg.inv(fitted.whitening.basis), 2) ** 2
    assert largest * (1 - EXACT) <= found.whitening.hessian_norm <= 20 * largest


@pytest.mark.parametrize("shape, intercept", [((60, 7), "penalized"), ((40, 90), "none")])
def test_the_published_mixture_is_what_the_papers_code_computes(shape, intercept):
    one = case(*shape, intercept=intercept, regularization=2e-2)
    found = published_changes(one.model, one.sets)
    lifted = {method: one.model.coordinates.lift(changes) for method, changes in found.items()}
    assert {len(removed) > len(one.model.theta) for removed in one.sets} == (
        {False} if shape == (40, 90) else {True, False}
    )
    for j, removed in enumerate(one.sets):
        for method in ("if", "rif", "newton"):
            expected = one.dense.published(one.model.theta, removed, method)
            assert_allclose(lifted[method][j], expected, rtol=EXACT, atol=EXACT * np.abs(expected).max())


@pytest.fixture(scope="module")
def measured():
    """Rows of two sets with two seeds each, by convention and method."""
    one = case(regularization=1e-2)
    sets = [RemovalSet("random", len(s), i % 2, np.sort(s)) for i, s in enumerate(one.sets[:4])]

    def bound(model):
        return bind(["test_prediction", "self_loss"], model, one.X[:20], one.y[:20], 0, "made")

    rows = list(measure_conventions(one.model, bound, sets, {"study": "s", "regularizer": "per_sample"}))
    return SimpleNamespace(rows=rows, case=one, sets=sets)


def chosen(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_the_own_convention_has_all_seeds_and_the_others_the_first(measured):
    for convention, repeats in (("per_sample", {0, 1}), ("fixed", {0}), (AS_PUBLISHED, {0})):
        rows = chosen(measured.rows, convention=convention)
        assert {row["repeat"] for row in rows} == repeats
        assert {row["own"] for row in rows} == {convention == "per_sample"}
        assert {row["method"] for row in rows} == {"if", "rif", "newton", RETRAIN}


def test_the_truth_of_the_published_mixture_is_that_of_per_sample(measured):
    for row in chosen(measured.rows, convention=AS_PUBLISHED, method=RETRAIN):
        same = {name: row[name] for name in ("set_id", "evaluation", "method")}
        (own,) = chosen(measured.rows, convention="per_sample", **same)
        assert row | {"convention": "", "own": True} == own | {"convention": ""}


@pytest.mark.parametrize("convention", REGULARIZERS)
def test_each_convention_is_held_against_its_own_truth(measured, convention):
    one = measured.case
    model = leaveout.fit(one.X, one.y, 1e-2, convention)
    theta = leaveout.retrain(model, [s.positions for s in measured.sets]).theta
    for row in chosen(measured.rows, convention=convention, method=RETRAIN, evaluation="test_prediction"):
        j = [s.set_id for s in measured.sets].index(row["set_id"])
        expected = np.sum(sigmoid(one.X[:20] @ theta[j]) - sigmoid(one.X[:20] @ model.theta))
        assert row["effect"] == pytest.approx(expected, rel=EXACT, abs=EXACT)
        assert row["regularizer"] == convention

"""The imitation of the published truth: its rule is scipy's, its formulas hold where nothing is optimal."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
from numpy.testing import assert_allclose, assert_array_equal

import leaveout
from bench import published as plain
from conftest import INTERCEPTS, case, gaussian
from leaveout import published, result_rows
from leaveout.evaluation import EVALUATIONS, bind
from leaveout.removal import RemovalSet, first_sets
from oracles.dense import Problem, effect, sigmoid
from rows import LABELS
from tolerance import EXACT, OTHER_OPTIMISER, ROUNDING

#: A regulariser whose share matters.
STRONG = 2.2e-2
REGULARIZATION = 1e-3
SHAPES = {"tall": (60, 7), "wide": (40, 90)}


def by_scipy(X, y, regularization, start, evaluations):
    """The rule, from its description."""

    def objective(theta):
        z = X @ theta
        return np.mean(np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - y * z) + regularization / 2 * theta @ theta

    def gradient(theta):
        return X.T @ (sigmoid(X @ theta) - y) / len(y) + regularization * theta

    options = {"maxiter": evaluations, "maxfun": evaluations, "gtol": 1e-5, "ftol": 1e-6}
    return scipy.optimize.minimize(objective, start, jac=gradient, method="L-BFGS-B", options=options)


@pytest.fixture(scope="module", params=itertools.product(SHAPES, INTERCEPTS), ids="-".join)
def one(request):
    """Fitted cases of either shape and each intercept, under the published convention."""
    shape, intercept = request.param
    return case(*SHAPES[shape], intercept=intercept)


def set_of(positions):
    return RemovalSet("random", len(positions), 0, np.sort(positions))


def rows_of(one, sets, names=tuple(EVALUATIONS)):
    """Rows of a fitted case by base, set, evaluation function and method; and its evaluation functions."""
    evaluations = bind(names, one.model, *gaussian(120, one.X.shape[1], seed=77), seed=0, dataset="d")
    found = list(published.measure(one.model, evaluations, [set_of(removed) for removed in sets], LABELS))
    key = ("base", "set_id", "evaluation", "method")
    return {tuple(row[name] for name in key): row for row in found}, evaluations


@pytest.mark.parametrize("start", [0.0, 5.0])
@pytest.mark.parametrize("evaluations", [3, 8, 50, 500])
def test_the_rule_is_that_of_scipy(evaluations, start):
    """From far away line searches use the evaluations up before the iterations."""
    X, y = gaussian(80, 9, seed=3)
    found = published.stop(X, y, REGULARIZATION, np.full(9, start), evaluations)
    expected = by_scipy(X, y, REGULARIZATION, np.full(9, start), evaluations)
    assert_allclose(found.theta, expected.x, rtol=OTHER_OPTIMISER)
    assert found.evaluations == expected.nfev
    gradient = X.T @ (sigmoid(X @ found.theta) - y) / len(y) + REGULARIZATION * found.theta
    assert found.gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=EXACT)


def test_the_rule_says_why_it_stopped():
    X, y = gaussian(80, 9, seed=3)
    optimum = leaveout.fit(X, y, REGULARIZATION).theta
    at_once = published.stop(X, y, REGULARIZATION, optimum, 50)
    assert (at_once.reason, at_once.evaluations) == ("gradient", 1)
    assert_array_equal(at_once.theta, optimum)
    cut = published.stop(X, y, REGULARIZATION, np.zeros(9), 3)
    assert cut.reason == "limit"
    assert cut.gradient_norm > 1e-5
    early = published.stop(X, y, REGULARIZATION, np.zeros(9), 500)
    assert early.reason == "decrease"
    assert early.gradient_norm > 5 * 1e-5


def test_a_small_gradient_is_one_without_a_large_entry():
    """Its norm may be larger than the tolerance: the rule is not the same in rotated features."""
    X, y = gaussian(90, 60, seed=5)
    model = leaveout.fit(X, y, 0.5)
    hessian = Problem(X, y, 0.5, "per_sample", "none").hessian(model.theta) / len(y)
    start = model.theta + np.linalg.solve(hessian, np.full(60, 0.9 * 1e-5))
    found = published.stop(X, y, 0.5, start, 50)
    assert found.reason == "gradient"
    assert found.evaluations == 1
    assert found.gradient_norm > 5 * 1e-5


def test_the_published_full_model_is_that_of_the_features_as_they_are(one):
    """Also where the model works in the row space of fewer samples than features."""
    X, P = one.dense.X, np.diag(one.dense.P)
    base = published.published_base(one.model)
    expected = published.stop(X, one.y, REGULARIZATION * P, np.zeros(X.shape[1]), 500)
    assert_allclose(base.theta, expected.theta, atol=OTHER_OPTIMISER * np.abs(expected.theta).max())
    assert base.iterations == expected.evaluations
    assert base.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-3)
    assert base.gradient_norm > 1e6 * one.model.gradient_norm


def predicted(one, base):
    """What predicts at a base: estimators of one convention at the optimum, the published mixture at its own model."""
    return one.dense.published if base == published.PUBLISHED else one.dense.influence


@pytest.mark.parametrize("name", [published.CERTIFIED, published.PUBLISHED])
def test_effects_are_differences_of_totals_from_their_own_base(one, name):
    """Predictions by their definition at a base that is no optimum, by brute force in the parameters' own space."""
    removed = one.sets[2]
    rows, evaluations = rows_of(one, [removed])
    base = one.model if name == published.CERTIFIED else published.published_base(one.model)
    X_test, y_test = (np.asarray(values) for values in (evaluations.points["test"].X, evaluations.points["test"].y))
    X_test, chosen = one.model.coordinates.lift(X_test), evaluations.functions[0].rows
    for method in ("if", "rif", "newton"):
        there = base.theta + predicted(one, name)(base.theta, removed, method)
        for f in evaluations.functions:
            points = (X_test[chosen], y_test[chosen], X_test, y_test)
            expected = effect(f.name, one.dense, *points, base.theta, there)
            found = rows[name, f"random-{len(removed)}-0", f.name, method]["effect"]
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), (f.name, method)


def test_retrained_effects_are_those_of_the_rule_started_at_the_newton_step(one):
    removed = one.sets[4]
    rows, evaluations = rows_of(one, [removed], ["test_prediction"])
    kept, ridge = np.delete(np.arange(one.dense.n), removed), REGULARIZATION * np.diag(one.dense.P)
    X_test = one.model.coordinates.lift(evaluations.functions[0].X)
    for name, base in ((published.CERTIFIED, one.model), (published.PUBLISHED, None)):
        theta = (base or published.published_base(one.model)).theta
        start = theta + predicted(one, name)(theta, removed, "newton")
        expected = published.stop(one.dense.X[kept], one.y[kept], ridge, start, 50)
        row = rows[name, f"random-{len(removed)}-0", "test_prediction", "retrain"]
        change = sigmoid(X_test @ expected.theta).sum() - sigmoid(X_test @ theta).sum()
        assert row["effect"] == pytest.approx(change, rel=1e-4)
        assert row["evaluations"] == expected.evaluations
        assert row["gradient_norm"] == pytest.approx(expected.gradient_norm, rel=1e-3)
        assert row["reason"] == expected.reason


def test_the_convention_of_the_run_changes_nothing():
    """The published retrains know one convention."""
    sets = [np.arange(5), np.arange(20, 32)]
    ours, _ = rows_of(case(regularizer="per_sample"), sets)
    other, _ = rows_of(case(regularizer="fixed"), sets)
    assert ours.keys() == other.keys()
    for key, row in ours.items():
        assert row["effect"] == pytest.approx(other[key]["effect"], rel=1e-6), key


@pytest.mark.parametrize("k", [4, 12])
def test_the_pipeline_is_that_of_the_plain_version(k):
    """With fewer samples removed than there are parameters, and with more: its Newton steps differ."""
    X, y = gaussian(120, 6, seed=1)
    X_test, y_test = gaussian(120, 6, seed=77)
    fitted = SimpleNamespace(X=X, model=leaveout.fit(X, y, STRONG))
    removed = np.arange(10, 10 + k)
    rows, evaluations = rows_of(fitted, [removed], ["test_prediction", "test_loss", "self_loss", "total_test_loss"])
    chosen = evaluations.functions[0].rows
    points = {"train": (X, y), "test": (X_test, y_test), "chosen": (X_test[chosen], y_test[chosen])}
    sample = plain.Sample(X, y, points, STRONG, fitted.model.theta, [], None)
    measured = plain.measure(sample, plain.prepare(sample), set_of(removed))
    for method in ("if", "rif", "newton", "retrain"):
        for name, expected in measured.effects[method].items():
            found = rows[published.PUBLISHED, f"random-{k}-0", name, method]["effect"]
            assert found == pytest.approx(expected, rel=1e-5), (method, name)


def test_sets_of_the_first_seed_are_taken_of_strategies_that_figures_show():
    drawn = [RemovalSet(name, 2, repeat, np.arange(2)) for name in ("random", "high_loss") for repeat in range(2)]
    published_ones = [RemovalSet("published_positive_test_loss", 2, 0, np.arange(2))]
    assert first_sets([*drawn, *published_ones]) == [drawn[0]]


def test_every_row_says_how_far_its_base_is_from_the_optimum(one):
    rows, _ = rows_of(one, [np.arange(3)], ["test_loss"])
    base = published.published_base(one.model)
    error = np.linalg.norm(base.theta - one.model.theta) / np.linalg.norm(one.model.theta)
    for (name, *_), row in rows.items():
        expected = (one.model.gradient_norm, 0.0) if name == published.CERTIFIED else (base.gradient_norm, error)
        assert (row["base_gradient_norm"], row["base_error"]) == pytest.approx(expected, rel=ROUNDING)
    assert error > 1e-5
    result_rows.table(rows.values(), published.SCHEMA)  # what it yields fits the schema


def test_a_set_without_an_optimum_has_no_effect():
    fitted = case(intercept="unpenalized")
    whole_class = np.flatnonzero(fitted.y == 1)
    rows, _ = rows_of(fitted, [np.arange(2), whole_class], ["test_loss"])
    for name in (published.CERTIFIED, published.PUBLISHED):
        row = rows[name, f"random-{len(whole_class)}-0", "test_loss", "retrain"]
        assert np.isnan(row["effect"])
        assert "reason" not in row
        assert np.isfinite(rows[name, "random-2-0", "test_loss", "retrain"]["effect"])


def test_simplified_newton_steps_are_taken_from_the_certified_model_alone(one):
    removed = one.sets[2]
    rows, evaluations = rows_of(one, [removed], ["test_prediction"])
    optimum = one.dense.optimum(removed)
    X_test = one.model.coordinates.lift(evaluations.functions[0].X)
    row = rows[published.CERTIFIED, f"random-{len(removed)}-0", "test_prediction", "simplified"]
    change = sigmoid(X_test @ optimum).sum() - sigmoid(X_test @ one.model.theta).sum()
    assert row["effect"] == pytest.approx(change, rel=1e-6)
    assert row["reason"] == ("gradient" if row["gradient_norm"] <= 1e-10 else "limit")
    assert not [key for key in rows if key[0] == published.PUBLISHED and key[-1] == "simplified"]

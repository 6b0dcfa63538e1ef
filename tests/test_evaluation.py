"""Effects, their leading order and their error bounds, against totals subtracted in extended precision."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout import evaluation, seeds
from leaveout.effect_error import effect_errors
from leaveout.leave_out import LeaveOut
from leaveout.measurement import evaluate
from leaveout.retraining import factor_removable, retrain_block
from leaveout.sets import index_sets
from oracles.dense import effect
from tolerance import EXACT

NAMES = list(evaluation.EVALUATIONS)


def with_constant(X, intercept):
    return X if intercept == "none" else np.hstack([X, np.ones((len(X), 1))])


def bound(one, s=130, names=NAMES):
    """Evaluation functions on a fresh test set, and the points that the oracle needs."""
    X, y = gaussian(s, one.X.shape[1], seed=77)
    evaluations = evaluation.bind(names, one.model, X, y, seed=0, dataset="test")
    design = with_constant(X, one.model.penalty.intercept)
    z = design @ one.model.theta
    losses = np.logaddexp(0, z) - y * z
    chosen = evaluation.choose_test_points(losses, seeds.generator(0, "test", "test points"))
    return evaluations, (design[chosen], y[chosen], design, y)


def test_effects_have_their_digits_for_changes_of_any_size(solved):
    evaluations, points = bound(solved)
    theta = solved.model.theta
    retrained = leaveout.retrain(solved.model, solved.sets).change
    for scale in (1.0, 1e-3, 1e-6):
        changes = solved.model.coordinates.reduce(scale * retrained)
        measured = evaluate(evaluations, changes)
        for i, name in enumerate(NAMES):
            for j in range(len(changes)):
                other = theta.astype(np.longdouble) + solved.model.coordinates.lift(changes[j : j + 1])[0]
                expected = effect(name, solved.dense, *points, theta, other)
                # extended precision itself subtracts two totals: 1e-19 of them is lost
                assert_allclose(measured.effect[i, j], expected, rtol=EXACT, atol=1e-15)


def test_linear_effects_are_the_leading_order(solved):
    evaluations, _ = bound(solved)
    changes = 1e-6 * solved.model.coordinates.reduce(leaveout.retrain(solved.model, solved.sets).change)
    measured = evaluate(evaluations, changes)
    for i, f in enumerate(evaluations.functions):
        typical = np.median(np.abs(measured.effect[i]))
        assert_allclose(measured.effect_linear[i], measured.effect[i], rtol=1e-3, atol=1e-3 * typical, err_msg=f.name)
        halved = evaluate(evaluations, changes / 2)
        order = 4 if f.stationary else 2
        assert_allclose(measured.effect_linear[i], order * halved.effect_linear[i], rtol=EXACT)


def test_published_self_loss_never_falls_and_plain_can():
    one = case(n=200, d=30, regularization=1e-2)
    evaluations, _ = bound(one)
    changes = leaveout.influence(one.model, [[i] for i in range(200)], "newton")
    measured = evaluate(evaluations, changes)
    assert np.all(measured.effect[NAMES.index("self_loss")] >= 0)
    assert np.any(measured.effect[NAMES.index("self_loss_plain")] < 0)


def test_gradients_are_derivatives_anywhere():
    one = case(intercept="penalized")
    evaluations, points = bound(one)
    generator = np.random.default_rng(0)
    change, direction = generator.normal(size=(2, len(one.model.theta)))
    for f in evaluations.functions:
        t = f.X @ change
        found = f.gradients_at(change[None], t[None])[0] @ direction
        h, theta = 1e-5, one.model.theta + change
        ends = [effect(f.name, one.dense, *points, theta, theta + s * h * direction) for s in (1, -1)]
        assert found == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("regularization, limit", [(1e-6, 2), (1e-4, 100), (1e-6, 100)])
def test_effect_error_bounds_what_is_still_wrong(solved, regularization, limit):
    """Reported effects against effects of exact optima: stopped after two steps, and certified."""
    settings = solved.model.penalty
    one = case(solved.model.n, solved.X.shape[1], regularization, settings.regularizer, settings.intercept)
    evaluations, points = bound(one)
    hessians = list(factor_removable(one.model, index_sets(one.sets, one.model.n)).values())
    start = np.zeros((len(hessians), one.model.X.shape[1]))
    found = retrain_block(one.model, hessians, start, iteration_limit=limit)
    errors = effect_errors(
        LeaveOut(one.model, hessians), evaluations, found.change, found.distance, evaluations.predictors(found.change)
    )
    reported, full = evaluate(evaluations, found.change).effect, one.dense.optimum()
    for j, hessian in enumerate(hessians):
        exact = one.dense.optimum(hessian.removed)
        for i, name in enumerate(NAMES):
            truth = effect(name, one.dense, *points, full, exact)
            assert abs(reported[i, j] - truth) <= errors[i, j], (name, j)
    if limit == 100 and regularization >= 1e-4:  # the bound is worth having
        typical = np.median(np.abs(reported), axis=1, keepdims=True)
        assert np.median(errors / (np.abs(reported) + typical)) <= 1e-8


def test_the_rounding_of_the_evaluation_is_part_of_the_effect_error(monkeypatch):
    one = case()
    evaluations, _ = bound(one)
    problem = LeaveOut(one.model, list(factor_removable(one.model, index_sets(one.sets, one.model.n)).values()))
    changes, predictors = np.zeros((len(one.sets), 7)), evaluations.predictors(np.zeros((len(one.sets), 7)))
    nothing = np.zeros(len(one.sets))
    before = effect_errors(problem, evaluations, changes, nothing, predictors)
    monkeypatch.setattr(evaluation.Evaluation, "rounding_errors", lambda *_: np.full(len(one.sets), 1e3))
    assert_allclose(effect_errors(problem, evaluations, changes, nothing, predictors) - before, 1e3, rtol=1e-9)


def test_the_rounding_of_effects_is_bounded():
    """The same change, evaluated in double and in extended precision."""
    ratios = []
    for seed in range(10):
        one = case(200, 30, 1e-4, intercept="penalized", seed=seed)
        evaluations, points = bound(one)
        changes = leaveout.influence(one.model, one.sets, "newton")
        measured = evaluate(evaluations, changes)
        predictors = evaluations.predictors(changes)
        for i, f in enumerate(evaluations.functions):
            bounds = f.rounding_errors(changes, predictors[f.points_name][:, f.rows])
            for j, change in enumerate(changes):
                other = one.model.theta.astype(np.longdouble) + change
                truth = effect(f.name, one.dense, *points, one.model.theta, other)
                ratios.append(abs(measured.effect[i, j] - truth) / bounds[j])
    assert max(ratios) <= 1
    assert np.median(ratios) >= 1e-4


def test_chosen_points_are_the_worst_and_a_seeded_draw_of_the_others():
    losses = np.random.default_rng(0).permutation(200).astype(float)
    chosen = evaluation.choose_test_points(losses, np.random.default_rng(1))
    assert len(set(chosen.tolist())) == 100
    assert set(np.argsort(-losses)[:50]) <= set(chosen.tolist())
    assert np.array_equal(chosen, evaluation.choose_test_points(losses, np.random.default_rng(1)))
    assert not np.array_equal(chosen, evaluation.choose_test_points(losses, np.random.default_rng(2)))
    assert len(evaluation.choose_test_points(losses[:70], np.random.default_rng(1))) == 70
    assert len(evaluation.choose_test_points(losses[:30], np.random.default_rng(1))) == 30


def test_test_loss_is_positive_when_the_removal_hurts():
    """One sign convention: after minus before."""
    one = case(n=80, d=5)
    X, y = one.X, one.y
    evaluations = evaluation.bind(["total_test_loss"], one.model, X, y, seed=0, dataset="self")
    helpful = np.argsort(-np.abs(one.model.z))[-20:]
    found = leaveout.retrain(one.model, [helpful])
    before = np.sum(np.logaddexp(0, X @ one.model.theta) - y * (X @ one.model.theta))
    after = np.sum(np.logaddexp(0, X @ found.theta[0]) - y * (X @ found.theta[0]))
    measured = evaluate(evaluations, found.change).effect[0, 0]
    assert np.sign(measured) == np.sign(after - before) == 1

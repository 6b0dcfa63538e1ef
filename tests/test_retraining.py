"""Retrained models are the optima without their sets, from any start, and say so truthfully."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression

import leaveout
from conftest import case, gaussian
from leaveout import Status, blocks, errors, evaluation, lbfgs, removed, retraining
from leaveout.leave_out import LeaveOut
from leaveout.measurement import evaluate
from oracles.dense import Problem
from tolerance import AGREEMENT, EXACT, OTHER_OPTIMISER, ROUNDING


def relu_features(n=160, d=120, seed=0):
    """Near-separable features of an embedding-like spectrum: leverages close to 1 at small regularisation."""
    generator = np.random.default_rng(seed)
    basis = generator.normal(size=(40, d)) * np.arange(1, 41)[:, None] ** -0.7
    X = np.maximum(generator.normal(size=(n, 40)) @ basis, 0)
    y = (X @ generator.normal(size=d) + generator.normal(size=n) > 0).astype(float)
    return X, y


def test_retrained_models_are_the_optima_of_extended_precision(solved):
    found = leaveout.retrain(solved.model, solved.sets)
    assert found.certified.all()
    full = solved.dense.optimum()
    for theta, change, removed_set in zip(found.theta, found.change, solved.sets, strict=True):
        optimum = solved.dense.optimum(removed_set)
        assert_allclose(theta, optimum.astype(float), rtol=EXACT, atol=1e-10)
        assert_allclose(change, (optimum - full).astype(float), rtol=1e-7, atol=1e-10)
        norm = np.linalg.norm(solved.dense.gradient(theta, removed_set))
        assert norm / solved.model.penalty.divisor(solved.dense.n, len(removed_set)) <= 1e-12


@pytest.mark.parametrize("regularizer", ["per_sample", "fixed"])
def test_retrained_models_are_those_of_scikit_learn(regularizer):
    X, y = gaussian(80, 6, seed=3)
    model = leaveout.fit(X, y, 1e-3, regularizer, "unpenalized")
    removed_set = np.arange(0, 30, 2)
    found = leaveout.retrain(model, [removed_set])
    weight = model.penalty.weight(80, len(removed_set))
    theirs = LogisticRegression(C=1 / weight, solver="newton-cholesky", tol=1e-12)
    theirs.fit(np.delete(X, removed_set, axis=0), np.delete(y, removed_set))
    assert_allclose(found.theta[0], np.append(theirs.coef_[0], theirs.intercept_), rtol=OTHER_OPTIMISER, atol=1e-9)


def test_the_start_does_not_matter(solved):
    reference = leaveout.retrain(solved.model, solved.sets, start="newton")
    anywhere = np.random.default_rng(0).normal(size=reference.theta.shape)
    for start in ("full", "zero", anywhere):
        found = leaveout.retrain(solved.model, solved.sets, start=start)
        assert found.certified.all()
        assert_allclose(found.change, reference.change, rtol=1e-7, atol=1e-10)


def test_companions_do_not_matter(monkeypatch):
    one = case(n=80, d=9)
    together = leaveout.retrain(one.model, one.sets)
    alone = [leaveout.retrain(one.model, [s]) for s in one.sets]
    assert_allclose(np.concatenate([part.change for part in alone]), together.change, rtol=1e-8, atol=1e-12)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    assert_allclose(leaveout.retrain(one.model, one.sets).change, together.change, rtol=1e-8, atol=1e-12)


@given(
    st.sampled_from([1e-8, 1e-5, 1e-2, 1e2]), st.sampled_from(["per_sample", "fixed"]), st.integers(0, 20), st.data()
)
def test_leverages_near_one_are_survived(regularization, regularizer, seed, data):
    X, y = relu_features(80, 60, seed)
    model = leaveout.fit(X, y, regularization, regularizer)
    size = data.draw(st.sampled_from([0, 1, 4, 20, 39, 41, 78]))
    removed_set = np.random.default_rng(seed).permutation(80)[:size]
    found = leaveout.retrain(model, [removed_set])
    assert found.status[0] == Status.CONVERGED
    assert found.gradient_norm[0] <= 1e-10


def test_effects_agree_from_any_start(regularizer):
    """The rule that defines agreement, down to a regularisation at which 1e-13 in the gradient is not enough."""
    for regularization in (1e-8, 1e-7, 1e-5):
        X, y = gaussian(120, 100, seed=1, spread=3.0)
        model = leaveout.fit(X, y, regularization, regularizer, "penalized")
        evaluations = evaluation.bind(list(evaluation.EVALUATIONS), model, X[::2], y[::2], 0, "agreement")
        sets = [np.random.default_rng(k).permutation(120)[:k] for k in (1, 2, 4, 6, 9, 12)]
        starts = [leaveout.retrain(model, sets, start) for start in ("newton", "full", "zero")]
        reference, *others = [evaluate(evaluations, found.change).effect for found in starts]
        allowed = AGREEMENT * (np.abs(reference) + np.median(np.abs(reference), axis=1, keepdims=True))
        for found in others:
            assert np.all(np.abs(found - reference) <= allowed)


def test_full_steps_alone_would_diverge(monkeypatch):
    """What the line search is for."""
    X, y = relu_features()
    model = leaveout.fit(X, y, 1e-6)
    far = 50 * np.random.default_rng(0).normal(size=(1, len(model.theta)))
    assert leaveout.retrain(model, [[1, 2, 3]], start=far).certified.all()
    monkeypatch.setattr(lbfgs, "_step_lengths", lambda *_: (np.ones(1), np.zeros(1, dtype=bool)))
    with np.errstate(all="ignore"):
        assert not leaveout.retrain(model, [[1, 2, 3]], start=far, iteration_limit=60).certified.any()


def test_a_whole_class_can_be_removed_when_everything_is_regularised():
    X, y = gaussian(40, 4, seed=0)
    for intercept in ("none", "penalized"):
        model = leaveout.fit(X, y, 1e-2, intercept=intercept)
        assert leaveout.retrain(model, [np.flatnonzero(y == 1)]).certified.all()


def test_where_no_optimum_remains_there_is_a_status_and_no_number():
    X, y = gaussian(40, 4, seed=0)
    model = leaveout.fit(X, y, 1e-2, intercept="unpenalized")
    found = leaveout.retrain(model, [[0], np.flatnonzero(y == 1), [1]])
    assert found.status.tolist() == [Status.CONVERGED, Status.NOT_REMOVABLE, Status.CONVERGED]
    assert np.isnan(found.theta[1]).all()
    assert np.isfinite(found.theta[[0, 2]]).all()


@pytest.mark.parametrize("quasi", [False, True])
def test_separable_remainders_without_regularisation_are_not_removable(quasi):
    side = np.concatenate([np.linspace(-2, -0.1, 15), np.linspace(0.1, 2, 15), [1.0, -1.0], np.zeros(2 * quasi)])
    y = np.concatenate([np.zeros(15), np.ones(15), [0.0, 1.0], [0.0, 1.0][: 2 * quasi]])
    model = leaveout.fit(side[:, None], y, 0.0)
    found = leaveout.retrain(model, [[30, 31], [0]])
    assert found.status.tolist() == [Status.NOT_REMOVABLE, Status.CONVERGED]


def test_removing_everything_leaves_a_fixed_regulariser_at_most():
    for settings, expected in [
        ({"regularizer": "per_sample"}, Status.NOT_REMOVABLE),
        ({"regularizer": "fixed", "intercept": "unpenalized"}, Status.NOT_REMOVABLE),
        ({"regularizer": "fixed", "intercept": "penalized"}, Status.CONVERGED),
    ]:
        one = case(**settings)
        found = leaveout.retrain(one.model, [np.arange(one.model.n)])
        assert found.status[0] == expected
        if expected == Status.CONVERGED:
            assert_allclose(found.theta, 0, atol=ROUNDING)


def test_an_empty_set_changes_nothing(solved):
    found = leaveout.retrain(solved.model, [[]])
    assert found.certified.all()
    assert_allclose(found.change, 0, atol=ROUNDING)
    assert leaveout.retrain(solved.model, []).theta.shape == (0, len(solved.model.theta))


def test_an_iteration_limit_is_a_status_with_a_truthful_certificate():
    X, y = relu_features()
    model = leaveout.fit(X, y, 1e-5)
    dense = Problem(X, y, 1e-5, "per_sample", "none")
    removed_set = np.arange(30)
    found = leaveout.retrain(model, [removed_set], start="zero", iteration_limit=2)
    assert found.status[0] == Status.ITERATION_LIMIT
    assert not found.certified[0]
    g = dense.gradient(found.theta[0], removed_set)
    assert found.gradient_norm[0] == pytest.approx(np.linalg.norm(g) / 130, rel=1e-9)
    exact = np.sqrt(g @ np.linalg.solve(dense.hessian(found.theta[0], removed_set), g))
    assert exact <= found.newton_decrement[0] <= 1000 * exact


def test_the_distance_bound_holds_wherever_the_iteration_is_stopped():
    """||theta* - theta|| in the norm of the leave-T-out Hessian at theta_hat, against extended precision."""
    for regularization in (1e-5, 1e-2):
        X, y = gaussian(120, 15, seed=2)
        model = leaveout.fit(X, y, regularization)
        dense = case(120, 15, regularization, seed=2).dense
        sets = [np.arange(k) for k in (1, 5, 20)]
        for limit in (1, 2, 3, 100):
            found = leaveout.retrain(model, sets, start="full", iteration_limit=limit)
            for j, removed_set in enumerate(sets):
                away = (dense.optimum(removed_set) - found.theta[j]).astype(float)
                M = dense.hessian(model.theta, removed_set)
                assert np.sqrt(away @ M @ away) <= found.distance[j] * (1 + 1e-9) + 1e-13
        assert np.isfinite(found.distance).all()


def test_what_the_base_fit_leaves_does_not_move_the_retrained_models(solved):
    nudge = 1e-9 * np.random.default_rng(0).normal(size=len(solved.model.parameters))
    nudged = dataclasses.replace(solved.model, parameters=solved.model.parameters + nudge)
    exact, found = leaveout.retrain(solved.model, solved.sets), leaveout.retrain(nudged, solved.sets)
    assert_allclose(found.theta, exact.theta, rtol=0, atol=1e-2 * np.abs(nudge).max())


def test_the_rounding_of_gradients_is_bounded_and_not_by_much():
    """Gradients in double precision against extended precision, at the full model and at retrained ones."""
    ratios = []
    for seed in range(20):
        X, y = gaussian(300, 40, seed)
        model = leaveout.fit(X, y, 1e-4)
        dense = Problem(X.astype(np.longdouble), y, 1e-4, "per_sample", "none")
        error = np.linalg.norm((dense.gradient(model.theta.astype(np.longdouble)) - model.gradient).astype(float))
        ratios.append(error / model.gradient_rounding)
        removed_set = np.arange(20)
        problem = LeaveOut(model, [removed.removed_hessian(model, removed_set)])
        delta = leaveout.retrain(model, [removed_set]).change
        t, one = delta @ X.T, np.array([0])
        exact = dense.gradient(model.theta + delta[0].astype(np.longdouble), removed_set)
        slopes = problem.slopes(problem.kept(t, one))
        error = np.linalg.norm((exact - problem.gradient(delta, slopes, one)[0]).astype(float))
        ratios.append(error / problem.rounding(delta, t, slopes)[0])
    assert max(ratios) <= 1
    assert np.median(ratios) >= 1e-3


def test_unusable_starts_are_refused():
    one = case()
    for start in ("warm", np.zeros((1, 3)), np.full((1, 7), np.nan)):
        with pytest.raises(errors.InvalidData, match="start"):
            leaveout.retrain(one.model, [[0]], start=start)


def test_the_record_counts_what_was_done():
    one = case()
    found = leaveout.retrain(one.model, one.sets, start="zero")
    assert np.all(found.iterations >= 1)
    assert np.all(found.passes > found.iterations)
    assert isinstance(found, retraining.Retraining)

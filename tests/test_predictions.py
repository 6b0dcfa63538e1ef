"""What is said of a prediction's error without retraining: never too little, and what the formulas say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression

import leaveout
from conftest import Case, case, gaussian
from leaveout import blocks, result_rows
from leaveout.effects import PREDICTIONS
from leaveout.estimators import additive_change, newton_change
from leaveout.leave_out import LeaveOut
from leaveout.prediction_bounds import PASSES, prediction_bounds, reaches, removed_share, roots, with_best_constants
from leaveout.predictions import SCHEMA, leverages, measure_predictions
from leaveout.removal import RemovalSet
from leaveout.removed import inverse_hessian
from leaveout.retraining import factor_removable
from oracles.dense import Problem, sigmoid
from rows import LABELS
from test_retraining import relu_features
from tolerance import EXACT

#: What bounds may be exceeded by: rounding of the errors that they are held against.
SLACK = 1 + 1e-9


def near_separable(regularizer, regularization=1e-4, seed=0):
    """A case whose leverages are close to 1, with sets of several sizes."""
    X, y = relu_features(80, 60, seed)
    model = leaveout.fit(X, y, regularization, regularizer)
    sets = [np.sort(np.random.default_rng(seed).permutation(80)[:k]) for k in (1, 3, 8, 30, 50)]
    return Case(X, y, Problem(X, y, regularization, regularizer, "none"), model, sets)


def known_of(one):
    """What the library knows of the predictions of a case: bounds of each estimator, and its changes."""
    sets = [np.sort(removed) for removed in one.sets]
    hessians = list(factor_removable(one.model, sets).values())
    problem = LeaveOut(one.model, hessians)
    reach = reaches(problem, np.array([leverages(one.model, removed)[0] for removed in sets]))
    inverses = [inverse_hessian(one.model, removed) for removed in sets]
    changes = {name: additive_change(one.model, sets, name) for name in ("if", "rif")}
    changes["newton"] = newton_change(one.model, hessians)
    found = {name: prediction_bounds(problem, inverses, reach, change) for name, change in changes.items()}
    return found, {name: one.model.coordinates.lift(change) for name, change in changes.items()}


def penalised(dense, vector):
    """Entries that the regulariser sees: all but those of an unpenalised constant."""
    return vector[: len(vector) - (dense.intercept == "unpenalized")]


def violations(one):
    """Bounds that the exact error lies outside of, as text; the truth is the optimum in extended precision."""
    found, changes = known_of(one)
    wrong = []
    for j, removed in enumerate(one.sets):
        truth = one.dense.optimum(removed, start=one.model.theta)
        H = one.dense.hessian(one.model.theta, removed)
        for method in PREDICTIONS:
            known, error = found[method], np.asarray(one.model.theta + changes[method][j] - truth, dtype=float)
            size, norm = np.linalg.norm(penalised(one.dense, error)), np.sqrt(error @ H @ error)
            held = {
                "convexity": size <= SLACK * known.convexity[j] or np.isnan(known.convexity[j]),
                "factor": norm <= SLACK * known.factor[j] or np.isnan(known.factor[j]),
                "lower": all(known.lower[j] <= SLACK * size) or np.isnan(known.lower[j]).all(),
                "upper": all(SLACK * known.upper[j] >= size) or np.isnan(known.upper[j]).all(),
            }
            wrong += [f"{method}, {len(removed)} samples: {name}" for name, holds in held.items() if not holds]
    return wrong


def test_no_bound_is_violated(solved):
    assert not violations(solved)


@given(st.sampled_from([1e-6, 1e-4, 1e-2, 1.0]), st.sampled_from(["per_sample", "fixed"]), st.integers(0, 1000))
@settings(max_examples=8)
def test_no_bound_is_violated_where_leverages_are_near_one(regularization, regularizer, seed):
    assert not violations(near_separable(regularizer, regularization, seed))


@pytest.mark.parametrize("regularizer", ["per_sample", "fixed"])
def test_errors_are_those_against_scikit_learn(regularizer):
    """Another optimiser's optima, without and with far more than half of the samples."""
    one = case(regularization=1e-2, regularizer=regularizer)
    rows = {(row["set_id"], row["method"]): row for row in measured(one)}
    for j, removed in enumerate(one.sets):
        theirs = LogisticRegression(
            C=1 / one.dense.weight(removed), solver="newton-cholesky", tol=1e-13, fit_intercept=False
        ).fit(np.delete(one.X, removed, axis=0), np.delete(one.y, removed))
        truth, H = theirs.coef_[0], one.dense.hessian(one.model.theta, removed)
        for method in PREDICTIONS:
            row = rows[f"random-{len(removed)}-{j}", method]
            error = one.model.theta + leaveout.influence(one.model, [removed], method)[0] - truth
            change = truth - one.model.theta
            assert row["error_euclidean"] == pytest.approx(np.linalg.norm(error), rel=1e-5, abs=1e-9)
            assert row["error_hessian"] == pytest.approx(np.sqrt(error @ H @ error), rel=1e-5, abs=1e-9)
            assert row["change_euclidean"] == pytest.approx(np.linalg.norm(change), rel=1e-5)
            assert row["change_hessian"] == pytest.approx(np.sqrt(change @ H @ change), rel=1e-5)


def test_gradient_and_estimate_are_the_dense_ones(solved):
    found, changes = known_of(solved)
    for j, removed in enumerate(solved.sets):
        H = solved.dense.hessian(solved.model.theta, removed)
        for method in PREDICTIONS:
            gradient = solved.dense.gradient(solved.model.theta + changes[method][j], removed)
            estimate = np.sqrt(gradient @ np.linalg.solve(H, gradient))
            assert found[method].estimate[j] == pytest.approx(estimate, rel=1e-6, abs=1e-10)
            norm = np.linalg.norm(gradient) / solved.model.divisor(len(removed))
            assert found[method].gradient_norm[j] == pytest.approx(norm, rel=1e-6, abs=1e-13)


def best_constant(dense, theta, removed):
    """The constant at which the objective is least for these weights."""
    return brentq(lambda b: dense.gradient(np.append(theta[:-1], b), removed)[-1], -50, 50, xtol=1e-13)


def dense_duality(dense, theta, removed, steps):
    """Bounds of the Euclidean error by duality, from dense matrices: conjugate gradients and objectives as they are."""
    kept, free = np.setdiff1d(np.arange(dense.n), removed), dense.intercept == "unpenalized"
    X, y, mu = dense.X[kept], dense.y[kept], dense.weight(removed)
    M = np.linalg.inv(dense.hessian(theta[0], removed))
    if free:
        theta = theta[0], np.append(theta[1][:-1], best_constant(dense, theta[1], removed))
    N, g = dense.hessian(theta[1], removed), dense.gradient(theta[1], removed)
    s, residual = 0 * g, -g
    direction = M @ residual
    for _ in range(steps):
        image = N @ direction
        length = (residual @ M @ residual) / (direction @ image)
        s, left = s + length * direction, residual - length * image
        direction = M @ left + (left @ M @ left) / (residual @ M @ residual) * direction
        residual = left
    p = sigmoid(X @ theta[1])

    def dual_point(constant):
        return np.clip(p + p * (1 - p) * (X @ s + constant), 0, 1)

    alpha = dual_point(brentq(lambda c: np.sum(dual_point(c) - y), -1e3, 1e3, xtol=1e-14) if free else 0.0)
    entropy = sum(np.where(q > 0, q * np.log(np.where(q > 0, q, 1)), 0).sum() for q in (alpha, 1 - alpha))
    dual = -entropy - np.sum(penalised(dense, X.T @ (alpha - y)) ** 2) / (2 * mu)
    radius = np.sqrt(2 * max(0.0, dense.objective(theta[1] + s, removed) - dual) / mu)
    length = np.linalg.norm(penalised(dense, s))
    return max(0.0, length - radius), length + radius


@pytest.mark.parametrize("regularizer", ["per_sample", "fixed"])
@pytest.mark.parametrize("shape", [(60, 7), (40, 90)])
@pytest.mark.parametrize("intercept", ["penalized", "unpenalized"])
def test_bounds_by_duality_are_primal_less_dual_objective(shape, intercept, regularizer):
    """Predictions far from the optimum, so that subtracting two objectives loses no digits that matter."""
    one = case(*shape, regularization=1e-2, regularizer=regularizer, intercept=intercept)
    found, changes = known_of(one)
    for j, removed in enumerate(one.sets):
        for method in ("if", "rif"):
            theta = one.model.theta, one.model.theta + changes[method][j]
            bounds = [dense_duality(one.dense, theta, removed, passes - 2) for passes in PASSES]
            lower, upper = np.maximum.accumulate([b[0] for b in bounds]), np.minimum.accumulate([b[1] for b in bounds])
            known = found[method]
            assert_allclose(known.upper[j], np.minimum(upper, known.convexity[j]), rtol=1e-4, atol=1e-6)
            assert_allclose(known.lower[j], lower, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(60, 7), (40, 90)])
@pytest.mark.parametrize("intercept", ["penalized", "unpenalized"])
def test_more_passes_never_tell_less_and_without_any_there_is_the_bound_of_convexity(shape, intercept):
    for known in known_of(case(*shape, intercept=intercept))[0].values():
        both = np.column_stack([known.convexity, known.upper])
        assert np.all(np.diff(both) <= 0)
        assert np.all(np.diff(known.lower) >= 0)
        assert np.all(known.lower <= known.upper)


def test_where_the_loss_is_nearly_quadratic_all_bounds_are_tight():
    """Small changes of the logits: the estimate is the error, and every bound but that of convexity is near it."""
    one = case(n=400, d=5, regularization=1.0)
    one = Case(one.X, one.y, one.dense, one.model, [np.array([3]), np.array([5, 8])])
    for row in measured(one):
        if row["method"] == "if":
            assert row["estimate_hessian"] == pytest.approx(row["error_hessian"], rel=0.01)
            assert row["error_hessian"] <= row["factor_hessian"] <= 1.1 * row["error_hessian"]
            assert row["error_euclidean"] <= row["upper_5"] <= 1.001 * row["error_euclidean"]
            assert 0.999 * row["error_euclidean"] <= row["lower_5"] <= row["error_euclidean"]


def test_with_an_unpenalised_intercept_bounds_are_of_the_weights_and_as_tight():
    """Small changes of the logits again; the last predictions have a wrong constant, which no bound may see."""
    one = case(n=400, d=5, regularization=1.0, intercept="unpenalized")
    one = Case(one.X, one.y, one.dense, one.model, [np.array([3]), np.array([5, 8])])
    for row in measured(one):
        if row["method"] == "if":
            assert row["error_euclidean"] <= row["upper_5"] <= 1.001 * row["error_euclidean"]
            assert 0.999 * row["error_euclidean"] <= row["lower_5"] <= row["error_euclidean"]
            assert row["error_euclidean"] <= row["convexity_euclidean"]
    for known, moved in zip(*(bounds_of_weights(one, constant) for constant in (0.0, 0.3)), strict=True):
        assert_allclose(moved, known, rtol=1e-6, atol=1e-12)


def bounds_of_weights(one, constant):
    """Bounds of IF's errors in the weights, with its constant moved."""
    problem = LeaveOut(one.model, list(factor_removable(one.model, one.sets).values()))
    reach = reaches(problem, np.array([leverages(one.model, removed)[0] for removed in one.sets]))
    inverses = [inverse_hessian(one.model, removed) for removed in one.sets]
    changes = additive_change(one.model, one.sets, "if")
    changes[:, -1] += constant
    found = prediction_bounds(problem, inverses, reach, changes)
    return found.convexity, found.lower, found.upper


@pytest.mark.parametrize("regularizer", ["per_sample", "fixed"])
def test_best_constants_are_those_of_an_optimiser_in_one_dimension(regularizer):
    one = case(regularizer=regularizer, intercept="unpenalized")
    sets = [np.sort(removed) for removed in one.sets]
    problem = LeaveOut(one.model, list(factor_removable(one.model, sets).values()))
    changes = additive_change(one.model, sets, "if")
    found = with_best_constants(problem, changes)
    assert (found[:, :-1] == changes[:, :-1]).all()
    for removed, change, best in zip(sets, changes, found, strict=True):
        expected = best_constant(one.dense, one.model.theta + change, removed)
        assert one.model.theta[-1] + best[-1] == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_roots_are_found_where_newtons_steps_would_diverge():
    values = np.array([0.0, -3.0, 7.5])
    found = roots(lambda x: (np.arctan(20 * (x - values)), 20 / (1 + (20 * (x - values)) ** 2)), np.full(3, 1e3))
    assert_allclose(found, values, atol=1e-12)


def test_reaches_are_no_less_than_the_norms_that_they_bound(solved):
    sets = [np.sort(removed) for removed in solved.sets]
    problem = LeaveOut(solved.model, list(factor_removable(solved.model, sets).values()))
    found = reaches(problem, np.array([leverages(solved.model, removed)[0] for removed in sets]))
    for removed, reach in zip(sets, found, strict=True):
        H = solved.dense.hessian(solved.model.theta, removed)
        norms = np.sqrt(np.einsum("ij,ji->i", solved.dense.X, np.linalg.solve(H, solved.dense.X.T)))
        kept = np.setdiff1d(np.arange(solved.dense.n), removed)
        assert np.all(SLACK * reach[kept] >= norms[kept])
        assert np.all(reach[removed] == 0)


def test_joint_leverage_and_overlap_are_the_dense_ones_and_those_of_one_sample_its_leverage_and_none(solved):
    dense, theta = solved.dense, solved.model.theta
    p = sigmoid(dense.X @ theta)
    for removed in [np.array([4]), *solved.sets]:
        U = dense.X[removed] * np.sqrt(p * (1 - p))[removed][:, None]
        K = U @ np.linalg.solve(dense.hessian(theta), U.T)
        expected = np.linalg.norm(K, 2), np.linalg.norm(K - np.diag(np.diag(K)), 2)
        assert leverages(solved.model, removed) == pytest.approx(expected, rel=EXACT)
    assert leverages(solved.model, np.array([4])) == pytest.approx((solved.model.leverage[4], 0), rel=EXACT)


def hessian_norm(dense, theta, removed, change):
    change = np.asarray(change, dtype=float)
    return np.sqrt(change @ dense.hessian(theta, removed) @ change)


def test_influence_functions_are_off_the_newton_step_by_the_joint_leverage_at_most(solved):
    """The line in the figure of failures; attained by a set along one direction, as of one sample under ``fixed``."""
    dense, theta = solved.dense, solved.model.theta
    for removed in [np.array([4]), *solved.sets]:
        influence, newton = (dense.influence(theta, removed, method) for method in ("if", "newton"))
        allowed = leverages(solved.model, removed)[0] + removed_share(solved.model, removed)
        ratio = hessian_norm(dense, theta, removed, newton - influence) / hessian_norm(dense, theta, removed, newton)
        assert ratio <= SLACK * allowed
        if len(removed) == 1 and dense.regularizer == "fixed":
            assert ratio == pytest.approx(allowed, rel=1e-6)


@given(st.sampled_from([1e-6, 1e-3, 1.0]), st.sampled_from(["per_sample", "fixed"]), st.integers(0, 1000))
@settings(max_examples=8)
def test_newton_steps_fail_by_the_change_of_curvature_at_most(regularization, regularizer, seed):
    """The other line in the figure of failures: of the truth for the error, of the step itself for the estimate."""
    one = near_separable(regularizer, regularization, seed)
    for row in measured(one):
        if row["method"] == "newton":
            off = row["error_hessian"] - row["distance_hessian"]
            assert off <= SLACK * row["curvature_change"] * row["change_hessian"]
            removed = one.sets[int(row["set_id"].split("-")[-1])]
            step = leaveout.influence(one.model, [removed], "newton")[0]
            size = hessian_norm(one.dense, one.model.theta, removed, step)
            assert row["estimate_hessian"] <= (1 + 1e-6) * row["newton_curvature_change"] * size + 1e-12


def measured(one, iteration_limit=1000):
    sets = [RemovalSet("random", len(s), j, np.sort(s)) for j, s in enumerate(one.sets)]
    return list(measure_predictions(one.model, sets, LABELS, iteration_limit))


def test_rows_have_the_schema_and_all_methods_of_every_set(solved):
    rows = result_rows.table(measured(solved), SCHEMA).to_pylist()
    names = [f"random-{len(removed)}-{j}" for j, removed in enumerate(solved.sets)]
    assert [(row["set_id"], row["method"]) for row in rows] == [(name, m) for name in names for m in PREDICTIONS]
    for row in rows:
        assert row["status"] == "converged"
        assert row["gradient_norm"] <= 1e-10
        assert row["distance_hessian"] is None or row["distance_hessian"] <= 1e-6 * row["change_hessian"]


def test_leverages_and_logit_changes_are_those_of_the_set(solved):
    rows = measured(solved)
    for j, removed in enumerate(solved.sets):
        row = rows[3 * j]
        kept = np.setdiff1d(np.arange(solved.dense.n), removed)
        newton = leaveout.influence(solved.model, [removed], "newton")[0]
        truth = np.asarray(solved.dense.optimum(removed) - solved.dense.optimum(), dtype=float)
        assert row["largest_leverage"] == pytest.approx(solved.model.leverage[removed].max())
        assert row["joint_leverage"] >= row["largest_leverage"] * (1 - EXACT)
        assert row["newton_logit_change"] == pytest.approx(np.abs(solved.dense.X[kept] @ newton).max(), rel=1e-6)
        assert row["logit_change"] == pytest.approx(np.abs(solved.dense.X[kept] @ truth).max(), rel=1e-6)
        z, t = solved.dense.X[kept] @ solved.model.theta, solved.dense.X[kept] @ newton
        a = sigmoid(z) * sigmoid(-z)
        changed = np.sum((sigmoid(z + t) - sigmoid(z) - a * t) ** 2 / a)
        size = hessian_norm(solved.dense, solved.model.theta, removed, newton)
        assert row["newton_curvature_change"] == pytest.approx(np.sqrt(changed) / size, rel=1e-6)


def test_what_is_not_certified_has_no_error_but_its_bounds():
    one = case(regularization=1e-5)
    rows = measured(one, iteration_limit=0)
    uncertified = [row for row in rows if row["status"] != "converged"]
    assert uncertified
    for row in uncertified:
        assert np.isnan(
            [row[name] for name in ("error_euclidean", "error_hessian", "change_hessian", "logit_change")]
        ).all()
        assert row["upper_5"] > 0


def test_a_set_without_which_there_is_no_optimum_says_so_and_nothing_else():
    X, y = gaussian(40, 4, seed=0)
    model = leaveout.fit(X, y, 1e-2, intercept="unpenalized")
    ones = RemovalSet("random", int(y.sum()), 0, np.flatnonzero(y == 1))
    few = RemovalSet("random", 1, 0, np.array([3]))
    rows = list(measure_predictions(model, [ones, few], LABELS))
    assert [row["status"] for row in rows] == ["not_removable"] * 3 + ["converged"] * 3
    assert all(row["estimate_hessian"] is None for row in rows[:3])
    assert all(row["estimate_hessian"] is not None for row in rows[3:])
    result_rows.table(rows, SCHEMA)


def test_how_sets_are_cut_into_blocks_changes_nothing(monkeypatch):
    one = case(n=80, d=9)
    together = result_rows.table(measured(one), SCHEMA).to_pandas()
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    alone = result_rows.table(measured(one), SCHEMA).to_pandas()
    for name in ("error_hessian", "estimate_hessian", "factor_hessian", "upper_3", "upper_5", "lower_5"):
        assert_allclose(alone[name], together[name], rtol=1e-6, atol=1e-10)

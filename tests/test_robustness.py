"""The solver on hard data: leverages near 1, tiny regularisers, sets that leave next to nothing, no optimum at all.

What is checked is recomputed here: gradients in extended precision from the returned parameters, distances against the
optimum of extended precision, existence by a linear program.
"""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.optimize import linprog

import leaveout
from conftest import INTERCEPTS, REGULARIZERS, gaussian
from leaveout import evaluation
from leaveout.measurement import measure
from leaveout.removal import RemovalSet
from oracles.dense import Problem, effect, sigmoid
from tolerance import AGREEMENT, ROUNDING

CERTIFIED = 1e-10
STATUSES = {"converged", "iteration_limit", "line_search_failed", "not_removable"}
KINDS = ("gaussian", "near-separable", "scaled", "duplicated", "words")
EPSILON = np.finfo(float).eps
RECORD = ("theta", "change", "gradient_norm", "newton_decrement", "distance", "iterations", "status")


def samples(kind, n, d, seed):
    """Features and labels of a kind, both classes among them."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * np.logspace(0, -1, d)
    if kind == "words":
        X = (generator.random((n, d)) < np.minimum(0.5, 2 / np.arange(1, d + 1))).astype(float)
    margin = X @ generator.normal(size=d) * (30.0 if kind == "near-separable" else 1.0)
    if kind == "scaled":
        X[-3:] *= 10 ** generator.uniform(2, 3, size=(len(X[-3:]), 1))
    y = (generator.random(n) < sigmoid(margin)).astype(float)
    if kind == "duplicated":
        X[n // 2 : 2 * (n // 2)] = X[: n // 2]
    y[:2] = 0, 1
    return X, y


def removal_sets(y, seed):
    """Sets of all sizes from none to all but one, and each class, all in no order."""
    generator, n = np.random.default_rng(seed), len(y)
    sizes = dict.fromkeys([0, 1, 2, max(1, n // 20), n // 2, n - 2, n - 1])
    drawn = [generator.permutation(n)[:size] for size in sizes]
    return drawn + [generator.permutation(np.flatnonzero(y == label)) for label in (0, 1)]


def gradient_norm(problem, theta, removed, size=0.0):
    """``||grad J_T(theta)||``, mean form, in extended precision; and what double precision can make of it.

    ``size`` is the norm of the numbers that ``theta`` was added up from.
    """
    kept = np.setdiff1d(np.arange(problem.n), removed)
    X, exact = problem.X[kept].astype(np.longdouble), theta.astype(np.longdouble)
    p = sigmoid(X @ exact)
    ridge = np.longdouble(problem.weight(removed)) * np.diag(problem.P)
    divisor = len(kept) if problem.regularizer == "per_sample" else problem.n
    curvature = float(p * (1 - p) @ np.sum(X**2, axis=1) + ridge.max())
    summation = np.linalg.norm(problem.X, axis=1).sum()  # slopes are at most 1
    rounding = 4 * EPSILON * np.sqrt(len(theta)) * (max(size, np.linalg.norm(theta)) * curvature + summation) / divisor
    return float(np.linalg.norm(X.T @ (p - problem.y[kept]) + ridge * exact)) / divisor, rounding


def solvable(y, removed, intercept):
    """Whether a regularised optimum exists."""
    return intercept != "unpenalized" or len(np.unique(np.delete(y, removed))) == 2


@st.composite
def problems(draw):
    kind, seed = draw(st.sampled_from(KINDS)), draw(st.integers(0, 10**6))
    n, d = draw(st.integers(4, 40)), draw(st.integers(1, 60))
    regularization = 10 ** draw(st.floats(-8, 2))
    X, y = samples(kind, n, d, seed)
    return Problem(
        X, y, regularization, draw(st.sampled_from(REGULARIZERS)), draw(st.sampled_from(INTERCEPTS))
    ), removal_sets(y, seed)


def fitted(problem):
    features = problem.X if problem.intercept == "none" else problem.X[:, :-1]
    return leaveout.fit(features, problem.y, problem.regularization, problem.regularizer, problem.intercept)


def assert_honest(problem, sets, found):
    """Whatever its status, a record says the truth about its parameters, or has none."""
    for j, removed in enumerate(sets):
        assert found.status[j] in STATUSES
        assert (found.status[j] == "not_removable") == (not solvable(problem.y, removed, problem.intercept))
        if found.status[j] == "not_removable":
            assert np.isnan(found.theta[j]).all()
            assert np.isnan(found.change[j]).all()
            continue
        assert np.isfinite(found.theta[j]).all()
        size = np.linalg.norm(found.theta[j]) + 2 * np.linalg.norm(found.change[j])
        norm, rounding = gradient_norm(problem, found.theta[j], removed, size)
        assert norm <= CERTIFIED or found.status[j] != "converged"
        assert found.gradient_norm[j] == pytest.approx(norm, rel=1e-6, abs=rounding)
        if problem.intercept != "unpenalized":
            assert np.isfinite(found.distance[j])  # strong convexity


@settings(max_examples=25)
@given(problems())
def test_retrained_models_are_the_optima_that_they_say_they_are(drawn):
    problem, sets = drawn
    model = fitted(problem)
    found = leaveout.retrain(model, sets)
    assert_honest(problem, sets, found)
    for j, removed in enumerate(sets):
        if not solvable(problem.y, removed, problem.intercept):
            continue
        assert found.status[j] == "converged"
        away = (problem.optimum(removed, start=found.theta[j]) - found.theta[j]).astype(float)
        M = problem.hessian(model.theta, removed)
        assert np.sqrt(max(0.0, away @ M @ away)) <= found.distance[j] * (1 + 1e-9) + 1e-14  # the oracle's own
        if not len(removed):
            scale = np.abs(model.theta).max()
            assert np.abs(found.change[j]).max() <= max(ROUNDING * scale, found.distance[j] / np.sqrt(least(M)))


def least(M):
    return np.linalg.eigvalsh(M)[0]


@settings(max_examples=25)
@given(problems(), st.sampled_from([0, 1, 2]), st.sampled_from(["newton", "full", "zero"]))
def test_a_tight_iteration_limit_is_a_status_with_an_honest_gradient(drawn, limit, start):
    problem, sets = drawn
    model = fitted(problem)
    found = leaveout.retrain(model, sets, start, iteration_limit=limit)
    assert_honest(problem, sets, found)
    assert set(found.status) <= {"converged", "iteration_limit", "not_removable"}
    assert (found.iterations <= limit).all()


@settings(max_examples=8)
@given(problems())
def test_the_order_of_indices_does_not_matter_to_the_bit(drawn):
    problem, sets = drawn
    model = fitted(problem)
    found, other = leaveout.retrain(model, sets), leaveout.retrain(model, [np.sort(s)[::-1] for s in sets])
    for field in RECORD:
        assert_array_equal(getattr(other, field), getattr(found, field))
    possible = [s for s in sets if solvable(problem.y, s, problem.intercept)]
    forward, backward = (
        leaveout.influence(model, [part[::step] for part in map(np.sort, possible)], "newton") for step in (1, -1)
    )
    assert_array_equal(forward, backward)


def retrained(model, evaluations, sets):
    """Effects, their errors and statuses, (sets, evaluation functions) each, as results files hold them."""
    named = [RemovalSet("random", len(s), j, np.sort(s)) for j, s in enumerate(sets)]
    rows = [row for row in measure(model, evaluations, named, {}) if row["method"] == "retrain"]
    shape = (len(sets), len(evaluations.functions))
    return [np.array([row[key] for row in rows]).reshape(shape) for key in ("effect", "effect_error", "status")]


def evaluations_of(model, problem, seed=1):
    d = problem.X.shape[1] - (problem.intercept != "none")
    points = samples("gaussian", 30, d, seed)
    return evaluation.bind(list(evaluation.EVALUATIONS), model, *points, 0, "hard"), points


@settings(max_examples=6)
@given(problems())
def test_a_set_does_not_see_its_companions(drawn):
    """Alone, or in a shard beside sets that have no optimum: the same rows, by the rule that defines agreement."""
    problem, sets = drawn
    model = fitted(problem)
    evaluations, _ = evaluations_of(model, problem)
    together, errors, statuses = retrained(model, evaluations, sets)
    typical = np.nanmedian(np.abs(together), axis=0)
    assert np.all(np.abs(together[0]) <= errors[0])  # the empty set has no effect
    for j, removed in enumerate(sets):
        alone, error, status = retrained(model, evaluations, [removed])
        assert_array_equal(status[0], statuses[j])
        if statuses[j, 0] == "not_removable":
            assert np.isnan(alone).all()
            assert np.isnan(together[j]).all()
            continue
        difference = np.abs(alone[0] - together[j])
        agreed = difference <= AGREEMENT * (np.abs(together[j]) + typical)
        assert np.all(agreed | (difference <= error[0] + errors[j]))


def test_the_data_are_as_hard_as_they_should_be():
    """Leverages of .9 to .9999, which no property above would tell to be missing."""
    largest = [leaveout.fit(*samples("scaled", 30, 20, seed), 1e-6).leverage.max() for seed in range(8)]
    assert np.median(largest) > 0.9
    assert max(largest) > 0.99
    assert leaveout.fit(*samples("words", 40, 60, 3), 1e-6).leverage.max() > 0.9


def test_plain_newton_diverges_from_the_newton_step_where_the_engine_converges():
    """Five samples in a plane, one of leverage .92 removed: full steps end in a cycle, far above where they began."""
    X = np.array([[-12.0, -12.0], [2.0, -3.0], [-3.0, 3.0], [3.0, -2.0], [2.0, -3.0]])
    y = np.array([0.0, 0.0, 0.0, 1.0, 0.0])
    problem, removed = Problem(X, y, 1e-4, "per_sample", "none"), [2]
    model = fitted(problem)
    assert model.leverage[2] > 0.9
    theta = model.theta + problem.influence(model.theta, removed, "newton")
    objectives = [problem.objective(model.theta, removed)]
    for _ in range(100):
        objectives.append(problem.objective(theta, removed))
        theta = theta - np.linalg.solve(problem.hessian(theta, removed), problem.gradient(theta, removed))
    assert objectives[0] < 0.1
    assert objectives[1] > 100 * objectives[0]  # the Newton step itself is worse than no step
    assert min(objectives[3:]) > 1e4 * objectives[1]
    assert objectives[-1] == pytest.approx(objectives[-3], rel=1e-9)  # for ever
    found = leaveout.retrain(model, [removed])
    assert_honest(problem, [removed], found)
    assert found.status.tolist() == ["converged"]
    optimum = problem.optimum(removed)
    away = (optimum - found.theta[0]).astype(float)
    assert np.sqrt(away @ problem.hessian(model.theta, removed) @ away) <= found.distance[0] <= 1e-6
    assert problem.objective(found.theta[0], removed) < objectives[0]


def has_optimum(X, y):
    """At lambda = 0: full rank, and no direction in which no sample loses and some gain (complete or quasi)."""
    sides = (2 * y - 1)[:, None] * X
    limits = {"A_ub": -sides, "b_ub": np.zeros(len(sides)), "bounds": [(-1, 1)] * X.shape[1]}
    return np.linalg.matrix_rank(X) == X.shape[1] and linprog(-sides.sum(axis=0), **limits).fun > -1e-7


@settings(max_examples=15)
@given(
    st.integers(10, 30),
    st.integers(2, 3),
    st.sampled_from(REGULARIZERS),
    st.sampled_from(INTERCEPTS),
    st.integers(0, 10**6),
)
def test_without_regularisation_there_is_a_number_exactly_where_there_is_an_optimum(n, d, regularizer, intercept, seed):
    generator = np.random.default_rng(seed)
    X, y = generator.integers(-2, 3, (n, d)).astype(float), generator.integers(0, 2, n).astype(float)
    problem = Problem(X, y, 0.0, regularizer, intercept)
    assume(has_optimum(problem.X, y))
    model = fitted(problem)
    sets = [generator.permutation(n)[:size] for size in (0, 1, 2, n // 3, n // 2, n - 3)]
    found = leaveout.retrain(model, sets)
    for j, removed in enumerate(sets):
        kept = np.setdiff1d(np.arange(n), removed)
        if has_optimum(problem.X[kept], y[kept]):
            assert found.status[j] == "converged"
            assert gradient_norm(problem, found.theta[j], removed)[0] <= CERTIFIED
        else:
            assert found.status[j] == "not_removable"
            assert np.isnan(found.theta[j]).all()


#: Separable on their own; the samples that are added make the whole problem solvable without regularisation.
LINE = np.array([-3.0, -2.0, -1.5, -1.0, 1.0, 1.5, 2.0, 3.0])
SIDE = (LINE > 0).astype(float)


@pytest.mark.parametrize(
    "X, y, intercept, impossible",
    [
        pytest.param(LINE[:, None] % 1.7, SIDE[::-1], "unpenalized", [4, 5, 6, 7], id="class"),
        pytest.param(np.append(LINE, [1.0, -1.0])[:, None], np.append(SIDE, [0, 1]), "none", [9, 8], id="separable"),
        pytest.param(
            np.column_stack([np.append(LINE, [1.0, -1.0, 0.0, 0.0]), [0.0] * 8 + [1.0, 1.0, 1.0, 1.0]]),
            np.append(SIDE, [0, 1, 0, 1]),
            "none",
            [8, 9],
            id="quasi",
        ),
        pytest.param(
            np.append(LINE, [1.0, -1.0])[:, None], np.append(SIDE, [0, 1]), "unpenalized", [8, 9], id="with intercept"
        ),
        pytest.param(
            np.column_stack([np.append(LINE, [1.0, -1.0, 0.0, 0.0]), [0.0] * 10 + [1.0, 1.0]]),
            np.append(SIDE, [0, 1, 0, 1]),
            "none",
            [11, 10],
            id="a feature goes",
        ),
    ],
)
def test_a_set_without_an_optimum_has_a_status_and_its_neighbours_never_notice(X, y, intercept, impossible):
    neighbours = [[0], [3, 1], []]
    for regularizer in REGULARIZERS:
        problem = Problem(X, y, 0.0, regularizer, intercept)
        kept = np.setdiff1d(np.arange(problem.n), impossible)
        assert has_optimum(problem.X, y)
        assert not has_optimum(problem.X[kept], y[kept])
        model = fitted(problem)
        found = leaveout.retrain(model, [neighbours[0], impossible, *neighbours[1:]])
        assert found.status.tolist() == ["converged", "not_removable", "converged", "converged"]
        assert np.isnan(found.theta[1]).all()
        assert np.isnan(found.change[1]).all()
        alone = leaveout.retrain(model, neighbours)
        np.testing.assert_allclose(found.theta[[0, 2, 3]], alone.theta, rtol=1e-9, atol=ROUNDING)


@pytest.mark.parametrize("regularization", [1e-8, 1e-2, 1e2])
def test_with_an_unpenalised_intercept_a_class_cannot_go_however_much_is_regularised(regularization, regularizer):
    for n, d in ((40, 3), (20, 50)):
        X, y = samples("gaussian", n, d, 2)
        problem = Problem(X, y, regularization, regularizer, "unpenalized")
        model = fitted(problem)
        but_one = np.flatnonzero(y == 1)[1:]
        sets = [np.flatnonzero(y == 0), but_one, np.flatnonzero(y == 1), [3]]
        found = leaveout.retrain(model, sets)
        assert found.status.tolist() == ["not_removable", "converged", "not_removable", "converged"]
        assert_honest(problem, sets, found)
        assert_array_equal(leaveout.retrain(model, sets[::2]).status, ["not_removable"] * 2)  # nothing else to do


def hard_problem(regularizer="per_sample", intercept="none", n=40, d=30, seed=5):
    X, y = samples("near-separable", n, d, seed)
    return Problem(X, y, 1e-8, regularizer, intercept)


@pytest.mark.parametrize("intercept", ["none", "penalized"])
def test_effect_error_says_what_is_known_at_the_smallest_regulariser(regularizer, intercept):
    for n, d in ((30, 20), (20, 30)):
        problem = hard_problem(regularizer, intercept, n, d)
        model = fitted(problem)
        sets = [s for s in removal_sets(problem.y, 3) if len(s) < n]
        evaluations, (X_test, y_test) = evaluations_of(model, problem)
        design = X_test if intercept == "none" else np.column_stack([X_test, np.ones(len(X_test))])
        found, errors, statuses = retrained(model, evaluations, sets)
        assert (statuses == "converged").all()
        full = problem.optimum(start=model.theta)
        exact = [problem.optimum(s, start=full) for s in sets]
        truth = np.array(
            [
                [effect(f, problem, design, y_test, design, y_test, full, o) for f in evaluation.EVALUATIONS]
                for o in exact
            ]
        )
        assert np.all(np.abs(found - truth) <= errors + 1e-17)  # the oracle's own rounding
        assert np.isfinite(errors).all()
        assert np.median(errors / np.abs(truth).max(axis=0)) <= 1e-4  # worth having


def test_a_gradient_of_1e_10_alone_leaves_the_parameters_open():
    """At lambda = 1e-8 along a feature that hardly varies: certified, and 1e-2 from the optimum, as the record says."""
    X, y = samples("gaussian", 60, 4, 0)
    X[:, 3] *= 1e-8
    problem, removed = Problem(X, y, 1e-8, "per_sample", "none"), [7, 3]
    model = fitted(problem)
    certified = leaveout.retrain(model, [removed])
    moved = certified.theta + np.array([0.0, 0.0, 0.0, 0.99e-2])
    found = leaveout.retrain(model, [removed], start=moved, iteration_limit=0)
    assert found.status.tolist() == ["converged"]
    assert 0.9e-10 <= gradient_norm(problem, found.theta[0], removed)[0] <= CERTIFIED
    optimum = problem.optimum(removed)
    away = (optimum - found.theta[0]).astype(float)
    assert np.abs(away).max() > 0.98e-2
    M = problem.hessian(model.theta, removed)
    true = np.sqrt(away @ M @ away)
    assert true <= found.distance[0] <= 1.5 * true
    # what a retrain leaves by itself is known much better, along that feature too
    away = (optimum - certified.theta[0]).astype(float)
    assert np.sqrt(away @ M @ away) <= certified.distance[0] <= 1e-5 * true


@pytest.mark.parametrize(
    "removed, words",
    [
        ([1.0, 2.0], "set 2: positions must be integers, got float64"),
        ([True, False], "set 2: positions must be integers, got bool"),
        ([1, None], "set 2: positions must be integers, got object"),
        (["1"], "set 2: positions must be integers"),
        ([[]], "set 2: expected a one-dimensional"),
        ([2**70], "set 2: positions must be integers"),
        (np.array([2**64 - 1], dtype=np.uint64), "set 2: there is no training sample"),
        (np.array([3, -40, 39], dtype=np.int8), "set 2: there is no training sample -40"),
        (np.array([200, 3, 200], dtype=np.uint8), "set 2: there is no training sample 200"),
        ([39, 0, 17, 0, 17], "set 2: training sample 0 is listed more than once"),
        (list(range(40)) * 2, "set 2: training sample 0 is listed more than once"),
    ],
)
def test_more_that_is_no_set_is_refused_by_name(removed, words):
    model = leaveout.fit(*samples("gaussian", 40, 3, 0), 1e-8)
    for method in ("if", "rif", "newton"):
        with pytest.raises(ValueError, match=words):
            leaveout.influence(model, [[0], [], removed, [1]], method)
    for start in ("newton", "full", "zero"):
        with pytest.raises(ValueError, match=words):
            leaveout.retrain(model, [[0], [], removed, [1]], start)


def retrained_alone(X, y, regularization, intercept, removed):
    """A problem of one or two features, and its record; any warning is an error."""
    problem = Problem(np.array(X, dtype=float), np.array(y, dtype=float), regularization, "fixed", intercept)
    model = fitted(problem)
    return problem, model, leaveout.retrain(model, [removed])


def test_a_sample_whose_gradient_vanishes_changes_nothing():
    """Its residual is 1e-217: squared it underflows, and nothing may be divided by that."""
    X, y = np.array([[382.0], [-2.0], [0.0], [-3.0], [-3.0], [3.0]]), np.array([1.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    problem, model, found = retrained_alone(X, y, 1e-2, "none", [0])
    assert 0 < np.abs(model.residual[0]) < 1e-160
    assert found.status.tolist() == ["converged"]
    assert_honest(problem, [[0]], found)
    assert np.abs(leaveout.influence(model, [[0]], "newton")).max() <= ROUNDING


@pytest.mark.parametrize(
    "X, y, removed",
    [
        pytest.param([[0], [-3], [2], [-2]], [0, 1, 0, 0], [3], id="one feature, quasi-separable"),
        pytest.param([[63], [-105], [-1], [0], [0], [0]], [1, 1, 1, 0, 1, 1], [5, 0, 3, 1], id="nothing is curved"),
    ],
)
def test_no_rounding_proves_an_optimum_that_does_not_exist(X, y, removed):
    problem, _, found = retrained_alone(X, y, 0.0, "none", removed)
    kept = np.setdiff1d(np.arange(len(y)), removed)
    assert not has_optimum(problem.X[kept], problem.y[kept])
    assert found.status.tolist() == ["not_removable"]
    assert np.isnan(found.theta).all()


@pytest.mark.parametrize(
    "X, y, regularization, removed",
    [
        pytest.param(
            [[-164], [-27], [-1], [3], [3], [-3], [0], [2]], [0, 1, 1, 1, 1, 1, 0, 1], 0.0, [5, 1, 4], id="far away"
        ),
        pytest.param([[-1], [1], [-10], [10]], [0, 1, 0, 1], 1e-8, [0, 1], id="only confident samples remain"),
    ],
)
def test_an_optimum_that_exists_is_not_denied(X, y, regularization, removed):
    problem, _, found = retrained_alone(X, y, regularization, "unpenalized", removed)
    kept = np.setdiff1d(np.arange(len(y)), removed)
    assert regularization or has_optimum(problem.X[kept], problem.y[kept])
    optimum = problem.optimum(removed)
    assert gradient_norm(problem, optimum.astype(float), removed)[0] <= 1e-13
    assert found.status[0] != "not_removable"


@pytest.mark.parametrize(
    "X, y, regularization, intercept, removed",
    [
        pytest.param(
            [[-220], [-1], [-2], [-1], [-1], [-3], [-2]], [0, 1, 0, 0, 0, 0, 1], 1e-8, "unpenalized", [5], id="1e-8"
        ),
        pytest.param([[34], [195], [0], [3], [0], [-1], [3]], [1, 1, 0, 0, 1, 1, 1], 0.0, "none", [5, 6, 0], id="0"),
    ],
)
def test_a_newton_step_that_ends_where_nothing_is_curved_is_recovered_from(X, y, regularization, intercept, removed):
    """From the full model the same set converges; the next direction from the Newton step is 1e15 times too long."""
    problem, model, found = retrained_alone(X, y, regularization, intercept, removed)
    assert leaveout.retrain(model, [removed], "full").status.tolist() == ["converged"]
    assert found.status.tolist() == ["converged"]
    assert gradient_norm(problem, found.theta[0], removed)[0] <= CERTIFIED


def test_without_regularisation_the_scale_of_columns_decides_nothing():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(100, 4))
    y = (generator.random(100) < 1 / (1 + np.exp(-X @ generator.normal(size=4)))).astype(float)
    for scale in ([1, 1, 1, 1], [1, 1e2, 1e-2, 1]):
        model = leaveout.fit(X * scale, y, 0.0)
        assert leaveout.retrain(model, [[0], [1, 2, 3]]).certified.all()


def test_nearly_everything_removed_without_regularisation_has_no_newton_step():
    """Fewer samples are left than parameters: whatever rounding leaves of the Hessian is not one."""
    generator = np.random.default_rng(0)
    for _ in range(20):
        X = generator.normal(size=(60, 8))
        y = (generator.random(60) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
        model = leaveout.fit(X, y, 0.0)
        removed = generator.permutation(60)[: 60 - int(generator.integers(2, 8))]
        with pytest.raises(leaveout.errors.NotRemovable):
            leaveout.influence(model, [removed], "newton")


def test_a_certified_model_is_bounded_also_with_an_unpenalised_intercept():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(40, 5))
    y = (X @ generator.normal(size=5) + generator.normal(size=40) > 0).astype(float)
    model = leaveout.fit(X, y, 1e-5, intercept="unpenalized")
    sets = [generator.permutation(40)[:k] for k in (5, 8, 12, 16, 20) for _ in range(8)]
    found = leaveout.retrain(model, sets)
    assert found.certified.sum() > 20
    assert np.isfinite(found.newton_decrement[found.certified]).all()
    assert np.isfinite(found.distance[found.certified]).mean() > 0.9


def test_what_is_not_a_number_is_not_a_certificate():
    one = gaussian(40, 3, seed=0)
    found = leaveout.retrain(leaveout.fit(*one, 1e-3), [[0]], start=np.full((1, 3), 1e100))
    assert found.certified[0] or not found.newton_decrement[0] < 1

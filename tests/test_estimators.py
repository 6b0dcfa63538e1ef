"""IF, RIF and NS against their definitions, statsmodels, and the laws that they obey."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout import errors
from tolerance import EXACT, ROUNDING

METHODS = ("if", "rif", "newton")


@pytest.mark.parametrize("method", METHODS)
def test_each_estimator_is_its_definition(solved, method):
    found = leaveout.influence(solved.model, solved.sets, method)
    for change, removed in zip(found, solved.sets, strict=True):
        expected = solved.dense.influence(solved.model.theta, removed, method)
        assert_allclose(change, expected, rtol=EXACT, atol=EXACT * np.abs(expected).max())


def test_rif_is_the_one_step_deletion_of_statsmodels():
    X, y = gaussian(120, 4, seed=1, spread=0.5)
    model = leaveout.fit(X, y, 0.0)
    fitted = sm.GLM(y, X, family=sm.families.Binomial()).fit(tol=1e-14, maxiter=100)
    influence = fitted.get_influence()
    expected = influence.params_one - np.asarray(fitted.params)
    found = leaveout.influence(model, [[i] for i in range(120)], "rif")
    assert_allclose(found, expected, rtol=EXACT, atol=1e-11)


@pytest.mark.parametrize("method", ["if", "rif"])
def test_contributions_add_up_to_the_influence(solved, method):
    parts = leaveout.contributions(solved.model, method)
    for change, removed in zip(leaveout.influence(solved.model, solved.sets, method), solved.sets, strict=True):
        assert_allclose(parts[removed].sum(axis=0), change, rtol=EXACT, atol=ROUNDING)


@pytest.mark.parametrize("method", ["if", "rif"])
def test_contributions_along_directions_are_projections(solved, method):
    directions = np.random.default_rng(0).normal(size=(3, len(solved.model.theta)))
    expected = leaveout.contributions(solved.model, method) @ directions.T
    found = leaveout.contributions(solved.model, method, directions)
    assert_allclose(found, expected, rtol=EXACT, atol=EXACT * np.abs(expected).max())


def test_for_one_sample_rif_is_the_newton_step(solved):
    singles = [[i] for i in range(0, solved.model.n, 7)]
    rif, newton = (leaveout.influence(solved.model, singles, method) for method in ("rif", "newton"))
    assert_allclose(rif, newton, rtol=EXACT, atol=EXACT * np.abs(rif).max())


def test_under_fixed_rif_is_if_over_one_minus_leverage():
    one = case(regularizer="fixed", intercept="unpenalized")
    expected = leaveout.contributions(one.model, "if") / (1 - one.model.leverage)[:, None]
    assert_allclose(leaveout.contributions(one.model, "rif"), expected, rtol=EXACT, atol=ROUNDING)


def test_under_fixed_all_estimators_meet_as_the_regulariser_grows():
    one = case(regularization=1e6, regularizer="fixed")
    by_method = [leaveout.influence(one.model, one.sets, method) for method in METHODS]
    truth = leaveout.retrain(one.model, one.sets).change
    for change in by_method:
        assert_allclose(change, truth, rtol=1e-5)


def test_under_per_sample_the_shares_remain_as_the_regulariser_grows():
    one = case(n=60, regularization=1e8)
    first, rescaled, newton = (leaveout.influence(one.model, [[3, 8, 11]], method)[0] for method in METHODS)
    assert_allclose(rescaled / first, 60 / 59, rtol=1e-5)
    assert_allclose(newton / first, 60 / 57, rtol=1e-5)


def test_an_empty_set_has_no_influence(solved):
    for method in METHODS:
        assert_allclose(leaveout.influence(solved.model, [[]], method), 0, atol=ROUNDING)


@pytest.mark.parametrize("method", METHODS)
def test_no_sets_have_no_rows(solved, method):
    assert leaveout.influence(solved.model, [], method).shape == (0, len(solved.model.theta))


def test_the_order_within_and_between_sets_does_not_matter():
    one = case()
    for method in METHODS:
        forward = leaveout.influence(one.model, one.sets, method)
        backward = leaveout.influence(one.model, [s[::-1] for s in one.sets[::-1]], method)
        assert_allclose(backward[::-1], forward, rtol=ROUNDING)


def test_zero_padding_to_a_wide_problem_changes_nothing(regularizer):
    X, y = gaussian(40, 6, seed=4)
    tall = leaveout.fit(X, y, 1e-3, regularizer)
    wide = leaveout.fit(np.hstack([X, np.zeros((40, 50))]), y, 1e-3, regularizer)
    sets = [[0], [1, 5, 9], list(range(10, 30))]
    for method in METHODS:
        expected = leaveout.influence(tall, sets, method)
        assert_allclose(leaveout.influence(wide, sets, method)[:, :6], expected, rtol=EXACT, atol=ROUNDING)


def test_rotating_the_features_rotates_the_influence(regularizer):
    X, y = gaussian(50, 6, seed=4)
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
    plain, rotated = leaveout.fit(X, y, 1e-3, regularizer), leaveout.fit(X @ rotation, y, 1e-3, regularizer)
    for method in METHODS:
        expected = leaveout.influence(plain, [[1, 2, 3]], method)
        assert_allclose(
            leaveout.influence(rotated, [[1, 2, 3]], method) @ rotation.T, expected, rtol=EXACT, atol=ROUNDING
        )


@given(st.integers(5, 40), st.integers(1, 60), st.sampled_from([1e-6, 1e-3, 1.0]), st.data())
def test_newton_steps_of_any_size_are_the_dense_solve(n, d, regularization, data):
    one = case(
        n, d, regularization, data.draw(st.sampled_from(["per_sample", "fixed"])), seed=data.draw(st.integers(0, 9))
    )
    removed = data.draw(st.lists(st.integers(0, n - 1), max_size=n - 2, unique=True))
    expected = one.dense.influence(one.model.theta, removed, "newton") if removed else np.zeros(d)
    found = leaveout.influence(one.model, [removed], "newton")[0]
    assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * max(1e-9, np.abs(expected).max()))


@pytest.mark.parametrize(
    "removed, words",
    [
        ([1, 2, 1], "set 1: training sample 1 is listed more than once"),
        ([-1], "set 1: there is no training sample -1"),
        ([60], "set 1: there is no training sample 60"),
        ([0.5], "set 1: positions must be integers"),
        ([[1, 2]], "set 1: expected a one-dimensional"),
        ([[1, 2], [3]], "set 1: expected a one-dimensional"),
        ({1, 2}, "set 1: expected a one-dimensional array of positions, got set"),
        (3, "set 1: expected a one-dimensional array of positions, got int"),
        (np.zeros(60, dtype=bool), "set 1: positions must be integers, got bool"),
    ],
)
def test_what_is_not_a_set_is_refused_by_name(removed, words):
    one = case()
    for call in (
        lambda: leaveout.influence(one.model, [[0], removed]),
        lambda: leaveout.retrain(one.model, [[0], removed]),
    ):
        with pytest.raises(errors.InvalidSet, match=words):
            call()
    assert issubclass(errors.InvalidSet, ValueError)


def test_a_set_without_which_nothing_is_determined_is_named():
    """At lambda = 0 the only sample with a feature has leverage 1."""
    X, y = gaussian(80, 3, seed=0, spread=0.2)
    X = np.hstack([X, np.zeros((80, 1))])
    X[7, 3] = X[8, 3] = 1.0
    y[7], y[8] = 0, 1
    model = leaveout.fit(X, y, 0.0)
    with pytest.raises(errors.NotRemovable, match="set 1"):
        leaveout.influence(model, [[1], [7, 8]], "newton")


def test_unknown_methods_are_refused():
    one = case()
    with pytest.raises(errors.InvalidData, match="if, rif, newton"):
        leaveout.influence(one.model, [[0]], "trak")
    with pytest.raises(errors.InvalidData, match="additive"):
        leaveout.contributions(one.model, "newton")

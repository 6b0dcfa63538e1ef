"""The full model: its optimum against other optimisers, its certificate, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression, RidgeClassifier

import leaveout
from conftest import case, gaussian
from leaveout import errors
from oracles.dense import Problem
from tolerance import EXACT, FINITE_DIFFERENCE, OTHER_OPTIMISER, ROUNDING


def test_optimum_is_that_of_extended_precision(solved):
    optimum = solved.dense.optimum()
    assert_allclose(solved.model.theta, optimum.astype(float), rtol=EXACT, atol=ROUNDING)
    assert solved.model.certificate.status is leaveout.Status.CONVERGED
    assert np.linalg.norm(solved.dense.gradient(solved.model.theta)) / solved.dense.n <= 1e-13


@pytest.mark.parametrize("shape", [(80, 6), (30, 50)])
@pytest.mark.parametrize("intercept", ["none", "unpenalized"])
def test_optimum_is_that_of_scikit_learn(shape, intercept):
    X, y = gaussian(*shape, seed=3)
    model = leaveout.fit(X, y, 1e-3, intercept=intercept)
    theirs = LogisticRegression(
        C=1 / (len(y) * 1e-3), solver="newton-cholesky", tol=1e-12, fit_intercept=intercept == "unpenalized"
    ).fit(X, y)
    expected = np.append(theirs.coef_[0], theirs.intercept_) if intercept == "unpenalized" else theirs.coef_[0]
    assert_allclose(model.theta, expected, rtol=OTHER_OPTIMISER, atol=1e-9)


def test_gradient_and_hessian_are_derivatives(solved):
    generator = np.random.default_rng(0)
    theta = generator.normal(size=len(solved.model.theta))
    h, direction = 1e-5, generator.normal(size=len(theta))
    dense = solved.dense
    slope = (dense.objective(theta + h * direction) - dense.objective(theta - h * direction)) / (2 * h)
    assert slope == pytest.approx(dense.gradient(theta) @ direction, rel=FINITE_DIFFERENCE)
    bend = (dense.gradient(theta + h * direction) - dense.gradient(theta - h * direction)) / (2 * h)
    assert_allclose(bend, dense.hessian(theta) @ direction, rtol=1e-6, atol=1e-6)
    model = solved.model
    assert_allclose(model.coordinates.lift(model.gradient[None])[0], dense.gradient(model.theta), atol=1e-12)


def test_whitening_diagonalises_hessian_and_regulariser(solved):
    model, dense = solved.model, solved.dense
    B = model.coordinates.lift(model.whitening.basis.T).T
    share = dense.weight() - dense.weight([0])
    H_1 = dense.hessian(model.theta) - share * dense.P
    assert_allclose(B.T @ H_1 @ B, np.eye(B.shape[1]), atol=EXACT)
    assert_allclose(B.T @ dense.P @ B, np.diag(model.whitening.penalty), rtol=EXACT, atol=EXACT * B.max() ** 2)
    assert model.whitening.inverse_norm >= np.linalg.norm(B @ B.T, 2) * (1 - EXACT)
    assert model.whitening.hessian_norm >= np.linalg.norm(model.coordinates.reduce(H_1), 2) * (1 - EXACT)


def test_leverage_is_the_definition(solved):
    H, theta = solved.dense.hessian(solved.model.theta), solved.model.theta
    z = solved.dense.X @ theta
    a = np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2
    expected = a * np.einsum("ij,ij->i", solved.dense.X, np.linalg.solve(H, solved.dense.X.T).T)
    assert_allclose(solved.model.leverage, expected, rtol=EXACT)
    assert np.all((solved.model.leverage > 0) & (solved.model.leverage < 1))


def test_the_start_does_not_matter(solved):
    start = np.random.default_rng(5).normal(size=len(solved.model.theta))
    penalty = solved.model.penalty
    again = leaveout.fit(solved.X, solved.y, penalty.regularization, penalty.regularizer, penalty.intercept, start)
    assert_allclose(again.theta, solved.model.theta, rtol=EXACT, atol=ROUNDING)


def test_permuted_samples_give_the_same_model():
    one = case()
    order = np.random.default_rng(0).permutation(one.model.n)
    other = leaveout.fit(one.X[order], one.y[order], 1e-3)
    assert_allclose(other.theta, one.model.theta, rtol=EXACT)
    assert_allclose(other.leverage, one.model.leverage[order], rtol=EXACT)


def test_rotated_features_rotate_the_parameters():
    one = case()
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(7, 7)))
    other = leaveout.fit(one.X @ rotation, one.y, 1e-3)
    assert_allclose(rotation @ other.theta, one.model.theta, rtol=EXACT, atol=ROUNDING)


def test_zero_columns_change_nothing_whether_they_make_the_problem_wide_or_not():
    one = case(n=40, d=7)
    padded = leaveout.fit(np.hstack([one.X, np.zeros((40, 60))]), one.y, 1e-3)
    assert_allclose(padded.theta[:7], one.model.theta, rtol=EXACT)
    assert_allclose(padded.theta[7:], 0, atol=ROUNDING)
    assert_allclose(padded.leverage, one.model.leverage, rtol=EXACT)


def test_a_duplicated_sample_counts_twice():
    X, y = gaussian(50, 5, seed=1)
    doubled = leaveout.fit(
        np.vstack([X, X]), np.concatenate([y, y]), 1e-3
    )  # weight 2 n lambda: the same objective twice
    assert_allclose(doubled.theta, leaveout.fit(X, y, 1e-3).theta, rtol=EXACT)


@given(st.integers(2, 30), st.integers(1, 40), st.sampled_from([1e-8, 1e-5, 1e-2, 1.0, 1e2]), st.integers(0, 99))
def test_any_regularised_problem_is_certified(n, d, regularization, seed):
    X, y = gaussian(n, d, seed, spread=5.0)
    model = leaveout.fit(X, y, regularization)
    dense = Problem(X, y, regularization, "per_sample", "none")
    assert np.linalg.norm(dense.gradient(model.theta)) / n <= 1e-10
    assert model.certificate.status is leaveout.Status.CONVERGED


def test_a_single_feature_and_two_samples_work():
    X, y = np.array([[1.0], [-2.0]]), np.array([1.0, 0.0])
    model = leaveout.fit(X, y, 0.1)
    assert_allclose(model.theta, Problem(X, y, 0.1, "per_sample", "none").optimum().astype(float), rtol=EXACT)


def test_separable_data_and_constant_columns_work_when_regularised():
    X = np.hstack([np.linspace(-1, 1, 20)[:, None], np.ones((20, 1))])
    y = (X[:, 0] > 0).astype(float)
    for intercept in ("none", "penalized", "unpenalized"):
        assert leaveout.fit(X, y, 1e-6, intercept=intercept).gradient_norm <= 1e-13


def test_one_class_works_when_everything_is_regularised():
    X, _ = gaussian(20, 3, seed=0)
    assert leaveout.fit(X, np.ones(20), 1e-2, intercept="penalized").gradient_norm <= 1e-13


def test_no_regularisation_works_where_an_optimum_exists():
    X, y = gaussian(200, 3, seed=0, spread=0.3)
    model = leaveout.fit(X, y, 0.0)
    assert_allclose(model.theta, Problem(X, y, 0.0, "fixed", "none").optimum().astype(float), rtol=EXACT)
    assert np.isfinite(model.distance)


def refused(error, words, X, y, **settings):
    with pytest.raises(error, match=words):
        leaveout.fit(X, y, **settings)


def test_what_has_no_optimum_says_why():
    X, y = gaussian(30, 3, seed=0)
    side = np.linspace(-1, 1, 30)
    separable, labels = side[:, None], (side > 0).astype(float)
    refused(errors.NoOptimum, "separable", separable, labels, regularization=0.0)
    refused(errors.NoOptimum, "labels are equal", X, np.zeros(30), intercept="unpenalized")
    refused(errors.NoOptimum, "fewer samples than parameters", X.T, y[:3], regularization=0.0)
    refused(errors.NoOptimum, "not unique|linearly dependent", np.hstack([X, X]), y, regularization=0.0)


def test_quasi_separable_data_without_regularisation_are_refused():
    """All samples on the boundary but for one side: the gradient vanishes, and no optimum exists."""
    X = np.array([[-1.0], [0.0], [0.0], [1.0], [2.0]])
    y = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    refused(errors.NoOptimum, "separable", X, y, regularization=0.0)


def test_what_is_not_data_is_refused():
    X, y = gaussian(30, 3, seed=0)
    spoilt = X.copy()
    spoilt[4, 1] = np.nan
    refused(errors.InvalidData, "row 4, column 1", spoilt, y)
    refused(errors.InvalidData, "0 or 1", X, y + 1)
    refused(errors.InvalidData, "one label for each", X, y[:-1])
    refused(errors.InvalidData, "at least 2 samples", X[:1], y[:1])
    refused(errors.InvalidData, "at least 2 samples", X[:, :0], y)
    refused(errors.InvalidData, "real numbers", X.astype(object), y)
    refused(errors.InvalidData, "regularization", X, y, regularization=-1.0)
    refused(errors.InvalidData, "regularizer", X, y, regularizer="both")
    refused(errors.InvalidData, "too large", X * 1e200, y)
    refused(errors.InvalidData, "start", X, y, start=np.zeros(4))
    refused(errors.InvalidData, "start", X, y, start=[np.nan, 0.0, 0.0])


@pytest.mark.parametrize("scale", [1e-12, 1e3, 1e6])
def test_badly_scaled_features_are_certified(scale):
    X, y = gaussian(60, 4, seed=0)
    X[:, 2] *= scale
    assert leaveout.fit(X, y, 1e-3).gradient_norm <= 1e-10


@pytest.mark.parametrize("scale", [1e20, 1e60])
def test_what_cannot_be_certified_is_refused_with_a_remedy(scale):
    X, y = gaussian(60, 4, seed=0)
    X[:, 2] *= scale
    refused((errors.NotConverged, errors.NoOptimum), "scale", X, y, regularization=1e-3)


def test_integer_and_single_precision_features_are_taken_as_numbers():
    X = np.random.default_rng(0).integers(0, 3, (40, 4))
    y = np.arange(40) % 2
    for dtype in (np.float32, np.int8, ">f8"):
        assert_allclose(leaveout.fit(X.astype(dtype), y, 1e-2).theta, leaveout.fit(X.astype(float), y, 1e-2).theta)


def test_model_and_certificate_cannot_be_changed():
    model = case().model
    with pytest.raises(AttributeError):
        model.parameters = None
    with pytest.raises(AttributeError):
        model.certificate.gradient_norm = 0.0
    for array in (model.theta, model.X, model.y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0


def test_the_callers_arrays_stay_the_callers():
    X, y = gaussian(30, 3, seed=0)
    leaveout.fit(X, y, 1e-3)
    X[0], y[0] = 1.0, 1.0


def test_a_model_is_printed_in_a_line():
    assert "60 samples, 7 parameters" in repr(case().model)
    assert len(repr(case().model)) < 200


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_a_scikit_learn_model_is_taken_over_and_polished(fit_intercept):
    X, y = gaussian(80, 5, seed=2)
    names = np.where(y > 0, "spam", "ham")
    rough = LogisticRegression(C=2.0, tol=1e-2, fit_intercept=fit_intercept).fit(X, names)
    model = leaveout.from_sklearn(rough, X, names)
    labels = (names == rough.classes_[1]).astype(float)
    expected = leaveout.fit(X, labels, 1 / (80 * 2.0), intercept="unpenalized" if fit_intercept else "none")
    assert_allclose(model.theta, expected.theta, rtol=EXACT)
    assert model.gradient_norm <= 1e-13


def test_other_scikit_learn_models_are_refused():
    X, y = gaussian(80, 5, seed=2)
    weights = np.where(np.arange(80) < 8, 1000.0, 1.0)
    for estimator, words in [
        (LogisticRegression(), "not fitted"),
        (LogisticRegression(C=100.0).fit(X, y, sample_weight=weights), "sample_weight"),
        (LogisticRegression().fit(X[:, :3], y), "3 features"),
        (RidgeClassifier().fit(X, y), "RidgeClassifier"),
        (LogisticRegression(class_weight="balanced").fit(X, y), "class_weight"),
        (LogisticRegression(l1_ratio=1.0, solver="saga", tol=1e-1).fit(X, y), "l1"),
        (LogisticRegression().fit(X, np.arange(80) % 3), "3 classes"),
    ]:
        with pytest.raises(errors.InvalidData, match=words):
            leaveout.from_sklearn(estimator, X, y)

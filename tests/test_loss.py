"""The loss and its cancellation-free changes, against arbitrary precision and finite differences."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from leaveout import loss
from tolerance import FINITE_DIFFERENCE, ROUNDING

predictors = st.floats(-60, 60)
changes = st.one_of(st.floats(-80, 80), st.floats(-1e-2, 1e-2), st.floats(-1e-9, 1e-9)).filter(
    lambda t: t == 0 or abs(t) > 1e-40
)


def softplus(z):
    return mpmath.log1p(mpmath.exp(z))


def exact(function, *arguments):
    with mpmath.workdps(200):
        return float(function(*map(mpmath.mpf, arguments)))


def expit(z):
    return 1 / (1 + mpmath.exp(-z))


@given(predictors, st.sampled_from([0.0, 1.0]))
def test_value_slope_and_curvature_are_exact(z, y):
    at, label = np.array([z]), np.array([y])
    assert_allclose(loss.value(at, label), exact(lambda u: softplus(u) - y * u, z), rtol=ROUNDING)
    assert_allclose(loss.slope(at, label), exact(lambda u: expit(u) - y, z), rtol=ROUNDING)
    assert_allclose(loss.curvature(at), exact(lambda u: expit(u) * (1 - expit(u)), z), rtol=ROUNDING)


@given(predictors, changes)
def test_probability_change_has_all_its_digits(z, t):
    expected = exact(lambda u, v: expit(u + v) - expit(u), z, t)
    assert_allclose(loss.probability_change(np.array([z]), np.array([t])), expected, rtol=1e-11, atol=1e-300)


@given(predictors, changes)
def test_divergence_is_exact_and_never_negative(z, t):
    expected = exact(lambda u, v: softplus(u + v) - softplus(u) - expit(u) * v, z, t)
    found = loss.divergence(np.array([z]), np.array([t]))
    # relative to p t^2 above the series' range some digits are lost, as many as t has below 1
    assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
    assert found[0] >= 0


@pytest.mark.parametrize("t", [-1.001e-3, -0.999e-3, -1e-5, 1e-5, 0.999e-3, 1.001e-3])
@pytest.mark.parametrize("z", [-8.0, -1.0, 0.0, 3.0])
def test_series_and_formula_meet(z, t):
    expected = exact(lambda u, v: softplus(u + v) - softplus(u) - expit(u) * v, z, t)
    assert_allclose(loss.divergence(np.array([z]), np.array([t])), expected, rtol=1e-9)


@pytest.mark.parametrize("t", [-1e4, 1e4, -800.0, 800.0])
def test_enormous_changes_do_not_overflow(t):
    z = np.array([-30.0, 0.0, 30.0])
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(loss.probability_change(z, np.full(3, t))).all()
        assert np.isfinite(loss.divergence(z, np.full(3, t))).all()


def test_slope_and_curvature_are_derivatives():
    z, h = np.linspace(-5, 5, 21), 1e-5
    for label in (0.0, 1.0):
        y = np.full_like(z, label)
        difference = (loss.value(z + h, y) - loss.value(z - h, y)) / (2 * h)
        assert_allclose(difference, loss.slope(z, y), atol=FINITE_DIFFERENCE)
        difference = (loss.slope(z + h, y) - loss.slope(z - h, y)) / (2 * h)
        assert_allclose(difference, loss.curvature(z), atol=FINITE_DIFFERENCE)


def test_curvature_bounds_hold_and_are_attained():
    z = np.linspace(-10, 10, 20001)
    assert loss.curvature(z).max() == pytest.approx(loss.LOSS_CURVATURE, rel=1e-6)
    second = np.abs(loss.curvature(z) * (1 - 2 / (1 + np.exp(-z))))
    assert second.max() <= loss.PROBABILITY_CURVATURE
    assert second.max() == pytest.approx(loss.PROBABILITY_CURVATURE, rel=1e-6)

"""The curvature function behind every certificate, against its definition as a linear program."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from leaveout import bounds, loss


@given(st.integers(1, 12), st.integers(0, 1000), st.floats(1e-6, 10))
def test_relative_curvature_is_the_linear_program(n, seed, t):
    generator = np.random.default_rng(seed)
    z, reference = generator.normal(size=(2, n)) * 3
    curvature, beta = loss.curvature(reference), generator.uniform(0.01, 3, n)
    reach = beta * t
    ratio = loss.probability_change(np.abs(z), reach) / (reach * curvature)
    cost = np.append(np.minimum(ratio, 1), 1)
    limits = [(0, min(1.0, w)) for w in curvature * beta**2] + [(0, 1)]
    program = linprog(cost, A_eq=np.ones((1, n + 1)), b_eq=[1.0], bounds=limits)
    assert bounds.relative_curvature(t, z, curvature, beta) == pytest.approx(program.fun, rel=1e-7)


def test_samples_without_weight_do_not_matter():
    z, a, beta = np.array([0.3, -1.0]), np.array([0.2, 0.1]), np.array([1.0, 2.0])
    expected = bounds.relative_curvature(0.5, z, a, beta)
    padded = [np.append(values, extra) for values, extra in ((z, 900.0), (a, 0.0), (beta, 1.0))]
    assert bounds.relative_curvature(0.5, *padded) == pytest.approx(expected, rel=1e-12)


def test_the_distance_satisfies_its_own_condition_and_grows_with_the_decrement():
    generator = np.random.default_rng(0)
    z, beta = generator.normal(size=50), generator.uniform(0.05, 0.5, 50)
    a = loss.curvature(z)
    previous = 0.0
    for decrement in (1e-12, 1e-6, 1e-2, 0.1):
        t = bounds.distance(decrement, z, a, beta)
        assert t * bounds.relative_curvature(t, z, a, beta) >= decrement
        assert previous < t <= 3 * decrement
        previous = t
    assert bounds.distance(0.0, z, a, beta) == 0.0


def test_no_distance_is_claimed_where_the_curvature_runs_out():
    """One confident sample carries all the leverage: a large gradient may lead anywhere."""
    assert bounds.distance(10.0, np.array([8.0]), loss.curvature(np.array([8.0])), np.array([60.0])) == np.inf

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
    found = relative_curvature(t, z, curvature, beta)
    assert found <= program.fun * (1 + 1e-7)
    # the dual is concave and zero at zero: the next multiplier that is tried reaches 0.7 of it
    assert found >= 0.7 * program.fun - bounds.MULTIPLIERS[-1]
    fine = relative_curvature(t, z, curvature, beta, bounds.FINE_MULTIPLIERS)
    assert 0.96 * program.fun - 0.06 <= fine <= program.fun * (1 + 1e-7)


def relative_curvature(t, z, curvature, beta, multipliers=bounds.MULTIPLIERS):
    return bounds.relative_curvature(np.array([t]), z[None, :], curvature, beta[None, :], multipliers)[0]


def distance(decrement, z, curvature, beta):
    return bounds.distances(np.array([decrement]), z[None, :], curvature, beta[None, :])[0]


def test_without_curvature_nothing_is_rounded_up():
    """Samples that carry all leverage and have no curvature left: rounding must not prove an optimum."""
    z, a = np.full(10, 800.0), np.full(10, 0.1)
    assert relative_curvature(1.0, z, a, np.full(10, np.sqrt(1 / 0.1 / 10))) == 0.0


def test_iterates_do_not_share_anything():
    generator = np.random.default_rng(1)
    z, beta = generator.normal(size=(2, 3, 30)) ** 2
    a = loss.curvature(generator.normal(size=30))
    together = bounds.distances(np.array([1e-3, 0.0, 50.0]), z, a, beta)
    alone = [distance(decrement, z[j], a, beta[j]) for j, decrement in enumerate((1e-3, 0.0, 50.0))]
    assert together.tolist() == alone
    assert together[1] == 0
    assert together[2] == np.inf


def test_samples_without_weight_do_not_matter():
    z, a, beta = np.array([0.3, -1.0]), np.array([0.2, 0.1]), np.array([1.0, 2.0])
    expected = relative_curvature(0.5, z, a, beta)
    padded = [np.append(values, extra) for values, extra in ((z, 900.0), (a, 0.0), (beta, 1.0))]
    assert relative_curvature(0.5, *padded) == pytest.approx(expected, rel=1e-12)


def test_the_distance_satisfies_its_own_condition_and_grows_with_the_decrement():
    generator = np.random.default_rng(0)
    z, beta = generator.normal(size=50), generator.uniform(0.05, 0.5, 50)
    a = loss.curvature(z)
    previous = 0.0
    for decrement in (1e-12, 1e-6, 1e-2, 0.1):
        t = distance(decrement, z, a, beta)
        assert t * relative_curvature(t, z, a, beta) >= decrement
        assert previous < t <= 3 * decrement
        previous = t
    assert distance(0.0, z, a, beta) == 0.0


def test_no_distance_is_claimed_where_the_curvature_runs_out():
    """One confident sample carries all the leverage: a large gradient may lead anywhere."""
    assert distance(10.0, np.array([8.0]), loss.curvature(np.array([8.0])), np.array([60.0])) == np.inf

"""Simplified Newton steps against dense ones, where they arrive and where they do not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout import simplified_newton
from leaveout.estimators import newton_change
from leaveout.retraining import factor_removable
from leaveout.sets import index_sets
from oracles.dense import Problem


def iterate(model, removed):
    """Parameters where the steps lead, (p,), the gradient's norm and evaluations."""
    (hessian,) = factor_removable(model, index_sets([removed], model.n)).values()
    change, *evidence = simplified_newton.iterate(model, hessian, newton_change(model, [hessian])[0])
    return model.theta + model.coordinates.lift(change), *evidence


def simplified_steps(problem, theta, removed, steps):
    """As many, from the Newton step, which is the first of them."""
    hessian = problem.hessian(theta, removed)
    for _ in range(1 + steps):
        theta = theta - np.linalg.solve(hessian, problem.gradient(theta, removed))
    return theta


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_each_step_takes_the_same_hessian(solved, steps, monkeypatch):
    monkeypatch.setattr(simplified_newton, "STEPS", steps)
    monkeypatch.setattr(simplified_newton, "VANISHED", 0.0)
    for removed in solved.sets:
        found, _, evaluations = iterate(solved.model, removed)
        assert evaluations == 1 + steps
        expected = simplified_steps(solved.dense, solved.model.theta, removed, steps)
        assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_where_the_gradient_vanishes_is_the_optimum():
    solved = case(300, 5)
    for removed in solved.sets[:4]:
        found, norm, evaluations = iterate(solved.model, removed)
        assert norm <= simplified_newton.VANISHED
        assert 1 < evaluations < simplified_newton.STEPS
        optimum = solved.dense.optimum(removed)
        assert_allclose(found, optimum, atol=1e-6 * np.abs(optimum).max())


def test_where_curvature_grows_on_the_way_they_never_arrive():
    """The certified retrained model exists all the same."""
    X, y = gaussian(60, 20, seed=1)
    model = leaveout.fit(3 * X, y, 1e-5)
    removed = np.arange(4, 19)
    theta, norm, evaluations = iterate(model, removed)
    assert evaluations == simplified_newton.STEPS + 1
    gradient = Problem(3 * X, y, 1e-5, "per_sample", "none").gradient(theta, removed)
    assert norm == pytest.approx(np.linalg.norm(gradient) / (60 - len(removed)), rel=1e-6)
    assert norm > 1e-3
    assert leaveout.retrain(model, [removed]).certified.all()

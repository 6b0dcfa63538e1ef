"""Full Newton steps against dense ones, where they converge and where they do not."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout import undamped
from leaveout.estimators import newton_change
from leaveout.leave_out import LeaveOut
from leaveout.retraining import factor_removable
from leaveout.sets import index_sets
from oracles.dense import Problem


def iterate(model, sets):
    """Parameters where full steps lead, (m, p), norms of gradients and evaluations."""
    hessians = list(factor_removable(model, index_sets(sets, model.n)).values())
    change, *evidence = undamped.iterate(LeaveOut(model, hessians), newton_change(model, hessians))
    return model.theta + model.coordinates.lift(change), *evidence


def full_steps(problem, theta, removed, steps):
    """As many, from the Newton step, which is the first of them."""
    for _ in range(1 + steps):
        theta = theta - np.linalg.solve(problem.hessian(theta, removed), problem.gradient(theta, removed))
    return theta


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_each_step_is_a_full_one(solved, steps, monkeypatch):
    monkeypatch.setattr(undamped, "STEPS", steps)
    monkeypatch.setattr(undamped, "VANISHED", 0.0)
    found, _, evaluations = iterate(solved.model, solved.sets)
    assert set(evaluations) == {1 + steps}
    for theta, removed in zip(found, solved.sets, strict=True):
        expected = full_steps(solved.dense, solved.model.theta, removed, steps)
        assert_allclose(theta, expected, atol=1e-5 * np.abs(expected).max())


def test_where_the_gradient_vanishes_is_the_optimum():
    solved = case(40, 90)
    found, norms, evaluations = iterate(solved.model, solved.sets)
    assert (norms <= undamped.VANISHED).all()
    assert (evaluations < undamped.STEPS).all()
    for theta, removed in zip(found, solved.sets, strict=True):
        optimum = solved.dense.optimum(removed)
        assert_allclose(theta, optimum, atol=1e-5 * np.abs(optimum).max())


def test_where_curvature_falls_on_the_way_they_jump_to_and_fro_and_never_arrive():
    """The certified retrained model exists all the same."""
    X, y = gaussian(60, 20, seed=1)
    model = leaveout.fit(3 * X, y, 1e-5)
    removed = np.arange(4, 19)
    (theta,), (norm,), (evaluations,) = iterate(model, [removed])
    assert evaluations == undamped.STEPS + 1
    gradient = Problem(3 * X, y, 1e-5, "per_sample", "none").gradient(theta, removed)
    assert norm == pytest.approx(np.linalg.norm(gradient) / (60 - len(removed)), rel=1e-6)
    assert norm > 1e-3
    assert leaveout.retrain(model, [removed]).certified.all()

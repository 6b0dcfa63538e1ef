"""Newton directions against dense Hessians, and conjugate gradients against dense solutions."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout import inexact_newton, loss
from leaveout.conjugate_gradients import conjugate_gradients
from leaveout.leave_out import LeaveOut
from leaveout.retraining import factor_removable
from leaveout.sets import index_sets


def systems(m, q, condition, seed=0):
    """Positive definite matrices, (m, q, q), and right-hand sides, (m, q)."""
    generator = np.random.default_rng(seed)
    bases = np.linalg.qr(generator.normal(size=(m, q, q)))[0]
    matrices = np.einsum("mij,j,mkj->mik", bases, np.geomspace(1, condition, q), bases)
    return matrices, generator.normal(size=(m, q))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conjugate_gradients_solve_each_system(dtype):
    matrices, rhs = systems(5, 12, 30.0)

    def product(vectors):
        return np.einsum("mij,mj->mi", matrices, vectors).astype(dtype)

    def residual(solutions):
        return (np.linalg.norm(product(solutions) - rhs, axis=1) / np.linalg.norm(rhs, axis=1)).max()

    tolerance = 1e-3
    found, products = conjugate_gradients(product, rhs.astype(dtype), tolerance, 1.0, 50)
    assert found.dtype == dtype
    assert residual(found) <= 2 * tolerance
    before, _ = conjugate_gradients(product, rhs.astype(dtype), tolerance, 1.0, products - 1)
    assert residual(before) > tolerance / 2  # and it did not go on for ever


def test_conjugate_gradients_end_when_most_are_solved_and_all_descend():
    matrices, rhs = systems(4, 40, 1e6)
    matrices[1:] = np.eye(40)
    found, products = conjugate_gradients(lambda v: np.einsum("mij,mj->mi", matrices, v), rhs, 1e-2, 0.75, 50)
    assert products == 1
    assert_allclose(found[1:], rhs[1:])
    assert (found * rhs).sum(axis=1).min() > 0


def test_conjugate_gradients_leave_zeros_and_limits_alone():
    matrices, rhs = systems(3, 10, 1e4)
    rhs[1] = 0.0
    found, products = conjugate_gradients(lambda v: np.einsum("mij,mj->mi", matrices, v), rhs, 1e-9, 1.0, 4)
    assert products == 4
    assert not found[1].any()
    assert np.isfinite(found).all()
    assert (found * rhs).sum(axis=1)[[0, 2]].min() > 0


def test_conjugate_gradients_descend_where_rounding_left_no_curvature():
    def product(vectors):
        return vectors * np.array([[-1.0], [1.0]])

    rhs = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    found, _ = conjugate_gradients(product, rhs, 0.1, 1.0, 10)
    assert_allclose(found, rhs)


def hessian(problem, model, removed, changes):
    """Of the samples that are kept, at ``theta_hat`` plus a change, in the model's own coordinates, (q, q)."""
    kept = np.setdiff1d(np.arange(model.n), removed)
    curvature = loss.curvature(model.z + model.X @ changes)[kept]
    weight = model.penalty.weight(model.n, len(removed))
    return (model.X[kept].T * curvature) @ model.X[kept] + weight * np.diag(model.P)


@pytest.mark.parametrize("regularizer", ["per_sample", "fixed"])
@pytest.mark.parametrize("intercept", ["none", "penalized", "unpenalized"])
def test_directions_solve_the_hessian_at_the_iterate(regularizer, intercept, monkeypatch):
    """All samples, to the end: then it is the Newton direction anywhere."""
    monkeypatch.setattr(inexact_newton, "NEGLIGIBLE_CHANGE", 0.0)
    monkeypatch.setattr(inexact_newton, "TOLERANCE", 1e-6)
    monkeypatch.setattr(inexact_newton, "SHARE", 1.0)
    one = case(regularizer=regularizer, intercept=intercept)
    hessians = list(factor_removable(one.model, index_sets(one.sets, one.model.n)).values())
    problem, rows = LeaveOut(one.model, hessians), np.arange(len(hessians))
    generator = np.random.default_rng(0)
    changes, gradients = generator.normal(size=(2, len(hessians), one.model.X.shape[1]))
    slopes = problem.slopes(problem.predictors(changes, rows))
    found, _ = problem.precondition(gradients.astype(problem.precision), slopes, rows)
    for change, gradient, direction, h in zip(changes, gradients, found, hessians, strict=True):
        matrix = hessian(problem, one.model, h.removed, change)
        residual = matrix @ direction - gradient
        assert_allclose(residual, 0, atol=2e-3 * np.abs(matrix).max() * np.abs(direction).max())


def test_few_samples_carry_the_change_and_their_direction_is_nearly_newtons():
    X, y = gaussian(600, 10, seed=0, spread=0.02)
    model = leaveout.fit(30 * X, y, 1e-4)
    removed = np.arange(12)
    problem = LeaveOut(model, list(factor_removable(model, [removed]).values()))
    change = 0.2 * np.random.default_rng(1).normal(size=(1, 10)) * np.abs(model.parameters)
    slopes = problem.slopes(problem.predictors(change, np.array([0])))
    gradient = np.random.default_rng(2).normal(size=(1, 10))
    found, passes = problem.precondition(gradient.astype(problem.precision), slopes, np.array([0]))
    products = 1 + inexact_newton.PRODUCT_LIMIT
    assert 0 < passes < products / 2
    matrix = hessian(problem, model, removed, change[0])
    exact = np.linalg.solve(matrix, gradient[0])
    error = found[0] - exact
    assert error @ matrix @ error <= 0.2**2 * (exact @ matrix @ exact)


def test_a_row_that_is_not_a_number_neither_spoils_others_nor_is_lost(monkeypatch):
    """The second direction of the first set is not finite: it stays where it is, and goes on if it is not certified."""
    one = case()
    alone = leaveout.retrain(one.model, one.sets)
    precondition, calls = LeaveOut.precondition, []

    def spoilt(problem, gradients, slopes, rows):
        found, passes = precondition(problem, gradients, slopes, rows)
        calls.append(0)
        if len(calls) == 2:
            found[0, 0] = np.inf
        return found, passes

    monkeypatch.setattr(LeaveOut, "precondition", spoilt)
    with np.errstate(invalid="ignore"):
        found = leaveout.retrain(one.model, one.sets)
    assert found.certified.all()
    assert_allclose(found.change[0], alone.change[0], atol=1e-7)
    assert_allclose(found.change[1:], alone.change[1:], rtol=1e-7, atol=1e-10)


def test_predictors_that_are_not_numbers_choose_no_samples():
    one = case()
    problem = LeaveOut(one.model, list(factor_removable(one.model, index_sets(one.sets, one.model.n)).values())[:2])
    slopes = np.zeros((2, one.model.n))
    slopes[0] = np.nan
    changes = problem.curvature_changes(slopes, np.arange(2))
    assert np.isfinite(changes).all()
    assert_allclose(changes[1], problem.curvature_changes(np.zeros((2, one.model.n)), np.arange(2))[1])


def test_the_samples_that_are_left_out_change_next_to_nothing_and_are_as_many_as_can_be(monkeypatch):
    one = case()
    chosen = {}
    monkeypatch.setattr(inexact_newton, "_gathered", lambda W, samples, like: chosen.setdefault("W", W[samples]))
    monkeypatch.setattr(inexact_newton, "conjugate_gradients", lambda product, rhs, *limits: (rhs, 1))
    changes = np.random.default_rng(0).exponential(size=(3, one.model.n)) ** 8 * np.array([[1.0], [-1.0], [0.5]])
    rhs = np.ones((3, one.model.X.shape[1]))
    _, passes = inexact_newton.solve(one.model, rhs, np.zeros(3), changes)
    sizes = np.sort(np.abs(changes).max(axis=0) * (one.model.whitened**2).sum(axis=1))
    left_out = one.model.n - len(chosen["W"])
    assert 0 < left_out < one.model.n
    assert sizes[:left_out].sum() <= 0.005 * sizes.sum() < sizes[: left_out + 1].sum()
    assert passes == len(chosen["W"]) / one.model.n

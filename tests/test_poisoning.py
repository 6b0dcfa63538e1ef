"""A poisoned model is the optimum with one more sample, and its predictions are those of dense solves there."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import lapack

import leaveout
from conftest import case, gaussian
from leaveout import poisoning, result_rows
from leaveout.certificate import CERTIFIED
from leaveout.effects import RETRAIN
from leaveout.embeddings import Samples
from leaveout.poisoning import SCHEMA, chosen, poison, rows
from oracles.dense import Problem
from rows import LABELS
from tolerance import EXACT


def poisons(d, count=5):
    """Samples that are new to a case, with labels that surprise it."""
    X, y = gaussian(count, d, seed=9)
    return X, 1 - y


def dense_poisoned(solved, x, y):
    """The problem of n + 1 samples that gives back the clean one when its last sample is removed."""
    n, penalty = len(solved.y), solved.model.penalty
    strength = penalty.regularization * (1 if penalty.regularizer == "per_sample" else n / (n + 1))
    features, labels = np.vstack([solved.X, x]), np.append(solved.y, y)
    return Problem(features, labels, strength, penalty.regularizer, penalty.intercept)


def test_poisoned_models_are_the_optima_of_extended_precision(solved):
    X, y = poisons(solved.X.shape[1])
    found = poison(solved.model, X, y)
    assert found.refit.certified.all()
    assert (found.refit.gradient_norm <= CERTIFIED).all()
    for j in range(len(y)):
        optimum = dense_poisoned(solved, X[j], y[j]).optimum().astype(float)
        assert_allclose(found.refit.theta[j], optimum, rtol=EXACT, atol=1e-10)
        assert_allclose(found.refit.change[j], optimum - solved.model.theta, rtol=1e-7, atol=1e-10)


def test_the_truth_is_the_way_back_to_the_clean_model(solved):
    X, y = poisons(solved.X.shape[1])
    found = poison(solved.model, X, y)
    clean = solved.dense.optimum()
    for j in range(len(y)):
        dense = dense_poisoned(solved, X[j], y[j])
        x, before, n = dense.X[-1], dense.optimum(), len(solved.y)
        assert_allclose(dense.optimum([n]).astype(float), clean.astype(float), rtol=EXACT, atol=1e-10)
        actual = float(x @ (clean - before))
        assert found.actual[j] == pytest.approx(actual, rel=1e-8, abs=1e-10)
        assert abs(found.actual[j] - actual) <= found.error[j] + 1e-13
        assert found.logit[j] == pytest.approx(float(x @ before), rel=1e-8, abs=1e-10)
    assert (found.error <= 1e-6).all()


def test_predictions_are_dense_solves_at_the_poisoned_models(solved):
    X, y = poisons(solved.X.shape[1])
    found = poison(solved.model, X, y)
    for j in range(len(y)):
        dense = dense_poisoned(solved, X[j], y[j])
        theta, n = dense.optimum().astype(float), len(solved.y)
        for method, values in (("if", found.influence), ("rif", found.rescaled), ("newton", found.rescaled)):
            expected = dense.X[-1] @ dense.influence(theta, [n], method)
            assert values[j] == pytest.approx(expected, rel=1e-8, abs=1e-10), method


def test_a_poisoned_model_is_a_cold_fit(regularizer, intercept):
    solved = case(70, 6, regularizer=regularizer, intercept=intercept)
    X, y = poisons(6)
    found = poison(solved.model, X, y)
    n = len(solved.y)
    strength = 1e-3 * (1 if regularizer == "per_sample" else n / (n + 1))
    for j in range(len(y)):
        features, labels = np.vstack([solved.X, X[j]]), np.append(solved.y, y[j])
        cold = leaveout.fit(features, labels, strength, regularizer, intercept)
        assert_allclose(found.refit.theta[j], cold.theta, rtol=EXACT, atol=1e-11)
        # and removing the sample again by the library's own means says the same
        removal = leaveout.retrain(cold, [[n]]).change[0]
        x = solved.model.penalty.design(X[j : j + 1])[0]
        if regularizer == "per_sample":  # a fit of n + 1 samples has another weight under `fixed`
            assert found.actual[j] == pytest.approx(x @ removal, rel=1e-8, abs=1e-11)


def test_companions_do_not_matter(solved):
    X, y = poisons(solved.X.shape[1])
    together = poison(solved.model, X, y)
    for j in range(len(y)):
        alone = poison(solved.model, X[j : j + 1], y[j : j + 1])
        for name in ("actual", "influence", "rescaled", "logit"):
            assert getattr(alone, name)[0] == pytest.approx(getattr(together, name)[j], rel=1e-8, abs=1e-10), name


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_a_sample_that_is_there_already_counts_twice(label):
    """Its direction is none that the training samples do not span: the extra coordinate stays unused."""
    solved = case(30, 50)
    found = poison(solved.model, solved.X[3:4], [label])
    optimum = dense_poisoned(solved, solved.X[3], label).optimum().astype(float)
    assert_allclose(found.refit.theta[0], optimum, rtol=EXACT, atol=1e-10)


def test_more_samples_than_new_directions_are_spanned_too(regularizer, intercept):
    solved = case(40, 43, regularizer=regularizer, intercept=intercept)
    X, y = poisons(43)
    found = poison(solved.model, X, y)
    for j in range(len(y)):
        optimum = dense_poisoned(solved, X[j], y[j]).optimum().astype(float)
        assert_allclose(found.refit.theta[j], optimum, rtol=EXACT, atol=1e-10)


def test_removing_a_wrong_label_moves_the_logit_away_from_it(solved):
    """(2 y - 1) t <= 0 for the truth under `fixed`, where removing a sample removes a convex loss and nothing else."""
    if solved.model.penalty.regularizer == "fixed":
        X, y = poisons(solved.X.shape[1])
        found = poison(solved.model, X, y)
        for values in (found.actual, found.influence, found.rescaled):
            assert ((2 * y - 1) * values < 0).all()


def refusing(function, q):
    """The function, which must not be given a matrix of q rows and columns."""

    def called(*given, **named):
        if any(np.shape(matrix)[-2:] == (q, q) for matrix in given):
            pytest.fail(f"{function.__name__} of a matrix as large as the Hessian")
        return function(*given, **named)

    return called


def test_nothing_of_the_hessians_size_is_factored_or_solved(monkeypatch):
    solved = case(80, 9)
    assert solved.model.whitening.basis.shape == (9, 9)
    for name in ("cholesky", "eigh", "inv", "qr", "solve", "svd"):
        monkeypatch.setattr(np.linalg, name, refusing(getattr(np.linalg, name), 9))
    for name in ("dpotrf", "dtrtri"):
        monkeypatch.setattr(lapack, name, refusing(getattr(lapack, name), 9))
    with pytest.raises(pytest.fail.Exception):
        leaveout.fit(solved.X, solved.y, 1e-3)
    assert poison(solved.model, *poisons(9)).refit.certified.all()


def test_many_samples_are_put_beside_the_model_in_parts(monkeypatch):
    solved = case(40, 90)
    whole = poison(solved.model, *poisons(90, 7))
    monkeypatch.setattr(poisoning, "TOGETHER", 3)
    parts = poison(solved.model, *poisons(90, 7))
    assert parts.refit.status.tolist() == ["converged"] * 7
    for name in ("actual", "influence", "rescaled", "logit"):
        assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-8, atol=1e-10)
    assert_allclose(parts.refit.theta, whole.refit.theta, rtol=EXACT, atol=1e-10)


def test_without_regularisation_there_is_a_poisoned_model_too():
    X, y = gaussian(200, 4, seed=1, spread=0.5)
    clean = leaveout.fit(X, y, 0.0, intercept="unpenalized")
    found = poison(clean, *poisons(4))
    assert found.refit.certified.all()
    assert np.isfinite(found.error).all()


def test_a_refit_that_cannot_be_certified_says_so():
    solved = case(60, 7)
    found = poison(solved.model, *poisons(7), iteration_limit=1)
    assert set(found.refit.status) == {"iteration_limit"}
    (first, *_) = (row for row in rows(found, list("abcde"), np.zeros(5), LABELS) if row["method"] == RETRAIN)
    assert first["status"] == "iteration_limit"


def test_rows_name_samples_and_runs_and_only_the_truth_has_a_certificate(tmp_path):
    solved = case(60, 7)
    X, y = poisons(7)
    path = tmp_path / "poisoning.parquet"
    result_rows.write(result_rows.table(rows(poison(solved.model, X, y), list("abcde"), y, LABELS), SCHEMA), path)
    found = result_rows.read(path, SCHEMA).to_pylist()
    assert [row["method"] for row in found[:3]] == ["if", "rif", RETRAIN]
    assert [row["id"] for row in found] == [name for name in "abcde" for _ in range(3)]
    assert [row["y"] for row in found[::3]] == y.tolist()
    assert all((row["status"] is not None) == (row["method"] == RETRAIN) for row in found)


def test_samples_are_drawn_once_each_and_all_where_there_are_too_few():
    test = Samples(np.zeros((30, 2)), np.zeros(30), np.arange(30).astype(str))
    drawn = chosen(test, 10, np.random.default_rng(0))
    assert len(set(drawn.tolist())) == 10
    assert drawn.tolist() == sorted(drawn.tolist())
    assert chosen(test, 100, np.random.default_rng(0)).tolist() == list(range(30))

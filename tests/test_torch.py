"""The same mathematics on torch tensors, on the processor, against numpy; run by `make test-torch`."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import INTERCEPTS, REGULARIZERS, gaussian
from leaveout import devices, influential, linear_algebra, result_rows, theorem
from leaveout.evaluation import EVALUATIONS, bind
from leaveout.measurement import measure
from leaveout.model_file import read_model, write_model
from leaveout.poisoning import poison
from leaveout.predictions import measure_predictions
from leaveout.removal import RANKED_BY, RemovalSet, candidates
from leaveout.suspicion import METHODS, actual_rises, predicted_rises
from tolerance import AGREEMENT, SAME_FORMULA

pytestmark = pytest.mark.torch


@pytest.fixture(params=[("tall", 120, 11), ("wide", 50, 90)], ids=lambda shape: shape[0])
def data(request):
    _, n, d = request.param
    return gaussian(n, d, seed=3)


def tensor(values):
    import torch

    return torch.from_numpy(np.array(values))


def sets_of(n):
    generator = np.random.default_rng(0)
    return [generator.permutation(n)[:k] for k in (0, 1, 2, n // 20, n // 4, n // 2 + 3, n - 2)]


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("intercept", INTERCEPTS)
def test_estimators_are_numpys(data, regularizer, intercept):
    X, y = data
    model = leaveout.fit(X, y, 1e-4, regularizer, intercept)
    theirs = leaveout.fit(tensor(X), tensor(y), 1e-4, regularizer, intercept)
    assert "Tensor" in type(theirs.X).__name__
    assert_allclose(theirs.theta, model.theta, rtol=1e-9)
    assert_allclose(theirs.leverage, model.leverage, rtol=1e-9, atol=1e-15)
    for method in ("if", "rif", "newton"):
        expected, found = (leaveout.influence(m, sets_of(len(y))[:5], method) for m in (model, theirs))
        assert isinstance(found, np.ndarray)
        scale = np.linalg.norm(expected, axis=1, keepdims=True)
        assert np.all(np.abs(found - expected) <= SAME_FORMULA * scale)
    for method in ("if", "rif"):
        assert_allclose(
            leaveout.contributions(theirs, method), leaveout.contributions(model, method), rtol=1e-7, atol=1e-12
        )


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_leading_effects_are_numpys(data, regularizer):
    X, y = data
    models = [leaveout.fit(*samples, 1e-4, regularizer, "penalized") for samples in ((X, y), (tensor(X), tensor(y)))]
    bound = [bind(list(EVALUATIONS), model, X[:30], y[:30], 0, "d").functions for model in models]
    for f, theirs in zip(*bound, strict=True):
        for method in ("if", "rif"):
            expected, found = (influential.leading_effects(g.model, g, method) for g in (f, theirs))
            assert isinstance(found, np.ndarray)
            assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("intercept", INTERCEPTS)
def test_effects_agree_with_numpys(data, regularizer, intercept):
    X, y = data
    sets = [RemovalSet("random", len(s), 0, np.sort(s)) for s in sets_of(len(y))]
    found = []
    for features, labels in ((X, y), (tensor(X), tensor(y))):
        model = leaveout.fit(features, labels, 1e-4, regularizer, intercept)
        evaluations = bind(list(EVALUATIONS), model, X[::2], y[::2], 0, "torch")
        found.append(list(measure(model, evaluations, sets, {})))
    sizes = {name: [abs(row["effect"]) for row in found[0] if row["evaluation"] == name] for name in EVALUATIONS}
    for mine, theirs in zip(*found, strict=True):
        assert mine.get("status") == theirs.get("status")
        if np.isnan(mine["effect"]):
            assert np.isnan(theirs["effect"])
            continue
        allowed = AGREEMENT * (abs(mine["effect"]) + np.nanmedian(sizes[mine["evaluation"]]))
        errors = mine.get("effect_error", 0.0) + theirs.get("effect_error", 0.0)
        assert abs(mine["effect"] - theirs["effect"]) <= max(allowed, errors)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("intercept", ["none", "unpenalized"])
def test_errors_of_predictions_and_their_bounds_are_numpys(data, regularizer, intercept):
    X, y = data
    sets = [RemovalSet("random", len(s), 0, np.sort(s)) for s in sets_of(len(y))[1:6]]
    models = (leaveout.fit(*both, 1e-2, regularizer, intercept) for both in ((X, y), (tensor(X), tensor(y))))
    mine, theirs = ([*measure_predictions(model, sets, {})] for model in models)
    compared = (
        "overlap",
        "curvature_change",
        "error_hessian",
        "estimate_hessian",
        "factor_hessian",
        "upper_3",
        "lower_5",
    )
    for expected, found in zip(mine, theirs, strict=True):
        for name in compared:
            assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_poisoned_models_and_rankings_are_numpys(data, regularizer):
    X, y = data
    added, wrong = gaussian(6, X.shape[1], seed=9)
    mine, theirs = (leaveout.fit(f(X), f(y), 1e-4, regularizer, "penalized") for f in (np.array, tensor))
    poisoned = [poison(model, added, wrong) for model in (mine, theirs)]
    for name in ("actual", "influence", "rescaled", "logit"):
        expected, found = (getattr(each, name) for each in poisoned)
        assert isinstance(found, np.ndarray)
        assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    for method in METHODS:
        assert_allclose(predicted_rises(theirs, method), predicted_rises(mine, method), rtol=1e-8, atol=1e-12)
    (_, expected, _), (_, found, _) = (actual_rises(model, np.arange(0, len(y), 9)) for model in (mine, theirs))
    assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_hard_data_and_missing_optima_have_numpys_statuses():
    """Leverages near one, a class that is gone, no regularisation."""
    generator = np.random.default_rng(0)
    X = np.maximum(generator.normal(size=(80, 60)), 0)
    y = (X @ generator.normal(size=60) > 0).astype(float)
    for settings in ({"regularization": 1e-8}, {"regularization": 1e-3, "intercept": "unpenalized"}):
        sets = [[], [5], np.arange(20), np.flatnonzero(y == 1)]
        mine, theirs = (leaveout.retrain(leaveout.fit(f(X), f(y), **settings), sets) for f in (np.array, tensor))
        assert mine.status.tolist() == theirs.status.tolist()
        assert isinstance(theirs.theta, np.ndarray)
    X, y = gaussian(80, 3, seed=0, spread=0.2)
    settings, sets = {"regularization": 0.0, "intercept": "unpenalized"}, [[0], np.flatnonzero(y == 1)]
    mine, theirs = (leaveout.retrain(leaveout.fit(f(X), f(y), **settings), sets) for f in (np.array, tensor))
    assert mine.status.tolist() == theirs.status.tolist() == ["converged", "not_removable"]


def test_strategies_and_files_take_tensors(data, tmp_path):
    X, y = data
    model = leaveout.fit(tensor(X), tensor(y), 1e-3)
    given = candidates(model, bind(RANKED_BY, model, X, y, 0, "torch"), X)
    assert all(isinstance(values, np.ndarray) for values in (given.loss, *given.influence.values()))
    write_model(model, 0.9, tmp_path / "fit.npz", tmp_path / "factor.npy")
    found = read_model(tmp_path / "fit.npz", tmp_path / "factor.npy", tensor(X), y)
    assert_allclose(found.theta, model.theta, rtol=1e-12, atol=1e-14)


def test_a_graphics_card_is_asked_of_torch(monkeypatch):
    import torch

    placed = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.Tensor, "to", lambda self, where: placed.append(where) or self)
    monkeypatch.setattr(devices, "_driver", lambda: True)
    for where in ("auto", "cuda"):
        assert linear_algebra.is_tensor(linear_algebra.placed(np.zeros((2, 2)), where))
    assert placed == ["cuda", "cuda"]


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_the_theorems_rows_are_numpys(data, regularizer):
    X, y = data
    sets = [RemovalSet("random", len(one), 0, np.sort(one)) for one in sets_of(len(y))[1:5]]
    labels = {"study": "s", "dataset": "d", "variant": "base", "regularization": 1e-2, "intercept": "none"}
    found = []
    for inside in (np.array, tensor):
        model = leaveout.fit(inside(X), inside(y), 1e-2, regularizer)

        def bound(variant):
            return bind(list(EVALUATIONS), variant, X[:9], y[:9], 0, "d")

        rows = theorem.theorem_rows(model, bound, sets, labels | {"n_train": model.n})
        found.append(result_rows.table(rows, theorem.SCHEMA).to_pandas())
    expected, theirs = found
    numbers = expected.select_dtypes(float).columns
    assert_allclose(theirs[numbers], expected[numbers], rtol=1e-7, atol=1e-11)
    assert theirs.drop(columns=numbers).equals(expected.drop(columns=numbers))

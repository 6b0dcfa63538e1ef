"""The constants of Theorem 3.1 are what dense matrix square roots say, however they are found."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout import theorem_constants
from leaveout.conventions import under
from leaveout.theorem_constants import (
    Constants,
    Terms,
    block_norm,
    coupling,
    gradient_overlaps,
    largest_coupling,
    of_all,
    of_set,
)
from oracles.dense import Problem
from oracles.incoherence import Dense
from tolerance import EXACT

NAMES = ("c_l", "c_r", "epsilon", "delta")


def dense(one):
    return Dense(one.dense, one.model.theta)


def found(constants):
    return {name: getattr(constants, name) for name in NAMES}


def alike(constants, expected):
    assert_allclose([getattr(constants, name) for name in NAMES], [expected[name] for name in NAMES], rtol=EXACT)


@pytest.fixture(params=["tall", "wide"])
def shape(request):
    """Few samples: every pair of them is a dense problem."""
    return request.param


def small(shape, regularizer, intercept, regularization=1e-2):
    sizes = {"tall": (18, 4), "wide": (9, 14)}[shape]
    return case(*sizes, regularization=regularization, regularizer=regularizer, intercept=intercept)


def test_constants_of_all_samples_are_those_of_matrix_square_roots(shape, regularizer, intercept):
    one = small(shape, regularizer, intercept)
    alike(of_all(Terms.of(one.model)), dense(one).constants(range(one.model.n)))


def test_constants_of_a_set_are_over_its_own_samples(shape, regularizer):
    one = small(shape, regularizer, "penalized")
    oracle, terms = dense(one), Terms.of(one.model)
    for chosen in ([0, 3], [2, 5, 8], [1, 2, 3, 4, 6, 7]):
        removed = np.array(chosen)
        alike(of_set(terms, removed, terms.gram(removed, removed)), oracle.constants(chosen))


def test_every_coupling_is_a_norm_of_matrix_square_roots(shape, regularizer, intercept):
    one = small(shape, regularizer, intercept)
    oracle, terms = dense(one), Terms.of(one.model)
    everyone = np.arange(one.model.n)
    gram = terms.gram(everyone, everyone)
    for i, j in itertools.product(range(0, one.model.n, 2), repeat=2):
        assert coupling(terms, i, j, gram[i, j]) == pytest.approx(oracle.coupling(i, j), rel=EXACT)


def test_etas_are_norms_of_matrix_square_roots(shape, regularizer, intercept):
    one = small(shape, regularizer, intercept)
    gradients = gaussian(3, len(one.model.theta), seed=4)[0]
    whitened = one.model.whitening.whiten(one.model.coordinates.reduce(gradients))
    for row, gradient in zip(gradient_overlaps(Terms.of(one.model), whitened), gradients, strict=True):
        assert_allclose(row, dense(one).eta(gradient), rtol=EXACT)


def test_the_other_convention_of_a_fitted_model_has_the_constants_of_its_own():
    one = small("tall", "per_sample", "penalized")
    other = small("tall", "fixed", "penalized")
    alike(of_all(Terms.of(under(one.model, "fixed"))), found(of_all(Terms.of(other.model))))


def test_a_strong_regulariser_is_found_too_though_it_is_most_of_a_coupling():
    """Where shares of the regulariser are as large as samples, every pair is a candidate."""
    one = small("tall", "per_sample", "none", regularization=3.0)
    terms = Terms.of(one.model)
    assert terms.spread > 0.5 / one.model.n
    alike(of_all(terms), dense(one).constants(range(one.model.n)))


@pytest.mark.parametrize("together", [1, 5, 100])
def test_blocks_of_any_size_give_the_same_constants(monkeypatch, together, regularizer):
    model = case(40, 6, regularizer=regularizer).model
    whole = of_all(Terms.of(model))
    monkeypatch.setattr(theorem_constants, "PAIRED", together)
    alike(of_all(Terms.of(model)), found(whole))


@pytest.mark.parametrize("seed", [5, 36, 47, 59])
def test_the_largest_coupling_is_found_though_another_pair_has_the_largest_bound(seed):
    n = 8
    X = np.random.default_rng(seed).normal(size=(n, 3))
    terms = Terms.of(leaveout.fit(X, np.arange(n) % 2.0, 1.0))
    first, second = np.triu_indices(n, k=1)
    gram = terms.gram(np.arange(n), np.arange(n))[first, second]
    exact = np.array([coupling(terms, i, j, g) for i, j, g in zip(first, second, gram, strict=True)])
    corner = np.abs(gram) * terms.root_curvature[first] * terms.root_curvature[second]
    bounds = block_norm(corner, terms.border[first], terms.border[second], terms.spread)
    assert (exact <= bounds * (1 + EXACT)).all()
    assert exact[np.argmax(bounds)] < 0.97 * exact.max()
    assert largest_coupling(terms, gram, first, second) == pytest.approx(exact.max(), rel=1e-11)
    assert largest_coupling(terms, gram, first, second, 2.0) == 2.0


def test_no_more_than_few_pairs_are_looked_at_exactly(monkeypatch):
    looked = []

    def counted(terms, i, j, gram):
        looked.append((i, j))
        return coupling(terms, i, j, gram)

    monkeypatch.setattr(theorem_constants, "coupling", counted)
    of_all(Terms.of(case(200, 6).model))
    assert 1 <= len(looked) < 40


def test_a_duplicated_sample_overlaps_with_itself_alone():
    """A copy of the largest leverage: delta is that leverage and epsilon is |r| sqrt(a) G."""
    X, y = gaussian(30, 5, seed=2)
    X[1], y[1] = 3 * X[0], y[0]
    X[2], y[2] = X[1], y[1]
    terms = Terms.of(leaveout.fit(X, y, 1e-3, "fixed"))
    constants = of_set(terms, np.array([1, 2]), terms.gram(np.array([1, 2]), np.array([1, 2])))
    leverage = terms.model.leverage[1]
    assert constants.delta == pytest.approx(leverage, rel=EXACT)
    assert constants.c_r == pytest.approx(1 / (1 - leverage), rel=EXACT)
    assert constants.epsilon == pytest.approx(constants.c_l * leverage**0.5, rel=EXACT)


def test_orthogonal_samples_do_not_overlap_and_any_number_may_go():
    y = np.arange(6) % 2.0
    constants = of_all(Terms.of(leaveout.fit(np.diag(np.arange(1.0, 7)), y, 1e-2, "fixed")))
    assert max(constants.epsilon, constants.delta) < 1e-15
    single = of_set(Terms.of(case().model), np.array([3]), np.ones((1, 1)))
    assert (single.epsilon, single.delta, single.threshold) == (0, 0, np.inf)
    assert single.theorem(1, 2.0) == single.sharper(1, 2.0) == 0


def test_the_theorem_and_its_sharper_form_are_what_is_printed():
    constants = Constants(c_l=0.5, c_r=2.0, epsilon=0.03, delta=0.05)
    assert constants.threshold == pytest.approx(5)
    assert constants.theorem(4, 0.7) == pytest.approx(16 * 0.7 * 5 * (0.03 + 2 * 0.5 * 0.05))
    assert constants.sharper(4, 0.7) == pytest.approx(2 * 2 * 4 * 3 * 0.7 * (0.03 + 2 * 0.5 * 0.05))
    assert np.isnan(constants.theorem(6, 0.7))
    assert constants.sharper(5, 0.7) > 0
    assert np.isnan(constants.sharper(7, 0.7))


def test_a_set_as_large_as_the_threshold_is_not_below_it():
    constants = Constants(c_l=1.0, c_r=2.0, epsilon=0.1, delta=0.125)
    assert constants.threshold == 2
    assert np.isnan(constants.theorem(2, 1.0))
    assert constants.theorem(1, 1.0) > 0
    assert constants.sharper(3, 1.0) > 0  # (k - 1) delta C_R = 1/2


@given(st.lists(st.floats(0, 10), min_size=4, max_size=4))
def test_the_norm_of_two_by_two_blocks_is_a_spectral_norm(entries):
    expected = np.linalg.norm(np.reshape(entries, (2, 2)), 2)
    assert block_norm(*entries) == pytest.approx(expected, rel=1e-7, abs=1e-12)


def test_a_problem_without_a_regulariser_has_one_convention():
    X, y = gaussian(80, 3, seed=5)
    model = leaveout.fit(X, y, 0.0)
    per_sample, fixed = (of_all(Terms.of(under(model, name))) for name in ("per_sample", "fixed"))
    alike(per_sample, found(fixed))
    alike(per_sample, Dense(Problem(X, y, 0.0, "fixed", "none"), model.theta).constants(range(80)))

"""Theorem 3.1 on removal sets: the difference of NS and RIF is the dense one, and every bound that is stated holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import leaveout
from conftest import REGULARIZERS, case, gaussian
from leaveout import result_rows
from leaveout.conventions import under
from leaveout.estimators import attribution
from leaveout.evaluation import EVALUATIONS, bind
from leaveout.removal import RemovalSet
from leaveout.theorem import BOUNDS, SCHEMA, companions, theorem_rows
from leaveout.theorem_constants import Terms, of_set
from oracles.dense import Problem
from oracles.incoherence import Dense, root
from rows import LABELS
from tolerance import EXACT

NAMES = ["test_prediction", "test_loss", "test_loss_plain", "self_loss_plain"]


def bound(model, names=NAMES):
    d = len(model.theta) - (model.penalty.intercept != "none")
    return bind(names, model, *gaussian(120, d, seed=77), seed=0, dataset="d")


def rows(model, sets, names=NAMES):
    given_sets = [RemovalSet("random", len(one), 0, np.sort(one)) for one in sets]
    found = theorem_rows(model, lambda variant: bound(variant, names), given_sets, LABELS)
    return result_rows.table(found, SCHEMA).to_pandas()


def gradients(model, names=NAMES):
    return {f.name: model.coordinates.lift(f.gradient) for f in bound(model, names).functions}


def dense(one, regularizer):
    problem = Problem(one.X, one.y, one.dense.regularization, regularizer, one.dense.intercept)
    return problem, Dense(problem, one.model.theta)


SETS = [[4], [0, 3], [1, 2, 6, 7], [0, 1, 2, 3, 5, 8]]


@pytest.fixture(params=["tall", "wide"])
def one(request, intercept):
    """A small problem; its rows are of both conventions."""
    sizes = {"tall": (24, 4), "wide": (12, 16)}[request.param]
    return case(*sizes, regularization=1e-2, intercept=intercept)


def test_the_difference_is_the_dense_one_and_the_exact_identity_gives_it_too(one):
    found = rows(one.model, SETS).set_index(["regularizer", "set_id", "evaluation"])["difference"]
    for regularizer in REGULARIZERS:
        problem, oracle = dense(one, regularizer)
        for chosen in SETS[1:]:
            newton, rif = (problem.influence(one.model.theta, chosen, method) for method in ("newton", "rif"))
            for name, gradient in gradients(one.model).items():
                e, u, C = oracle.parts(chosen, gradient)
                identity = np.concatenate(e) @ np.linalg.solve(np.eye(len(C)) - C, np.concatenate(u))
                value = found[regularizer, f"random-{len(chosen)}-0", name]
                assert value == pytest.approx(identity, rel=1e-7, abs=1e-12)
                assert value == pytest.approx(gradient @ (newton - rif), rel=1e-6, abs=1e-11)


def test_under_fixed_the_identity_needs_numbers_of_samples_only(one):
    """``e_T' (I - K_T)^{-1} C 1`` with C_ji = sqrt(a_j) G_ji r_i / (1 - h_i) off the diagonal."""
    model = under(one.model, "fixed")
    found = rows(one.model, SETS).set_index(["regularizer", "set_id", "evaluation"])["difference"]
    for chosen in SETS[1:]:
        a, r = model.curvature[chosen], model.residual[chosen]
        G = model.whitened[chosen] @ model.whitened[chosen].T
        K = a[:, None] ** 0.5 * G * a**0.5
        C = a[:, None] ** 0.5 * (G - np.diag(np.diag(G))) * (r / (1 - np.diag(K)))
        for f in bound(model).functions:
            e = a**0.5 * (model.whitened[chosen] @ model.whitening.whiten(f.gradient))
            identity = e @ np.linalg.solve(np.eye(len(K)) - K, C.sum(axis=1))
            assert found["fixed", f"random-{len(chosen)}-0", f.name] == pytest.approx(identity, rel=1e-8, abs=1e-13)


def amplified(one, oracle, chosen):
    """``||E^{-1}|| + ||M^{-1} - E^{-1}||``, M and E: H without a set, and without its share of the regulariser."""
    half, problem, B = root(oracle.inverse), one.dense, oracle.basis
    E = half @ (oracle.H - len(chosen) * problem.regularization * B.T @ problem.P @ B) @ half
    M = half @ (oracle.H - sum(oracle.roots[i] @ oracle.roots[i] for i in chosen)) @ half
    E, M = np.linalg.inv(E), np.linalg.inv(M)
    return np.linalg.norm(E, 2) + np.linalg.norm(M - E, 2)


def test_the_companions_are_what_the_dense_blocks_say(one):
    """Exact under fixed; under per_sample row sums are of block norms from above, 1 / (1 - kappa) by at most 1 / n."""
    for regularizer in REGULARIZERS:
        model, (_, oracle) = under(one.model, regularizer), dense(one, regularizer)
        terms, c, gradient = Terms.of(model), attribution(model, "rif").coefficients, gradients(one.model)["test_loss"]
        for chosen in map(np.array, SETS[1:]):
            found = companions(terms, c, chosen, terms.gram(chosen, chosen))
            _, u, C = oracle.parts(chosen, gradient)
            assert_allclose(found.parts, [np.linalg.norm(part) for part in u], rtol=EXACT)
            amplification, size = 1 / (1 - np.linalg.norm(C, 2)), len(C) // len(chosen)
            couplings = np.linalg.norm(C.reshape(len(chosen), size, len(chosen), size), 2, axis=(1, 3))
            row_sum = couplings.sum(axis=1).max()
            if regularizer == "fixed":
                assert found.amplification == pytest.approx(amplification, rel=EXACT)
                assert found.row_sum == pytest.approx(row_sum, rel=EXACT)
                assert found.joint_leverage == pytest.approx(np.linalg.norm(C, 2), rel=EXACT)
            else:
                excess = 1 / (1 - len(chosen) / model.n) - 1
                assert found.amplification == pytest.approx(amplified(one, oracle, chosen), rel=EXACT)
                assert 0 <= found.amplification - amplification + EXACT <= excess + 2 * EXACT
                assert row_sum <= found.row_sum <= 1.5 * row_sum
            overlaps = np.arange(1.0, len(chosen) + 1)
            spectral = np.linalg.norm(overlaps) * np.linalg.norm(found.parts) * found.amplification
            assert found.spectral(overlaps) == pytest.approx(spectral)
            if found.row_sum < 1:
                expected = len(chosen) * found.parts.sum() / (1 - found.row_sum)
                assert found.row_sums(overlaps) == pytest.approx(expected)


def test_the_constants_of_a_row_are_of_its_set_and_of_all_samples(one):
    found = rows(one.model, SETS, ["test_loss"]).set_index(["regularizer", "set_id"])
    for regularizer in REGULARIZERS:
        _, oracle = dense(one, regularizer)
        gradient = gradients(one.model)["test_loss"]
        everyone = range(one.model.n)
        for chosen in SETS[1:]:
            row = found.loc[regularizer, f"random-{len(chosen)}-0"]
            for of, samples in (("", chosen), ("data_", everyone)):
                expected = oracle.constants(samples) | {"eta": oracle.eta(gradient)[list(samples)].max()}
                for name, value in expected.items():
                    assert row[f"{of}{name}"] == pytest.approx(value, rel=EXACT)
                threshold = 1 / (2 * expected["delta"] * expected["c_r"])
                assert row[f"{of}threshold"] == pytest.approx(threshold, rel=EXACT)
                assert row[f"{of}applies"] == (len(chosen) < threshold)
                assert np.isnan(row[f"{of}theorem_bound"]) == (len(chosen) >= threshold)


@given(seed=st.integers(0, 10_000), regularizer=st.sampled_from(REGULARIZERS), power=st.integers(-4, 0))
def test_no_difference_exceeds_a_bound(seed, regularizer, power):
    generator = np.random.default_rng(seed)
    n, d = int(generator.integers(20, 200)), int(generator.integers(1, 30))
    X, y = gaussian(n, d, seed, spread=float(generator.uniform(0.1, 3)))
    model = leaveout.fit(X, y, 10.0**power, regularizer, str(generator.choice(["none", "penalized"])))
    sets = [generator.permutation(n)[:k] for k in (2, 3, 5, n // 4, n // 2)]
    found = rows(model, sets)
    assert found["difference"].notna().all()
    assert found["spectral_bound"].notna().all()
    for name in (*BOUNDS, "data_theorem"):
        known = found[found[f"{name}_bound"].notna()]
        assert (known["difference"].abs() <= known[f"{name}_bound"] * (1 + 1e-9) + 1e-12).all(), name
    assert (found["data_theorem_bound"] >= found["theorem_bound"]).where(found["data_applies"], True).all()


def test_samples_that_overlap_with_no_other_leave_no_difference():
    X, y = np.diag(np.arange(1.0, 13)), np.arange(12) % 2.0
    found = rows(leaveout.fit(X, y, 1e-2, "fixed"), [[0, 3, 4], [1, 2, 5, 6, 9, 10]])
    fixed = found[found["regularizer"] == "fixed"]
    assert fixed["applies"].all()
    assert fixed["data_applies"].all()
    assert fixed[["difference", *(f"{name}_bound" for name in BOUNDS)]].abs().to_numpy().max() < 1e-12


@pytest.fixture(scope="module")
def equal():
    """A thousand copies of one sample, labels in balance: the least favourable overlap of small leverages."""
    return leaveout.fit(np.ones((1000, 1)), np.repeat([0.0, 1.0], 500), 1e-9, "fixed")


def test_equal_samples_of_small_leverage_attain_the_sharper_bound(equal):
    removed = np.arange(500)
    terms = Terms.of(equal)
    constants = of_set(terms, removed, terms.gram(removed, removed))
    assert constants.threshold == pytest.approx(499.5, rel=1e-5)
    found = rows(equal, [removed])
    row = found[(found["regularizer"] == "fixed") & (found["evaluation"] == "test_loss")].iloc[0]
    assert 0.95 < abs(row["difference"]) / row["sharper_bound"] < 1
    assert abs(row["difference"]) == pytest.approx(row["spectral_bound"], rel=1e-6)
    assert abs(row["difference"]) == pytest.approx(row["row_sums_bound"], rel=1e-6)
    assert not row["applies"]
    assert np.isnan(row["theorem_bound"])


def test_the_theorem_without_any_of_its_factors_would_be_false(equal):
    """Of the largest sets that it speaks of: the bound exceeds what is observed by less than the factor of each."""
    found = rows(equal, [np.arange(499)])
    row = found[(found["regularizer"] == "fixed") & (found["evaluation"] == "test_loss")].iloc[0]
    assert row["applies"]
    slack = row["theorem_bound"] / abs(row["difference"])
    assert 1 < slack < 1.6
    assert slack < min(499, 1 + 2 * row["c_r"])


def test_functions_without_a_gradient_are_left_out(one):
    assert set(rows(one.model, SETS[:2], list(EVALUATIONS))["evaluation"]) == set(EVALUATIONS) - {"self_loss"}
    assert rows(one.model, SETS[:2], ["self_loss"]).empty


def test_sets_of_other_seeds_are_held_against_the_runs_own_convention_only():
    sets = [RemovalSet("random", 3, repeat, np.arange(3) + repeat) for repeat in range(2)]
    model = case(regularizer="fixed").model
    found = result_rows.table(theorem_rows(model, bound, sets, LABELS), SCHEMA).to_pandas()
    shown = found[["regularizer", "own", "repeat"]].drop_duplicates().to_numpy().tolist()
    assert shown == [["per_sample", False, 0], ["fixed", True, 0], ["fixed", True, 1]]


def test_a_set_without_which_nothing_is_determined_has_no_difference():
    X, y = gaussian(40, 3, seed=8)
    model = leaveout.fit(X, y, 1e-2, "per_sample", "unpenalized")
    found = rows(model, [np.flatnonzero(y == 1), [0, 1]], ["test_loss"]).set_index(["regularizer", "size"])
    size = int(y.sum())
    assert found.loc[:, "difference"].isna().groupby(level="size").all().to_dict() == {2: False, size: True}


def test_no_step_is_missing_where_the_set_is_large():
    """More than half of the samples: the Hessian without them is built from the others, not updated."""
    one = case(40, 5, regularizer="fixed")
    chosen = np.arange(24)
    found = rows(one.model, [chosen], ["test_loss"])
    row = found[found["regularizer"] == "fixed"].iloc[0]
    problem, _ = dense(one, "fixed")
    newton, rif = (problem.influence(one.model.theta, chosen, method) for method in ("newton", "rif"))
    assert row["difference"] == pytest.approx(gradients(one.model)["test_loss"] @ (newton - rif), rel=1e-7)

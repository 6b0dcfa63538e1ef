"""The norms between predictions and the truth are those of brute force; made-up designs depend on nothing else."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import leaveout
from conftest import case
from leaveout import result_rows, scaling
from leaveout.random_sizes import removed_sizes
from oracles.dense import Problem
from rows import LABELS
from tolerance import EXACT

NORMS = {"if_newton": ("if", "newton"), "rif_newton": ("rif", "newton"), "newton_truth": ("newton", "retrain")}


def test_norms_are_those_of_brute_force(solved):
    rows = list(scaling.measure(solved.model, 2, 0, LABELS))
    drawn = list(scaling.draw(solved.model.n, 2, 0, LABELS["dataset"], len(solved.model.theta), 0))
    theta = solved.dense.optimum(start=solved.model.theta)
    assert [row["size"] for row in rows] == [len(removed) for _, removed in drawn]
    for row, (number, removed) in zip(rows, drawn, strict=True):
        changes = {m: solved.dense.influence(solved.model.theta, removed, m) for m in ("if", "rif", "newton")}
        changes["retrain"] = (solved.dense.optimum(removed, start=theta) - theta).astype(float)
        truth = np.linalg.norm(changes["retrain"])
        assert (row["draw"], row["d"], row["status"]) == (number, len(theta), "converged")
        assert row["truth"] == pytest.approx(truth, rel=EXACT)
        for name, (one, other) in NORMS.items():
            expected = np.linalg.norm(changes[one] - changes[other])
            assert row[name] == pytest.approx(expected, rel=1e-6, abs=EXACT * truth), name


def test_for_one_sample_rescaled_influence_is_the_newton_step():
    rows = [row for row in scaling.measure(case().model, 3, 0, LABELS) if row["size"] == 1]
    assert len(rows) == 3
    for row in rows:
        assert row["rif_newton"] <= EXACT * row["truth"] < row["if_newton"]


def test_a_truth_that_is_not_certified_has_no_norm():
    rows = list(scaling.measure(case().model, 1, 0, LABELS, iteration_limit=1))
    assert {row["status"] for row in rows} == {"iteration_limit"}
    for row in rows:
        assert np.isnan(row["newton_truth"])
        assert np.isnan(row["truth"])
        assert np.isfinite(row["if_newton"])


def test_sizes_go_from_one_sample_to_five_percent_in_steps_of_two_at_most():
    for n in (10, 50, 400, 1437, 40_000):
        sizes = removed_sizes(n)
        assert sizes[0] == 1
        assert sizes[-1] == max(1, round(0.05 * n))
        assert all(a < b <= 2 * a + 1 for a, b in itertools.pairwise(sizes))


def test_a_design_is_the_same_whatever_else_is_made():
    def rows(samples, parameters, designs, draws):
        found = scaling.measure_synthetic(samples, parameters, designs, draws, 0, {"study": "s"})
        return {(row["variant"], row["size"], row["draw"]): row for row in found}

    one, more = rows([60], [3], 1, 2), rows([120, 60], [4, 3], 2, 3)
    assert one.keys() < more.keys()
    for key, row in one.items():
        assert {name: row[name] for name in NORMS} == pytest.approx(
            {name: more[key][name] for name in NORMS}, rel=EXACT
        )
    assert len({row["truth"] for row in more.values()}) == len(more)
    X, y = scaling.synthetic(60, 3, 1, 0)
    assert not np.array_equal(X, scaling.synthetic(60, 3, 0, 0)[0])
    assert_array_equal(X, scaling.synthetic(60, 3, 1, 0)[0])
    assert set(y) == {0.0, 1.0}


def test_made_up_designs_are_what_is_said_of_them():
    X, y = scaling.synthetic(40_000, 3, 0, 0)
    assert np.cov(X.T) == pytest.approx(np.eye(3), abs=0.05)
    theta = leaveout.fit(X, y, scaling.REGULARIZATION, "fixed").theta
    assert np.linalg.norm(theta) == pytest.approx(scaling.SIGNAL, abs=0.05)


def test_designs_of_few_samples_for_a_parameter_are_left_out():
    rows = list(scaling.measure_synthetic([50, 100], [5, 20], 1, 1, 0, {"study": "s"}))
    assert {row["variant"] for row in rows} == {"n50-d5-0", "n100-d5-0", "n100-d20-0"}
    found = result_rows.table(rows, scaling.SCHEMA).to_pandas()
    assert (found["n_train"] >= scaling.SAMPLES_A_PARAMETER * found["d"]).all()
    assert set(found["status"]) == {"converged"}


def test_wide_models_are_measured_in_their_own_parameters():
    X, y = scaling.synthetic(40, 60, 0, 0)
    model = leaveout.fit(X, y, 1e-2, "fixed")
    (row, *_) = scaling.measure(model, 1, 0, LABELS)
    ((_, removed), *_) = scaling.draw(40, 1, 0, LABELS["dataset"], 60, 0)
    dense = Problem(X, y, 1e-2, "fixed", "none")
    difference = dense.influence(model.theta, removed, "if") - dense.influence(model.theta, removed, "newton")
    assert row["d"] == 60
    assert row["if_newton"] == pytest.approx(np.linalg.norm(difference), rel=1e-6)

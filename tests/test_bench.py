"""The benchmark counts, times and judges what it says; nothing here depends on how long anything takes."""

import argparse
import cProfile
import pstats
import warnings
from dataclasses import replace

import numpy as np
import pytest

import leaveout
from bench import bound, cases, chain, constants, data, profiling, published, refits, report, sample, scaling, table
from bench.results import Published, Repeated, Results
from leaveout import seeds

TINY = cases.Case("tiny", 240, 20, 80, regularization=1e-2, set_sizes=3)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The chain of a tiny problem, run here and not in a process of its own."""
    folder = data.write(TINY, tmp_path_factory.mktemp("bench"))
    options = argparse.Namespace(
        regularization=TINY.regularization, intercept=TINY.intercept, set_sizes=3, passes=True, profile=True
    )
    return folder, chain.measured(folder, options)


def test_the_bound_is_what_counting_by_hand_gives():
    # n = 100, p = 10, 20 test points, sets of 2 and 30 samples
    counted = bound.flops(100, 10, 20, [2, 30])
    assert counted["Hessians of the fit"] == 8 * 100 * 10 * 10
    assert counted["their factors"] == pytest.approx(8 * 1000 / 3)
    assert counted["whitening"] == 100 * 10 * 10
    assert counted["passes"] == 2 * 15 * 4 * 100 * 10
    # the second set is larger than p: 30 * 100 + 1000 / 3 is less than 900 * 10 + 27000 / 3
    assert counted["factors of the sets"] == pytest.approx(4 * 10 + 8 / 3 + 30 * 100 + 1000 / 3)
    # predictors of 120 points for 4 methods; gradients of 2 functions over 100 points and of 4 over 20
    assert counted["evaluation"] == 2 * (4 * 2 * 120 * 10 + 2 * 10 * (2 * 100 + 4 * 20))
    assert counted["row space"] == 0
    assert bound.seconds(counted, 1e3) == pytest.approx(sum(counted.values()) / 1e3)


def test_a_wide_problem_costs_its_rows_beyond_one_reduction():
    narrow, wide = bound.flops(50, 50, 10, [2]), bound.flops(50, 400, 10, [2])
    assert wide.pop("row space") == pytest.approx(2 * 400 * 50**2 - 2 * 50**3 / 3 + 2 * 10 * 400 * 50)
    narrow.pop("row space")
    assert wide == narrow


def test_features_have_a_power_law_spectrum_and_labels_that_can_be_learned():
    X, y = data.embedding_like(800, 96, seeds.generator(0, "spectrum"))
    values = np.linalg.svd(X, compute_uv=False)
    rank = np.arange(1, len(values) + 1)
    middle = slice(4, 48)
    logarithms = np.log(values[middle])
    slope, offset = np.polyfit(np.log(rank[middle]), logarithms, 1)
    assert -1 < slope < -0.4
    assert np.ptp(logarithms - slope * np.log(rank[middle]) - offset) < 0.3
    assert X.min() == 0
    model = leaveout.fit(X[:600], y[:600], 1e-5, intercept="penalized")
    assert model.accuracy(X[:600], y[:600]) > 0.9
    assert 0.75 < model.accuracy(X[600:], y[600:]) < 0.97


def test_the_chain_certifies_every_set_and_counts_its_passes(measured):
    _, found = measured
    assert found.certified == len(found.set_sizes) == sum(map(len, found.passes.values()))
    assert set(found.passes) == set(cases.PLOTTED_STRATEGIES)
    assert min(min(passes) for passes in found.passes.values()) >= 1
    assert set(found.inner) == set(found.passes)
    assert min(min(passes) for passes in found.inner.values()) > 0
    # Linux counts what is resident for each thread, and adds up late
    assert found.memory["peak"] >= 0.99 * found.memory["before"] > 0


def test_the_theorems_constants_are_of_all_samples_and_of_each_set(measured):
    folder, chained = measured
    options = argparse.Namespace(regularization=TINY.regularization, intercept=TINY.intercept)
    found = constants.measured(folder, options)
    assert (found.n, found.parameters, found.sets) == (chained.n, chained.parameters, len(chained.set_sizes))
    assert min(found.seconds.values()) > 0
    assert found.memory > 8 * found.n * found.parameters  # the features, scaled
    results = Results(rates=[1e15], constants=replace(found, n=9600, seconds={"all": 50.0, "sets": 9.0}, memory=10**8))
    assert [row.met for row in table.rows(results)] == [True, True]
    results.constants = replace(results.constants, seconds={"all": 50.0, "sets": 11.0}, memory=8 * 9600**2)
    assert [row.met for row in table.rows(results)] == [False, False]


def test_the_published_procedure_has_about_the_chains_effects(measured):
    problem = sample.read_sample(TINY, measured[0])
    prepared = published.prepare(problem)
    one_set_a_strategy = {s.set_id: published.measure(problem, prepared, s) for s in problem.sets}
    assert [s.strategy for s in problem.sets] == list(cases.PLOTTED_STRATEGIES)
    for method in ("if", "rif", "newton", "retrain"):
        effects = {name: found.effects[method] for name, found in one_set_a_strategy.items()}
        assert problem.difference(effects, method)["test_prediction"] < 0.2
        assert problem.difference(effects, method)["test_loss"] < 0.2


def test_the_published_newton_step_has_one_convention_for_few_samples_and_another_for_many(measured):
    problem = sample.read_sample(TINY, measured[0])
    prepared = published.prepare(problem)
    many, few = np.arange(60), np.arange(5)
    fixed = leaveout.fit(problem.X, problem.y, TINY.regularization, "fixed", start=prepared.theta)
    shared = leaveout.fit(problem.X, problem.y, TINY.regularization, "per_sample", start=prepared.theta)
    for removed, model in ((few, fixed), (many, shared)):
        expected = leaveout.influence(model, [removed], "newton")[0]
        error = np.linalg.norm(published.newton_step(problem, prepared, removed) - expected)
        assert error < 0.03 * np.linalg.norm(expected)


def test_refits_end_at_the_chains_optimum(measured):
    problem = sample.read_sample(TINY, measured[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = refits.refit(problem, problem.sets[:2], "newton-cholesky", 100)
    assert max(found.gradient_norm) <= 1e-10
    assert max(found.difference.values()) < 1e-6


def test_exponents_of_power_laws_are_recovered():
    x = np.array([100, 200, 400, 800])
    assert scaling.exponent(x, 3e-7 * x**1.75) == pytest.approx(1.75)
    assert scaling.exponent(x, np.full(4, 2.0)) == pytest.approx(0)


def test_scaling_doubles_one_thing_at_a_time():
    for axis, name in (("n", "n"), ("d", "d"), ("sets", "set_sizes")):
        along = [case for found, case in scaling.cases(cases.SCALED) if found == axis]
        assert np.diff(np.log2([getattr(case, name) for case in along])) == pytest.approx(1)


def test_every_second_of_a_profile_belongs_to_one_part():
    X, y = data.embedding_like(120, 8, seeds.generator(0, "profile"))
    profile = cProfile.Profile()
    profile.runcall(leaveout.fit, X, y, 1e-2)
    found = profiling.parts(profile)
    assert sum(found.values()) == pytest.approx(pstats.Stats(profile).total_tt, rel=1e-9)
    assert found.get(profiling.OTHER, 0.0) < 0.2 * sum(found.values())


def test_the_page_says_what_is_missed(measured):
    slow = Repeated(TINY, [measured[1]])
    cheap = Published(0.0, {"retrain": [slow.seconds / slow.sets]}, {"if": {"test_loss": 0.1}})
    points = [scaling.Point(axis, value, measured[1]) for axis in scaling.AXES for value in (1, 2)]
    results = Results(rates=[1e15], loads=["1.0"], main=slow, profiled=measured[1], published=cheap, scaling=points)
    page = report.page(results, "Benchmark")
    judged = {row.work: row.met for row in table.rows(results)}
    assert judged["against the published procedure"] is False
    assert "- against the published procedure: 1 x" in page
    assert "No target is missed" not in page
    assert judged["exponents as removal sets double"] is None
    assert scaling.figure(points).axes
    cheap.seconds["retrain"][0] *= 1000
    assert {row.work: row.met for row in table.rows(results)}["against the published procedure"] is True
    results.judged = False
    assert not any(row.met for row in table.rows(results))

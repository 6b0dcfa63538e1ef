"""Studies: their runs, sweeps and shards, and whose models they use."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leaveout.plotted import NOT_PLOTTED, PUBLISHED_STRATEGIES
from leaveout.studies import BASE, evenly_spaced


def test_shards_are_named_by_what_they_hold(loaded):
    text = "studies: {demo: {removal: {sizes: {min: 1, max: 4, count: 4}}%s}}"
    whole = loaded(text % "").studies["demo"].shards(["random"])
    assert [shard.name for shard in whole] == ["random"]
    fine = loaded(text % ", sizes_per_shard: 3").studies["demo"].shards(["random", "high_loss"])
    assert [shard.name for shard in fine] == ["random-1-3", "random-4-4", "high_loss-1-3", "high_loss-4-4"]
    assert [(shard.sizes["first"], shard.sizes["last"]) for shard in fine[:2]] == [(0, 2), (3, 3)]
    assert fine[2].strategy == "high_loss"


PERCENT = st.floats(1e-9, 100, exclude_max=True)


@given(PERCENT, PERCENT, st.integers(1, 200))
def test_sizes_that_name_shards_are_those_that_are_drawn(first, last, count):
    """The jobs compute them by numpy, which is not there where jobs are planned."""
    assert evenly_spaced(first, last, count) == np.linspace(first, last, count).tolist()


def test_variants_are_all_combinations_of_the_varied_settings(loaded):
    variation = "{dataset: digits, n_train: [100, 200], regularization: [1e-3], regularizer: [fixed, per_sample]}"
    study = loaded(f"studies: {{demo: {{vary: [{variation}]}}}}").studies["demo"]
    assert [run.variant for run in study.runs] == [
        BASE,
        *(
            f"n_train={n},regularization=0.001,regularizer={regularizer}"
            for n, regularizer in itertools.product((100, 200), ("fixed", "per_sample"))
        ),
    ]
    assert study.run("digits", "n_train=200,regularization=0.001,regularizer=fixed").settings == {
        "n_train": 200,
        "regularization": 0.001,
        "regularizer": "fixed",
        "intercept": "penalized",
    }
    assert study.base_runs == study.runs[:1]
    assert study.runs[0].settings == {
        "n_train": None,
        "regularization": 1e-5,
        "regularizer": "per_sample",
        "intercept": "penalized",
    }


def test_a_run_that_two_variations_ask_for_is_made_once(loaded):
    vary = "[{dataset: digits, n_train: [9, 99]}, {dataset: digits, n_train: [99, 999]}]"
    runs = loaded(f"studies: {{demo: {{vary: {vary}}}}}").studies["demo"].runs
    assert [run.variant for run in runs] == [BASE, "n_train=9", "n_train=99", "n_train=999"]


def test_a_variation_that_repeats_the_base_is_the_base(loaded):
    study = loaded("studies: {demo: {vary: [{dataset: digits, regularization: [1e-5, 1e-3]}]}}").studies["demo"]
    assert [run.variant for run in study.runs] == [BASE, "regularization=0.001"]


def test_high_loss_is_computed_and_not_plotted(loaded):
    study = loaded().studies["demo"]
    assert (
        set(study.strategies) - set(study.plotted_strategies)
        == {"high_loss"}
        == set(NOT_PLOTTED) - set(PUBLISHED_STRATEGIES)
    )


SWEPT = (
    "studies: {demo: {datasets: [digits], vary: [{dataset: digits, n_train: [400, all], regularization: [1e-5, 1]}]}}"
)


def test_a_variation_is_a_sweep_over_all_combinations_whose_own_settings_are_the_base_run(loaded):
    (sweep,) = loaded(SWEPT).studies["demo"].sweeps
    assert (sweep.dataset, sweep.settings) == ("digits", ("n_train", "regularization"))
    assert [run.variant for run in sweep.runs] == [
        "n_train=400,regularization=1e-05",
        "n_train=400,regularization=1.0",
        "base",
        "n_train=all,regularization=1.0",
    ]
    assert [run.settings["n_train"] for run in sweep.runs] == [400, 400, None, None]


def test_runs_of_sweeps_are_each_asked_for_once(loaded):
    study = loaded(
        SWEPT.replace("400, all", "400, all, 401").replace("]}]", "]}, {dataset: digits, n_train: [400, all]}]")
    )
    swept = [run.variant for run in study.studies["demo"].swept_runs]
    assert len(swept) == len(set(swept)) == 7
    assert {"base", "n_train=400"} <= set(swept)


def test_every_data_set_is_listed_once_under_its_own_settings_where_the_study_has_them(loaded):
    vary = "[{dataset: imdb, n_train: [9, 99]}, {dataset: digits, n_train: [9]}, {dataset: enron, n_train: [9, all]}]"
    listed = loaded(f"studies: {{demo: {{datasets: [digits], vary: {vary}}}}}").studies["demo"].listed_runs
    assert [(run.dataset, run.variant) for run in listed] == [
        ("digits", "base"),
        ("imdb", "n_train=99"),
        ("enron", "n_train=all"),
    ]


AUDIT = "studies: {demo: {}, mine: {datasets: [digits], runs_of: demo, audit: {}}}"


def test_an_audit_of_another_study_uses_its_models_where_both_have_the_run(loaded):
    vary = "vary: [{dataset: digits, regularization: [2e-3, 1e-3]}]"
    other = "{vary: [{dataset: digits, regularization: [1e-3]}]}"
    text = AUDIT.replace("audit: {}", f"audit: {{}}, {vary}").replace("{}", other, 1)
    study = loaded(text).studies["mine"]
    homes = {run.variant: study.home(run.dataset, run.variant) for run in study.runs}
    assert homes == {BASE: "demo", "regularization=0.001": "demo", "regularization=0.002": "mine"}
    assert study.audit["sizes"] == {"min": 0.1, "max": 5, "count": 8}
    assert study.audit["repeats"] == 3


def test_a_study_with_runs_of_its_own_is_at_home(loaded):
    study = loaded().studies["demo"]
    assert {study.home(run.dataset, run.variant) for run in study.runs} == {"demo"}

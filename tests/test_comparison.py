"""Predicted beside actual effects: every certified set, and no other."""

import pandas as pd
import pytest

from leaveout.certificate import Status
from leaveout.comparison import POISONS, SUSPECTS, compare
from leaveout.effects import SCHEMA, table
from rows import EVALUATIONS, FACTORS, detection_rows, poisoning_rows, study_rows, without_predictions

PLACES = {"datasets": ("digits", "enron"), "variants": ("base", "n_train=9")}


def test_every_prediction_stands_beside_the_retrain_of_its_own_set():
    rows = study_rows(**PLACES)
    pairs = compare(rows).pairs
    effects = {tuple(row[k] for k in (*KEY, "method")): row["effect"] for row in rows.to_pylist()}
    assert len(pairs) == 2 * 2 * 12 * len(EVALUATIONS) * len(FACTORS)
    for row in pairs.to_dict("records"):
        key = tuple(row[k] for k in KEY)
        assert row["predicted"] == effects[(*key, row["method"])]
        assert row["actual"] == effects[(*key, "retrain")]


KEY = ("dataset", "variant", "strategy", "set_id", "evaluation")


def test_the_order_of_the_rows_does_not_matter():
    rows = study_rows()
    backwards = rows.take(list(range(rows.num_rows))[::-1])
    order = [*KEY, "method"]
    first, second = (compare(given).pairs.sort_values(order, ignore_index=True) for given in (rows, backwards))
    pd.testing.assert_frame_equal(first, second)


def test_the_linear_effects_can_be_compared():
    linear, full = compare(study_rows(), "effect_linear").pairs, compare(study_rows()).pairs
    assert linear["actual"].tolist() == (10 * full["actual"]).tolist()
    assert linear["predicted"].tolist() == (10 * full["predicted"]).tolist()


def test_sets_that_are_not_certified_are_named_and_left_out():
    failed = ("random-2-0", "cluster_l2-5-0")
    comparison = compare(study_rows(variants=("base", "n_train=9"), uncertified=failed))
    assert sorted(comparison.uncertified) == [
        f"digits/{variant}: {name} (iteration_limit)"
        for variant in ("base", "n_train=9")
        for name in ("cluster_l2-5-0", "random-2-0")
    ]
    left = set(comparison.pairs["set_id"])
    assert left.isdisjoint(failed)
    assert len(left) == 10
    assert comparison.pairs["actual"].abs().max() < 1e3  # the absurd effects of the failed retrains are nowhere


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CONVERGED}))
def test_only_converged_retrains_are_certified(status):
    changed = [
        row | {"status": str(status)} if row["method"] == "retrain" and row["set_id"] == "random-1-0" else row
        for row in study_rows().to_pylist()
    ]
    comparison = compare(table(changed))
    assert comparison.uncertified == [f"digits/base: random-1-0 ({status})"]
    assert "random-1-0" not in set(comparison.pairs["set_id"])


MISSING = {("random-2-0", "rif"), ("random-2-0", "newton"), ("cluster_l2-5-0", "if")}


@pytest.mark.parametrize("column", ["effect", "effect_linear"])
def test_predictions_without_a_number_are_named_once_and_left_out(column):
    rows = without_predictions(study_rows(variants=("base", "n_train=9")), MISSING)
    comparison = compare(rows, column)
    assert sorted(comparison.uncomputed) == sorted(
        f"digits/{variant}: {name} ({method})" for variant in ("base", "n_train=9") for name, method in MISSING
    )
    assert comparison.uncertified == []
    assert comparison.left_out == [f"not computed, not drawn: {name}" for name in comparison.uncomputed]
    pairs = comparison.pairs
    assert MISSING.isdisjoint(zip(pairs["set_id"], pairs["method"], strict=True))
    assert len(pairs) == 2 * len(EVALUATIONS) * (12 * len(FACTORS) - len(MISSING))
    assert pairs.notna().all(axis=None)


def test_predictions_beside_no_certified_truth_are_not_missed():
    rows = without_predictions(study_rows(uncertified=["random-2-0"]), MISSING)
    comparison = compare(rows)
    assert comparison.uncomputed == ["digits/base: cluster_l2-5-0 (if)"]
    assert comparison.left_out == [
        "not certified, not drawn: digits/base: random-2-0 (iteration_limit)",
        "not computed, not drawn: digits/base: cluster_l2-5-0 (if)",
    ]


def test_predictions_without_a_number_are_named_by_sample_and_by_draw():
    poisoned = without_predictions(poisoning_rows(), {("digits-0003", "rif")})
    assert compare(poisoned, key=POISONS).uncomputed == ["digits/base: digits-0003 (rif)"]
    ranked = without_predictions(detection_rows([{"if": [1], "rif": [2]}] * 2, n=5), {("sample-1", "if")})
    assert compare(ranked, key=SUSPECTS).uncomputed == [f"digits/base/{draw}: sample-1 (if)" for draw in range(2)]


def test_a_retrain_that_stands_twice_is_an_error():
    rows = study_rows().to_pylist()
    with pytest.raises(pd.errors.MergeError):
        compare(table([*rows, *rows]))


def test_the_rows_of_the_tests_are_rows_of_the_schema():
    assert study_rows().schema.equals(SCHEMA, check_metadata=True)

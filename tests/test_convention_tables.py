"""Tables of an audit's effects, from pairs with known answers."""

import numpy as np
import pandas as pd
import pytest

from leaveout.convention_tables import (
    ALL,
    DESCRIBED,
    SELECTED,
    TABLES,
    conventions_table,
    paired_table,
    seeds_table,
)
from leaveout.figures.conventions import EVALUATIONS, conventions_figure
from tolerance import ROUNDING
from written import numbers

#: Slopes of the made-up predictions by convention, and how much the published selection is better.
SLOPES = {"per_sample": 0.5, "fixed": 0.6, "as_published": 0.7}
STRATEGIES = ("random", "top_positive_test_loss", "published_positive_test_loss")


def made_up():
    """Predictions that are a multiple of the truth: RIF twice as good as IF, NS the truth itself."""
    generator, records = np.random.default_rng(0), []
    for (convention, slope), strategy, size, repeat in [
        (item, strategy, size, repeat)
        for item in SLOPES.items()
        for strategy in STRATEGIES
        for size in range(1, 11)
        for repeat in range(3)
        if repeat == 0 or (item[0] == "per_sample" and not strategy.startswith("published"))
    ]:
        actual = size * (1 + generator.random())
        better = 0.2 if strategy.startswith("published") else 0.0
        for method, share in (("if", slope), ("rif", (1 + slope) / 2), ("newton", 1.0)):
            factor = share + better * (method == "if") - 0.1 * repeat * (method == "if")
            records.append(
                {
                    "dataset": "made",
                    "variant": "base",
                    "strategy": strategy,
                    "set_id": f"{strategy}-{size}-{repeat}",
                    "evaluation": "test_loss",
                    "convention": convention,
                    "own": convention == "per_sample",
                    "size": size,
                    "repeat": repeat,
                    "method": method,
                    "actual": actual,
                    "predicted": factor * actual,
                }
            )
    return pd.DataFrame(records)


@pytest.fixture(scope="module")
def pairs():
    return made_up()


def slopes(table, method="if"):
    rows = table[table["method"] == method]
    return {(row.convention, row.chosen): row.slope for row in rows.itertuples()}


def test_each_convention_has_its_own_slope_and_the_selections_theirs(pairs):
    found = slopes(conventions_table(pairs, 100, 0))
    expected = {(name, ALL): slope for name, slope in SLOPES.items()}
    expected |= {("per_sample", DESCRIBED): 0.5, ("per_sample", SELECTED): 0.7}
    assert found == pytest.approx(expected, rel=ROUNDING)


def test_conventions_are_compared_on_the_sets_of_the_first_seed(pairs):
    table = conventions_table(pairs, 100, 0)
    assert set(table.loc[table["chosen"] == ALL, "sets"]) == {20}
    assert set(table.loc[table["chosen"] != ALL, "sets"]) == {10}


def test_the_deviation_over_seeds_is_that_of_their_slopes(pairs):
    table = seeds_table(pairs, 100, 0).set_index("method")
    assert table["slope_deviation"].to_dict() == pytest.approx({"if": 0.1, "rif": 0.0, "newton": 0.0}, abs=1e-12)
    assert set(table["sets"]) == {60}
    assert set(table["seeds"]) == {3}
    assert table.loc["if", "slope_low"] < table.loc["if", "slope"] < table.loc["if", "slope_high"]


def test_pairs_say_who_is_closer_and_by_how_much(pairs):
    table = paired_table(pairs, 100, 0).set_index(["first", "second"])
    better = table.loc[("if", "rif")]
    assert (better["closer"], better["closer_low"], better["closer_high"]) == (1, 1, 1)
    assert better["gain"] == pytest.approx(0.35)  # errors of 0.5, 0.6 and 0.7 less 0.25


def test_ties_count_half(pairs):
    same = pairs.assign(predicted=pairs["actual"])
    table = paired_table(same, 100, 0)
    assert set(table["closer"]) == {0.5}


def test_errors_that_differ_by_rounding_are_a_tie(pairs):
    nudged = pairs["actual"] * (1 + np.random.default_rng(0).normal(size=len(pairs)) * 1e-13)
    table = paired_table(pairs.assign(predicted=nudged), 100, 0)
    assert set(table["closer"]) == {0.5}
    assert set(table["gain"]) == {0.0}


def test_all_sets_of_a_strategy_and_size_are_resampled_together(pairs):
    """Otherwise three copies of the same sets would look like three times as many."""
    first = pairs[(pairs["repeat"] == 0) & (pairs["convention"] == "per_sample")]
    copies = [first.assign(repeat=i, set_id=first["set_id"] + f"-{i}") for i in range(3)]
    noisy = [one.assign(predicted=one["predicted"] + 0.1 * one["actual"] * (one["size"] % 3)) for one in copies]
    one, three = (seeds_table(pd.concat(noisy[:n]), 2000, 0).set_index("method") for n in (1, 3))
    for method in ("if", "rif"):
        widths = [table.loc[method, "slope_high"] - table.loc[method, "slope_low"] for table in (one, three)]
        assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_conventions_are_held_against_the_same_sets(pairs):
    missing = (pairs["convention"] == "fixed") & (pairs["set_id"] == "random-3-0") & (pairs["method"] == "newton")
    table = conventions_table(pairs[~missing], 100, 0)
    assert set(table.loc[table["chosen"] == ALL, "sets"]) == {19}


def test_a_set_that_one_method_does_not_predict_is_left_out_for_all(pairs):
    missing = pairs["own"] & (pairs["set_id"] == "random-3-1") & (pairs["method"] == "newton")
    for table in (seeds_table(pairs[~missing], 100, 0), paired_table(pairs[~missing], 100, 0)):
        assert set(table["sets"]) == {59}
        assert not table.isna().any(axis=None)


@pytest.mark.parametrize("kind", TABLES)
def test_without_a_certified_set_a_table_is_empty_and_not_broken(pairs, kind):
    table = TABLES[kind].table(pairs[:0], 100, 0)
    assert len(table) == 0
    assert len(TABLES[kind].readable(table)) == 0


@pytest.mark.parametrize("kind", TABLES)
def test_every_table_has_a_form_for_readers(pairs, kind):
    table = TABLES[kind].table(pairs, 100, 0)
    shown = TABLES[kind].readable(table)
    assert len(shown) == len(table)
    assert not any(column.endswith(("_low", "_high")) for column in shown)


def test_the_figure_has_a_point_for_each_slope_of_the_evaluation_functions_that_there_are(pairs, tmp_path):
    table = conventions_table(pairs, 100, 0)
    drawing = conventions_figure(table, {"made": "Made up", "other": "No rows"})
    assert len(drawing.figure.axes) == 2
    drawn = [line for ax in drawing.figure.axes for line in ax.lines if line.get_marker() != "None"]
    assert len(drawn) == len(table) == len(numbers(drawing, tmp_path))


def test_without_a_certified_set_the_figure_is_empty_and_not_broken(pairs, tmp_path):
    conventions_table(pairs[:0], 100, 0).to_csv(tmp_path / "table.csv", index=False)
    drawing = conventions_figure(pd.read_csv(tmp_path / "table.csv"), {"made": "Made up"})
    assert len(drawing.figure.axes) == len(EVALUATIONS)
    assert numbers(drawing, tmp_path).empty

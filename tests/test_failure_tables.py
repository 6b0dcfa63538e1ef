"""Which sets estimators fail on: medians of known errors, over the right sets, and nothing where there is nothing."""

import numpy as np
import pandas as pd
import pytest

from leaveout.effects import PREDICTIONS
from leaveout.failure_tables import COLUMNS, SIZES, failures_table, readable_failures
from leaveout.figures.failing_sets import ERRORS, failing_sets_figure
from leaveout.figures.failures import SAID
from leaveout.figures.style import METHODS
from written import numbers

STRATEGIES = ("random", "cluster_l2")


def points(sizes=(1, 2, 4, 8, 16, 32, 64), datasets=("d",)):
    """Errors that are known functions of strategy, size and method."""
    rows = [
        {"dataset": dataset, "variant": "base", "strategy": strategy, "size": size, "repeat": 0}
        | {"set_id": f"{strategy}-{size}-0", "method": method, "error": error(strategy, size, method)}
        | {"ignored": 10 * error(strategy, size, method)}
        for dataset in datasets
        for strategy in STRATEGIES
        for size in sizes
        for method in PREDICTIONS
    ]
    columns = ["dataset", "variant", "strategy", "size", "repeat", "set_id", "method", "error", "ignored"]
    return pd.DataFrame(rows, columns=columns)


def error(strategy, size, method):
    return 1e-3 * size * (1 + STRATEGIES.index(strategy)) * (1 + PREDICTIONS.index(method))


def test_medians_are_those_of_the_sets_of_a_strategy_and_of_a_third_of_the_sizes():
    table = failures_table(points(), 200, 0).set_index(["among", "method"])
    assert len(table) == (len(STRATEGIES) + len(SIZES)) * len(PREDICTIONS)
    for method in PREDICTIONS:
        for strategy in STRATEGIES:
            assert table.loc[(strategy, method), "error"] == pytest.approx(error(strategy, 8, method))
            assert table.loc[(strategy, method), "ignored"] == pytest.approx(10 * error(strategy, 8, method))
        for name, sizes in zip(SIZES, ([1, 2, 4], [8, 16], [32, 64]), strict=True):
            expected = np.median([error(strategy, size, method) for strategy in STRATEGIES for size in sizes])
            row = table.loc[(name, method)]
            assert row["error"] == pytest.approx(expected)
            assert (row["least"], row["most"], row["sets"]) == (sizes[0], sizes[-1], 2 * len(sizes))


def test_the_best_estimator_of_a_set_has_its_smallest_error_and_a_tie_is_shared():
    made = points(sizes=(1, 2, 3, 4)).set_index(["strategy", "size", "method"]).sort_index()
    made.loc[("random", 1, "rif"), "error"] = made.loc[("random", 1, "if"), "error"] * (1 - 1e-12)
    made.loc[("random", 2, "newton"), "error"] = 1e-9
    table = failures_table(made.reset_index(), 2000, 0).set_index(["among", "method"])
    assert table.loc["random", "best"].tolist() == [0.625, 0.125, 0.25]  # of IF, RIF, NS: by two sets and a half
    assert table.loc["cluster_l2", ["best", "best_low", "best_high"]].to_numpy().T.tolist() == [[1, 0, 0]] * 3
    low, high = table.loc[("random", "newton"), ["best_low", "best_high"]]
    assert (low, high) == (0, 0.75)  # quantiles of four draws of which each is it with probability 1/4


def test_intervals_hold_the_median_and_errors_of_sets():
    table = failures_table(points(), 500, 0)
    assert (table["error_low"] < table["error"]).all()
    assert (table["error"] < table["error_high"]).all()
    random = table[(table["among"] == "random") & (table["method"] == "if")].iloc[0]
    assert (random["error_low"], random["error_high"]) == pytest.approx((2e-3, 32e-3))  # the second and sixth of 7
    pd.testing.assert_frame_equal(table, failures_table(points(), 500, 0))


def test_an_interval_does_not_depend_on_what_else_is_there():
    alone, beside = failures_table(points(), 100, 0), failures_table(points(datasets=("e", "d")), 100, 0)
    pd.testing.assert_frame_equal(beside[beside["dataset"] == "d"].reset_index(drop=True), alone)


def test_of_few_sizes_some_thirds_have_no_sets():
    table = failures_table(points(sizes=(3,)), 100, 0)
    assert set(table["among"]) == {*STRATEGIES, "small"}


@pytest.mark.parametrize("datasets", [(), ("d",), ("d", "e")])
def test_the_figure_has_a_point_for_each_row_and_none_where_nothing_is_certified(datasets, tmp_path):
    table = failures_table(points(datasets=datasets), 100, 0)
    assert list(table) == COLUMNS
    drawing = failing_sets_figure(table, {"d": "Made up", "e": "Other*"})
    drawn = [line for ax in drawing.figure.axes for line in ax.lines if line.get_marker() != "None"]
    assert len(drawn) == len(table) == len(numbers(drawing, tmp_path))
    assert len(readable_failures(table)) == len(table)


def test_names_stand_beside_the_points_of_the_first_line_of_sizes_and_failures_on_grey():
    table = failures_table(points(), 100, 0)
    above, below = failing_sets_figure(table, {"d": "Made up"}).figure.axes
    ends = table[table["among"] == "small"].set_index("method")["error_high"]
    assert {text.get_text(): text.xy[0] for text in below.texts} == {METHODS[m]: ends[m] for m in PREDICTIONS}
    assert not above.texts
    for ax in (above, below):
        (grey,) = ax.patches
        assert (grey.get_x(), grey.get_x() + grey.get_width()) == pytest.approx((0.1, ERRORS[1]))


def test_errors_beyond_the_axis_stand_at_its_edge_as_arrows():
    far = points()
    far["error"] *= 1e4
    drawing = failing_sets_figure(failures_table(far, 100, 0), {"d": "Made up"})
    markers = {line.get_marker() for ax in drawing.figure.axes for line in ax.lines if line.get_marker() != "None"}
    assert markers == {">"}
    assert max(line.get_xdata().max() for line in drawing.figure.axes[0].lines if line.get_marker() == ">") == ERRORS[1]


def test_readers_see_what_each_estimator_ignores():
    shown = readable_failures(failures_table(points(), 100, 0))
    assert shown.loc[0, "sizes"] == "1 to 64"
    assert shown.loc[0, "what it ignores"] == "0.08"
    assert set(shown["estimator"]) == {"IF", "RIF", "NS"}
    assert set(SAID) == set(PREDICTIONS)

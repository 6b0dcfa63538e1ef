"""What tables and figures say of predictions' errors and bounds: ratios, counts, violations, what is left out."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from leaveout import result_rows
from leaveout.effects import PREDICTIONS
from leaveout.failure_tables import failure_points
from leaveout.figures.failures import SAID, failures_figure
from leaveout.figures.predictions import COLORS, LIMITS, predictions_figure
from leaveout.figures.style import save
from leaveout.prediction_tables import (
    BOUNDS,
    certified,
    predictions_table,
    read_predictions,
    readable_predictions,
    uncertified,
    violated,
)
from leaveout.predictions import SCHEMA
from rows import LABELS
from written import numbers

TITLES = {"d": "Made up", "e": "Other*"}
#: Bounds over errors of the rows below, but for the spread by set.
FACTORS = {"estimate": 1.0, "factor": 2.0, "convexity": 20.0, "duality_3": 4.0, "duality_4": 3.0, "duality_5": 1.5}
SETS, REPEATS = 6, 2


def prediction_rows(datasets=("d", "e"), **changes):
    """Rows with errors in known ratios to bounds and to what is ignored; ``changes`` of columns, for all rows."""
    rows = []
    for dataset in datasets:
        for strategy in ("random", "cluster_l2"):
            for size in range(1, SETS + 1):
                for repeat in range(REPEATS):
                    rows += [_row(dataset, strategy, size, repeat, method) | changes for method in PREDICTIONS]
    return pd.DataFrame(rows, columns=SCHEMA.names)


def _row(dataset, strategy, size, repeat, method):
    error = 0.01 * size * (1 + PREDICTIONS.index(method))
    row = LABELS | {"dataset": dataset, "strategy": strategy, "size": size, "repeat": repeat, "method": method}
    row |= {"set_id": f"{strategy}-{size}-{repeat}", "status": "converged", "gradient_norm": 1e-14}
    row |= {"largest_leverage": 0.01, "joint_leverage": 0.02 * size, "overlap": 0.02 * (size - 1)}
    row |= {"newton_logit_change": 1.0, "logit_change": 1.0, "newton_curvature_change": 0.1}
    row |= {"curvature_change": 0.04 * size, "change_euclidean": 0.5, "change_hessian": 0.5}
    row |= {"error_euclidean": error, "error_hessian": error, "prediction_gradient_norm": 1e-3}
    row |= {bound.column: FACTORS[name] * error * (1 + repeat / 10) for name, bound in BOUNDS.items()}
    row |= {bound.lower: 0.8 * error for bound in BOUNDS.values() if bound.lower}
    return row | {"distance_euclidean": 1e-9, "distance_hessian": 1e-9}


def test_medians_and_extremes_are_those_of_bound_over_error():
    table = predictions_table(prediction_rows(), 200, 0)
    assert len(table) == 2 * len(PREDICTIONS) * len(BOUNDS)
    for row in table.itertuples():
        factor = FACTORS[row.bound]
        assert row.sets == 2 * SETS * REPEATS
        assert (row.least, row.worst) == pytest.approx((factor, 1.1 * factor))
        assert row.median == pytest.approx(1.05 * factor)
        assert row.least * (1 - 1e-9) <= row.median_low <= row.median <= row.median_high <= row.worst * (1 + 1e-9)
        assert row.without == row.unresolved == 0
        if BOUNDS[row.bound].lower:
            assert row.tight == row.tight_low == row.tight_high == 1.0


def test_intervals_are_wider_where_sets_differ_more_and_the_same_again():
    rows = prediction_rows()
    spread = rows.assign(convexity_euclidean=rows["error_euclidean"] * (1 + np.arange(len(rows)) % 17))
    first, again = (predictions_table(spread, 200, 0) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    convexity = first[first["bound"] == "convexity"]
    assert (convexity["median_high"] - convexity["median_low"] > 1).all()


def test_a_set_without_a_finite_bound_is_counted_and_not_part_of_the_median():
    rows = prediction_rows()
    chosen = (rows["set_id"] == "random-3-0") & (rows["method"] == "newton") & (rows["dataset"] == "d")
    table = predictions_table(rows.assign(factor_hessian=rows["factor_hessian"].mask(chosen)), 50, 0)
    of_factor = table[table["bound"] == "factor"].set_index(["dataset", "method"])
    assert of_factor["without"].to_dict()[("d", "newton")] == 1
    assert of_factor["without"].sum() == 1
    assert (of_factor["median"] > 0).all()
    shown = readable_predictions(table)
    assert shown["without a bound"].sum() == 1


def test_errors_outside_of_the_bounds_are_violations_beyond_what_the_truth_can_be_off_by():
    rows = prediction_rows(("d",))
    for name, bound in BOUNDS.items():
        if not bound.rigorous:
            assert not violated(rows.assign(**{bound.column: 0.0}), bound).any()
            continue
        assert not violated(rows, bound).any()
        assert violated(rows.assign(**{bound.column: 0.99 * rows[bound.error]}), bound).all()
        near = rows.assign(**{bound.column: rows[bound.error] - 0.5e-9})
        assert not violated(near, bound).any()
        if bound.lower:
            assert violated(rows.assign(**{bound.lower: 1.01 * rows[bound.error]}), bound).all(), name


def test_an_error_that_is_not_known_well_enough_has_no_ratio():
    rows = prediction_rows(("d",), distance_euclidean=1.0)
    table = predictions_table(rows, 50, 0).set_index(["method", "bound"])
    assert table.loc[("if", "convexity"), "unresolved"] == 2 * SETS * REPEATS
    assert np.isnan(table.loc[("if", "convexity"), "median"])
    assert table.loc[("if", "factor"), "unresolved"] == 0


def test_what_is_not_certified_is_named_and_not_counted():
    rows = prediction_rows()
    failed = (rows["set_id"] == "cluster_l2-2-1") & (rows["dataset"] == "e")
    marked = rows.assign(status=rows["status"].mask(failed, "iteration_limit"))
    assert uncertified(marked) == ["e/base: cluster_l2-2-1 (iteration_limit)"]
    assert len(certified(marked)) == len(rows) - 3
    assert set(predictions_table(marked, 50, 0)["sets"]) == {2 * SETS * REPEATS, 2 * SETS * REPEATS - 1}
    notes = [text.get_text() for text in failures_figure(marked, TITLES, 20, 0).figure.texts]
    assert any("1 sets not certified" in note for note in notes)


def test_readers_see_medians_with_intervals_and_violations(tmp_path):
    path = tmp_path / "predictions.parquet"
    rows = prediction_rows()
    result_rows.write(pa.Table.from_pandas(rows, schema=SCHEMA, preserve_index=False), path)
    shown = readable_predictions(predictions_table(read_predictions([path]), 50, 0))
    assert list(shown["estimator"].unique()) == ["IF", "RIF", "NS"]
    assert shown["bound / error"].str.contains(r"^\d.* \[.*\]$").all()
    assert set(shown["violations"].dropna()) == {"0"}


def test_the_figure_of_bounds_draws_each_estimator_and_data_set_and_counts_missing_bounds(tmp_path):
    rows = prediction_rows()
    gone = (rows["dataset"] == "e") & (rows["method"] == "rif") & (rows["size"] == 4)
    drawing = predictions_figure(rows.assign(factor_hessian=rows["factor_hessian"].mask(gone)), TITLES, "a note")
    assert len(drawing.figure.axes) == len(PREDICTIONS) * len(TITLES)
    texts = [ax.texts[0].get_text() for ax in drawing.figure.axes]
    assert texts == ["none for 0 of 24"] * 3 + ["none for 4 of 24"] + ["none for 0 of 24"] * 2
    for ax in drawing.figure.axes:
        assert (ax.get_yscale(), ax.get_ylim()) == ("log", LIMITS)
    medians = drawing.figure.axes[0].lines[1 + list(COLORS).index("factor")].get_ydata()
    assert medians == pytest.approx(1.05 * FACTORS["factor"])
    assert len(drawing.points) == len(rows) * len(COLORS)
    save(drawing, [tmp_path / "drawn.svg", tmp_path / "drawn.csv"])
    assert len(pd.read_csv(tmp_path / "drawn.csv")) == len(drawing.points)


def test_failures_are_relative_errors_against_what_each_estimator_ignores():
    points = failure_points(prediction_rows(("d",)))
    for point in points.itertuples():
        k = point.size
        ignored = {"if": 0.02 * k + k / LABELS["n_train"], "rif": 0.02 * (k - 1), "newton": 0.04 * k}
        assert point.ignored == pytest.approx(ignored[point.method])
        assert point.error == pytest.approx(0.02 * k * (1 + PREDICTIONS.index(point.method)))
    fixed = failure_points(prediction_rows(("d",), regularizer="fixed"))
    assert fixed["ignored"].to_numpy()[0] == pytest.approx(0.02)


def test_the_figure_of_failures_has_the_same_axes_everywhere_and_says_what_it_leaves_out():
    drawing = failures_figure(prediction_rows(), TITLES, 20, 0, "a note")
    axes = drawing.figure.axes
    assert len(axes) == len(SAID) * len(TITLES)
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in axes}) == 1
    assert {(ax.get_xscale(), ax.get_yscale()) for ax in axes} == {("log", "log")}
    for (method, said), ax in zip(SAID.items(), axes[:: len(TITLES)], strict=True):
        chosen = drawing.points[(drawing.points["method"] == method) & (drawing.points["dataset"] == "d")]
        drawn = sorted(map(tuple, ax.collections[0].get_offsets().tolist()))
        assert drawn == sorted(zip(chosen["ignored"], chosen["error"], strict=True))
        assert ax.get_xlabel() == said.axis
        assert ax.texts[0].get_text().startswith("ρ = 1.00")
    texts = " ".join(text.get_text() for text in drawing.figure.texts)
    assert "8 sets without overlap" in texts
    assert "a note" in texts
    for said in SAID.values():
        assert said.says in texts


def test_without_any_certified_set_figures_and_tables_are_empty_not_broken(tmp_path):
    rows = prediction_rows(status="iteration_limit")
    assert readable_predictions(predictions_table(rows, 20, 0)).empty
    for drawing in (predictions_figure(rows, TITLES), failures_figure(rows, TITLES, 20, 0)):
        assert len(drawing.figure.axes) == 6
        assert numbers(drawing, tmp_path).empty

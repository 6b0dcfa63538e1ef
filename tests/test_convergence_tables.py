"""Every truth judges what it is said to judge, on the same sets, and nothing without a certificate is among them."""

import pandas as pd
import pytest

from leaveout import conventions, published, result_rows
from leaveout.calibration import STATISTICS
from leaveout.convergence_tables import (
    CERTIFIED,
    PIPELINE,
    SIMPLIFIED,
    STOPPED,
    convergence_table,
    judged,
    read_judged,
    readable_convergence,
)
from leaveout.figures.convergence import ERRORS, convergence_figure
from rows import LABELS
from written import numbers

#: What each method's effect is of the certified one, at each base.
FACTORS = {
    published.CERTIFIED: {"if": 0.5, "rif": 0.8, "newton": 1.04, "retrain": 1.02, "simplified": 1.5},
    published.PUBLISHED: {"if": 0.6, "rif": 0.9, "newton": 1.3, "retrain": 1.2},
}
EVALUATIONS = ("test_loss", "self_loss")
SIZES = (1, 2, 4, 8, 16)


def actual(size, evaluation, sign):
    return sign * (1 + EVALUATIONS.index(evaluation)) * float(size)


def sets(datasets):
    for dataset in datasets:
        for strategy, sign in (("random", 1), ("cluster_l2", -1)):
            for size in SIZES:
                labels = LABELS | {"dataset": dataset, "strategy": strategy, "size": size, "repeat": 0}
                yield labels | {"set_id": f"{strategy}-{size}-0"}, sign


def published_rows(datasets=("digits",)):
    for labels, sign in sets(datasets):
        for evaluation in EVALUATIONS:
            for base, factors in FACTORS.items():
                norms = {"base": base, "base_gradient_norm": 1e-4, "base_error": 0.01}
                for method, factor in factors.items():
                    effect = factor * actual(labels["size"], evaluation, sign)
                    row = labels | norms | {"evaluation": evaluation, "method": method, "effect": effect}
                    stopped = {"gradient_norm": 1e-5, "evaluations": 1 + (labels["size"] > 2), "reason": "decrease"}
                    failed = {"gradient_norm": 0.1, "evaluations": 26, "reason": "limit"}
                    yield row | {"retrain": stopped, "simplified": failed}.get(method, {})


def certified_rows(datasets=("digits",), uncertified=()):
    for labels, sign in sets(datasets):
        for convention in ("per_sample", "fixed"):
            for evaluation in EVALUATIONS:
                wrong = 5.0 if convention == "fixed" or labels["set_id"] in uncertified else 1.0
                status = "iteration_limit" if labels["set_id"] in uncertified else "converged"
                row = labels | {"evaluation": evaluation, "convention": convention, "own": True, "method": "retrain"}
                yield row | {"effect": wrong * actual(labels["size"], evaluation, sign), "status": status}


def one(datasets=("digits",), uncertified=()):
    return judged(pd.DataFrame(published_rows(datasets)), pd.DataFrame(certified_rows(datasets, uncertified)))


def test_each_judge_holds_the_right_effects_against_the_right_truth():
    table = convergence_table(one().pairs, 50, 0).set_index(["evaluation", "method", "judge"])["slope"]
    stopped, pipeline = (FACTORS[base] for base in (published.CERTIFIED, published.PUBLISHED))
    expected = {
        (STOPPED, CERTIFIED): stopped["retrain"],
        (SIMPLIFIED, CERTIFIED): stopped["simplified"],
        (PIPELINE, CERTIFIED): pipeline["retrain"],
    }
    for method in ("if", "rif", "newton"):
        expected |= {
            (method, CERTIFIED): stopped[method],
            (method, STOPPED): stopped[method] / stopped["retrain"],
            (method, SIMPLIFIED): stopped[method] / stopped["simplified"],
            (method, PIPELINE): pipeline[method] / pipeline["retrain"],
        }
    assert len(table) == len(EVALUATIONS) * len(expected)
    for (method, judge), slope in expected.items():
        for evaluation in EVALUATIONS:
            assert table[evaluation, method, judge] == pytest.approx(slope), (method, judge)


def test_shares_of_effects_that_are_off_and_of_models_that_never_moved_or_failed_are_counted():
    rows = pd.DataFrame(published_rows())
    seen = (rows["base"] == published.PUBLISHED) & (rows["method"] == "retrain")
    rows.loc[seen, "effect"] *= (
        1.105 / FACTORS[published.PUBLISHED]["retrain"]
    )  # off by a tenth of the truth, not of it
    found = judged(rows, pd.DataFrame(certified_rows()))
    table = convergence_table(found.pairs, 50, 0).set_index(["evaluation", "method", "judge"])
    assert table.loc[("test_loss", PIPELINE, CERTIFIED), ["off", "off_low", "off_high"]].tolist() == [1, 1, 1]
    assert table.loc[("test_loss", STOPPED, CERTIFIED), "off"] == 0
    assert table.loc[("test_loss", STOPPED, CERTIFIED), "unmoved"] == 2 / 5  # sizes of 1 and 2
    assert table.loc[("test_loss", STOPPED, CERTIFIED), "evaluations"] == 2
    assert table.loc[("test_loss", STOPPED, CERTIFIED), "failed"] == 0
    assert table.loc[("test_loss", SIMPLIFIED, CERTIFIED), "failed"] == 1
    assert table.loc[("test_loss", "if", STOPPED), ["unmoved", "failed", "evaluations", "gradient_norm"]].isna().all()


def test_intervals_of_a_share_are_those_of_resampled_sets():
    rows = pd.DataFrame(published_rows())
    spoiled = (rows["base"] == published.CERTIFIED) & (rows["method"] == "retrain") & (rows["size"] <= 4)
    rows.loc[spoiled, "effect"] *= 2
    table = convergence_table(judged(rows, pd.DataFrame(certified_rows())).pairs, 2000, 0)
    row = table[(table["method"] == STOPPED) & (table["evaluation"] == "test_loss")].iloc[0]
    # of two strategies with five sets each, three of them off: the mean of ten draws
    assert row["off"] == 0.6
    assert (row["off_low"], row["off_high"]) == pytest.approx((0.3, 0.9), abs=0.051)


def test_a_set_without_a_certificate_is_left_out_of_every_comparison_and_named():
    found = one(uncertified=("random-4-0",))
    assert found.left_out == ["digits/base: random-4-0 (not certified, or not computed)"]
    assert "random-4-0" not in set(found.pairs["set_id"])
    table = convergence_table(found.pairs, 50, 0)
    assert set(table["sets"]) == {2 * len(SIZES) - 1}
    assert table.loc[table["judge"] == CERTIFIED, "slope"].max() < 2  # nothing of its absurd effect


def test_files_are_read_and_readers_see_intervals(tmp_path):
    result_rows.write(result_rows.table(published_rows(), published.SCHEMA), tmp_path / "rows.parquet")
    result_rows.write(result_rows.table(certified_rows(), conventions.SCHEMA), tmp_path / "effects.parquet")
    found = read_judged([tmp_path / "rows.parquet"], [tmp_path / "effects.parquet"])
    table = convergence_table(found.pairs, 50, 0)
    pd.testing.assert_frame_equal(table, convergence_table(one().pairs, 50, 0))
    shown = readable_convergence(table)
    assert shown.loc[0, "slope"] == "1.020 [1.020, 1.020]"
    assert not {f"{name}_low" for name in (*STATISTICS, "off")} & set(shown)


def test_the_figure_has_a_row_an_evaluation_function_and_all_points():
    found = one(("digits", "dogfish"))
    drawing = convergence_figure(found, convergence_table(found.pairs, 50, 0), {"digits": "Digits", "dogfish": "Dog"})
    assert len(drawing.figure.axes) == 2 * len(EVALUATIONS)
    sets, medians = (drawing.points[drawing.points["shown"] == shown] for shown in ("set", "median"))
    assert len(sets) == 2 * len(EVALUATIONS) * 3 * 2 * len(SIZES)
    assert sets.loc[sets["method"] == PIPELINE, "relative_error"].to_numpy() == pytest.approx(0.2)
    assert len(medians) == 2 * len(EVALUATIONS) * (3 + 3 * 4)
    drawn = [line.get_ydata() for line in drawing.figure.axes[0].lines]
    assert sorted(len(values) for values in drawn)[-3:] == [2 * len(SIZES)] * 3  # a point a set, of each truth
    marks = sorted(float(values[0]) for values in drawn if len(values) == 1)
    expected = [0.02, 0.2, 0.5]
    truths = [(published.CERTIFIED, 1), (published.CERTIFIED, 1.02), (published.CERTIFIED, 1.5)]
    for base, truth in [*truths, (published.PUBLISHED, 1.2)]:
        expected += [abs(FACTORS[base][method] / truth - 1) for method in ("if", "rif", "newton")]
    assert marks == pytest.approx(sorted(expected))


def test_errors_beyond_the_axis_stand_at_its_edge_and_sets_that_are_left_out_are_counted():
    rows = pd.DataFrame(published_rows())
    rows.loc[(rows["method"] == "retrain") & (rows["set_id"] == "random-1-0"), "effect"] = 1e6
    found = judged(rows, pd.DataFrame(certified_rows(uncertified=("random-4-0",))))
    drawing = convergence_figure(found, convergence_table(found.pairs, 50, 0), {"digits": "Digits"})
    assert max(max(line.get_ydata()) for line in drawing.figure.axes[0].lines) == ERRORS[1]
    assert any("1 sets not certified, left out" in text.get_text() for text in drawing.figure.texts)


def test_without_any_certified_set_the_table_and_the_figure_are_empty_not_broken(tmp_path):
    found = one(uncertified={f"{strategy}-{size}-0" for strategy in ("random", "cluster_l2") for size in SIZES})
    assert len(found.left_out) == 2 * len(SIZES)
    table = convergence_table(found.pairs, 50, 0)
    assert readable_convergence(table).empty
    table.to_csv(tmp_path / "table.csv", index=False)
    drawing = convergence_figure(found, pd.read_csv(tmp_path / "table.csv"), {"digits": "Digits"})
    assert numbers(drawing, tmp_path).empty
    assert {ax.get_ylim() for ax in drawing.figure.axes} == {ERRORS}

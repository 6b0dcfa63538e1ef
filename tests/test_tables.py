"""Tables: every number in the csv, readable text in Markdown, LaTeX and HTML."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from leaveout.calibration import STATISTICS
from leaveout.tables import calibration_table, named_runs, with_intervals, write_table
from rows import EVALUATIONS, FACTORS, study_rows, without_predictions

FORMS = ("csv", "md", "tex", "html")


@pytest.fixture
def paths(tmp_path):
    return SimpleNamespace(**{form: tmp_path / f"table.{form}" for form in FORMS})


@pytest.fixture(scope="module")
def calibration():
    return calibration_table(study_rows(variants=("base", "regularizer=fixed")), bootstrap=100, seed=0)


def test_a_row_for_each_run_evaluation_and_method(calibration):
    assert len(calibration) == 2 * len(EVALUATIONS) * len(FACTORS)
    assert not calibration.duplicated(["dataset", "variant", "evaluation", "method"]).any()
    assert set(calibration["sets"]) == {12}


def test_slopes_are_the_factors_that_predictions_were_made_with(calibration):
    for method, factor in FACTORS.items():
        chosen = calibration[calibration["method"] == method]
        assert np.abs(chosen["slope"] - factor).max() < 0.03  # predictions carry noise of 0.01
        assert (chosen["slope_low"] <= chosen["slope"]).all()
        assert (chosen["slope"] <= chosen["slope_high"]).all()


def test_intervals_depend_on_the_seed_alone(calibration):
    again, other = (calibration_table(study_rows(variants=("base", "regularizer=fixed")), 100, seed) for seed in (0, 1))
    pd.testing.assert_frame_equal(again, calibration)
    assert other["slope"].tolist() == calibration["slope"].tolist()
    assert (other["slope_low"] != calibration["slope_low"]).any()


def test_sets_without_a_certificate_do_not_count():
    failed = calibration_table(study_rows(uncertified=["random-3-0"]), 100, 0)
    assert set(failed["sets"]) == {11}
    assert (failed["r2"] > 0.5).all()  # an absurd effect among them would ruin it


def test_all_estimators_are_calibrated_on_the_sets_that_all_of_them_have():
    partly = without_predictions(study_rows(), {("random-3-0", "rif"), ("cluster_l2-2-0", "if")})
    failed = study_rows(uncertified=["random-3-0", "cluster_l2-2-0"])
    pd.testing.assert_frame_equal(calibration_table(partly, 100, 0), calibration_table(failed, 100, 0))


def test_all_four_forms_are_written(calibration, paths, tmp_path):
    write_table(calibration, with_intervals(calibration), paths, "Calibration.")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(f"table.{form}" for form in FORMS)


def test_the_csv_carries_every_number(calibration, paths):
    write_table(calibration, with_intervals(calibration), paths, "Calibration.")
    read = pd.read_csv(paths.csv)
    pd.testing.assert_frame_equal(read, calibration, check_dtype=False, check_exact=True)


def test_readers_see_statistics_with_their_intervals(calibration, paths):
    write_table(calibration, with_intervals(calibration), paths, "Calibration.")
    first = calibration.iloc[0]
    for form in ("md", "tex", "html"):
        text = getattr(paths, form).read_text()
        for name in STATISTICS:
            assert f"{first[name]:.3f} [{first[f'{name}_low']:.3f}, {first[f'{name}_high']:.3f}]" in text
        assert "relative error" in text
        assert "_low" not in text


def test_markdown_is_a_table_with_a_line_a_row(calibration, paths):
    write_table(calibration, with_intervals(calibration), paths, "Calibration.")
    lines = paths.md.read_text().splitlines()
    assert len(lines) == 2 + len(calibration)
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert re.fullmatch(r"[|:-]+", lines[1])


def test_no_text_breaks_a_line_of_markdown(paths):
    table = pd.DataFrame({"id": ["a|b", "c\nd"], "f": [1, 2]})
    write_table(table, table, paths, "Names of a user's own.")
    lines = paths.md.read_text().splitlines()
    assert len(lines) == 4
    assert [re.split(r"(?<!\\)\|", line)[1].strip() for line in lines[2:]] == [r"a\|b", "c d"]


def test_latex_escapes_its_special_characters(paths):
    table = pd.DataFrame({"not_listed": ["a_b & 5 % of {c} #1 $x^2$ ~"], "f": [0.5]})
    write_table(table, table, paths, "95 % of all.")
    text = paths.tex.read_text()
    assert r"a\_b \& 5 \% of \{c\} \#1 \$x\textasciicircum 2\$ \textasciitilde" in text
    assert r"not\_listed" in text
    assert r"\caption{95 \% of all.}" in text
    assert re.search(r"(?<!\\)[%#$]", text) is None
    assert text.count("&") - text.count(r"\&") == len(table.columns) - 1 + len(table)


def test_html_escapes_its_special_characters(paths):
    table = pd.DataFrame({"f": ["a < b & <script>"]})
    write_table(table, table, paths, "95 % of all.")
    text = paths.html.read_text()
    assert "a &lt; b &amp; &lt;script&gt;" in text
    assert "95 % of all." in text
    assert "<script" not in text


def test_the_same_table_gives_the_same_bytes(calibration, paths):
    written = []
    for _ in range(2):
        write_table(calibration, with_intervals(calibration), paths, "Calibration.")
        written.append([getattr(paths, form).read_bytes() for form in FORMS])
    assert written[0] == written[1]


def test_without_any_certified_set_the_calibration_is_empty_and_still_written(tmp_path):
    names = {row["set_id"] for row in study_rows().to_pylist()}
    table = calibration_table(study_rows(uncertified=tuple(names)), 100, 0)
    assert len(table) == 0
    assert "slope_low" in table.columns
    paths = SimpleNamespace(**{form: tmp_path / f"calibration.{form}" for form in ("csv", "md", "tex", "html")})
    write_table(table, with_intervals(table), paths, "Nothing.")
    assert paths.csv.read_text().startswith("dataset,variant,evaluation,method,sets,slope")


def test_readers_see_the_variant_where_a_data_set_has_several():
    several = pd.DataFrame({"dataset": ["a", "b", "b"], "variant": ["base", "base", "half"]})
    assert named_runs(several).equals(several)
    assert list(named_runs(several[:2])) == ["dataset"]
    assert list(named_runs(several[:0])) == ["dataset"]

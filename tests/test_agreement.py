"""The comparison of two runs sees what is not the same, and lets rounding be."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agreement import disagreements
from rows import study_rows

FILE = "digits/base/effects/random.parquet"


@pytest.fixture
def written(tmp_path):
    """Write rows as a run's results; return its folder."""

    def write(run, rows, name=FILE):
        file = tmp_path / run / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, file)
        return tmp_path / run

    return write


def changed(rows, column, change):
    """The rows with one column changed."""
    values = pa.array(change(rows[column].to_pylist()), rows.schema.field(column).type)
    return rows.set_column(rows.column_names.index(column), rows.schema.field(column), values)


def moved(relative):
    return lambda values: [values[0] * (1 + relative), *values[1:]]


def test_equal_results_agree(written):
    assert disagreements(written("a", study_rows()), written("b", study_rows())) == []


def test_rounding_is_no_disagreement_and_more_is(written):
    rows = study_rows()
    near, far = (changed(rows, "effect", moved(relative)) for relative in (1e-10, 1e-6))
    assert disagreements(written("a", rows), written("b", near)) == []
    assert disagreements(written("a", rows), written("c", far)) == [f"{FILE}: effect"]


def test_effects_may_differ_within_their_errors(written):
    rows = study_rows()
    retrain = rows["method"].to_pylist().index("retrain")

    def off(by):
        return changed(rows, "effect", lambda v: [e + by * (i == retrain) for i, e in enumerate(v)])

    error = rows["effect_error"].to_pylist()[retrain]
    loose = changed(rows, "effect_error", lambda v: [e and 1e4 * e for e in v])
    assert disagreements(written("a", loose), written("b", off(5e3 * error))) == []
    assert disagreements(written("c", rows), written("b", off(5e3 * error))) == [f"{FILE}: effect"]


@pytest.mark.parametrize(
    "column, change",
    [
        ("set_id", lambda values: [*values[1:], values[0]]),
        ("status", lambda values: [value and "line_search_failed" for value in values]),
        ("gradient_norm", lambda values: [value and 1e-3 for value in values]),
        ("effect", lambda values: [np.nan, *values[1:]]),
    ],
)
def test_other_ids_statuses_proofs_and_gaps_are_seen(written, column, change):
    rows = study_rows()
    other = changed(rows, column, change)
    assert disagreements(written("a", rows), written("b", other)) == [f"{FILE}: {column}"]


def test_evidence_may_be_any_that_proves_as_much(written):
    rows = study_rows()
    other = changed(rows, "gradient_norm", lambda values: [value and value / 3 for value in values])
    assert disagreements(written("a", rows), written("b", other)) == []


def test_missing_files_and_rows_are_named(written):
    rows = study_rows()
    one, other = written("a", rows), written("b", rows)
    written("a", rows, "digits/base/suspects.parquet")
    assert disagreements(one, other) == ["digits/base/suspects.parquet: in one run only"]
    [line] = disagreements(written("c", rows.slice(1)), other)
    assert line.startswith(f"{FILE}: {len(rows) - 1} and {len(rows)} rows")


def test_tables_are_compared_too(tmp_path):
    texts = {"a": "strategy,slope\nrandom,0.5\n", "b": "strategy,slope\nrandom,0.5000001\n"}
    texts |= {"c": "strategy,slope\nrandom,0.51\n", "d": "strategy,slope\nother,0.5\n"}
    for run, text in texts.items():
        (tmp_path / run).mkdir()
        (tmp_path / run / "calibration.csv").write_text(text)
    found = {run: disagreements(tmp_path / "a", tmp_path / run) for run in "bcd"}
    assert found == {"b": [], "c": ["calibration.csv: slope"], "d": ["calibration.csv: strategy"]}

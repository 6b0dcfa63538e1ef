"""Table of certificates: every retrained model of every experiment is counted, and named if nothing proves it."""

from types import SimpleNamespace

import pandas as pd
import pyarrow.parquet as pq
import pytest

from leaveout import effects, poisoning, result_rows, suspicion
from leaveout.certificate_tables import EXPERIMENTS, certificates_table, readable_certificates
from leaveout.errors import InvalidResults
from leaveout.tables import write_table
from rows import detection_rows, poisoning_rows, study_rows

FORMS = ("csv", "md", "tex", "html")
RANKS = [{"if": [1, 2], "rif": [2, 1]}]
FAILED = "(iteration_limit)"


@pytest.fixture
def paths(tmp_path):
    return SimpleNamespace(**{form: tmp_path / f"table.{form}" for form in FORMS})


@pytest.fixture
def written(tmp_path):
    """What writes rows to a file of their own, in the schema of an experiment, with changes of the retrains."""

    def write(rows, schema, **changes):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        changed = [row | changes if row["method"] == effects.RETRAIN else row for row in rows]
        result_rows.write(result_rows.table(changed, schema), file)
        return file

    return write


@pytest.fixture
def study(written):
    """A study of all experiments, in each of which models have failed; detection is a file a draw."""
    sets = study_rows(uncertified=["random-2-0", "cluster_l2-5-0"]).to_pylist()
    groups = study_rows(strategies=("top_positive_rif_test_loss",), sets=2, evaluations=("test_loss",)).to_pylist()
    poisoned = poisoning_rows(uncertified=["digits-0003"]).to_pylist()
    planted = detection_rows(RANKS * 3, n=9, retrained=(0, 1, 2), uncertified=("sample-1",)).to_pylist()
    suspects = detection_rows(RANKS, n=9, retrained=(0, 1), uncertified=("sample-0",)).to_pylist()
    return {
        "removal sets": [written(sets, effects.SCHEMA)],
        "influential groups": [written(groups, effects.SCHEMA, status="iteration_limit")],
        "poisoning": [written(poisoned, poisoning.SCHEMA)],
        "detection": [written([row for row in planted if row["draw"] == draw], suspicion.SCHEMA) for draw in range(3)],
        "suspects": [
            written(suspects, suspicion.SCHEMA),
            written(suspects, suspicion.SCHEMA, dataset="enron", status="converged"),
        ],
    }


def removal_sets(written, **options):
    return certificates_table({"removal sets": [written(study_rows(**options).to_pylist(), effects.SCHEMA)]})


def test_every_retrained_model_is_counted_under_its_experiment(study):
    table = certificates_table(study)
    counted = table[["experiment", "dataset", "models", "certified"]].to_numpy().tolist()
    assert counted == [
        ["removal sets", "digits", 12, 10],
        ["influential groups", "digits", 2, 0],
        ["poisoning", "digits", 12, 11],
        ["detection", "digits", 9, 6],
        ["suspects", "digits", 2, 1],
        ["suspects", "enron", 2, 2],
    ]
    assert list(study) == list(EXPERIMENTS)


def test_models_without_a_certificate_are_named_as_their_experiment_names_them(study, paths):
    table = certificates_table(study)
    names = [
        f"random-2-0 {FAILED}; cluster_l2-5-0 {FAILED}",
        f"top_positive_rif_test_loss-1-0 {FAILED}; top_positive_rif_test_loss-2-0 {FAILED}",
        f"digits-0003 {FAILED}",
        f"draw 0: sample-1 {FAILED}; draw 1: sample-1 {FAILED}; draw 2: sample-1 {FAILED}",
        f"sample-0 {FAILED}",
        "",
    ]
    assert table["not_certified"].tolist() == names
    write_table(table, readable_certificates(table), paths, "Certificates.")
    for form in ("csv", "md", "html"):
        assert all(name in getattr(paths, form).read_text() for name in names)
    assert r"draw 2: sample-1 (iteration\_limit)" in paths.tex.read_text()


def test_each_variant_has_a_row(written):
    table = removal_sets(written, datasets=("digits", "enron"), variants=("base", "n_train=9"))
    assert table[["dataset", "variant", "models"]].to_numpy().tolist() == [
        [dataset, variant, 12] for dataset in ("digits", "enron") for variant in ("base", "n_train=9")
    ]


def test_the_worst_of_the_certified_models_is_stated(written):
    run = removal_sets(written, uncertified=["random-6-0"]).iloc[0]
    assert run["gradient_norm"] == 6e-14  # of cluster_l2-6-0; the failed one has 1e-3
    assert run["newton_decrement"] == 6e-12
    assert run["effect_error"] == 6e-10
    assert run["iterations"] == 6


def test_the_worst_evaluation_function_of_a_model_counts(written):
    rows = study_rows().to_pylist()
    changed = [row | {"effect_error": 1e-3} if row["evaluation"] == "self_loss" else row for row in rows]
    file = written(changed, effects.SCHEMA)
    assert certificates_table({"removal sets": [file]})["effect_error"].tolist() == [1e-3]


def test_evidence_that_a_certified_model_does_not_give_is_missing_and_not_passed_over(written, paths):
    rows = poisoning_rows().to_pylist()
    changed = [row | {"effect_error": None} if row["id"] == "digits-0001" else row for row in rows]
    table = certificates_table({"poisoning": [written(changed, poisoning.SCHEMA)]})
    assert table["effect_error"].isna().tolist() == [True]
    assert table["gradient_norm"].notna().tolist() == [True]
    write_table(table, readable_certificates(table), paths, "Certificates.")
    assert "nan" not in paths.md.read_text()


def test_all_models_certified_leaves_no_name(written, paths):
    table = removal_sets(written)
    assert table["certified"].tolist() == table["models"].tolist() == [12]
    write_table(table, readable_certificates(table), paths, "Certificates.")
    assert pd.read_csv(paths.csv)["not_certified"].isna().all()
    assert paths.md.read_text().rstrip(" |\n").endswith("| -")


def test_no_model_certified_leaves_no_number(study, paths):
    table = certificates_table({name: files for name, files in study.items() if name == "influential groups"})
    assert table[["gradient_norm", "newton_decrement", "iterations", "effect_error"]].isna().all(axis=None)
    write_table(table, readable_certificates(table), paths, "Certificates.")
    text = paths.md.read_text() + paths.tex.read_text()
    assert "nan" not in text
    assert "NA" not in text


def test_iterations_are_whole_numbers_beside_runs_that_have_none(study, paths):
    table = certificates_table(study)
    write_table(table, readable_certificates(table), paths, "Certificates.")
    assert pd.read_csv(paths.csv, dtype=str)["iterations"].dropna().tolist() == ["6", "5", "5", "5", "5"]


def test_experiments_without_files_or_models_have_no_row(written, paths):
    none = written([], effects.SCHEMA)
    table = certificates_table({"influential groups": [none], "poisoning": [], "detection": [], "suspects": []})
    write_table(table, readable_certificates(table), paths, "Certificates.")
    assert paths.csv.read_text() == (
        "experiment,dataset,variant,models,certified,gradient_norm,newton_decrement,iterations,effect_error,"
        "not_certified\n"
    )


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_file_that_lacks_a_column_is_refused_by_its_name(study, experiment):
    file = study[experiment][0]
    pq.write_table(pq.read_table(file).drop_columns(["newton_decrement"]), file)
    with pytest.raises(InvalidResults, match=rf"{file.name}: wrong columns: newton_decrement \(delete it"):
        certificates_table(study)


def test_a_damaged_file_is_refused_by_its_name(study):
    file = study["suspects"][1]
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(InvalidResults, match=file.name):
        certificates_table(study)

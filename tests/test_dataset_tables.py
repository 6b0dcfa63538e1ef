"""Tables of the data sets: the numbers of the fits, beside the paper's, and nothing made up."""

import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import case
from leaveout.dataset_tables import datasets_table, licenses_table, model_licenses_table, readable_datasets
from leaveout.model_file import write_model
from leaveout.tables import write_table


@pytest.fixture
def files(tmp_path):
    """Fits with accuracies .9 and .75, and their embedded samples: 60 to train, 40 to test."""
    fits, samples, abouts = [], [], []
    for i, (intercept, accuracy) in enumerate([("none", 0.9), ("penalized", 0.75)]):
        fits.append(tmp_path / f"fit{i}.npz")
        write_model(case(intercept=intercept).model, accuracy, fits[-1], tmp_path / f"factor{i}.npy")
        samples.append(tmp_path / f"samples{i}.parquet")
        pq.write_table(pa.table({"split": ["train"] * 60 + ["test"] * 40}), samples[-1])
        abouts.append(tmp_path / f"about{i}.json")
        abouts[-1].write_text(json.dumps({"sources": [FILE, FILE | ({"published": False} if i else {})]}))
    return fits, samples, abouts


FILE = {"file": "f", "sha256": "0", "checksum": "published", "published": True, "unverified": False, "mirrored": False}
ENTRIES = [
    {"title": "One", "description": "first", "source": "here", "paper": {"accuracy": 0.88}},
    {"title": "Two", "description": "second", "source": "here"},
]


def test_sizes_and_accuracies_stand_beside_the_papers(files):
    table = datasets_table(ENTRIES, *files)
    assert table["dataset"].tolist() == ["One", "Two"]
    assert table["d"].tolist() == [7, 7]  # the constant of the second is no feature
    assert table["n_train"].tolist() == [60, 60]
    assert table["n_test"].tolist() == [40, 40]
    assert table["accuracy"].tolist() == [0.9, 0.75]
    assert (table["accuracy_low"] < table["accuracy"]).all()
    assert (table["accuracy"] < table["accuracy_high"]).all()
    assert table["difference"].tolist() == pytest.approx([0.02, np.nan], nan_ok=True)
    assert table["files"].tolist() == ["published", "not the published ones"]


def test_readers_see_percentages(files):
    shown = readable_datasets(datasets_table(ENTRIES, *files))
    assert shown["accuracy"].tolist() == ["90.0 [76.9, 96.0]", "75.0 [59.8, 85.8]"]
    assert shown["paper_accuracy"].tolist()[0] == "88.0"
    assert shown["difference"].tolist()[0] == "+2.0"
    assert shown[["paper_accuracy", "difference"]].isna().all(axis=1).tolist() == [False, True]


def test_the_papers_sizes_stand_in_brackets_where_they_differ(files):
    entries = [ENTRIES[0] | {"paper": {"accuracy": 0.88, "d": 3294, "n_train": 60}}, ENTRIES[1]]
    table = datasets_table(entries, *files)
    assert table["paper_d"].tolist()[0] == 3294
    shown = readable_datasets(table)
    assert shown["d"].tolist() == ["7 (3294)", "7"]
    assert shown["n_train"].tolist() == ["60", "60"]


def test_data_sets_of_one_source_share_their_licence():
    sources = {"here": {"license": "CC0"}, "there": {"license": "MIT"}}
    table = licenses_table([*ENTRIES, ENTRIES[0] | {"title": "Three", "source": "there"}], sources)
    assert table.to_numpy().tolist() == [["here", "CC0", "One; Two"], ["there", "MIT", "Three"]]


def test_models_are_listed_by_where_their_weights_are_from():
    weights = ["net", "net", {"package": "shipped", "path": "w.pth", "license": "MIT"}, {"path": "my/w.pth"}]
    embeddings = [{"method": "vision", "weights": entry} for entry in weights]
    entries = [{"title": str(i), "embedding": entry} for i, entry in enumerate([*embeddings, {"method": "fourier"}])]
    assert model_licenses_table(entries, {"net": {"license": "BSD"}}).to_numpy().tolist() == [
        ["net", "BSD", "0; 1"],
        ["shipped/w.pth", "MIT", "2"],
        ["my/w.pth", "not stated", "3"],
    ]


def test_a_table_of_no_models_is_a_table(tmp_path):
    paths = SimpleNamespace(**{form: tmp_path / f"table.{form}" for form in ("csv", "md", "tex", "html")})
    table = model_licenses_table([{"title": "One", "embedding": {"method": "features"}}], {})
    write_table(table, table, paths, "Licences of the models.")
    assert paths.csv.read_text() == "model,license,datasets\n"
    assert "data sets" in paths.md.read_text()


def test_a_perfect_accuracy_is_not_certain(files, tmp_path):
    fits, _, _ = files
    write_model(case().model, 1.0, fits[0], tmp_path / "factor.npy")
    table = datasets_table(ENTRIES, *files)
    assert table["accuracy_high"][0] == 1.0
    assert 0.9 < table["accuracy_low"][0] < 0.92  # Wilson: 1 / (1 + 1.96^2 / 40)

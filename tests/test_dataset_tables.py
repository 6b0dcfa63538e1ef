"""Tables of the data sets: the numbers of the fits, beside the paper's, and nothing made up."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import case
from leaveout.dataset_tables import datasets_table, licenses_table, readable_datasets
from leaveout.model_file import write_model


@pytest.fixture
def files(tmp_path):
    """Fits with accuracies .9 and .75, and their embedded samples: 60 to train, 40 to test."""
    fits, samples = [], []
    for i, (intercept, accuracy) in enumerate([("none", 0.9), ("penalized", 0.75)]):
        fits.append(tmp_path / f"fit{i}.npz")
        write_model(case(intercept=intercept).model, accuracy, fits[-1], tmp_path / f"factor{i}.npy")
        samples.append(tmp_path / f"samples{i}.parquet")
        pq.write_table(pa.table({"split": ["train"] * 60 + ["test"] * 40}), samples[-1])
    return fits, samples


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


def test_readers_see_percentages(files):
    shown = readable_datasets(datasets_table(ENTRIES, *files))
    assert shown["accuracy"].tolist() == ["90.0 [76.9, 96.0]", "75.0 [59.8, 85.8]"]
    assert shown["paper_accuracy"].tolist()[0] == "88.0"
    assert shown["difference"].tolist()[0] == "+2.0"
    assert shown[["paper_accuracy", "difference"]].isna().all(axis=1).tolist() == [False, True]


def test_data_sets_of_one_source_share_their_licence():
    sources = {"here": {"license": "CC0"}, "there": {"license": "MIT"}}
    table = licenses_table([*ENTRIES, ENTRIES[0] | {"title": "Three", "source": "there"}], sources)
    assert table.to_numpy().tolist() == [["here", "One; Two", "CC0"], ["there", "Three", "MIT"]]


def test_a_perfect_accuracy_is_not_certain(files, tmp_path):
    fits, samples = files
    write_model(case().model, 1.0, fits[0], tmp_path / "factor.npy")
    table = datasets_table(ENTRIES, fits, samples)
    assert table["accuracy_high"][0] == 1.0
    assert 0.9 < table["accuracy_low"][0] < 0.92  # Wilson: 1 / (1 + 1.96^2 / 40)

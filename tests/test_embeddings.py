"""The one form of every embedding: what is written is read, and nothing inconsistent is."""

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaveout.embeddings import Embeddings, Samples, parts_of, read_embeddings, split, write_embeddings
from leaveout.errors import InvalidData, InvalidResults
from leaveout.records import Records

N, D = 12, 3
X = np.random.default_rng(0).normal(size=(N, D))
Y = np.arange(N) % 2
IDS = [f"sample-{i}" for i in range(N)]
PARTS = ["train" if i % 3 else "test" for i in range(N)]


@pytest.fixture
def paths(tmp_path):
    names = {"X": "X.npy", "samples": "samples.parquet", "about": "about.json"}
    return SimpleNamespace(**{key: str(tmp_path / name) for key, name in names.items()})


def written(paths, X=X, y=Y, ids=IDS, parts=PARTS):
    write_embeddings(paths, X, y, ids, parts, {"source": "none"})
    return paths


def by_others(paths):
    """The same samples in a file that does not say which features belong to them."""
    pq.write_table(pq.read_table(paths.samples).replace_schema_metadata(None), paths.samples)


def test_what_is_written_is_read(paths):
    embeddings = read_embeddings(written(paths))
    for samples, name in ((embeddings.training, "train"), (embeddings.test, "test")):
        rows = [i for i in range(N) if PARTS[i] == name]
        assert samples.X.tolist() == X[rows].astype(np.float32).tolist()
        assert samples.y.tolist() == Y[rows].tolist()
        assert samples.ids.tolist() == [IDS[i] for i in rows]
        assert (samples.X.dtype, samples.y.dtype) == (np.float32, np.float64)
    assert json.loads(Path(paths.about).read_text()) == {"shape": [N, D], "source": "none"}


def test_features_are_stored_in_float32_and_can_be_memory_mapped(paths):
    stored = np.load(written(paths).X, mmap_mode="r")
    assert isinstance(stored, np.memmap)
    assert stored.dtype == np.float32
    assert stored.flags.c_contiguous


def test_ids_must_be_unique(paths):
    with pytest.raises(InvalidData, match=r"samples\.parquet: ids are not unique"):
        read_embeddings(written(paths, ids=["same", "same", *IDS[2:]]))


@pytest.mark.parametrize("label", [2, -1, None])
def test_labels_must_be_0_or_1(paths, label):
    with pytest.raises(InvalidData, match=r"samples\.parquet: labels must be 0 or 1"):
        read_embeddings(written(paths, y=[*Y[1:].tolist(), label]))


@pytest.mark.parametrize("parts", [["train"] * N, ["test"] * N, ["dev", *PARTS[1:]], [None, *PARTS[1:]]])
def test_the_split_must_hold_train_and_test_alone(paths, parts):
    with pytest.raises(InvalidData, match=r"samples\.parquet: split must hold train and test"):
        read_embeddings(written(paths, parts=parts))


@pytest.mark.parametrize("column", ["id", "y", "split"])
def test_a_missing_column_is_named(paths, column):
    written(paths)
    pq.write_table(pq.read_table(paths.samples).drop_columns(column), paths.samples)
    with pytest.raises(
        InvalidData, match=rf"samples\.parquet: no column {column} \(delete the folder and run again\)$"
    ):
        read_embeddings(paths)


@pytest.mark.parametrize("wrong", [X[:-1], X.ravel(), X[:, :, None]])
def test_features_must_have_a_row_a_sample(paths, wrong):
    by_others(written(paths))
    np.save(paths.X, wrong)
    with pytest.raises(InvalidData, match=rf"X\.npy has shape .*samples\.parquet {N} rows"):
        read_embeddings(paths)


def test_pickled_objects_are_not_loaded(paths):
    by_others(written(paths))
    np.save(paths.X, np.array([[{}] * D] * N, dtype=object), allow_pickle=True)
    with pytest.raises(InvalidData, match=r"X\.npy: no array that can be read: .*Python objects in dtype"):
        read_embeddings(paths)


@pytest.mark.parametrize("kind", [">f4", "<f8", ">f8", "<f2", "<i8", ">i2", "|u1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_features_that_others_wrote_are_those_numbers_in_single_precision(paths, kind, order):
    by_others(written(paths))
    values = np.rint(4 * X).astype(kind)
    np.save(paths.X, np.array(values, order=order))
    found = read_embeddings(paths).training.X
    assert (found.dtype, found.flags.c_contiguous) == (np.float32, True)
    assert found.tolist() == values[[i for i in range(N) if PARTS[i] == "train"]].astype(np.float32).tolist()


def test_features_that_are_no_real_numbers_are_refused(paths):
    by_others(written(paths))
    np.save(paths.X, X.astype(complex))
    with pytest.raises(InvalidData, match=r"X\.npy: holds complex128, expected real numbers \(delete it"):
        read_embeddings(paths)


def test_a_byte_of_the_features_that_has_changed_is_found(paths):
    content = bytearray(Path(written(paths).X).read_bytes())
    content[-1] ^= 1  # of a sample that trains or of one that tests: either would be believed
    Path(paths.X).write_bytes(content)
    with pytest.raises(InvalidData, match=r"X\.npy: damaged, or not the features that belong to .*samples\.parquet"):
        read_embeddings(paths)


def test_features_of_another_embedding_are_found(paths, tmp_path):
    other = SimpleNamespace(X=paths.X, samples=str(tmp_path / "other.parquet"), about=paths.about)
    written(other, X=2 * X)
    written(paths)
    with pytest.raises(InvalidData, match=r"X\.npy: damaged, or not the features"):
        read_embeddings(other)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_finite_numbers_are_not_written(paths, value):
    wrong = X.copy()
    wrong[3, 1] = value
    with pytest.raises(InvalidData, match=rf"X\.npy: not written: feature 1 of sample 'sample-3' is {value} \(1 such"):
        written(paths, X=wrong)
    assert not Path(paths.X).exists()


@given(n=st.integers(2, 500), train=st.floats(0.01, 0.99), seed=st.integers(0, 2**32))
def test_the_split_is_one_seeded_permutation(n, train, seed):
    training = np.random.default_rng(seed).permutation(n)[: int(train * n)]
    expected = np.full(n, "test", dtype=object)
    expected[training] = "train"
    assert split(n, train, seed) == expected.tolist()


def test_a_published_split_of_the_older_generator_is_a_prefix_of_its_shuffle():
    """Enron's: samples are shuffled by RandomState(0), and the first int(0.8 N) train."""
    ids = [f"mail {i}" for i in range(5172)]
    shuffled = list(ids)
    np.random.RandomState(0).shuffle(shuffled)
    parts = split(5172, 0.8, 0, "RandomState")
    assert {ids[i] for i, part in enumerate(parts) if part == "train"} == set(shuffled[:4137])


def test_the_papers_split_has_four_fifths_for_training():
    assert split(1797, 0.8, 42).count("train") == 1437


def embeddings(n):
    generator = np.random.default_rng(1)
    ids = np.array([str(i) for i in range(n)], dtype=object)
    return Embeddings(Samples(generator.normal(size=(n, 2)), np.arange(n) % 2.0, ids), Samples(X, Y, np.array(IDS)))


@given(small=st.integers(1, 60), large=st.integers(1, 60), seed=st.integers(0, 99))
def test_smaller_training_sets_are_subsets_of_larger_ones(small, large, seed):
    small, large = sorted((small, large))
    inner, outer = (embeddings(60).subsample(n, seed, "digits").training for n in (small, large))
    assert len(set(inner.ids)) == small
    assert set(inner.ids) <= set(outer.ids)


def test_a_subsample_keeps_samples_whole_and_in_order():
    full, part = embeddings(60), embeddings(60).subsample(20, 0, "digits")
    rows = [int(name) for name in part.training.ids]
    assert rows == sorted(rows)
    assert part.training.X.tolist() == full.training.X[rows].tolist()
    assert part.training.y.tolist() == full.training.y[rows].tolist()
    assert part.test.X is X


def test_a_subsample_depends_on_the_seed_and_the_data_set_alone():
    def chosen(*arguments):
        return embeddings(60).subsample(20, *arguments).training.ids.tolist()

    assert chosen(0, "digits") == chosen(0, "digits")
    assert chosen(0, "digits") != chosen(1, "digits")
    assert chosen(0, "digits") != chosen(0, "enron")


@pytest.mark.parametrize("n_train", [None, 60])
def test_all_samples_are_no_subsample(n_train):
    full = embeddings(60)
    assert full.subsample(n_train, 0, "digits") is full


def test_more_samples_than_there_are_is_an_error():
    with pytest.raises(InvalidData, match="digits: n_train = 61, but there are 60 training samples"):
        embeddings(60).subsample(61, 0, "digits")


def test_an_interrupted_write_leaves_no_features(paths):
    with pytest.raises(pa.ArrowException):
        write_embeddings(paths, X, Y, IDS[1:], PARTS, {})
    assert not Path(paths.X).exists()
    with pytest.raises(InvalidResults, match=r"samples\.parquet: .*No such file"):
        read_embeddings(paths)


@pytest.mark.parametrize(
    "settings, words",
    [
        ("source", "split: of 3 samples, 1 for training and 2 for testing"),
        ({"train": 0.01, "seed": 0}, "split: of 3 samples, 0 for training and 3 for testing"),
        ({"train": 0.5, "seed": 0}, "split: of 3 samples, 1 for training and 2 for testing"),
    ],
)
def test_a_split_without_samples_to_train_on_is_refused(settings, words):
    records = Records(["a", "b", "c"], np.zeros((3, 1)), ["x"] * 3, ["train", "test", "test"])
    with pytest.raises(InvalidData, match=rf"{words} \(needed: 2 and 1: change the split"):
        parts_of(records, settings)


def test_a_split_without_samples_to_test_on_is_refused():
    with pytest.raises(InvalidData, match="of 2 samples, 2 for training and 0 for testing"):
        parts_of(Records(["a", "b"], np.zeros((2, 1)), ["x"] * 2, ["train", "train"]), "source")


def test_a_source_may_split_itself_or_be_split(caplog):
    own = Records(["a", "b", "c"], np.zeros((3, 1)), ["x"] * 3, ["test", "train", "train"])
    assert list(parts_of(own, "source")) == ["test", "train", "train"]
    with caplog.at_level(logging.INFO, logger="leaveout"):
        assert parts_of(own, {"train": 0.7, "seed": 1}) == split(3, 0.7, 1)
    assert [record.message for record in caplog.records] == [
        "split: drawn anew, the source's own is not used (split: source takes it)"
    ]
    with pytest.raises(InvalidData, match="split: source: this source has no split of its own"):
        parts_of(Records(["a"], np.zeros((1, 1)), ["x"]), "source")

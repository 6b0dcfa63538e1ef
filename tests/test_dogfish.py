"""Dog and fish: published features as they are, and the split that they came in."""

import io
import pickle
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from leaveout.datasets import parser
from leaveout.errors import SourceError
from leaveout.records import labelled
from packing import zipped

FILES = {part: f"dogfish_900_300_inception_features_{part}.npz" for part in ("train", "test")}
FEATURES = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
LABELS = np.array([0, 1, 1, 0, 1])


def paths(folder):
    """Both files of a folder, in the order of the source's entry."""
    return [folder / file for file in FILES.values()]


@pytest.fixture
def written(tmp_path):
    """Write both files, with other arrays in one of them."""

    def write(part="train", **changes):
        for name, rows in {"train": slice(0, 3), "test": slice(3, 5)}.items():
            arrays = {"inception_features_val": FEATURES[rows], "labels": LABELS[rows]}
            arrays |= changes if name == part else {}
            np.savez(tmp_path / FILES[name], **{key: value for key, value in arrays.items() if value is not None})
        return tmp_path

    return write


def test_features_are_as_published_in_their_own_split(written):
    records = parser("dogfish")(*paths(written()))
    assert_array_equal(records.payload, FEATURES)
    assert records.payload.dtype == FEATURES.dtype
    assert records.ids == ["train/0000", "train/0001", "train/0002", "test/0000", "test/0001"]
    assert records.classes == ["dog", "fish", "fish", "dog", "fish"]
    assert records.split == ["train", "train", "train", "test", "test"]


def test_label_1_is_as_in_the_file(written):
    records, y = labelled(parser("dogfish")(*paths(written())), {"0": ["dog"], "1": ["fish"]})
    assert y.tolist() == LABELS.tolist()
    assert records.split == ["train", "train", "train", "test", "test"]


@pytest.mark.parametrize("part", FILES)
def test_a_missing_file_is_named(written, part):
    folder = written()
    (folder / FILES[part]).unlink()
    with pytest.raises(SourceError, match=f"{FILES[part]}: there is no such file"):
        parser("dogfish")(*paths(folder))


NO_LABELS = "labels must be 0 or 1 for each of the 3 samples"
WRONG = [
    ("no array inception_features_val ", {"inception_features_val": None}),
    ("no array labels ", {"labels": None}),
    (r"float32 \(9,\), expected finite numbers", {"inception_features_val": FEATURES[:3].ravel()}),
    (r"int64 \(3, 3\), expected finite numbers", {"inception_features_val": np.ones((3, 3), np.int64)}),
    (r"float64 \(3, 3\), expected finite numbers", {"inception_features_val": np.full((3, 3), np.nan)}),
    (NO_LABELS, {"labels": np.array([0, 1])}),
    (NO_LABELS, {"labels": np.array([0, 1, 2])}),
    (NO_LABELS, {"labels": np.array([0, 0.5, 1])}),
    (NO_LABELS, {"labels": np.array(["0", "1", "1"])}),
    (NO_LABELS, {"labels": np.array([[0, 1, 1]])}),
]


@pytest.mark.parametrize("what, changes", WRONG)
def test_arrays_of_another_layout_are_refused(written, what, changes):
    with pytest.raises(SourceError, match=rf"{FILES['train']}: .*{what}.*delete the file and download it again"):
        parser("dogfish")(*paths(written(**changes)))


def test_other_features_for_testing_are_refused(written):
    with pytest.raises(SourceError, match=f"{FILES['test']}: 4 features, but 3 for training"):
        parser("dogfish")(*paths(written("test", inception_features_val=np.ones((2, 4)))))


class Attack:
    """Unpickles to a file that is opened for writing."""

    def __init__(self, sentinel):
        self.sentinel = sentinel

    def __reduce__(self):
        return open, (str(self.sentinel), "w")


def test_pickled_objects_in_an_array_are_refused_unread(written, tmp_path):
    sentinel = tmp_path / "sentinel"
    attack = np.array([Attack(sentinel)] * 3, dtype=object)
    with pytest.raises(SourceError, match=r"labels\.npy: Object arrays cannot be loaded"):
        parser("dogfish")(*paths(written(labels=attack)))
    assert not sentinel.exists()


def test_a_bare_pickle_is_refused_unread(written, tmp_path):
    sentinel = tmp_path / "sentinel"
    folder = written()
    entries = [(f"{key}.npy", pickle.dumps(Attack(sentinel))) for key in ("inception_features_val", "labels")]
    zipped(folder / FILES["train"], entries)
    with pytest.raises(SourceError, match=r"inception_features_val\.npy: "):
        parser("dogfish")(*paths(folder))
    assert not sentinel.exists()


def test_an_array_that_is_larger_than_its_file_is_refused(written):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 1 << 10)})
    folder = written()
    zipped(folder / FILES["train"], [(f"{key}.npy", header.getvalue()) for key in ("inception_features_val", "labels")])
    with pytest.raises(SourceError, match=r"inception_features_val\.npy: "):
        parser("dogfish")(*paths(folder))


def test_the_published_features(mirror):
    records = parser("dogfish")(*paths(mirror))
    assert Counter(zip(records.split, records.classes, strict=True)) == {
        ("train", "dog"): 900,
        ("train", "fish"): 900,
        ("test", "dog"): 300,
        ("test", "fish"): 300,
    }
    assert records.payload.shape[1] in (1280, 2048)

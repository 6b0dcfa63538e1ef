"""CIFAR-10: pixels, labels and names of the batches, whatever Python pickled them; other layouts are refused."""

import pickle
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from leaveout.datasets import parser
from leaveout.datasets.cifar10 import BATCHES
from leaveout.errors import SourceError
from packing import tar_gz

NAMES = [b"airplane", b"automobile", b"bird"]
FOLDER = "cifar-10-batches-py"


def batch(seed, n=4, **changes):
    generator = np.random.default_rng(seed)
    content = {
        b"batch_label": b"a batch",
        b"data": generator.integers(0, 256, (n, 3072), dtype=np.uint8),
        b"labels": generator.integers(0, len(NAMES), n).tolist(),
        b"filenames": [b"the_same_name.png"] * n,
    }
    return content | {key.encode(): value for key, value in changes.items()}


def contents(**changes):
    """Dictionaries of the archive by name, some of them changed; None leaves one out."""
    content = {"batches.meta": {b"label_names": NAMES, b"num_vis": 3072}}
    content |= {name: batch(seed) for seed, name in enumerate(BATCHES)}
    content |= {name.replace("meta", "batches.meta"): change for name, change in changes.items()}
    return {name: change for name, change in content.items() if change is not None}


@pytest.fixture
def parsed(tmp_path):
    """Pickle, pack and parse; what is bytes already is packed as it is."""

    def parse(content):
        entries = [
            (f"{FOLDER}/{name}", value if isinstance(value, bytes) else pickle.dumps(value, 2))
            for name, value in content.items()
        ]
        return parser("cifar10")(
            tar_gz(tmp_path / "cifar.tar.gz", [*entries, (f"{FOLDER}/readme.html", b"<title>page</title>")])
        )

    return parse


def test_images_have_their_channels_last(parsed):
    content = contents()
    records = parsed(content)
    assert records.payload.shape == (24, 32, 32, 3)
    assert records.payload.dtype == np.uint8
    rows = np.concatenate([content[name][b"data"] for name in BATCHES])
    for image, row in zip(records.payload, rows, strict=True):  # a row is 1024 red, 1024 green, 1024 blue
        assert_array_equal(image[5, 7], [row[5 * 32 + 7], row[1024 + 5 * 32 + 7], row[2048 + 5 * 32 + 7]])
        assert_array_equal(image[..., 1].ravel(), row[1024:2048])


def test_classes_are_named_and_ids_tell_batch_and_position(parsed):
    content = contents()
    records = parsed(dict(reversed(content.items())))
    labels = [label for name in BATCHES for label in content[name][b"labels"]]
    assert records.classes == [NAMES[label].decode() for label in labels]
    assert records.ids == [f"{name}/{i:04d}" for name in BATCHES for i in range(4)]
    assert len(set(records.ids)) == 24
    assert records.split is None


@pytest.mark.parametrize("missing", ["meta", "data_batch_3", "test_batch"])
def test_a_missing_batch_is_named(parsed, missing):
    with pytest.raises(SourceError, match=rf"cifar\.tar\.gz: no {FOLDER}/(batches\.)?{missing} \(delete"):
        parsed(contents(**{missing: None}))


@pytest.mark.parametrize("extra", ["data_batch_6", "data_batch_1.bin"])
def test_a_batch_too_many_is_refused(parsed, extra):
    with pytest.raises(SourceError, match=f"member '{FOLDER}/{extra}': expected data_batch_1, "):
        parsed(contents(**{extra: batch(9)}))


WRONG_BATCHES = [
    (r"data is uint8 \(4, 3071\)", {"data": np.zeros((4, 3071), np.uint8)}),
    (r"data is uint8 \(12288,\)", {"data": np.zeros(4 * 3072, np.uint8)}),
    (r"data is float64 \(4, 3072\)", {"data": np.zeros((4, 3072))}),
    ("data is list", {"data": [[0] * 3072] * 4}),
    ("data is NoneType", {"data": None}),
    ("labels is not a list of 4 labels", {"labels": [0, 1, 2]}),
    ("labels is not a list of 5 labels", {"data": np.zeros((5, 3072), np.uint8)}),
    ("labels is not a list of 4 labels", {"labels": None}),
    ("label 3, expected 0 to 2", {"labels": [0, 1, 2, 3]}),
    ("label -1, expected 0 to 2", {"labels": [0, -1, 2, 1]}),
    ("label 1.0, expected 0 to 2", {"labels": [0, 1.0, 2, 1]}),
    ("label True, expected 0 to 2", {"labels": [0, True, 2, 1]}),
]


@pytest.mark.parametrize("what, changes", WRONG_BATCHES)
def test_a_batch_of_another_layout_is_refused(parsed, what, changes):
    with pytest.raises(SourceError, match=f"{FOLDER}/data_batch_2: {what}.*delete the file and download it again"):
        parsed(contents(data_batch_2=batch(1, **changes)))


@pytest.mark.parametrize("names", [None, [], "names", ["airplane"], [b"a", b"b", b"a"], [b"\xff", b"b", b"c"]])
def test_names_of_another_layout_are_refused(parsed, names):
    with pytest.raises(SourceError, match=rf"{FOLDER}/batches\.meta: .*label_names"):
        parsed(contents(meta={b"label_names": names}))


def test_an_attack_is_refused_by_the_members_name(parsed, tmp_path):
    sentinel = tmp_path / "sentinel"
    attack = b"cbuiltins\neval\n(V__import__('pathlib').Path(%r).touch()\ntR." % str(sentinel).encode()
    with pytest.raises(SourceError, match=rf"member '{FOLDER}/test_batch': the pickle names builtins\.eval"):
        parsed(contents(test_batch=attack))
    assert not sentinel.exists()


def test_what_is_no_pickle_is_refused_by_the_members_name(parsed):
    with pytest.raises(SourceError, match=rf"member '{FOLDER}/test_batch': not a readable pickle"):
        parsed(contents(test_batch=b"<!DOCTYPE html>"))


def test_the_published_images(mirror):
    records = parser("cifar10")(mirror / "cifar-10-python.tar.gz")
    counts = Counter(records.classes)
    assert {"automobile", "cat", "dog", "truck"} <= set(counts)
    assert set(counts.values()) <= {360, 6000}
    assert records.payload.shape == (len(records.ids), 32, 32, 3)
    assert len(set(records.ids)) == len(records.ids)
    # Neighbouring pixels of a photograph resemble each other in every direction; were the axes wrong, they would not.
    pixels = records.payload.astype(float)
    spread = pixels.std(axis=(0, 1, 2)).mean()
    for axis in (1, 2):
        assert np.abs(np.diff(pixels, axis=axis)).mean() < 0.3 * spread

"""The digits: parsed as scikit-learn reads them, embedded by the recipe written out."""

import gzip
import math
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits

import tolerance
from leaveout.checksums import checksum
from leaveout.datasets import parser
from leaveout.embed.fourier import embed
from leaveout.errors import SourceError

ENTRIES = yaml.safe_load((Path(__file__).parents[1] / "config" / "datasets.yaml").read_text())
SOURCE, ENTRY = ENTRIES["sources"]["digits"]["files"]["digits.csv.gz"], ENTRIES["datasets"]["digits"]


@pytest.fixture(scope="module")
def raw():
    return Path(str(files(SOURCE["package"]).joinpath(SOURCE["path"])))


@pytest.fixture(scope="module")
def records(raw):
    return parser("digits")(raw)


def test_the_shipped_file_is_the_known_one(raw):
    assert checksum(raw) == SOURCE["sha256"]


def test_parsing_agrees_with_scikit_learn(records):
    expected = load_digits()
    assert (records.payload * 16).tolist() == expected.data.tolist()
    assert [int(name) for name in records.classes] == expected.target.tolist()


def test_ids_are_unique_and_follow_the_file(records):
    assert len(set(records.ids)) == len(records.ids) == 1797
    assert list(records.ids) == sorted(records.ids)


def test_another_layout_is_refused(tmp_path):
    with gzip.open(tmp_path / "digits.csv.gz", "wt") as file:
        file.write("1,2,3\n4,5,6\n")
    with pytest.raises(SourceError, match=r"digits\.csv\.gz: expected 64 pixels and a digit .*, got 3 columns"):
        parser("digits")(tmp_path / "digits.csv.gz")


def test_the_embedding_is_the_recipe(records):
    """Feature j of x is cos(<W_j, x> + b_j) / 8, W drawn row by row before b."""
    generator = np.random.default_rng(0)
    W = [[generator.normal(0, math.sqrt(2 * 0.02)) for _ in range(64)] for _ in range(1024)]
    b = [generator.uniform(0, 2 * math.pi) for _ in range(1024)]
    settings = {key: value for key, value in ENTRY["embedding"].items() if key != "method"}
    X = embed(records.payload, **settings)
    assert X.shape == (1797, 1024)
    for i in (0, 1796):
        angles = [math.fsum(w * x for w, x in zip(W[j], records.payload[i], strict=True)) + b[j] for j in range(1024)]
        assert_allclose(X[i], [math.cos(angle) / 8 for angle in angles], rtol=0, atol=tolerance.ROUNDING)


def test_many_features_approach_the_gaussian_kernel(records):
    """E <f(x), f(x')> = scale^2 exp(-gamma ||x - x'||^2); the error of D samples is about 1 / sqrt(D)."""
    x, gamma, features = records.payload[:20], 0.05, 20_000
    X = embed(x, features, gamma, scale=3.0, seed=1)
    distances = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    assert_allclose(X @ X.T / 9, np.exp(-gamma * distances), atol=5 / math.sqrt(features))


def test_the_entry_describes_the_problem_that_it_makes(records):
    assert ENTRY["expected"] == {"n_train": int(ENTRY["split"]["train"] * 1797), "d": ENTRY["embedding"]["features"]}
    assert sorted(ENTRY["classes"]["0"] + ENTRY["classes"]["1"]) == sorted(set(records.classes))
    assert all(int(name) % 2 == int(label) for label, names in ENTRY["classes"].items() for name in names)

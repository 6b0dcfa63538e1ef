"""Users' features: parsed, prepared, read and fitted as jobs do it; right in the end, or refused by name."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import leaveout
from checkout import copy_of_the_checkout
from leaveout.embed import Machine
from leaveout.embeddings import Embeddings, read_embeddings
from leaveout.errors import InvalidData, LeaveoutError, NoOptimum, NotConverged, SourceError
from leaveout.evaluation import bind
from leaveout.measurement import measure
from leaveout.model import Model
from leaveout.preparation import prepare
from leaveout.removal import RANKED_BY, STRATEGIES, candidates, draw, sizes

pytestmark = pytest.mark.faults

N, D = 40, 3
STAMP = "stamp:0123456789abcdef:resources/embeddings/mine/X.npy;"
RUN = {"study": "s", "dataset": "mine", "variant": "base", "n_train": 32}
RUN |= {"regularization": 1e-3, "regularizer": "per_sample", "intercept": "penalized"}
NAMED = "refused with the file's name, and what to do"
SAME = "the same model as from double precision in rows"


@dataclass
class User:
    """A user's folder, and the jobs that read it."""

    folder: Path

    def fitted(self, file: str, split="source", intercept="penalized") -> tuple[Embeddings, Model]:
        """Parse, prepare, read and fit."""
        paths = {"X": "X.npy", "samples": "samples.parquet", "about": "about.json"}
        outputs = SimpleNamespace(**{key: str(self.folder / name) for key, name in paths.items()})
        inputs = SimpleNamespace(raw=[str(self.folder / file)], weights=[], origins=[])
        entry = {
            "source": "own",
            "parser": "table",
            "classes": None,
            "embedding": {"method": "features"},
            "split": split,
        }
        prepare(entry, inputs, outputs, Machine(), "library", STAMP)
        embeddings = read_embeddings(outputs)
        training = embeddings.training
        return embeddings, leaveout.fit(training.X, training.y, 1e-3, "per_sample", intercept)

    def save(self, file: str, **arrays):
        """Write an archive of arrays, or the same as another kind of file."""
        path = self.folder / file
        if path.suffix == ".npz":
            np.savez(path, **arrays)
        else:
            features = np.asarray(arrays.pop("features"))
            columns = {name: pa.array(values) for name, values in arrays.items()}
            columns |= {f"x{j}": pa.array(np.ascontiguousarray(features[:, j])) for j in range(features.shape[1])}
            pq.write_table(pa.table(columns), path)
        return file


@pytest.fixture
def user(tmp_path):
    return User(tmp_path)


def arrays(n=N, d=D, **changes):
    """Ids, labels, split and features that any numeric type holds exactly; halves of the classes in both parts."""
    X = np.random.default_rng(0).integers(0, 9, size=(n, d))
    y = np.arange(n) % 2
    split = np.where(np.arange(n) % 5 < 4, "train", "test")
    return {"id": np.array([f"s{i}" for i in range(n)]), "label": y, "split": split, "features": X} | changes


TYPES = ["int8", "uint16", "int64", "float16", "float32", "float64"]


@pytest.mark.fault("features of another type, byte order or layout", "a user's file has them", SAME)
@pytest.mark.parametrize("kind", [*TYPES, ">f8", ">f4", ">i4", ">f2", "Fortran"])
def test_features_of_any_type_order_and_layout_give_the_same_model(user, kind):
    plain = arrays()
    reference, expected = user.fitted(user.save("plain.npz", **plain | {"features": plain["features"].astype(float)}))
    X = np.asfortranarray(plain["features"].astype(float)) if kind == "Fortran" else plain["features"].astype(kind)
    files = [user.save("mine.npz", **plain | {"features": X})]
    if not kind.startswith(">"):  # Arrow has one byte order
        files.append(user.save("mine.parquet", **plain | {"features": X}))
    for file in files:
        found, model = user.fitted(file)
        assert found.training.X.tolist() == reference.training.X.tolist()
        assert found.training.X.flags.c_contiguous
        assert model.theta.tolist() == expected.theta.tolist()


def cell(value):
    X = arrays()["features"].astype(float)
    X[7, 1] = value
    return X


#: What is wrong with a user's arrays, which error that is, and what it says.
REFUSED = [
    ("NaN in the features", {"features": cell(np.nan)}, InvalidData, "column features[1] of id 's7' is empty or NaN"),
    ("infinity in the features", {"features": cell(np.inf)}, InvalidData, "features[1] of id 's7' is infinite"),
    ("minus infinity in the features", {"features": cell(-np.inf)}, InvalidData, "features[1] of id 's7' is infinite"),
    ("a feature of 1e300", {"features": cell(1e300)}, InvalidData, "features[1] of id 's7' is infinite, or too large"),
    (
        "a column of 1e300",
        {"features": np.full((N, D), 1e300)},
        InvalidData,
        "too large for single precision (120 such",
    ),
    ("wrong n of ids", {"id": np.arange(N - 1)}, InvalidData, f"id has shape ({N - 1},), but features ({N}, {D})"),
    ("wrong n of labels", {"label": np.arange(N + 1) % 2}, InvalidData, f"label has shape ({N + 1},)"),
    (
        "labels that are not 0 or 1",
        {"label": np.arange(N) % 3},
        InvalidData,
        "labels must be 0 and 1, and there are 0, 1, 2",
    ),
    (
        "labels that are -1 and 1",
        {"label": np.arange(N) % 2 * 2 - 1},
        InvalidData,
        "there are -1, 1 (say which is which",
    ),
    ("labels that are not whole", {"label": np.arange(N) % 2 / 2}, InvalidData, "there are 0, 0.5"),
    ("one class only", {"label": np.ones(N, int)}, InvalidData, "labels must be 0 and 1, and there are 1 ("),
    (
        "an id that occurs twice",
        {"id": np.r_[0, np.arange(N - 1)]},
        InvalidData,
        "id '0' occurs 2 times, in rows 1 and 2",
    ),
    ("a split without a test part", {"split": np.full(N, "train")}, InvalidData, "40 for training and 0 for testing"),
    (
        "a split without a training part",
        {"split": np.full(N, "test")},
        InvalidData,
        "0 for training and 40 for testing",
    ),
    ("a split of other words", {"split": np.full(N, "dev")}, InvalidData, "split of id 's0' is 'dev'"),
    ("no samples", {k: v[:0] for k, v in arrays().items()}, InvalidData, "the file is empty"),
    ("no feature columns", {"features": np.ones((N, 0))}, InvalidData, "no feature column"),
    ("features of three dimensions", {"features": np.ones((N, 2, 2))}, InvalidData, "make it real numbers, (n, d)"),
    ("complex features", {"features": np.ones((N, 2), complex)}, InvalidData, "make it real numbers, (n, d)"),
    ("features as text", {"features": np.full((N, 2), "1.5")}, InvalidData, "make it real numbers, (n, d)"),
    ("features as dates", {"features": np.full((N, 2), "2026-01-01", "M8[D]")}, InvalidData, "make it real numbers"),
    ("features with fields", {"features": np.zeros(N, "f8,f8")}, InvalidData, "make it real numbers, (n, d)"),
    (
        "two samples, both for training",
        {k: v[:2] for k, v in arrays().items()},
        InvalidData,
        "2 for training and 0 for",
    ),
    (
        "two samples, one for training",
        {**{k: v[3:5] for k, v in arrays().items()}},
        InvalidData,
        "1 for training and 1 for",
    ),
]


@pytest.mark.fault("features, labels, ids or a split that no model can be fitted to", "a user's file has them", NAMED)
@pytest.mark.parametrize("changes, kind, message", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_no_model_can_be_fitted_to_is_refused_by_the_users_file(user, changes, kind, message):
    user.save("mine.npz", **arrays(**changes))
    with pytest.raises(kind) as refused:
        user.fitted("mine.npz")
    assert str(refused.value).startswith(str(user.folder / "mine.npz"))
    assert message in str(refused.value)
    assert not list(user.folder.glob("*.npy"))  # nothing that a job could take for an embedding


def ends(user, **changes):
    """The whole chain on what is odd, but no mistake: effects of every strategy's sets."""
    user.save("mine.npz", **arrays(**changes))
    embeddings, model = user.fitted("mine.npz")
    test = embeddings.test
    ranked = bind(RANKED_BY, model, test.X, test.y, 0, "mine")
    given = candidates(model, ranked, embeddings.training.X)
    sets = list(draw(given, list(STRATEGIES), sizes(model.n, 0.1, 5, 3), 1, 0, "mine"))
    return [row for row in measure(model, ranked, sets, RUN) if row["method"] == "retrain"]


ODD = "every retrain certified, or named as one that is not"


@pytest.mark.fault("data of which little can be learned", "a user's file has them", ODD)
@pytest.mark.parametrize(
    "changes",
    [
        {"split": np.where(np.arange(N) % 2, "train", "test")},
        {"split": np.where((np.arange(N) % 2 == 0) & (np.arange(N) > 20), "test", "train")},
        {k: v[:5] for k, v in arrays().items()},
        {"features": np.zeros((N, D))},
        {"features": np.random.default_rng(0).normal(size=(N, 3 * N))},
        {"features": arrays()["features"] * 1e-40},
    ],
    ids=["one class to train on", "one class to test on", "five samples", "constant", "wide", "1e-40"],
)
def test_odd_data_are_measured_and_nothing_uncertified_is_called_certified(user, changes):
    rows = ends(user, **changes)
    assert rows
    for row in rows:
        assert (row["status"] == "converged") == (row["gradient_norm"] <= 1e-10)


@pytest.mark.fault(
    "one class only in the training part, and nothing that penalises the intercept", "a user's file", NAMED
)
def test_one_class_to_train_on_has_no_optimum_without_a_penalty(user):
    user.save("mine.npz", **arrays(split=np.where(np.arange(N) % 2, "train", "test")))
    with pytest.raises(NoOptimum, match="all labels are equal"):
        user.fitted("mine.npz", intercept="unpenalized")


@pytest.mark.fault(
    "features too large to compute with", "a user's file has some of 1e37", "refused: scale the features"
)
def test_features_that_rounding_swallows_are_refused(user):
    user.save("mine.npz", **arrays(features=arrays()["features"] * 1e37))
    with pytest.raises(NotConverged, match="scale the features, or regularise more"):
        user.fitted("mine.npz")


class Bomb:
    """Unpickling it fails the test."""

    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


@pytest.mark.fault(
    "arrays of Python objects", "a user's file has them, and unpickling would run code", "never unpickled"
)
@pytest.mark.parametrize("name", ["id", "label", "split", "features", "other"])
def test_objects_are_refused_and_never_unpickled(user, name):
    user.save("mine.npz", **arrays(**{name: np.array([Bomb()] * N, object)}))
    with pytest.raises(SourceError, match=r"mine\.npz: .*pickles are never read"):
        user.fitted("mine.npz")


def packed(path, shape):
    """A small npz that unpacks to many zeros, written without making room for them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, values in arrays().items():
            if name != "features":
                with archive.open(f"{name}.npy", "w") as stream:
                    np.save(stream, values)
        with archive.open("features.npy", "w", force_zip64=True) as stream:
            np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for _ in range(shape[0]):
                stream.write(bytes(shape[1]))


@pytest.mark.fault(
    "a small file that unpacks to hundreds of megabytes", "compressed zeros", "refused before it unpacks"
)
@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_a_bomb_is_refused_before_it_is_unpacked(user, kind, monkeypatch):
    path = user.folder / f"mine.{kind}"
    if kind == "npz":
        packed(path, (N, 7 << 20))
        monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was unpacked"))
    else:
        columns = {"id": np.zeros(1 << 20, np.int8), "label": np.zeros(1 << 20, np.int8)}
        columns |= {f"x{j}": columns["id"] for j in range(70)}
        pq.write_table(pa.table(columns), path)
        monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *_, **__: pytest.fail("it was unpacked"))
    assert path.stat().st_size < 2 << 20
    with pytest.raises(SourceError, match=rf"mine\.{kind}: \d+ bytes that unpack to \d+, more than 1000 times as many"):
        user.fitted(path.name)


@pytest.mark.fault("an array that declares more than there is", "its header claims a million gigabytes", NAMED)
@pytest.mark.parametrize("shape", [(N, 1 << 50), (1 << 62, 1 << 62), (N, 10**6)])
def test_an_array_that_claims_more_than_it_holds_is_refused(user, shape):
    with zipfile.ZipFile(user.folder / "mine.npz", "w") as archive:
        for name, values in arrays().items():
            with archive.open(f"{name}.npy", "w") as stream:
                if name == "features":
                    layout = {"descr": "<f8", "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(stream, layout)
                else:
                    np.save(stream, values)
    with pytest.raises(SourceError, match=r"mine\.npz: "):
        user.fitted("mine.npz")


MINE = """
sources: {mine: {files: {mine.npz: {path: mine.npz}}}}
datasets: {mine: {source: mine, regularization: 1e-3, split: source}}
studies: {my_study: {datasets: [mine]}}
"""


@pytest.mark.fault("features that no model can be fitted to", "a real run of Snakemake reads the user's file", NAMED)
def test_a_real_run_ends_with_the_users_file_and_no_traceback(tmp_path):
    checkout = copy_of_the_checkout(tmp_path)
    User(tmp_path).save("mine.npz", **arrays(features=cell(np.nan)))
    (tmp_path / "my.yaml").write_text(MINE)
    done = checkout.snakemake("results/my_study/mine/base/fit.npz", config=tmp_path / "my.yaml")
    assert done.returncode != 0
    assert "embed_features: mine.npz: column features[1] of id 's7' is empty or NaN" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "resources/embeddings/mine/X.npy").exists()


@pytest.mark.fault(
    "features that a network made are no numbers", "an embedding gives NaN", "refused by sample, not written"
)
def test_features_that_an_embedding_spoiled_are_never_written(user, monkeypatch):
    monkeypatch.setattr("leaveout.embed.Encoder.features", lambda *_: np.full((N, D), np.nan))
    user.save("mine.npz", **arrays())
    with pytest.raises(LeaveoutError, match=r"X\.npy: not written: feature 0 of sample 's0' is nan \(40 such samples"):
        user.fitted("mine.npz")
    assert not (user.folder / "X.npy").exists()

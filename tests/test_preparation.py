"""Preparation: what is made of a data set, what it says of itself, and what an interrupted job leaves behind."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from leaveout import preparation
from leaveout.checksums import checksum
from leaveout.embed import Encoder, Machine
from leaveout.errors import InvalidData
from leaveout.preparation import prepare
from leaveout.sources import Origin, origin_of

N, CHUNK = 11, 3
ENTRY = {
    "source": "mine",
    "parser": "table",
    "classes": {"0": ["cat"], "1": ["dog", "wolf"]},
    "embedding": {"method": "squares", "power": 2},
    "split": "source",
}
NAMES = {"X": "X.npy", "samples": "samples.parquet", "about": "about.json"}


def rows(change=0.0):
    """Eleven cats, dogs and wolves, and a bird in their midst that no task names."""
    kinds = ["cat", "dog", "wolf"]
    lines = [f"{i:03d},{kinds[i % 3]},{'test' if i % 4 == 3 else 'train'},{i + change},{i / 7}" for i in range(N)]
    return "\n".join(["id,label,split,x,y", *lines[:5], "100,bird,train,0,0", *lines[5:]]) + "\n"


class Place:
    """A source file, and the folder of its embedding; ``prepare`` runs with a counted encoder."""

    def __init__(self, folder):
        self.raw, self.weights, self.folder = folder / "mine.csv", [], folder / "embeddings"
        self.raw.write_text(rows())
        self.folder.mkdir()
        self.origins, self.encoded, self.fails_at, self.library = [], [], None, "digest"
        self.about, self.chunk, self.machine = {}, CHUNK, Machine("cpu")

    @property
    def outputs(self):
        return SimpleNamespace(**{key: str(self.folder / name) for key, name in NAMES.items()})

    def encoder(self, settings, weights, machine):
        def encode(payload):
            if len(self.encoded) == self.fails_at:
                raise KeyboardInterrupt
            self.encoded.append(len(payload))
            return np.asarray(payload, dtype=np.float32) ** settings["power"]

        return Encoder(encode, self.chunk, about={"device": machine.device, **self.about}, packages=("pyyaml",))

    def prepare(self, **changes):
        inputs = SimpleNamespace(raw=[str(self.raw)], weights=self.weights, origins=self.origins)
        prepare({**ENTRY, **changes}, inputs, self.outputs, self.machine, self.library)
        return {key: (self.folder / name).read_bytes() for key, name in NAMES.items()}

    def interrupted(self, after=2, **changes):
        """Run until some chunks are written."""
        self.encoded.clear()
        self.fails_at = after
        with pytest.raises(KeyboardInterrupt):
            self.prepare(**changes)
        self.encoded.clear()
        self.fails_at = None


@pytest.fixture
def place(tmp_path, monkeypatch):
    made = Place(tmp_path)
    monkeypatch.setattr(preparation, "encoder", made.encoder)
    return made


def test_ids_labels_and_split_reach_the_embedding(place):
    place.prepare()
    samples = pq.read_table(place.folder / "samples.parquet").to_pydict()
    assert samples["id"] == [f"{i:03d}" for i in range(N)]
    assert samples["y"] == [int(i % 3 > 0) for i in range(N)]
    assert samples["split"] == ["test" if i % 4 == 3 else "train" for i in range(N)]
    expected = np.array([[i, i / 7] for i in range(N)], dtype=np.float32) ** 2
    assert np.load(place.folder / "X.npy").tolist() == expected.tolist()


def test_a_drawn_split_takes_the_place_of_the_sources(place):
    place.prepare(split={"train": 0.5, "seed": 3})
    split = pq.read_table(place.folder / "samples.parquet")["split"].to_pylist()
    assert split == [("train" if i in np.random.default_rng(3).permutation(N)[:5] else "test") for i in range(N)]


def test_about_says_from_what_and_how_the_features_were_made(place):
    place.about = {"transform": "none"}
    about = json.loads(place.prepare()["about"])
    assert set(about) == {"shape", "sources", "embedding", "device", "transform", "versions"}
    assert about["shape"] == list(np.load(place.outputs.X).shape)
    own = {"file": "mine.csv", "sha256": checksum(place.raw), "checksum": "own", "published": None}
    assert about["sources"] == [{**own, "unverified": False, "mirrored": False}]
    assert about["embedding"] == ENTRY["embedding"]
    assert (about["device"], about["transform"]) == ("cpu", "none")
    assert {"python", "numpy", "pyyaml"} <= set(about["versions"])


def test_about_says_what_vouches_for_a_download(place):
    record = Origin("mine.csv", checksum(place.raw), "https://example.org/mine.csv", "published", True, False)
    record.write(origin_of(place.raw))
    place.origins = [str(origin_of(place.raw))]
    (source,) = json.loads(place.prepare()["about"])["sources"]
    assert (source["checksum"], source["published"]) == ("published", True)


def test_about_describes_the_weights(place, tmp_path):
    (tmp_path / "model.bin").write_bytes(b"weights")
    place.weights = [str(tmp_path / "model.bin")]
    settings = {**ENTRY["embedding"], "weights": {"path": place.weights[0]}}
    about = json.loads(place.prepare(embedding=settings)["about"])
    assert [(w["file"], w["sha256"]) for w in about["weights"]] == [("model.bin", checksum(tmp_path / "model.bin"))]


def test_chunks_are_gone_when_all_is_written(place):
    place.prepare()
    assert place.encoded == [3, 3, 3, 2]
    assert sorted(path.name for path in place.folder.iterdir()) == sorted(NAMES.values())


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_interrupted_and_resumed_gives_the_bytes_of_an_uninterrupted_run(place, after):
    whole = place.prepare()
    place.interrupted(after)
    assert place.prepare() == whole
    assert place.encoded == [3, 3, 3, 2][after:]


def test_an_interrupted_run_writes_no_features(place):
    place.interrupted()
    assert [path.name for path in place.folder.iterdir()] == [".chunks"]


def with_weights(place):
    """The embedding's settings with weights; a file that is there."""
    place.weights = [str(place.raw.with_name("model.bin"))]
    Path(place.weights[0]).write_bytes(b"weights")
    return {**ENTRY["embedding"], "weights": {"path": place.weights[0]}}


#: What the features depend on, each changed in its own way.
DECISIVE = {
    "settings": lambda place: {"embedding": {**with_weights(place), "power": 3}},
    "the source's content": lambda place: place.raw.write_text(rows(change=0.5)) and {},
    "classes": lambda place: {"classes": {"0": ["cat"], "1": ["dog"]}},
    "the weights' content": lambda place: Path(place.weights[0]).write_bytes(b"others") and {},
    "the library": lambda place: setattr(place, "library", "another") or {},
    "the device": lambda place: setattr(place, "machine", Machine("cuda")) or {},
    "the exact transform": lambda place: setattr(place, "about", {"transform": "another"}) or {},
}


@pytest.mark.parametrize("change", DECISIVE.values(), ids=DECISIVE)
def test_chunks_are_made_anew_with_everything_that_changes_features(place, change):
    usual = {"embedding": with_weights(place)}
    place.interrupted(**usual)
    changed = {**usual, **change(place)}
    resumed = place.prepare(**changed)
    kept = pq.read_metadata(place.folder / "samples.parquet").num_rows
    assert sum(place.encoded) == kept
    place.encoded.clear()
    assert resumed == place.prepare(**changed)


#: What they do not depend on.
INDIFFERENT = {
    "nothing": lambda place: {},
    "the split": lambda place: {"split": {"train": 0.5, "seed": 3}},
    "threads": lambda place: setattr(place, "machine", Machine("cpu", threads=7)) or {},
    "the folder of the source": lambda place: setattr(place, "raw", place.raw.rename(moved(place))) or {},
    "the order of settings": lambda place: {"embedding": dict(reversed(with_weights(place).items()))},
}


def moved(place):
    folder = place.raw.parent / "elsewhere"
    folder.mkdir()
    return folder / place.raw.name


@pytest.mark.parametrize("change", INDIFFERENT.values(), ids=INDIFFERENT)
def test_chunks_survive_everything_that_changes_no_feature(place, change):
    usual = {"embedding": with_weights(place)}
    place.interrupted(**usual)
    place.prepare(**{**usual, **change(place)})
    assert place.encoded == [3, 2]


def test_a_class_that_no_sample_has_is_refused_before_anything_is_encoded(place):
    with pytest.raises(InvalidData, match=r"does not have: fox \(it has bird, cat, dog, wolf\)"):
        place.prepare(classes={"0": ["cat"], "1": ["fox"]})
    assert place.encoded == []

"""The paper's data sets as tables of features: real embeddings where they are at hand, made-up ones where they are not.

A made-up data set has the sizes, the regulariser and the intercept of the one that it stands for, and numbers that only
resemble it. Its title says so.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.cases import SEED
from bench.data import counts_like, embedding_like, files_of
from leaveout import seeds
from leaveout.arrays import Array, IntArray
from leaveout.embeddings import Embeddings, read_embeddings
from leaveout.errors import InvalidData
from leaveout.records import TEST, TRAIN

#: Features of the paper that are not what the data set's entry expects: lemmas are those of an older program.
FEATURES = {"enron": 3294}
#: Test samples of data sets that come with a split.
TEST_SAMPLES = {"dogfish": 600}
#: Embeddings that count words.
COUNTING = ("bow",)
#: What a made-up data set takes over from the entry that it stands for; the rest would describe the real one.
KEPT = ("regularization", "regularizer", "intercept")


@dataclass(frozen=True)
class StandIn:
    """A data set of the run.

    Attributes
    ----------
    name, title : str
    n_train, n_test, d : int
    entry : mapping
        Its entry in the configuration.
    synthetic : bool
        Whether its numbers are made up.
    """

    name: str
    title: str
    n_train: int
    n_test: int
    d: int
    entry: Mapping[str, Any]
    synthetic: bool


def stand_in(name: str, entry: Mapping[str, Any], resources: Path, folder: Path, shrink: int) -> StandIn:
    """Write the features of one data set to ``folder/data/{name}.npz``, and say what they are.

    Parameters
    ----------
    name : str
    entry : mapping
        What the configuration says of it, defaults filled in.
    resources : Path
        Where real embeddings may be: ``embeddings/{name}``.
    folder : Path
        The checkout that is going to run.
    shrink : int
        1 for the paper's sizes; otherwise the data are made up, with so many times fewer samples and features.
    """
    target = folder / "data" / f"{name}.npz"
    target.parent.mkdir(exist_ok=True)
    real = _real(entry, resources / "embeddings" / name) if shrink == 1 else None
    if real:
        parts = real.training, real.test
        X, y = np.concatenate([part.X for part in parts]), np.concatenate([part.y for part in parts]).astype(np.int64)
        n_train, n_test, title = len(parts[0].y), len(parts[1].y), entry["title"]
    else:
        n_train, n_test, d = (size // shrink for size in sizes(name, entry))
        X, y = _made_up(name, entry, n_train + n_test, d)
        title = f"{entry['title']} (synthetic)"
    ids, split = np.arange(len(y)).astype(str), np.repeat([TRAIN, TEST], [n_train, n_test])
    np.savez(target, id=ids, label=y.astype(np.int8), features=X.astype(np.float32), split=split)
    d = X.shape[1]
    described = {
        "title": title,
        "description": "made-up numbers" if not real else entry["description"],
        "source": name,
        "parser": "table",
        "embedding": {"method": "features"},
        "split": "source",
        "expected": {"n_train": n_train, "d": d},
    }
    kept = {key: entry[key] for key in KEPT if key in entry}
    return StandIn(name, title, n_train, n_test, d, described | kept, not real)


def sizes(name: str, entry: Mapping[str, Any]) -> tuple[int, int, int]:
    """Training samples, test samples and features of a data set of the paper."""
    n_train = entry["expected"]["n_train"]
    n_test = (
        TEST_SAMPLES[name] if entry["split"] == "source" else math.ceil(n_train / entry["split"]["train"]) - n_train
    )
    return n_train, n_test, FEATURES.get(name, entry["expected"]["d"])


def source(name: str) -> dict[str, Any]:
    """The configuration's entry of the file that ``stand_in`` writes."""
    return {"files": {f"{name}.npz": {"path": f"data/{name}.npz"}}, "license": "as of the data set it stands for"}


def _real(entry: Mapping[str, Any], folder: Path) -> Embeddings | None:
    """The embedding in a folder, if it is complete and has the paper's training samples."""
    paths = files_of(folder)
    if not all(Path(path).is_file() for path in (paths.X, paths.samples, paths.about)):
        return None
    try:
        found = read_embeddings(paths)
    except (InvalidData, ValueError):
        return None
    return found if len(found.training.y) == entry.get("paper", {}).get("n_train") else None


def _made_up(name: str, entry: Mapping[str, Any], samples: int, d: int) -> tuple[Array, IntArray]:
    make = counts_like if entry["embedding"]["method"] in COUNTING else embedding_like
    return make(samples, d, seeds.generator(SEED, "paper", name))

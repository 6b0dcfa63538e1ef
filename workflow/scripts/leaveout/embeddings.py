"""The one form in which every data set reaches the models: features, ids, labels and split."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from leaveout import seeds
from leaveout.arrays import Array, IntArray
from leaveout.errors import InvalidData

TRAIN, TEST = "train", "test"


@dataclass(frozen=True, eq=False)
class Samples:
    """Embedded samples.

    Attributes
    ----------
    X : (n, d) float64 array
    y : (n,) float64 array in {0, 1}
    ids : (n,) array of str
        The source's own names of the samples.
    """

    X: Array
    y: Array
    ids: npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """A data set's embedding, split in two."""

    training: Samples
    test: Samples

    def subsample(self, n_train: int | None, seed: int, dataset: str) -> "Embeddings":
        """Keep ``n_train`` training samples, a prefix of one seeded permutation: smaller sizes are subsets of larger ones."""
        n = len(self.training.y)
        if n_train is None or n_train == n:
            return self
        if n_train > n:
            raise InvalidData(f"{dataset}: n_train = {n_train}, but there are {n} training samples")
        chosen = np.sort(seeds.generator(seed, dataset, "subsample").permutation(n)[:n_train])
        part = Samples(self.training.X[chosen], self.training.y[chosen], self.training.ids[chosen])
        return Embeddings(part, self.test)


def split(n: int, train: float, seed: int) -> list[str]:
    """Train or test for each of n samples: the first ``train`` share of one seeded permutation trains."""
    shuffled = np.random.default_rng(seed).permutation(n)
    training = set(shuffled[: int(train * n)].tolist())
    return [TRAIN if i in training else TEST for i in range(n)]


def write_embeddings(
    folder: str | Path,
    X: Array,
    y: IntArray,
    ids: Sequence[str],
    parts: Sequence[str],
    about: Mapping[str, Any],
) -> None:
    """Write ``X.npy`` (float32), ``samples.parquet`` (id, y, split) and ``about.json`` (how it was made)."""
    target = Path(folder)
    np.save(target / "X.npy", np.ascontiguousarray(X, dtype=np.float32))
    samples = {"id": pa.array(ids, pa.string()), "y": pa.array(y, pa.int8()), "split": pa.array(parts, pa.string())}
    pq.write_table(pa.table(samples), target / "samples.parquet")
    (target / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def read_embeddings(folder: str | Path) -> Embeddings:
    """Read a data set's embedding.

    Raises
    ------
    InvalidData
        Features, ids, labels and split do not belong together.
    """
    source = Path(folder)
    X = np.load(source / "X.npy", mmap_mode="r", allow_pickle=False)
    samples = pq.read_table(source / "samples.parquet")
    ids = samples["id"].to_numpy(zero_copy_only=False)
    y = samples["y"].to_numpy(zero_copy_only=False)
    parts = samples["split"].to_numpy(zero_copy_only=False)
    if X.ndim != 2 or len(X) != len(ids):
        raise InvalidData(f"{source}: X.npy has shape {X.shape}, samples.parquet {len(ids)} rows")
    if len(set(ids)) != len(ids):
        raise InvalidData(f"{source}/samples.parquet: ids are not unique")
    if not np.isin(y, (0, 1)).all():
        raise InvalidData(f"{source}/samples.parquet: labels must be 0 or 1, got {np.unique(y)[:5].tolist()}")
    if not np.isin(parts, (TRAIN, TEST)).all() or TRAIN not in parts or TEST not in parts:
        raise InvalidData(f"{source}/samples.parquet: split must hold train and test, and nothing else")

    def part(name: str) -> Samples:
        chosen = np.flatnonzero(parts == name)
        return Samples(np.asarray(X[chosen], dtype=np.float64), y[chosen].astype(np.float64), ids[chosen])

    return Embeddings(part(TRAIN), part(TEST))

"""The one form in which every data set reaches the models: features, ids, labels and split."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leaveout import files, parquet, seeds
from leaveout.arrays import Array, IntArray
from leaveout.errors import InvalidData
from leaveout.records import TEST, TRAIN, Records

log = logging.getLogger(__name__)

GENERATORS: Mapping[str, Any] = {"default_rng": np.random.default_rng, "RandomState": np.random.RandomState}


class EmbeddingPaths(Protocol):
    """Where the three files of an embedding are; a job's named inputs or outputs serve."""

    X: str
    samples: str
    about: str


@dataclass(frozen=True, eq=False)
class Samples:
    """Embedded samples.

    Attributes
    ----------
    X : (n, d) float32 array
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
        """Keep ``n_train`` training samples, a prefix of one seeded permutation: smaller sizes are subsets."""
        n = len(self.training.y)
        if n_train is None or n_train == n:
            return self
        if n_train > n:
            raise InvalidData(f"{dataset}: n_train = {n_train}, but there are {n} training samples")
        chosen = np.sort(seeds.generator(seed, dataset, "subsample").permutation(n)[:n_train])
        part = Samples(self.training.X[chosen], self.training.y[chosen], self.training.ids[chosen])
        return Embeddings(part, self.test)


def split(n: int, train: float, seed: int, generator: str = "default_rng") -> list[str]:
    """Train or test for each of n samples: the first ``train`` share of one seeded permutation trains.

    Parameters
    ----------
    n : int
        Samples, in the parser's order.
    train : float
        Share of training samples.
    seed : int
    generator : "default_rng" | "RandomState"
        numpy's generator of the permutation: what a published split was drawn by.
    """
    shuffled = GENERATORS[generator](seed).permutation(n)
    training = set(shuffled[: int(train * n)].tolist())
    return [TRAIN if i in training else TEST for i in range(n)]


def parts_of(records: Records, settings: Mapping[str, Any] | Literal["source"]) -> Sequence[str]:
    """Train or test for each record: by the source's own split, or by a permutation with these ``settings``.

    Raises
    ------
    InvalidData
        The source has no split of its own.
    """
    if settings != "source":
        if records.split is not None:
            log.info("split: drawn anew, the source's own is not used (split: source takes it)")
        return split(len(records.ids), **settings)
    if records.split is None:
        raise InvalidData("split: source: this source has no split of its own (give train and seed)")
    return records.split


def write_embeddings(
    paths: EmbeddingPaths,
    X: npt.ArrayLike,
    y: IntArray,
    ids: Sequence[str],
    parts: Sequence[str],
    about: Mapping[str, Any],
    stamp: str | None = None,
) -> None:
    """Write features (float32, memory-mappable), samples (id, y, split; stamped), and how they were made: ``about``.

    Their shape stands there too: who plans jobs knows how large they are, and need not be able to read arrays.
    """
    X = np.ascontiguousarray(X, dtype=np.float32)
    samples = {"id": pa.array(ids, pa.string()), "y": pa.array(y, pa.int8()), "split": pa.array(parts, pa.string())}
    with files.complete(paths.X) as unfinished:
        np.save(unfinished, X)
    parquet.write(pa.table(samples), paths.samples, stamp)
    with files.complete(paths.about) as unfinished:
        unfinished.write_text(json.dumps({"shape": X.shape, **about}, indent=2) + "\n", encoding="utf-8")


def read_embeddings(paths: EmbeddingPaths) -> Embeddings:
    """Read a data set's embedding.

    Raises
    ------
    InvalidData
        Features, ids, labels and split do not belong together.
    """
    source = Path(paths.samples)
    X = np.load(paths.X, mmap_mode="r", allow_pickle=False)
    samples = parquet.read(source)
    if missing := [name for name in ("id", "y", "split") if name not in samples.column_names]:
        raise InvalidData(f"{source}: no column {', '.join(missing)}")
    ids = samples["id"].to_numpy(zero_copy_only=False)
    y = samples["y"].to_numpy(zero_copy_only=False)
    parts = samples["split"].to_numpy(zero_copy_only=False)
    if X.ndim != 2 or len(X) != len(ids):
        raise InvalidData(f"{paths.X} has shape {X.shape}, but {source} {len(ids)} rows")
    if len(set(ids)) != len(ids):
        raise InvalidData(f"{source}: ids are not unique")
    if not np.isin(y, (0, 1)).all():
        raise InvalidData(f"{source}: labels must be 0 or 1, got {np.unique(y)[:5].tolist()}")
    if not np.isin(parts, (TRAIN, TEST)).all() or TRAIN not in parts or TEST not in parts:
        raise InvalidData(f"{source}: split must hold train and test, and nothing else")

    def part(name: str) -> Samples:
        chosen = np.flatnonzero(parts == name)
        return Samples(X[chosen], y[chosen].astype(np.float64), ids[chosen])

    return Embeddings(part(TRAIN), part(TEST))

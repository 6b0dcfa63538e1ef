"""The one form in which every data set reaches the models: features, ids, labels and split."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leaveout import array_file, files, parquet, seeds
from leaveout.arrays import Array, IntArray
from leaveout.checksums import checksum
from leaveout.errors import InvalidData
from leaveout.records import TEST, TRAIN, Records

log = logging.getLogger(__name__)

Features = npt.NDArray[np.float32]

#: Key of the metadata of ``samples.parquet`` under which the checksum of ``X.npy`` stands.
FEATURES_SHA256 = "features_sha256"
#: Training samples that a model needs.
FEWEST = 2
#: What mends an embedding that cannot be read.
AGAIN = "(delete the folder and run again)"
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
        The source has no split of its own, or one of the parts has too few samples.
    """
    if settings != "source":
        if records.split is not None:
            log.info("split: drawn anew, the source's own is not used (split: source takes it)")
        parts: Sequence[str] = split(len(records.ids), **settings)
    elif records.split is None:
        raise InvalidData("split: source: this source has no split of its own (give train and seed)")
    else:
        parts = records.split
    training, test = (list(parts).count(name) for name in (TRAIN, TEST))
    if training < FEWEST or not test:
        raise InvalidData(
            f"split: of {len(parts)} samples, {training} for training and {test} for testing (needed: {FEWEST} and 1: "
            f"change the split, or give more samples)"
        )
    return parts


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

    Their shape stands there too: who plans jobs knows how large they are, and need not be able to read arrays. Beside
    the samples stands the features' checksum, so that readers find a byte that has changed.

    Raises
    ------
    InvalidData
        A feature is no finite number of single precision.
    """
    X = np.ascontiguousarray(X, dtype=np.float32)
    _refuse_unusable(paths, X, ids)
    columns = {"id": pa.array(ids, pa.string()), "y": pa.array(y, pa.int8()), "split": pa.array(parts, pa.string())}
    samples = pa.table(columns)
    sha256 = array_file.write_array([X], paths.X)
    parquet.write(samples.replace_schema_metadata({FEATURES_SHA256: sha256}), paths.samples, stamp)
    with files.complete(paths.about) as unfinished:
        unfinished.write_text(json.dumps({"shape": X.shape, **about}, indent=2) + "\n", encoding="utf-8")


def _refuse_unusable(paths: EmbeddingPaths, X: Features, ids: Sequence[str]) -> None:
    """Raise InvalidData where features are no finite numbers: no model can be fitted to them."""
    finite = np.isfinite(X.sum(axis=1, dtype=np.float64))
    if not finite.all():
        i = int((~finite).argmax())
        j, count = int((~np.isfinite(X[i])).argmax()), int((~finite).sum())
        raise InvalidData(
            f"{paths.X}: not written: feature {j} of sample {ids[i]!r} is {X[i, j]} ({count} such samples; the "
            f"embedding made them: look at that sample, or leave it out)"
        )


def read_embeddings(paths: EmbeddingPaths, accept: Callable[[int, int, int], None] | None = None) -> Embeddings:
    """Read a data set's embedding.

    Features of other real types, byte orders or layouts become float32, row by row.

    Parameters
    ----------
    paths : EmbeddingPaths
    accept : function of the numbers of training samples, test samples and features, optional
        Called before any feature is read; raises where these are too many.

    Raises
    ------
    InvalidData
        The features are damaged, or features, ids, labels and split do not belong together.
    InvalidResults
        ``samples.parquet`` is damaged.
    """
    source = Path(paths.samples)
    samples = parquet.read(source)
    _refuse_other_features(paths, samples)
    X = array_file.mapped(paths.X)
    if missing := [name for name in ("id", "y", "split") if name not in samples.column_names]:
        raise InvalidData(f"{source}: no column {', '.join(missing)} {AGAIN}")
    ids = samples["id"].to_numpy(zero_copy_only=False)
    y = samples["y"].to_numpy(zero_copy_only=False)
    parts = samples["split"].to_numpy(zero_copy_only=False)
    if X.ndim != 2 or len(X) != len(ids):
        raise InvalidData(f"{paths.X} has shape {X.shape}, but {source} {len(ids)} rows {AGAIN}")
    if len(set(ids)) != len(ids):
        raise InvalidData(f"{source}: ids are not unique {AGAIN}")
    if not np.isin(y, (0, 1)).all():
        raise InvalidData(f"{source}: labels must be 0 or 1, got {np.unique(y)[:5].tolist()} {AGAIN}")
    if not np.isin(parts, (TRAIN, TEST)).all() or TRAIN not in parts or TEST not in parts:
        raise InvalidData(f"{source}: split must hold train and test, and nothing else {AGAIN}")
    if accept is not None:
        accept(int((parts == TRAIN).sum()), int((parts == TEST).sum()), X.shape[1])

    def part(name: str) -> Samples:
        chosen = np.flatnonzero(parts == name)
        features: Array = np.ascontiguousarray(X[chosen], dtype=np.float32)
        return Samples(features, y[chosen].astype(np.float64), ids[chosen])

    return Embeddings(part(TRAIN), part(TEST))


def _refuse_other_features(paths: EmbeddingPaths, samples: pa.Table) -> None:
    """Raise InvalidData if the features are not those that were written with the samples; others' may not say."""
    stated = (samples.schema.metadata or {}).get(FEATURES_SHA256.encode())
    try:
        found = None if stated is None else checksum(Path(paths.X)).encode()
    except OSError as error:
        raise InvalidData(f"{paths.X}: {error} {AGAIN}") from error
    if found != stated:
        raise InvalidData(f"{paths.X}: damaged, or not the features that belong to {paths.samples} {AGAIN}")

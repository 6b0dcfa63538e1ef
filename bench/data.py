"""Features like those of a network's last layer, or like counts of words, made up; where a problem's files are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.cases import SEED, Case
from leaveout import seeds
from leaveout.arrays import Array, IntArray
from leaveout.datasets.made_up import FLAT, network_features
from leaveout.embeddings import write_embeddings
from leaveout.records import TEST, TRAIN

#: How steeply labels depend on features like a network's.
STEEPNESS = 10.0
#: Share of documents of class 1, median of their words, how far the classes differ in the use of a word, and how evenly
#: a document uses it: few large bursts below 1.
POSITIVE, WORDS, PREFERENCE, BURSTS = 0.29, 80.0, 1.0, 0.1


@dataclass
class EmbeddingFiles:
    """Paths of the three files of an embedding."""

    X: str
    samples: str
    about: str


def files_of(folder: Path) -> EmbeddingFiles:
    """Return the files of an embedding in one folder, named as the workflow names them."""
    return EmbeddingFiles(*(str(folder / name) for name in ("X.npy", "samples.parquet", "about.json")))


def embedding_like(samples: int, d: int, generator: np.random.Generator) -> tuple[Array, IntArray]:
    """Features like those of a network's last layer, and labels of classes that overlap little."""
    return network_features(samples, d, STEEPNESS, generator)


def counts_like(samples: int, d: int, generator: np.random.Generator) -> tuple[Array, IntArray]:
    """Counts ``X_ij ~ Poisson(length_i share_j exp(tilt_j y_i) burst_ij)``, and labels.

    Shares of words fall as a power of their rank, lengths of documents are log-normal, words come in bursts, and each
    class prefers words of its own, so much that nearly every sample can be told from the other class.

    Parameters
    ----------
    samples, d : int
    generator : numpy.random.Generator

    Returns
    -------
    X : (samples, d) float64 array
        Whole numbers, most of them zero, a few large.
    y : (samples,) int array in {0, 1}
    """
    y = (generator.random(samples) < POSITIVE).astype(np.int64)
    share = 1 / (np.arange(d) + FLAT)
    tilt = generator.normal(scale=PREFERENCE, size=d)
    lengths = WORDS * np.exp(generator.normal(size=samples))
    rates = np.exp(np.outer(y, tilt)) * (share / share.sum())
    rates *= lengths[:, None] * generator.gamma(BURSTS, 1 / BURSTS, size=(samples, d))
    return generator.poisson(rates).astype(np.float64), y


def write(case: Case, folder: Path) -> Path:
    """Make a case's features, and write them in the workflow's layout; return their folder."""
    target = folder / case.folder
    target.mkdir(parents=True, exist_ok=True)
    samples = case.n + case.test
    X, y = embedding_like(samples, case.d, seeds.generator(SEED, "bench", case.n, case.d))
    ids = [str(i) for i in range(samples)]
    parts = [TRAIN] * case.n + [TEST] * case.test
    write_embeddings(files_of(target), X, y, ids, parts, {"made_by": "bench.data"})
    return target

"""Features like those of a network's last layer, or like counts of words, made up; where a problem's files are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.cases import SEED, Case
from leaveout import seeds
from leaveout.arrays import Array, IntArray
from leaveout.embeddings import write_embeddings
from leaveout.records import TEST, TRAIN

#: Decay of the latent scales, ``(1 + j / FLAT) ** -DECAY``; that of the features' singular values is about 0.6.
DECAY, FLAT = 1.0, 4.0
#: What a unit's input must exceed, in units of its standard deviation, and the root mean square of the features.
THRESHOLD, FEATURE_SIZE = 0.5, 0.18
#: Labels depend on this share of the latent directions, one in so many, the largest ones; how steeply.
CLASS_SHARE, STEEPNESS = 8, 10.0
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
    """``X = max(0, Z S W - threshold)``, rescaled, and labels that depend on the largest latent directions.

    Z and W are Gaussian and S falls as a power of the rank, so that the singular values of X do too. Classes overlap
    little: at lambda = 1e-5 a logistic regression separates nearly all of its training samples.

    Parameters
    ----------
    samples, d : int
    generator : numpy.random.Generator

    Returns
    -------
    X : (samples, d) float64 array
        Not negative, about seven entries of ten are zero; the files hold it in float32.
    y : (samples,) int array in {0, 1}
    """
    scales = (1 + np.arange(d) / FLAT) ** -DECAY
    latent = generator.standard_normal((samples, d)) * scales
    margin = latent[:, : max(1, d // CLASS_SHARE)] @ generator.standard_normal(max(1, d // CLASS_SHARE))
    probability = 1 / (1 + np.exp(-STEEPNESS * margin / margin.std()))
    y = (generator.random(samples) < probability).astype(np.int64)
    units = latent @ generator.standard_normal((d, d)) / np.linalg.norm(scales)
    X = np.maximum(units - THRESHOLD, 0)
    X *= FEATURE_SIZE / np.sqrt(np.mean(X**2))
    return X, y


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

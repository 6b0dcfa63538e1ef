"""Made-up samples with features like those of a network's last layer: no files, a design instead."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from leaveout import seeds
from leaveout.arrays import Array, IntArray
from leaveout.records import Records

#: Decay of the latent scales, ``(1 + j / FLAT) ** -DECAY``; that of the features' singular values is about 0.6.
DECAY, FLAT = 1.0, 4.0
#: What a unit's input must exceed, in units of its standard deviation, and the root mean square of the features.
THRESHOLD, FEATURE_SIZE = 0.5, 0.18
#: Labels depend on this share of the latent directions, one in so many, the largest ones.
CLASS_SHARE = 8


def parse(design: Mapping[str, Any]) -> Records:
    """Make the samples of a design: their number, ``samples``, ``features``, ``steepness`` and ``seed``."""
    samples, d, steepness = (design[key] for key in ("samples", "features", "steepness"))
    X, y = network_features(samples, d, steepness, seeds.generator(design["seed"], "made_up", samples, d))
    return Records([f"made-up-{i:06d}" for i in range(samples)], X, [str(label) for label in y])


def network_features(samples: int, d: int, steepness: float, generator: np.random.Generator) -> tuple[Array, IntArray]:
    """``X = max(0, Z S W - threshold)``, rescaled, and labels that are 1 with probability ``sigmoid(steepness m)``.

    Z and W are Gaussian and S falls as a power of the rank, so that the singular values of X do too. The margin m, of
    standard deviation 1, is linear in the largest latent directions. Designs that differ in steepness alone have the
    same features.

    Parameters
    ----------
    samples, d : int
    steepness : float
        At 0 labels are tossed; at 10 classes overlap little: at lambda = 1e-5 a logistic regression separates nearly
        all of its training samples.
    generator : numpy.random.Generator

    Returns
    -------
    X : (samples, d) float64 array
        Not negative, about seven entries of ten are zero; files hold it in float32.
    y : (samples,) int array in {0, 1}
    """
    scales = (1 + np.arange(d) / FLAT) ** -DECAY
    latent = generator.standard_normal((samples, d)) * scales
    margin = latent[:, : max(1, d // CLASS_SHARE)] @ generator.standard_normal(max(1, d // CLASS_SHARE))
    probability = np.exp(-np.logaddexp(0, -steepness * margin / margin.std()))
    y = (generator.random(samples) < probability).astype(np.int64)
    units = latent @ generator.standard_normal((d, d)) / np.linalg.norm(scales)
    X = np.maximum(units - THRESHOLD, 0)
    X *= FEATURE_SIZE / np.sqrt(np.mean(X**2))
    return X, y

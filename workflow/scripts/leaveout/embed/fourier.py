"""Random Fourier features of small vectors: the feature map of a Gaussian kernel, sampled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leaveout.arrays import Array
from leaveout.embed import Encoder, Machine

CHUNK = 1 << 14


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder that these settings describe: see `embed`."""
    parameters = {key: value for key, value in settings.items() if key != "method"}
    return Encoder(lambda vectors: embed(vectors, **parameters), CHUNK)


def embed(vectors: Array, features: int, gamma: float, scale: float, seed: int) -> Array:
    r"""Return ``scale sqrt(2/D) cos(W x + b)``, (n, D).

    Parameters
    ----------
    vectors : (n, m) float64 array
    features : int
        D.
    gamma : float
        Kernel ``exp(-gamma ||x - x'||^2)``: rows of W are N(0, 2 gamma I).
    scale : float
        The kernel is multiplied by its square.
    seed : int
        Draws W, row by row, then b, uniform on [0, 2 pi).

    References
    ----------
    Rahimi & Recht 2007.
    """
    generator = np.random.default_rng(seed)
    W = generator.normal(0.0, np.sqrt(2 * gamma), (features, vectors.shape[1]))
    b = generator.uniform(0.0, 2 * np.pi, features)
    return scale * np.sqrt(2 / features) * np.cos(vectors @ W.T + b)

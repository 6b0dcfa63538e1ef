"""Random Fourier features of small vectors: the feature map of a Gaussian kernel, sampled."""

import numpy as np

from leaveout.arrays import Array


def embed(payload: Array, features: int, gamma: float, scale: float, seed: int) -> Array:
    r"""Return ``scale sqrt(2/D) cos(W x + b)``, (n, D).

    Parameters
    ----------
    payload : (n, m) float64 array
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
    W = generator.normal(0.0, np.sqrt(2 * gamma), (features, payload.shape[1]))
    b = generator.uniform(0.0, 2 * np.pi, features)
    return scale * np.sqrt(2 / features) * np.cos(payload @ W.T + b)

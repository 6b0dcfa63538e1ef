"""Random generators that depend on words, never on what was drawn before."""

import hashlib
import json

import numpy as np


def generator(seed: int, *words: str | int) -> np.random.Generator:
    """Return the generator of a seed and some words, such as a data set, a strategy and a size.

    Independent of every other generator: what is added to a study, or computed in another order, changes no draw.
    """
    digest = hashlib.sha256(json.dumps(words).encode()).digest()
    return np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(digest, "big")]))

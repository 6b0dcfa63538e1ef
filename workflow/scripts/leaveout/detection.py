"""Detection: test samples are planted among the training samples with the wrong label, to be found by a ranking."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from leaveout import seeds
from leaveout.arrays import Array
from leaveout.devices import Device
from leaveout.embeddings import Embeddings, Samples
from leaveout.enlarged import enlarge
from leaveout.errors import InvalidData
from leaveout.fitting import fit
from leaveout.linear_algebra import beside, on_host, placed
from leaveout.model import Model
from leaveout.retraining import ITERATION_LIMIT, retrain_block
from leaveout.suspicion import rank_samples

#: Largest share of the test samples that a draw may plant: draws that share most of their samples are none.
LARGEST_SHARE = 0.5


def plant(embeddings: Embeddings, count: int, generator: np.random.Generator) -> Samples:
    """Training samples, and below them ``count`` random test samples with flipped labels.

    Raises
    ------
    InvalidData
        These are more than half of the test samples: draws would hardly differ.
    """
    training, test = embeddings.training, embeddings.test
    if count > LARGEST_SHARE * len(test.y):
        raise InvalidData(
            f"poisoning.planted = {count}, but there are {len(test.y)} test samples: allowed is half of them, "
            f"{int(LARGEST_SHARE * len(test.y))}"
        )
    chosen = np.sort(generator.permutation(len(test.y))[:count])
    return Samples(
        np.concatenate([training.X, test.X[chosen]]),
        np.concatenate([training.y, 1 - test.y[chosen]]),
        np.concatenate([training.ids, test.ids[chosen]]),
    )


def with_further(clean: Model, X: Array, y: Array) -> Array:
    """Parameters, (p,), of the model with further samples, found with the clean model's factor: where a fit begins.

    The optimum under ``per_sample``, and close to it under ``fixed``, where more samples weigh the regulariser more.
    """
    wide = enlarge(clean, X, y)
    found = retrain_block(wide, [wide.only(*range(len(y)))], 0 * wide.parameters[None, :])
    return clean.theta + on_host(wide.coordinates.lift(beside(wide.X, found.change)))[0]


def detect(
    clean: Model,
    embeddings: Embeddings,
    settings: Mapping[str, int],
    words: tuple[int, str, int],
    where: Device,
    labels: Mapping[str, Any],
) -> pa.Table:
    """Plant random test samples with flipped labels, fit, and rank all training samples: one draw.

    The model is an ordinary one of n + m samples, as whoever looks for the poisons has it.

    Parameters
    ----------
    clean : Model
        Of the training samples alone: the fit starts from it.
    embeddings : Embeddings
    settings : mapping
        ``planted`` (m), ``retrained`` and, if it is limited, ``iteration_limit``, as `rank_samples` takes them.
    words : (int, str, int)
        Seed, data set and number of the draw: what is drawn depends on these and n alone.
    where : "auto" | "cpu" | "cuda"
    labels : mapping
        Columns that all rows share.

    Returns
    -------
    pyarrow.Table
        Rows of ``suspicion.SCHEMA``.
    """
    seed, dataset, draw = words
    n, penalty, planted = clean.n, clean.penalty, settings["planted"]
    samples = plant(embeddings, planted, seeds.generator(seed, dataset, n, "planted", draw))
    model = fit(
        placed(samples.X, where),
        samples.y,
        penalty.regularization,
        penalty.regularizer,
        penalty.intercept,
        start=with_further(clean, samples.X[n:], samples.y[n:]),
    )
    control = seeds.generator(seed, dataset, n, "planted", draw, "control")
    labels, limit = {**labels, "draw": draw}, settings.get("iteration_limit", ITERATION_LIMIT)
    return rank_samples(model, samples, planted, settings["retrained"], control, labels, limit)

"""Detection: test samples are planted among the training samples with the wrong label, to be found by a ranking."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from leaveout import seeds
from leaveout.devices import Device
from leaveout.embeddings import Embeddings
from leaveout.fitting import fit
from leaveout.linear_algebra import on_host, placed
from leaveout.model import Model
from leaveout.suspicion import rank_samples


def detect(
    clean: Model,
    embeddings: Embeddings,
    settings: Mapping[str, int],
    seed: int,
    where: Device,
    labels: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """Plant random test samples with flipped labels, fit, and rank all training samples; several draws.

    The model is an ordinary one of n + m samples, as whoever looks for the poisons has it.

    Parameters
    ----------
    clean : Model
        Of the training samples alone: every fit starts from it.
    embeddings : Embeddings
    settings : mapping
        ``planted`` (m, at most all test samples), ``draws``, and ``retrained`` as in ``rank_samples``.
    seed : int
        With the data set's name in ``labels``, the words "planted" and the draw's number it seeds the draw.
    where : "auto" | "cpu" | "cuda"
    labels : mapping
        Columns that all rows share.

    Yields
    ------
    dict
        Rows of ``suspicion.SCHEMA``.
    """
    training, test, penalty = embeddings.training, embeddings.test, clean.penalty
    for draw in range(settings["draws"]):
        generator = seeds.generator(seed, str(labels["dataset"]), len(training.y), "planted", draw)
        chosen = np.sort(generator.permutation(len(test.y))[: settings["planted"]])
        X = np.concatenate([training.X, test.X[chosen]])
        model = fit(
            placed(X, where),
            np.concatenate([training.y, 1 - test.y[chosen]]),
            penalty.regularization,
            penalty.regularizer,
            penalty.intercept,
            start=on_host(clean.theta),
        )
        ids = [*training.ids, *test.ids[chosen]]
        planted = np.arange(len(ids)) >= len(training.y)
        yield from rank_samples(model, ids, planted, settings["retrained"], generator, {**labels, "draw": draw})

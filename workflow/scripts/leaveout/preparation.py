"""Preparation of a data set: its source files parsed, labelled, split and encoded, in the one form of embeddings."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from leaveout.chunks import Chunks
from leaveout.datasets import records_of
from leaveout.embed import Machine, encoder
from leaveout.embeddings import EmbeddingPaths, parts_of, write_embeddings
from leaveout.errors import InvalidData
from leaveout.lineage import digest
from leaveout.provenance import versions
from leaveout.records import TRAIN, labelled
from leaveout.sources import describe
from leaveout.weights import describe_weights, located

log = logging.getLogger(__name__)


class PreparationPaths(Protocol):
    """What a data set is made from; a job's named inputs serve."""

    raw: Iterable[str]
    weights: Iterable[str]
    origins: Iterable[str]


def prepare(
    entry: Mapping[str, Any],
    inputs: PreparationPaths,
    outputs: EmbeddingPaths,
    machine: Machine,
    library: str,
    stamp: str | None = None,
) -> None:
    """Embed a data set; what an interrupted job had encoded with the same settings is not encoded again.

    Parameters
    ----------
    entry : mapping
        ``source``, ``parser``, ``classes`` (None: 0 and 1), ``embedding`` and ``split`` of the data set.
    inputs : PreparationPaths
        ``raw``, its source files in the order of the configuration; ``weights``, the files of the model's weights, none
        for a model without or one that a package ships; ``origins``, the records of those that were downloaded.
    outputs : EmbeddingPaths
    machine : Machine
    library : str
        Digest of the code: chunks of other code are stale.
    stamp : str, optional
        What the embedding is made as (see ``stamps``).

    Raises
    ------
    SourceError, InvalidData
        The source's files, which are named, cannot be read, or no model can be fitted to what they hold.
    """
    raw, weights, origins = ([Path(file) for file in files] for files in (inputs.raw, inputs.weights, inputs.origins))
    settings = entry["embedding"]
    design = None if isinstance(entry["source"], str) else entry["source"]
    records = records_of(entry["parser"], raw, design)
    with _named(raw or [design]):
        records, y = labelled(records, entry["classes"])
        parts = parts_of(records, entry["split"])
    about: dict[str, Any] = {"sources": [describe(file, origins) for file in raw], "embedding": settings}
    if design is not None:
        about["design"] = design
    found = None
    if "weights" in settings:
        found = located(settings["weights"], weights)
        about["weights"] = describe_weights(settings["weights"], found, weights, origins)
    model = encoder(settings, found, machine)
    about |= model.about
    about["versions"] = versions(*model.packages)
    key = {**about, "parser": entry["parser"], "classes": entry["classes"], "library": library, "chunk": model.chunk}
    chunks = Chunks(Path(outputs.X).parent / ".chunks", digest(key))
    encoded = chunks.map(model.encode, records.payload, model.chunk)
    X = model.features(encoded, np.array([part == TRAIN for part in parts]))
    log.info("%d samples, %d features, %d for training", *X.shape, list(parts).count(TRAIN))
    write_embeddings(outputs, X, y, records.ids, parts, about, stamp)
    chunks.discard()


@contextmanager
def _named(files: Sequence[Any]) -> Iterator[None]:
    """Name a source's files, or its design, in errors that speak of all its samples."""
    try:
        yield
    except InvalidData as error:
        raise InvalidData(f"{', '.join(map(str, files))}: {error}") from error

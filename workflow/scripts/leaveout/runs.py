"""One run of a study, as its jobs take it up: the embedded samples that it uses, and its full model."""

from collections.abc import Mapping
from typing import Any, Protocol

from leaveout.devices import Device
from leaveout.embeddings import EmbeddingPaths, Embeddings, read_embeddings
from leaveout.linear_algebra import placed
from leaveout.model import Model
from leaveout.model_file import read_model


class RunPaths(EmbeddingPaths, Protocol):
    """Files of a run; a job's named inputs serve."""

    model: str
    factor: str


def read_run(paths: RunPaths, training: Mapping[str, Any], where: Device) -> tuple[Embeddings, Model]:
    """Read a run's samples, and its model set on them.

    Parameters
    ----------
    paths : RunPaths
    training : mapping
        ``n_train``, ``seed`` and ``dataset``, as `Embeddings.subsample` takes them.
    where : "auto" | "cpu" | "cuda"

    Raises
    ------
    InvalidData, InvalidResults
        Files that are damaged, or do not belong together.
    """
    embeddings = read_embeddings(paths).subsample(**training)
    X = placed(embeddings.training.X, where)
    return embeddings, read_model(paths.model, paths.factor, X, embeddings.training.y)

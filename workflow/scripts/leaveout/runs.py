"""One run of a study, as its jobs take it up: the embedded samples that it uses, and its full model."""

from collections.abc import Mapping
from typing import Any, Protocol

from leaveout.devices import Device
from leaveout.embeddings import EmbeddingPaths, Embeddings, read_embeddings
from leaveout.linear_algebra import placed
from leaveout.memory import Allowance, Size
from leaveout.model import Model
from leaveout.model_file import read_model


class RunPaths(EmbeddingPaths, Protocol):
    """Files of a run; a job's named inputs serve."""

    model: str
    factor: str


def read_samples(paths: EmbeddingPaths, training: Mapping[str, Any], allowance: Allowance) -> Embeddings:
    """Read a run's samples, if what is to be done with them fits into memory.

    Parameters
    ----------
    paths : EmbeddingPaths
    training : mapping
        ``n_train``, ``seed`` and ``dataset``, as `Embeddings.subsample` takes them.
    allowance : Allowance
        What the job may take: held against the sizes before any feature is read.

    Raises
    ------
    InvalidData
        Files that are damaged, or do not belong together.
    NotEnoughMemory
        The job would take more.
    """

    def accept(available: int, test: int, d: int) -> None:
        n = min(available, training["n_train"] or available)
        allowance.check(Size(n, test, d, available + test), training["dataset"])

    return read_embeddings(paths, accept).subsample(**training)


def read_run(
    paths: RunPaths, training: Mapping[str, Any], where: Device, allowance: Allowance
) -> tuple[Embeddings, Model]:
    """Read a run's samples, and its model set on them.

    Parameters
    ----------
    paths : RunPaths
    training, allowance
        As `read_samples` takes them.
    where : "auto" | "cpu" | "cuda"

    Raises
    ------
    InvalidData, InvalidResults
        Files that are damaged, or do not belong together.
    NotEnoughMemory
        The job would take more than it may.
    """
    embeddings = read_samples(paths, training, allowance)
    X = placed(embeddings.training.X, where)
    return embeddings, read_model(paths.model, paths.factor, X, embeddings.training.y)

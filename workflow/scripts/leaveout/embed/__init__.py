"""Embeddings, one module a method: ``encoder(settings, weights, machine) -> Encoder``. The configuration names them."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from leaveout.arrays import BoolArray
from leaveout.devices import Device
from leaveout.errors import InvalidModel, PackageMissing

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Machine:
    """What an encoder may use.

    Attributes
    ----------
    device : "auto" | "cpu" | "cuda"
        Where networks compute.
    threads : int
        Processor cores.
    workers : int
        Processes beside the job that prepare what networks take; they change no result.
    """

    device: Device = "auto"
    threads: int = 1
    workers: int = 0


def stacked(n: int, encoded: Iterator[npt.NDArray[Any]]) -> Features:
    """Rows of all chunks, (n, d): the largest array beside it is one chunk.

    Raises
    ------
    InvalidModel
        The chunks are not rows of equal length, or not n in all.
    """
    first = next(encoded)
    X = np.empty((n, *first.shape[1:]), dtype=np.float32)
    done = 0
    for rows in itertools.chain([first], encoded):
        if rows.ndim != 2 or rows.shape[1:] != X.shape[1:] or done + len(rows) > n:
            raise InvalidModel(f"an embedding gave rows of shape {rows.shape} after {done} of {n}, {X.shape[1:]} each")
        X[done : done + len(rows)] = rows
        done += len(rows)
    if done < n:
        raise InvalidModel(f"an embedding gave {done} rows for {n} samples")
    return X


@dataclass(frozen=True, eq=False)
class Encoder:
    """How payloads become features, a chunk of samples at a time.

    Attributes
    ----------
    encode : function of some payloads
        What is made of each, in their order: rows of features, (k, d), or k texts. A sample's result depends on that
        sample alone, to rounding, and to the bit on its chunk, so that chunks can be made in any run and joined in
        another.
    chunk : int
        Samples that are encoded and written together, and lost together in a crash.
    fit : function of all results and of which samples train, optional
        Features, (n, d), for embeddings that learn from the training samples; otherwise the rows are stacked.
    about : mapping
        What decides the features and stands in no setting: the device, the exact transform.
    packages : sequence of str
        Whose versions decide the features.
    """

    encode: Callable[[Any], npt.NDArray[Any] | list[str]]
    chunk: int
    fit: Callable[[Iterator[Any], BoolArray], Features] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    packages: Sequence[str] = ()

    def features(self, encoded: Iterator[Any], training: BoolArray) -> Features:
        """Features of all samples, from the results of all chunks in order."""
        return stacked(len(training), encoded) if self.fit is None else self.fit(encoded, training)


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder of the method that the settings name.

    Parameters
    ----------
    settings : mapping
        ``method``, and what its schema describes.
    weights : Path or None
        File or folder of the model's weights, for methods that have a model.
    machine : Machine

    Raises
    ------
    PackageMissing
        A package that the method needs is not installed.
    """
    method = settings["method"]
    try:
        made: Encoder = import_module(f"{__name__}.{method}").encoder(settings, weights, machine)
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] == __name__.split(".")[0]:
            raise
        raise PackageMissing(
            f"embedding by {method} needs the package {error.name}: run Snakemake with --use-conda, or install "
            f"requirements/embed.txt"
        ) from error
    return made

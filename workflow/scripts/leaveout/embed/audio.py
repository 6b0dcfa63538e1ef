"""OpenL3: what a network has learnt of sounds from the pictures they come with, mean over time (Cramer et al. 2019)."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import openl3
import tensorflow
from openl3 import models

from leaveout.archives import gunzipped
from leaveout.embed import Encoder, Features, Machine
from leaveout.errors import DeviceUnavailable, InvalidModel
from leaveout.sounds import decoded

#: A second of sound is ten windows of a second each, 2 MB: those of a chunk are in memory together.
CHUNK = 16
#: Bytes of the network's weights, unpacked: 19 MB as published.
LIMIT = 256 << 20


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder of sound files by OpenL3's audio network.

    Parameters
    ----------
    settings : mapping
        ``input_repr``, ``content_type`` and ``embedding_size`` of the network.
    weights : Path
        The network's file as published, ``*_{input_repr}_{content_type}*.h5`` or ``.h5.gz``.
    machine : Machine

    Raises
    ------
    InvalidModel
        The file is not the network that the settings name, or cannot be loaded.
    SourceError
        The file's compression is damaged.
    DeviceUnavailable
        ``cuda`` is asked for and TensorFlow finds none.
    """
    network = {key: settings[key] for key in ("input_repr", "content_type", "embedding_size")}
    if weights is None:
        raise InvalidModel("embedding by audio: weights are needed: the network's file as OpenL3 publishes it")
    about = {"device": _device(machine)}
    model = _loaded(weights, network)

    def encode(contents: Iterable[bytes]) -> Features:
        sounds, rates = (list(part) for part in zip(*decoded(contents), strict=True))
        windows, _ = openl3.get_audio_embedding(sounds, rates, model=model, **network, verbose=False)
        return np.stack([rows.mean(axis=0) for rows in windows]).astype(np.float32)

    return Encoder(encode, CHUNK, about=about, packages=("openl3", "tensorflow", "kapre", "resampy", "soundfile"))


def _loaded(weights: Path, network: Mapping[str, Any]) -> Any:
    """The network with its weights, ending in the pooling that gives the embedding's size."""
    kind = f"_{network['input_repr']}_{network['content_type']}"
    if kind not in weights.name or not weights.name.endswith((".h5", ".h5.gz")):
        raise InvalidModel(
            f"{weights}: expected a file as OpenL3 publishes it, *{kind}*.h5 or *{kind}*.h5.gz: its name is all that "
            f"tells which sounds the network learnt from"
        )
    with _unpacked(weights) as file:
        try:
            return models.load_audio_embedding_model_from_path(
                str(file), network["input_repr"], network["embedding_size"]
            )
        except (OSError, ValueError, LookupError) as error:
            raise InvalidModel(f"{weights}: OpenL3 cannot load these weights: {error}") from error


@contextmanager
def _unpacked(weights: Path) -> Iterator[Path]:
    """The file itself, or what is compressed in it: TensorFlow reads no other."""
    if weights.suffix != ".gz":
        yield weights
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / weights.stem
        file.write_bytes(gunzipped(weights, LIMIT))
        yield file


def _device(machine: Machine) -> str:
    """Have TensorFlow compute on the device that the machine offers, the same numbers every time; returns its name."""
    cards = tensorflow.config.list_physical_devices("GPU")
    if machine.device == "cuda" and not cards:
        raise DeviceUnavailable("device = cuda: TensorFlow finds no CUDA device (device = cpu computes the same)")
    if machine.device == "cpu":
        tensorflow.config.set_visible_devices([], "GPU")
    tensorflow.config.threading.set_intra_op_parallelism_threads(machine.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.experimental.enable_op_determinism()
    return "cuda" if cards and machine.device != "cpu" else "cpu"

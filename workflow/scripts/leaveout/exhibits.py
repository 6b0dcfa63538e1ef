"""One sample as its source has it: the photograph, text, sound or numbers that readers can judge for themselves.

The one place downstream of the embedding that reads source files, and knows what samples are.
"""

import io
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import wavfile

from leaveout.archives import DAMAGE
from leaveout.arrays import Array
from leaveout.consistency import KINDS
from leaveout.datasets import records_of
from leaveout.errors import InvalidResults, SourceError
from leaveout.records import BINARY

#: What readers see of each parser's samples: digits are numbers to an embedding, and pixels to the eye.
SHOWN = {**KINDS, "digits": "images"}
#: Names of a label's classes that fit beside a picture.
FEW = 3


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A sample for readers.

    Attributes
    ----------
    kind : "images" | "texts" | "sounds" | "numbers"
    content : (h, w) or (h, w, 3) array, str, `Sound` or (d,) array
        By kind; grey images are 0 (white) to 1 (black).
    id : str
    label : str
        Classes of the label that it was given.
    own : str
        The class that the source has it in.
    """

    kind: str
    content: Any
    id: str
    label: str
    own: str


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound of one channel: samples, full scale 1, and how many make a second."""

    samples: Array
    rate: int


def exhibit(
    parser_name: str,
    classes: Mapping[str, Sequence[str]] | None,
    files: Iterable[str | Path],
    sample: str,
    label: int,
    design: Mapping[str, Any] | None = None,
) -> Exhibit:
    """Read one sample from the files of its source; nothing of the others is kept.

    Parameters
    ----------
    parser_name : str
        Parser of the data set.
    classes : mapping from "0" and "1" to class names, or None
        Its task; None: the classes are 0 and 1.
    files : iterable of path
        The source's files, in the order of the configuration.
    sample : str
        Its id.
    label : int
        The label that it was given, 0 or 1.
    design : mapping, optional
        What the samples are made by, if they are made up: there are no files then.

    Raises
    ------
    InvalidResults
        The source has no such sample.
    SourceError
        The source, or the sample's sound, cannot be read.
    """
    paths = [Path(file) for file in files]
    records = records_of(parser_name, paths, design)
    place = ", ".join(map(str, paths)) or str(design)
    if sample not in records.ids:
        raise InvalidResults(
            f"{place}: no sample {sample!r}, which the results name (not the files that were "
            f"embedded? Run again from the embedding on)"
        )
    position = list(records.ids).index(sample)
    kind = SHOWN[parser_name]
    content = _readable(kind, records.payload[position], f"{place}: {sample}")
    return Exhibit(kind, content, sample, few((classes or BINARY)[str(label)]), records.classes[position])


def few(names: Sequence[str]) -> str:
    """The first names of a list."""
    return ", ".join([*names[:FEW], *["…"] * (len(names) > FEW)])


def _readable(kind: str, payload: Any, place: str) -> Any:
    """What is shown of a parser's payload, in memory of its own."""
    if kind == "texts":
        return payload
    if kind == "sounds":
        return _sound(payload, place)
    values = np.array(payload)
    side = math.isqrt(values.size)
    return values.reshape(side, side) if kind == "images" and values.ndim == 1 else values


def _sound(content: bytes, place: str) -> Sound:
    """Sound of a wav file, by scipy: figures are drawn in an environment without audio packages."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of chunks that hold no sound
            rate, samples = wavfile.read(io.BytesIO(content))
    except (*DAMAGE, MemoryError, NameError, TypeError) as error:
        raise SourceError(f"{place}: not a wav file that can be shown: {error} (save the sound as wav)") from error
    if not samples.size or rate <= 0:
        raise SourceError(f"{place}: a sound without a single sample, or of no duration (replace it)")
    scale, zero = _scale(samples.dtype)
    channels = (samples.astype(np.float64).reshape(len(samples), -1) - zero) / scale
    return Sound(channels.mean(axis=1), int(rate))


def _scale(kind: np.dtype[Any]) -> tuple[float, float]:
    """Full scale and zero of a wav file's numbers; those of one byte have no sign."""
    if kind.kind == "f":
        return 1.0, 0.0
    full = 2.0 ** (8 * kind.itemsize - 1)
    return full, full if kind.kind == "u" else 0.0

"""Sounds: the bytes of a sound file -> samples of one channel, and how many make a second."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from leaveout.archives import ZipMembers
from leaveout.errors import InvalidData, SourceError

Sound = npt.NDArray[np.float32]

#: Numbers that one file may decode to, six hours of CD quality: its header is not to be believed.
LARGEST = 1 << 31


def decoded(contents: Iterable[bytes]) -> Iterator[tuple[Sound, int]]:
    """Sounds of files in any format that libsndfile reads, one after the other.

    Yields
    ------
    (samples,) float32 array, int
        Mean over the channels, full scale is 1; samples a second.

    Raises
    ------
    SourceError
        A file that cannot be decoded; names it, or its position if it has no name.
    InvalidData
        A file without a single sample, or with some that are not finite.
    """
    for position, content in enumerate(contents):
        try:
            yield _mono(content)
        except (SourceError, InvalidData) as error:
            raise type(error)(f"{_place(contents, position)}: {error}") from error


def _mono(content: bytes) -> tuple[Sound, int]:
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.frames * file.channels > LARGEST:
                raise SourceError(f"claims {file.frames} samples of {file.channels} channels: too many")
            samples = file.read(dtype="float32", always_2d=True)
            rate: int = file.samplerate
    except soundfile.SoundFileError as error:
        raise SourceError(f"not a sound file that can be decoded: {error}") from error
    mono: Sound = samples.mean(axis=1)
    if not len(mono):
        raise InvalidData("a sound without a single sample")
    if not np.isfinite(mono).all():
        raise InvalidData("a sound with samples that are not finite")
    return mono, rate


def _place(contents: Any, position: int) -> str:
    """Name of a file, or its position."""
    return f"{contents.path}: {contents.names[position]}" if isinstance(contents, ZipMembers) else f"sound {position}"

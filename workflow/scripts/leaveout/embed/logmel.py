"""Mean and standard deviation over time of a log-mel spectrogram: which pitches a sound has, and how they change."""

import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt

from leaveout.embed import Encoder, Features, Machine
from leaveout.errors import InvalidData
from leaveout.sounds import Sound, decoded

Filters = npt.NDArray[np.float32]

CHUNK = 64  # decoded, they are in memory together
#: Samples of a window, and from one window to the next: at 22,050 a second 93 and 23 milliseconds.
WINDOW, HOP = 2048, 512
#: Power that counts as silence, relative to a band's full scale: -100 dB.
SILENCE = 1e-10
RESAMPLING = "soxr_hq"


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder of sound files: see `features`.

    Raises
    ------
    InvalidData
        So many bands that some lie between two frequencies of the spectrum.
    """
    bands: int = settings["bands"]
    rate: int = settings["sample_rate"]
    filters = _filters(bands, rate)

    def encode(contents: Iterable[bytes]) -> Features:
        with ThreadPoolExecutor(machine.threads) as pool:
            rows = [pool.submit(features, sound, own_rate, filters, rate) for sound, own_rate in decoded(contents)]
            return np.stack([row.result() for row in rows])

    about = {"window": WINDOW, "hop": HOP, "silence": SILENCE, "resampling": RESAMPLING}
    return Encoder(encode, CHUNK, about=about, packages=("librosa", "soundfile", "soxr"))


def features(sound: Sound, own_rate: int, filters: Filters, rate: int) -> Features:
    r"""Mean over time of ``10 log10 max(M |STFT|^2, 1e-10)``, then its standard deviation, (2 bands,) float32.

    Decibels are those of full scale, not of the sound's own maximum, so that loudness is a feature.

    Parameters
    ----------
    sound : (samples,) float32 array
    own_rate : int
        Samples a second of the sound.
    filters : (bands, WINDOW / 2 + 1) array
        M.
    rate : int
        Samples a second that the sound is resampled to.
    """
    resampled = librosa.resample(sound, orig_sr=own_rate, target_sr=rate, res_type=RESAMPLING)
    power = np.abs(librosa.stft(resampled, n_fft=WINDOW, hop_length=HOP)) ** 2
    decibels = librosa.power_to_db(filters @ power, ref=1.0, amin=SILENCE, top_db=None)
    row: Features = np.concatenate([decibels.mean(axis=1), decibels.std(axis=1)]).astype(np.float32)
    return row


def _filters(bands: int, rate: int) -> Filters:
    """Triangular filters of Slaney's mel scale, (bands, WINDOW / 2 + 1).

    Raises
    ------
    InvalidData
        A filter holds no frequency of the spectrum: its band would be silent in every sound.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # librosa's own word on it
        filters: Filters = librosa.filters.mel(sr=rate, n_fft=WINDOW, n_mels=bands)
    if empty := np.count_nonzero(filters.max(axis=1) == 0):
        raise InvalidData(
            f"embedding by logmel: {empty} of bands = {bands} hold no frequency at sample_rate = {rate} (fewer bands)"
        )
    return filters

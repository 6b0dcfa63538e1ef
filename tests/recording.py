"""Sound files made by hand for the tests."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np

RATE = 22_050


def wav(samples, rate=RATE, subtype="FLOAT", form="WAV"):
    """Bytes of a sound file of (samples,) or (samples, channels)."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, subtype=subtype, format=form)
    return stream.getvalue()


def tone(frequency, seconds=1.0, rate=RATE, amplitude=0.5):
    """A sine."""
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def noise(seed=0, seconds=1.0, rate=RATE, amplitude=0.1):
    """White noise, which every band has some of."""
    return amplitude * np.random.default_rng(seed).standard_normal(round(seconds * rate))


def job_paths(folder: Path, *raw):
    """Inputs and outputs of a preparation without weights' files."""
    inputs = SimpleNamespace(raw=[str(file) for file in raw], weights=[], origins=[])
    outputs = SimpleNamespace(
        X=str(folder / "X.npy"), samples=str(folder / "samples.parquet"), about=str(folder / "about.json")
    )
    return inputs, outputs

"""Log-mel statistics: known signals have known features."""

import json
from pathlib import Path

import numpy as np
import pytest

import leaveout
import tolerance
from leaveout.datasets import parser
from leaveout.embed import Machine
from leaveout.embed import encoder as encoder_of
from leaveout.embeddings import read_embeddings
from leaveout.errors import InvalidData, SourceError
from leaveout.preparation import prepare
from recording import RATE, job_paths, noise, tone, wav

pytestmark = pytest.mark.embed

SETTINGS = {"method": "logmel", "bands": 64, "sample_rate": RATE}
#: Sounds of people and their machines, as the paper draws the line; the other twenty classes are natural.
ARTIFICIAL = [
    "airplane",
    "brushing_teeth",
    "can_opening",
    "car_horn",
    "chainsaw",
    "church_bells",
    "clapping",
    "clock_alarm",
    "clock_tick",
    "coughing",
    "crying_baby",
    "door_wood_creaks",
    "door_wood_knock",
    "drinking_sipping",
    "engine",
    "fireworks",
    "footsteps",
    "glass_breaking",
    "hand_saw",
    "helicopter",
    "keyboard_typing",
    "laughing",
    "mouse_click",
    "siren",
    "sneezing",
    "snoring",
    "toilet_flush",
    "train",
    "vacuum_cleaner",
    "washing_machine",
]


@pytest.fixture(scope="module")
def encoder():
    return encoder_of(SETTINGS, None, Machine())


@pytest.fixture(scope="module")
def features(encoder):
    """Means and standard deviations, each (k, bands), of some sounds."""

    def compute(*sounds, rate=RATE):
        rows = encoder.encode([wav(sound, rate) for sound in sounds])
        assert rows.shape == (len(sounds), 2 * SETTINGS["bands"])
        assert rows.dtype == np.float32
        return np.split(rows, 2, axis=1)

    return compute


def mel_centres(bands):
    """Frequencies in the middle of the bands: Slaney's scale, linear below 1000 Hz, 27 bands a factor of 6.4 above."""
    top = 15 + 27 * np.log(RATE / 2 / 1000) / np.log(6.4)
    mel = np.linspace(0, top, bands + 2)[1:-1]
    return np.where(mel < 15, mel * 1000 / 15, 1000 * 6.4 ** ((mel - 15) / 27))


@pytest.mark.parametrize("band", [3, 20, 40, 60])
def test_a_tone_peaks_in_the_band_that_it_lies_in(features, band):
    means, _ = features(tone(mel_centres(SETTINGS["bands"])[band]))
    assert means[0].argmax() == band


def test_twice_the_amplitude_is_six_decibels_more_and_varies_as_much(features):
    means, deviations = features(noise(), 2 * noise())
    np.testing.assert_allclose(means[1] - means[0], 20 * np.log10(2), atol=tolerance.SINGLE_DECIBELS)
    np.testing.assert_allclose(deviations[1], deviations[0], atol=tolerance.SINGLE_DECIBELS)


def test_a_sound_that_comes_and_goes_varies_more(features):
    steady = noise()
    pulsed = steady * (np.arange(len(steady)) % 8000 < 4000)
    _, deviations = features(steady, pulsed)
    assert (deviations[1] > 5 * deviations[0]).all()


def test_two_equal_channels_are_one(features):
    means, deviations = features(noise(), np.column_stack([noise(), noise()]))
    assert np.array_equal(means[0], means[1])
    assert np.array_equal(deviations[0], deviations[1])


def test_silence_has_the_lowest_level_and_does_not_vary(features):
    means, deviations = features(np.zeros(RATE))
    np.testing.assert_allclose(means, -100, rtol=1e-6)
    np.testing.assert_allclose(deviations, 0, atol=1e-4)


def test_the_rate_of_a_recording_does_not_matter(features):
    middle = slice(5, 50)  # above, resampling cuts off
    means = [
        features(tone(440, rate=rate) + tone(1500, rate=rate), rate=rate)[0][0, middle] for rate in (22_050, 44_100)
    ]
    loud = means[0] > means[0].max() - 40
    np.testing.assert_allclose(means[0][loud], means[1][loud], atol=0.5)


def test_a_row_depends_neither_on_its_neighbours_nor_on_the_threads(encoder):
    files = [wav(noise(i, seconds=1 + i / 4)) for i in range(5)]
    whole = encoder.encode(files)
    assert np.array_equal(whole[::-1], encoder.encode(files[::-1]))
    assert np.array_equal(whole, np.concatenate([encoder.encode([file]) for file in files]))
    assert np.array_equal(whole, encoder_of(SETTINGS, None, Machine(threads=3)).encode(files))


def test_the_spectrogram_is_librosas_own(features):
    import librosa

    power = librosa.feature.melspectrogram(y=noise(), sr=RATE, n_mels=SETTINGS["bands"])
    expected = 10 * np.log10(power)
    means, deviations = features(noise())
    np.testing.assert_allclose(means[0], expected.mean(axis=1), atol=tolerance.SINGLE_DECIBELS)
    np.testing.assert_allclose(deviations[0], expected.std(axis=1), atol=tolerance.SINGLE_DECIBELS)


def test_bands_that_no_frequency_falls_into_are_refused():
    with pytest.raises(InvalidData, match=r"\d+ of bands = 1024 hold no frequency at sample_rate = 22050"):
        encoder_of(SETTINGS | {"bands": 1024}, None, Machine())


def test_what_is_no_sound_is_named(encoder):
    with pytest.raises(SourceError, match="sound 1: not a sound file"):
        encoder.encode([wav(noise()), b"text"])


def test_real_clips_make_a_data_set_that_a_model_can_be_fitted_to(mirror, tmp_path):
    archive = mirror / "ESC-50-master.zip"
    natural = sorted(set(parser("esc50")(archive).classes) - set(ARTIFICIAL))
    entry = {
        "source": "esc50",
        "parser": "esc50",
        "classes": {"0": natural, "1": ARTIFICIAL},
        "embedding": SETTINGS | {"bands": 128},
        "split": {"train": 0.8, "seed": 42},
    }
    inputs, outputs = job_paths(tmp_path, archive)
    prepare(entry, inputs, outputs, Machine(), "test")
    data = read_embeddings(outputs)
    n = len(data.training.y) + len(data.test.y)
    assert data.training.X.shape == (int(0.8 * n), 256)
    assert np.isfinite(data.training.X).all()
    assert data.training.X[:, :128].max() < 60  # decibels of full scale; a window sums up 2048 samples
    about = json.loads(Path(outputs.about).read_text())
    assert {"window", "hop", "silence", "resampling"} <= set(about)
    assert {"librosa", "soundfile", "soxr"} <= set(about["versions"])
    model = leaveout.fit(data.training.X.astype(float), data.training.y, regularization=1e-5, intercept="penalized")
    assert model.gradient_norm <= 1e-10

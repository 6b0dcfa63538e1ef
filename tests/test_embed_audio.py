"""OpenL3: how its package is called, against a stand-in that checks every call; and where it is installed, itself.

The stand-in takes the place of TensorFlow too, which no test machine needs to have.
"""

import gzip
import sys
from numbers import Real
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from leaveout.embed import Machine
from leaveout.embed import encoder as encoder_of
from leaveout.errors import DeviceUnavailable, InvalidModel, PackageMissing, SourceError
from leaveout.weights import located
from recording import RATE, noise, tone, wav

pytestmark = pytest.mark.embed

NETWORK = {"input_repr": "mel256", "content_type": "env", "embedding_size": 512}
SETTINGS = {"method": "audio", **NETWORK}
PUBLISHED = "openl3_audio_mel256_env-v0_4_0.h5"
WEIGHTS = b"\x89HDF weights"


def embedding_of(audio, rate):
    """What the stand-in makes of a sound: windows of a tenth of a second, (windows, 512), unlike each other."""
    windows = np.arange(1 + 10 * len(audio) // rate)[:, None]
    return (windows**2 * np.arange(512) + np.abs(audio).sum() + rate).astype(np.float32)


class StandIn:
    """Modules ``openl3`` and ``tensorflow`` with what is used of them, and a record of the calls."""

    def __init__(self, weights, cards=()):
        self.weights = weights
        self.loaded, self.calls, self.configured = [], [], {}
        self.models = ModuleType("openl3.models")
        self.models.load_audio_embedding_model_from_path = self.load
        self.openl3 = ModuleType("openl3")
        self.openl3.models = self.models
        self.openl3.get_audio_embedding = self.embed
        self.tensorflow = ModuleType("tensorflow")
        self.tensorflow.config = SimpleNamespace(
            list_physical_devices=lambda kind: list(cards) if kind == "GPU" else [],
            set_visible_devices=lambda devices, kind: self.configured.update(visible=(devices, kind)),
            threading=SimpleNamespace(
                set_intra_op_parallelism_threads=lambda n: self.configured.update(intra=n),
                set_inter_op_parallelism_threads=lambda n: self.configured.update(inter=n),
            ),
            experimental=SimpleNamespace(enable_op_determinism=lambda: self.configured.update(deterministic=True)),
        )

    def load(self, model_path, input_repr, embedding_size, frontend="kapre"):
        assert isinstance(model_path, str)
        assert model_path.endswith(".h5")  # the loader of Keras goes by it
        with open(model_path, "rb") as file:  # noqa: PTH123 - as the package does
            content = file.read()
        if content != WEIGHTS:
            raise OSError("Unable to open file (file signature not found)")
        self.loaded.append((input_repr, embedding_size, frontend))
        return "the network"

    def embed(
        self,
        audio,
        sr,
        model=None,
        input_repr=None,
        content_type="music",
        embedding_size=6144,
        center=True,
        hop_size=0.1,
        batch_size=32,
        frontend="kapre",
        verbose=True,
    ):
        assert model == "the network"
        assert (input_repr, content_type, embedding_size) == tuple(NETWORK.values())
        assert (center, hop_size, frontend) == (True, 0.1, "kapre")
        assert verbose in (0, 1)
        assert not verbose
        assert isinstance(audio, list)
        assert isinstance(sr, list)
        assert len(audio) == len(sr)
        assert all(isinstance(rate, Real) for rate in sr)
        assert all(isinstance(sound, np.ndarray) and sound.ndim == 1 and sound.size for sound in audio)
        self.calls.append(len(audio))
        embeddings = [embedding_of(sound, rate) for sound, rate in zip(audio, sr, strict=True)]
        return embeddings, [np.arange(len(windows)) * hop_size for windows in embeddings]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Install a stand-in, with a file of weights."""

    def install(**options):
        stand_in = StandIn(tmp_path / "openl3_audio_mel256_env.h5", **options)
        modules = {"openl3": stand_in.openl3, "openl3.models": stand_in.models, "tensorflow": stand_in.tensorflow}
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.delitem(sys.modules, "leaveout.embed.audio", raising=False)  # it would keep what it imported
        return stand_in

    (tmp_path / "openl3_audio_mel256_env.h5").write_bytes(WEIGHTS)
    yield install
    sys.modules.pop("leaveout.embed.audio", None)


@pytest.fixture
def openl3(stand_in):
    return stand_in()


def rows(encoder, *sounds, rate=RATE):
    return encoder.encode([wav(sound, rate) for sound in sounds])


def test_features_are_the_mean_over_time(openl3):
    sounds = [noise(i, seconds=i + 0.5).astype(np.float32) for i in range(3)]
    found = rows(encoder_of(SETTINGS, openl3.weights, Machine()), *sounds)
    assert found.shape == (3, 512)
    assert found.dtype == np.float32
    expected = [embedding_of(sound, RATE).mean(axis=0) for sound in sounds]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_network_is_loaded_once_and_gets_a_chunk_at_a_time(openl3):
    encoder = encoder_of(SETTINGS, openl3.weights, Machine())
    for k in (3, 2):
        rows(encoder, *[noise()] * k)
    assert openl3.loaded == [("mel256", 512, "kapre")]
    assert openl3.calls == [3, 2]


def test_two_channels_are_averaged_and_every_clip_keeps_its_rate(openl3):
    encoder = encoder_of(SETTINGS, openl3.weights, Machine())
    both = np.column_stack([noise(1), noise(2)])
    assert np.array_equal(rows(encoder, both, rate=8000), rows(encoder, both.mean(axis=1), rate=8000))
    assert not np.array_equal(rows(encoder, both, rate=8000), rows(encoder, both, rate=16_000))


def test_a_row_depends_on_its_sound_alone(openl3):
    encoder = encoder_of(SETTINGS, openl3.weights, Machine())
    sounds = [noise(i, seconds=1 + i / 4) for i in range(4)]
    whole = rows(encoder, *sounds)
    assert np.array_equal(whole[::-1], rows(encoder, *sounds[::-1]))
    assert np.array_equal(whole, np.concatenate([rows(encoder, sound) for sound in sounds]))


def test_what_is_no_sound_is_named(openl3):
    with pytest.raises(SourceError, match="sound 1: not a sound file"):
        encoder_of(SETTINGS, openl3.weights, Machine()).encode([wav(noise()), b"text"])


@pytest.mark.parametrize("compressed", [False, True])
def test_weights_serve_as_they_are_published(openl3, tmp_path, compressed):
    file = tmp_path / (PUBLISHED + ".gz" * compressed)
    file.write_bytes(gzip.compress(WEIGHTS) if compressed else WEIGHTS)
    encoder_of(SETTINGS, file, Machine())
    assert openl3.loaded == [("mel256", 512, "kapre")]


def test_weights_are_needed(openl3):
    with pytest.raises(InvalidModel, match="weights are needed"):
        encoder_of(SETTINGS, None, Machine())


@pytest.mark.parametrize(
    "name", ["openl3_audio_mel256_music.h5", "openl3_audio_mel128_env.h5", "weights.h5", "x_mel256_env.pt"]
)
def test_weights_of_another_network_are_refused(openl3, tmp_path, name):
    (tmp_path / name).write_bytes(WEIGHTS)
    with pytest.raises(InvalidModel, match=rf"{name}: expected a file as OpenL3 publishes it, \*_mel256_env\*\.h5"):
        encoder_of(SETTINGS, tmp_path / name, Machine())


@pytest.mark.parametrize("content", [b"no HDF", b""])
def test_weights_that_cannot_be_loaded_are_named(openl3, tmp_path, content):
    (tmp_path / PUBLISHED).write_bytes(content)
    with pytest.raises(InvalidModel, match=rf"{PUBLISHED}: OpenL3 cannot load these weights: Unable to open"):
        encoder_of(SETTINGS, tmp_path / PUBLISHED, Machine())


def test_damaged_compression_is_named(openl3, tmp_path):
    (tmp_path / f"{PUBLISHED}.gz").write_bytes(gzip.compress(WEIGHTS)[:-9])
    with pytest.raises(SourceError, match=rf"{PUBLISHED}\.gz: damaged or incomplete"):
        encoder_of(SETTINGS, tmp_path / f"{PUBLISHED}.gz", Machine())


def test_tensorflow_keeps_to_the_machine(stand_in):
    there = stand_in(cards=["card"])
    encoder = encoder_of(SETTINGS, there.weights, Machine("cpu", threads=3))
    assert encoder.about["device"] == "cpu"
    assert there.configured == {"visible": ([], "GPU"), "intra": 3, "inter": 1, "deterministic": True}


@pytest.mark.parametrize(
    "asked, cards, used", [("auto", [], "cpu"), ("auto", ["card"], "cuda"), ("cuda", ["card"], "cuda")]
)
def test_a_card_is_used_if_there_is_one(stand_in, asked, cards, used):
    there = stand_in(cards=cards)
    assert encoder_of(SETTINGS, there.weights, Machine(asked)).about["device"] == used
    assert "visible" not in there.configured


def test_a_card_that_is_asked_for_must_be_there(openl3):
    with pytest.raises(DeviceUnavailable, match="device = cuda: TensorFlow finds no CUDA device"):
        encoder_of(SETTINGS, openl3.weights, Machine("cuda"))


@pytest.mark.parametrize("missing", ["openl3", "tensorflow"])
def test_an_environment_without_the_packages_says_so(openl3, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(PackageMissing, match=f"embedding by audio needs the package {missing}"):
        encoder_of(SETTINGS, openl3.weights, Machine())


@pytest.mark.filterwarnings("default")  # TensorFlow's own
def test_the_network_itself_tells_a_tone_from_noise():
    """In the environment of OpenL3, which has it and nothing that the other embeddings need."""
    openl3 = pytest.importorskip("openl3")
    sounds = [tone(440), noise(seconds=2), tone(440)]
    weights = located({"package": "openl3", "path": "openl3_audio_mel256_env.h5"}, [])  # the installer fetched them
    found = rows(encoder_of(SETTINGS, weights, Machine("cpu")), *sounds)
    assert found.shape == (3, 512)
    windows, times = openl3.get_audio_embedding(
        tone(440).astype(np.float32), RATE, content_type="env", input_repr="mel256", embedding_size=512, verbose=0
    )
    assert len(times) == 6  # a second, centred on every tenth: nothing but zeros follows the last
    np.testing.assert_allclose(found[0], windows.mean(axis=0), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[0], found[2], rtol=1e-4, atol=1e-4)
    assert np.linalg.norm(found[0] - found[1]) > 0.1 * np.linalg.norm(found[0])

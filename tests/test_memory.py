"""What jobs ask for when they are planned: enough for what is there, without reading it."""

import numpy as np
import pytest

from leaveout.memory import NETWORK, PYTHON, embedding_mb, model_mb, problem_size

SHAPE = (300, 40)


@pytest.fixture
def features(tmp_path):
    """An embedding, and the file that it was made from."""
    X = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    np.savez(tmp_path / "mine.npz", features=X)
    return tmp_path / "X.npy", [tmp_path / "mine.npz"]


def test_what_the_configuration_states_counts(features):
    assert problem_size({"n_train": 7, "d": 5}, *features) == (7, 5)


def test_features_say_their_size(features):
    assert problem_size(None, *features) == SHAPE


def test_only_the_header_of_features_is_read(tmp_path):
    size = (10**5, 10**4)  # 4 GB, of which the disk stores nothing
    np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, size)
    assert problem_size(None, tmp_path / "X.npy", []) == size


def test_files_speak_before_there_are_features_and_ask_for_no_less(features, tmp_path):
    _, raw = features
    guessed = problem_size(None, tmp_path / "missing.npy", raw)
    assert model_mb(*guessed) >= model_mb(*SHAPE)
    assert embedding_mb(*guessed) >= embedding_mb(*SHAPE)
    doubled = problem_size(None, tmp_path / "missing.npy", raw * 2)
    assert model_mb(*doubled) - PYTHON == pytest.approx(2 * (model_mb(*guessed) - PYTHON), rel=0.05)


def test_damaged_features_do_not_stop_the_planning(features):
    X, raw = features
    X.write_bytes(b"no array")
    assert problem_size(None, X, raw) == problem_size(None, X.with_name("missing.npy"), raw)


def test_nothing_there_asks_for_python_alone(tmp_path):
    n, d = problem_size(None, tmp_path / "X.npy", [tmp_path / "missing.csv"])
    assert model_mb(n, d) == pytest.approx(PYTHON, abs=0.01)
    assert embedding_mb(n, d) == pytest.approx(NETWORK, abs=0.01)


def test_the_papers_largest_data_set_fits_its_own_numbers():
    """9600 samples of 2048 features: four copies in double precision and four factors are 0.9 GB."""
    assert model_mb(9600, 2048) == pytest.approx(600 + 8 * (4 * 9600 * 2048 + 4 * 2049**2) / 2**20)

"""What jobs ask for when they are planned: enough for what is there, without reading it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from leaveout.memory import BLOCK, NETWORK, PYTHON, embedding_mb, model_mb, problem_size

SHAPE = (300, 40)


@pytest.fixture
def features(tmp_path):
    """An embedding's record, and the file that it was made from."""
    X = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    (tmp_path / "about.json").write_text(json.dumps({"shape": X.shape}))
    np.savez(tmp_path / "mine.npz", features=X)
    return tmp_path / "about.json", [tmp_path / "mine.npz"]


def test_what_the_configuration_states_counts(features):
    assert problem_size({"n_train": 7, "d": 5}, *features) == (7, 5)


def test_features_say_their_size(features):
    assert problem_size(None, *features) == SHAPE


def test_files_speak_before_there_are_features_and_ask_for_no_less(features, tmp_path):
    _, raw = features
    guessed = problem_size(None, tmp_path / "missing.json", raw)
    assert model_mb(*guessed) >= model_mb(*SHAPE)
    assert embedding_mb(*guessed) >= embedding_mb(*SHAPE)
    doubled = problem_size(None, tmp_path / "missing.json", raw * 2)
    fixed = PYTHON + BLOCK
    assert model_mb(*doubled) - fixed == pytest.approx(2 * (model_mb(*guessed) - fixed), rel=0.05)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"no JSON", b"[]", b"{}", b'{"shape": [3]}', b'{"shape": null}'],
    ids=["empty", "no text", "no JSON", "no record", "none", "one", "null"],
)
def test_a_damaged_record_does_not_stop_the_planning(features, content):
    about, raw = features
    about.write_bytes(content)
    assert problem_size(None, about, raw) == problem_size(None, about.with_name("missing.json"), raw)


def test_nothing_there_asks_for_what_no_problem_goes_without(tmp_path):
    n, d = problem_size(None, tmp_path / "about.json", [tmp_path / "missing.csv"])
    assert model_mb(n, d) == pytest.approx(PYTHON + BLOCK, abs=0.01)
    assert embedding_mb(n, d) == pytest.approx(NETWORK, abs=0.01)


#: Fits a model and measures a whole block of sets where n is large; prints the peaks of its memory before and after.
WORK = """
import sys
from pathlib import Path
import numpy as np
import leaveout
from conftest import gaussian
from leaveout import evaluation
from leaveout.measurement import measure
from leaveout.removal import RemovalSet

def peak():
    # not getrusage: its peak is handed down from the process that starts another
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**10

before, (n, d) = peak(), map(int, sys.argv[1:])
X, y = gaussian(n, d, seed=0, spread=0.3)
model = leaveout.fit(X, y, 1e-3, intercept="penalized")
evaluations = evaluation.bind(["test_loss"], model, X[:100], y[:100], 0, "d")
sets = [RemovalSet("random", 2, i, np.array([i, i + 1])) for i in range(150)]
for row in measure(model, evaluations, sets, {}):
    assert row["method"] != "retrain" or row["status"] == "converged"
print(before, peak())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak of memory")
@pytest.mark.parametrize("shape", [(20_000, 400), (400, 40_000)], ids=["tall", "wide"])
def test_fitting_and_measuring_takes_no_more_than_jobs_ask_for(shape):
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # as jobs have
    environment = os.environ | threads | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WORK, *map(str, shape)]
    measured = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    before, after = map(float, measured.stdout.split())
    assert before < PYTHON
    assert after - before < model_mb(*shape) - PYTHON

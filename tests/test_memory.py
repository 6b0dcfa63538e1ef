"""What jobs ask for when they are planned: enough for what is there, without reading it."""

import json
import math
import re
import runpy
import sys
from dataclasses import replace

import numpy as np
import pytest

from leaveout.errors import NotEnoughMemory
from leaveout.memory import (
    NETWORK,
    PYTHON,
    SNAKEMAKE,
    Allowance,
    Demand,
    Size,
    embedding_mb,
    job_mb,
    planned_mb,
    problem_size,
    run_size,
)
from peaks import RULES, SCRIPTS, Shape, job, peak_mb, prepare

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
    assert math.prod(guessed) >= math.prod(SHAPE)
    assert embedding_mb(*guessed) >= embedding_mb(*SHAPE)
    doubled = problem_size(None, tmp_path / "missing.json", raw * 2)
    assert math.prod(doubled) == pytest.approx(2 * math.prod(guessed), rel=0.05)


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
    assert job_mb(Size(n, 0, d, n), Demand("fit", "none")) == pytest.approx(PYTHON, abs=0.01)
    assert embedding_mb(n, d) == pytest.approx(NETWORK, abs=0.01)


#: Estimates beside peaks, within these: MB, and the factor that the peak may be overestimated by.
SPARE, FACTOR = 300, 1.5
#: Wide is where the row space is factored.
MEASURED = {
    "tall": (Shape(15_000, 1500, 400), [rule for rule in RULES if not rule.startswith("audit_")]),  # these take long
    "wide": (
        Shape(400, 60, 40_000, "unpenalized"),
        ["fit", "removal_sets", "effects", "audit_predictions", "poisoning"],
    ),
    "square": (Shape(1000, 200, 1000, "none"), RULES),
    "subsampled": (Shape(30_000, 5000, 256, n_train=500), ["fit", "removal_sets", "effects"]),
    "many sets": (Shape(2000, 20_000, 40, count=40, repeats=20, largest=30), ["fit", "removal_sets"]),
    "tiny": (Shape(30, 20, 3), ["fit", "removal_sets", "effects", "poisoning"]),
}


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak of memory")
@pytest.mark.parametrize("name", MEASURED)
def test_no_job_takes_more_than_is_said_or_much_less(tmp_path, name):
    shape, rules = MEASURED[name]
    prepare(shape, tmp_path)
    peaks = {rule: (peak_mb(tmp_path, rule), shape.estimate_mb(rule)) for rule in rules}
    assert not {rule: found for rule, found in peaks.items() if not found[0] <= found[1] <= FACTOR * found[0] + SPARE}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [2, 300, 3000, 20_000])
@pytest.mark.parametrize("d", [3, 300, 3000, 20_000])
@pytest.mark.parametrize("intercept", ["none", "penalized", "unpenalized"])
def test_what_is_planned_is_enough_for_the_sizes_that_turn_out(tmp_path, rule, n, d, intercept):
    """With a fifth of all samples for testing, from the features' record, from what is stated, and from the file."""
    shape = Shape(n, max(1, n // 4), d, intercept)
    demand = Demand(**shape.demand(rule))
    there, missing, raw = tmp_path / "about.json", tmp_path / "missing.json", tmp_path / "mine.npz"
    there.write_text(json.dumps({"shape": (shape.size.stored, d)}))
    with raw.open("wb") as stream:
        stream.truncate(4 * shape.size.stored * d)
    needed = job_mb(shape.size, demand)
    for expected in (None, {"n_train": n, "d": d}):
        for about in (there, missing):
            size = run_size(problem_size(expected, about, [raw]), expected is not None, about, None)
            assert SNAKEMAKE + planned_mb(size, demand) >= needed
            few = run_size(problem_size(expected, about, [raw]), expected is not None, about, 2)
            assert few.n == 2
            assert SNAKEMAKE + planned_mb(few, demand) >= job_mb(replace(shape.size, n=2), demand)


def test_a_subsample_of_stated_sizes_leaves_the_test_samples_what_they_are(tmp_path):
    about = tmp_path / "about.json"
    about.write_text(json.dumps({"shape": [1000, 7]}))
    assert run_size((800, 7), True, about, 50) == Size(50, 800, 7, 1600)
    assert run_size((300, 7), True, about, 50) == Size(50, 700, 7, 1000)
    assert run_size((1000, 7), False, about, 50) == Size(50, 950, 7, 1000)
    assert run_size((800, 7), True, about.with_name("missing.json"), None) == Size(800, 800, 7, 1600)


ALLOWED = {"rule": "effects", "intercept": "none", "share": 0.05, "listed": 8.0}


def test_a_job_that_fits_exactly_is_let_through():
    size = Size(1000, 200, 500, 1200)
    needed = math.ceil(job_mb(size, Demand(**ALLOWED)))
    Allowance.of(ALLOWED, needed).check(size, "mine")
    with pytest.raises(NotEnoughMemory):
        Allowance.of(ALLOWED, needed - 1).check(size, "mine")


def test_the_refusal_says_what_is_needed_and_how_to_give_it():
    size = Size(1000, 200, 500, 1200)
    needed = math.ceil(job_mb(size, Demand(**ALLOWED)))
    with pytest.raises(NotEnoughMemory) as refused:
        Allowance.of(ALLOWED, 123).check(size, "mine")
    message = str(refused.value)
    for part in (
        f"needs {needed} MB",
        "1000 training",
        "200 test",
        "500 features",
        "mem_mb gives 123",
        "mine.expected",
    ):
        assert part in message
    given = int(re.search(r"--set-resources effects:mem_mb=(\d+)", message)[1])
    Allowance.of(ALLOWED, given).check(size, "mine")
    assert given == needed + SNAKEMAKE


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak of memory")
@pytest.mark.parametrize("rule", RULES)
def test_a_refused_job_reads_no_features(tmp_path, monkeypatch, rule):
    prepare(Shape(50, 20, 3), tmp_path)
    monkeypatch.setattr("leaveout.embeddings.Samples", None)  # what holds features that were read
    task = job(tmp_path, rule)
    task.resources.mem_mb = 10
    monkeypatch.syspath_prepend(SCRIPTS)
    with pytest.raises(SystemExit, match=r"needs \d+ MB"):
        runpy.run_path(str(SCRIPTS / f"{rule}.py"), init_globals={"snakemake": task})

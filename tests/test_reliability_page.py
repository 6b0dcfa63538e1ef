"""The page of the faults suite: what it says of trials that passed, failed or were not made; when it is written."""

from types import SimpleNamespace

import pytest

from faults import reliability

KILL = ["a writer is killed", "kill -9 | a random moment", "the same rows"]
DISK = ["the disk is full", "a small disk", "an error that names the file"]


def report(fault, outcome="passed", when="call", line=1, **further):
    return SimpleNamespace(
        user_properties=[["fault", fault], *map(list, further.items())],
        outcome=outcome,
        passed=outcome == "passed",
        when=when,
        location=("tests/faults/test_x.py", line, "test"),
    )


def session(exitstatus=0, **stopped):
    return SimpleNamespace(exitstatus=exitstatus, **({"shouldstop": False, "shouldfail": False} | stopped))


@pytest.fixture
def recorder(tmp_path):
    """One that was asked for the whole folder."""
    left_out = dict.fromkeys(["keyword", "lf", "failedfirst", "deselect", "ignore"])
    config = SimpleNamespace(
        option=SimpleNamespace(**left_out),
        args=[str(reliability.FOLDER)],
        invocation_params=SimpleNamespace(dir=tmp_path),
    )
    return reliability.Recorder(config, tmp_path / "reliability.md")


def rows(recorder):
    """Cells of the table, row by row."""
    lines = reliability.table(recorder.rows).splitlines()[2:]
    return [[cell.strip() for cell in line.replace("\\|", "/").strip("|").split("|")] for line in lines]


def test_trials_of_one_fault_are_one_row(recorder):
    for when in ("setup", "call", "teardown"):
        recorder.pytest_runtest_logreport(report(KILL, when=when))
    recorder.pytest_runtest_logreport(report(KILL, trials=40))
    assert rows(recorder) == [["a writer is killed", "kill -9 / a random moment", "41", "the same rows"]]
    assert reliability.trials(recorder.rows) == "41 trials of 1 kinds, none failed"


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_a_failed_trial_shows_as_failed(recorder, when):
    recorder.pytest_runtest_logreport(report(KILL))
    recorder.pytest_runtest_logreport(report(KILL, "failed", when))
    assert rows(recorder)[0][2:] == ["2", "**FAILED in 1 of 2**; promised: the same rows"]
    assert "**1 of them failed**" in reliability.page(recorder.rows)


def test_what_a_machine_cannot_try_is_said(recorder):
    recorder.pytest_runtest_logreport(report(DISK, "skipped", "setup"))
    assert rows(recorder)[0][2:] == ["0", "**not tried on this machine**; promised: an error that names the file"]


def test_rows_stand_in_the_order_of_the_tests_whichever_ends_first(recorder):
    for fault, line in ((DISK, 9), (KILL, 7), (DISK, 3)):
        recorder.pytest_runtest_logreport(report(fault, line=line))
    assert [cells[0] for cells in rows(recorder)] == [DISK[0], KILL[0]]
    recorder.pytest_runtest_logreport(report(KILL, line=3))
    recorder.pytest_runtest_logreport(report(DISK, line=3))
    assert [cells[0] for cells in rows(recorder)] == [KILL[0], DISK[0]]  # of one test: by name


def test_tests_without_the_marker_are_no_trials(recorder):
    recorder.pytest_runtest_logreport(SimpleNamespace(user_properties=[], passed=True, when="call"))
    assert recorder.rows == {}


@pytest.mark.parametrize("exitstatus", [0, 1])
def test_the_whole_suite_writes_the_page(recorder, exitstatus):
    recorder.pytest_runtest_logreport(report(KILL))
    recorder.pytest_sessionfinish(session(exitstatus))
    written = recorder.page.read_text()
    assert written == reliability.page(recorder.rows)
    assert "| a writer is killed |" in written
    assert "$" not in written


@pytest.mark.parametrize(
    "narrowed", [{"keyword": "kills"}, {"lf": True}, {"deselect": ["x"]}, {"ignore": ["x"]}, {"failedfirst": True}]
)
def test_a_part_of_the_suite_writes_nothing(recorder, narrowed):
    vars(recorder.config.option).update(narrowed)
    recorder.pytest_sessionfinish(session())
    assert not recorder.page.exists()


@pytest.mark.parametrize("stopped", [{"exitstatus": 2}, {"exitstatus": 1, "shouldfail": "-x"}, {"shouldstop": "-x"}])
def test_a_suite_that_was_stopped_writes_nothing(recorder, stopped):
    recorder.pytest_sessionfinish(session(**stopped))
    assert not recorder.page.exists()


def test_some_files_are_not_the_suite(recorder):
    recorder.config.args = [str(reliability.FOLDER / "test_kills.py")]
    recorder.pytest_sessionfinish(session())
    assert not recorder.page.exists()

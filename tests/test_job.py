"""One job: its log, its threads, its errors, and the library that it refuses."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import leaveout.job
from leaveout.errors import InvalidData
from leaveout.job import job

SCRIPTS = Path(leaveout.job.__file__).parents[1]


@pytest.fixture
def task(tmp_path):
    """What Snakemake hands to a script, as far as a job looks at it."""
    return SimpleNamespace(rule="fit", scriptdir=str(SCRIPTS), log=[str(tmp_path / "fit.log")], threads=1, params={})


def log_of(task):
    return Path(task.log[0]).read_text(encoding="utf-8")


def blas_threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    return {pool["num_threads"] for pool in threadpool_info()}


def test_a_job_logs_to_its_rules_file(task):
    with job(task) as log:
        log.info("%d removal sets", 7)
    log.info("after the job")
    assert log_of(task).rstrip().endswith("INFO 7 removal sets")


def test_a_job_replaces_the_log_of_an_earlier_attempt(task):
    for attempt in (1, 2):
        with job(task) as log:
            log.info("attempt %d", attempt)
    assert "attempt 1" not in log_of(task)
    assert log_of(task).count("attempt 2") == 1


def test_a_job_keeps_to_its_threads(task):
    with threadpool_limits(2):
        before = blas_threads()
        with job(task):
            assert blas_threads() == {1}
        assert blas_threads() == before == {2}


def test_an_error_of_the_library_ends_the_job_with_its_message(task, capsys):
    with pytest.raises(SystemExit) as ended, job(task):
        raise InvalidData("X: nan in row 3, column 4")
    assert ended.value.code == "fit: X: nan in row 3, column 4"
    assert "Traceback" not in "".join(capsys.readouterr())
    assert "Traceback" in log_of(task)
    assert "InvalidData: X: nan in row 3, column 4" in log_of(task)


def test_an_unexpected_error_shows_its_traceback_and_names_the_log(task, capsys):
    with pytest.raises(SystemExit) as ended, job(task):
        raise ZeroDivisionError("by zero")
    assert ended.value.code == f"fit: unexpected error, see {task.log[0]}"
    for text in (capsys.readouterr().err, log_of(task)):
        assert "Traceback" in text
        assert "ZeroDivisionError: by zero" in text


def test_threads_and_log_are_released_after_an_error(task):
    with threadpool_limits(2):
        with pytest.raises(SystemExit), job(task) as log:
            raise InvalidData("wrong")
        assert blas_threads() == {2}
    assert log.handlers == []


def test_a_library_from_elsewhere_is_refused(task, tmp_path):
    task.scriptdir = str(tmp_path / "workflow" / "scripts")
    entered = False
    with pytest.raises(SystemExit) as refused, job(task):
        entered = True
    assert not entered
    for part in (SCRIPTS / "leaveout", tmp_path / "workflow" / "scripts" / "leaveout", "pip uninstall leaveout"):
        assert str(part) in str(refused.value)


def test_a_library_behind_a_link_is_the_same_library(task, tmp_path):
    (tmp_path / "linked").symlink_to(SCRIPTS)
    task.scriptdir = str(tmp_path / "linked")
    with job(task) as log:
        log.info("accepted")
    assert "accepted" in log_of(task)

"""The script that runs a study on a SLURM cluster: what it waits for, and when it unlocks; programs are stand-ins."""

import fcntl
import os
import shutil
import subprocess

import pytest

from checkout import ROOT

pytestmark = pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed: there is no SLURM here")
SCRIPT = ROOT / "profiles" / "slurm" / "run.sh"
#: Prints how it was called, and ends like Snakemake.
SNAKEMAKE = 'echo "called: $*"; [ "$5" != --unlock ] || exit 0; exit {status}'


@pytest.fixture
def run(tmp_path):
    """Run the script in an empty folder, with a queue and an end of Snakemake; return its status and what it said."""
    programs, folder = tmp_path / "bin", tmp_path / "a folder"
    programs.mkdir()
    folder.mkdir()

    def answer(queue="true", status=0):
        for name, text in {"squeue": queue, "sleep": "true", "python": SNAKEMAKE.format(status=status)}.items():
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        path = os.pathsep.join([str(programs), os.environ["PATH"]])
        done = subprocess.run(
            [SCRIPT, "demo"], cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    answer.folder = folder
    return answer


CALLED = "called: -m snakemake --workflow-profile profiles/slurm demo\n"
UNLOCKED = "called: -m snakemake --workflow-profile profiles/slurm --unlock\n"


def test_a_study_is_run_with_the_profile(run):
    assert run() == (0, CALLED)


def test_submissions_of_this_folder_are_waited_for(run):
    """The queue empties when it is asked again."""
    queue = f'[ -e asked ] || echo "7 leaveout_1f "{str(run.folder)!r}; touch asked'
    assert run(queue) == (0, f"waiting for submissions of an earlier run; to end them: scancel 7\n{CALLED}")


def test_other_jobs_are_not(run):
    queue = f'echo "7 leaveout_1f /elsewhere"; echo "8 notebook "{str(run.folder)!r}'
    assert run(queue) == (0, CALLED)


def test_nothing_is_run_if_the_queue_cannot_be_asked(run):
    assert run("exit 1") == (1, "")


@pytest.mark.parametrize("status", [1, 2])
def test_snakemakes_own_end_is_passed_on_and_unlocks_nothing_later(run, status):
    assert run(status=status) == (status, CALLED)
    assert run() == (0, CALLED)


def test_a_folder_is_unlocked_after_snakemake_was_killed(run):
    assert run(status=137) == (137, CALLED)
    assert run() == (0, UNLOCKED + CALLED)
    assert run() == (0, CALLED)


def test_two_runs_of_one_folder_do_not_meet(run):
    (run.folder / ".snakemake").mkdir()
    with (run.folder / ".snakemake/slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run() == (1, f"another run.sh is at work in {run.folder}\n")
    assert run() == (0, CALLED)

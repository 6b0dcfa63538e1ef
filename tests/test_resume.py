"""What `make run` does before Snakemake: with real processes, and a stand-in for Snakemake that says its arguments."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import psutil
import pytest

import resume
from checkout import ROOT

#: `python -m snakemake` finds this one first. It locks, starts what lies in `job.py` as its job, and waits for it.
SNAKEMAKE = """
import pathlib, shutil, subprocess, sys
print("called:", *sys.argv[1:], flush=True)
locks = pathlib.Path(".snakemake/locks")
if "--unlock" in sys.argv:
    shutil.rmtree(locks)
    sys.exit(pathlib.Path("unlocking").exists())
if "job" in sys.argv:
    locks.mkdir()
    (locks / "0.output.lock").touch()
    subprocess.run([sys.executable, ".snakemake/scripts/tmp.job.py"])
sys.exit(3 if "failing" in sys.argv else 0)
"""
#: What a job does once it says that it is there.
READY = "print('ready', flush=True); import time; time.sleep(60)"
FORKING = "import os, time; os.fork() or time.sleep(60); " + READY
STARTING = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); " + READY
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY
JOB = [sys.executable, ".snakemake/scripts/tmp.job.py"]
AS_WITH_CONDA = ["bash", "-c", f"true activate env; {sys.executable} .snakemake/scripts/tmp.job.py; true"]


class Folder:
    """A folder with jobs' scripts, in which Snakemake may have run."""

    def __init__(self, path):
        self.path = path
        self.resume = [sys.executable, str(ROOT / "workflow" / "resume.py")]
        (path / ".snakemake" / "scripts").mkdir(parents=True)
        (path / "snakemake.py").write_text(SNAKEMAKE)
        self.environment = os.environ | {"PYTHONPATH": str(path)}

    def run(self, *arguments):
        """Resume; return its status and what it said."""
        done = subprocess.run(
            [*self.resume, *arguments],
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=50,
        )
        return done.returncode, done.stdout

    def lock(self):
        (self.path / ".snakemake" / "locks").mkdir()
        (self.path / ".snakemake" / "locks" / "0.output.lock").touch()

    @property
    def locked(self):
        return (self.path / ".snakemake" / "locks").exists()

    @contextmanager
    def started(self, command, job=READY):
        """Start a command and wait until the job that it is or has is ready; whatever is left of it is killed."""
        (self.path / ".snakemake" / "scripts" / "tmp.job.py").write_text(job)
        with subprocess.Popen(
            command, cwd=self.path, env=self.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            try:
                while process.stdout.readline() not in ("ready\n", ""):
                    pass
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "a folder"
    path.mkdir()
    return Folder(path)


def alive(processes):
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def and_children(process):
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


@pytest.mark.parametrize(("arguments", "status"), [(["demo", "--cores", "2"], 0), (["failing"], 3)])
def test_snakemake_takes_over_with_the_arguments_and_its_end_is_passed_on(folder, arguments, status):
    assert folder.run(*arguments) == (status, f"called: {' '.join(arguments)}\n")


@pytest.mark.parametrize(
    ("command", "job", "count"),
    [
        pytest.param(JOB, READY, 1, id="alone"),
        pytest.param(JOB, FORKING, 2, id="with a worker"),
        pytest.param(JOB, STARTING, 2, id="with a program"),
        pytest.param(JOB, DEAF, 1, id="deaf"),
        pytest.param(AS_WITH_CONDA, READY, 2, id="in an environment"),
    ],
)
def test_jobs_of_a_dead_snakemake_are_ended_with_all_that_they_started(folder, command, job, count):
    with folder.started(command, job) as process:
        family = and_children(process)
        assert len(family) == count
        status, said = folder.run("demo")
        assert (status, alive(family)) == (0, [])
    assert f"ending process {process.pid}, a job of a Snakemake that was killed" in said
    assert said.endswith("called: demo\n")


def test_a_worker_is_ended_whose_job_is_dead_already(folder):
    with folder.started(JOB, FORKING) as process:
        worker = and_children(process)[1]
        process.kill()
        process.wait()
        assert alive([worker])
        assert folder.run("demo")[0] == 0
        assert not alive([worker])


def test_what_is_not_a_job_of_this_folder_is_left_alone(folder, tmp_path):
    (tmp_path / "another").mkdir()
    another = Folder(tmp_path / "another")
    in_its_folder = [sys.executable, "-c", READY]
    (folder.path / ".snakemake/scripts/tmp.old.py").write_text("ready\n")
    reading = ["tail", "-f", ".snakemake/scripts/tmp.old.py"]
    paging = ["bash", "-c", "tail -f .snakemake/scripts/tmp.old.py; true"]
    with another.started(JOB) as job, folder.started(in_its_folder) as notebook:
        (folder.path / ".snakemake/scripts/tmp.job.py").unlink()
        reader, pager = (subprocess.Popen(command, cwd=folder.path) for command in (reading, paging))
        try:
            assert folder.run("demo") == (0, "called: demo\n")
            assert job.poll() is notebook.poll() is reader.poll() is pager.poll() is None
        finally:
            for process in (*and_children(pager), *and_children(reader)):
                process.kill()
            for process in (pager, reader):
                process.wait()


@pytest.mark.parametrize("option", ["-n", "--dry-run"])
def test_a_dry_run_ends_and_unlocks_nothing(folder, option):
    folder.lock()
    with folder.started(JOB) as job:
        assert folder.run("demo", option) == (0, f"called: demo {option}\n")
        assert job.poll() is None
    assert folder.locked


@pytest.mark.parametrize(
    ("command", "at_work"),
    [
        ("python3.11 -X dev -u -m snakemake demo", True),
        ("python bin/snakemake demo", True),
        ("/opt/bin/snakemake demo", True),
        ("python bench.py snakemake", False),
        ("tail snakemake", False),
    ],
)
def test_snakemake_is_known_by_its_command(command, at_work):
    assert resume.is_snakemake(command.split()) == at_work


@pytest.mark.parametrize("program", ["module", "program"])
def test_nothing_is_done_while_a_snakemake_is_at_work(folder, program):
    (folder.path / "bin").mkdir()
    shutil.copy(folder.path / "snakemake.py", folder.path / "bin" / "snakemake")
    command = {"module": ["-m", "snakemake"], "program": ["bin/snakemake"]}[program]
    with folder.started([sys.executable, *command, "job"]) as snakemake:
        status, said = folder.run("demo")
        assert status == 1
        assert said.startswith(f"Snakemake is at work in this folder, process {snakemake.pid}: ")
        assert "called" not in said
        assert len(alive(and_children(snakemake))) == 2
        assert folder.locked


def test_of_two_at_once_the_second_is_refused(folder):
    with folder.started([*folder.resume, "job"]) as first:
        status, said = folder.run("demo")
        assert status == 1
        assert said.startswith("another `make run` is at work in this folder")
        assert f"process {first.pid})" in said
        assert first.poll() is None


def test_a_snakemake_that_was_killed_gives_way_though_its_job_lives_on(folder):
    with folder.started([*folder.resume, "job"]) as first:
        _, job = and_children(first)
        first.kill()
        first.wait()
        assert alive([job])
        assert folder.locked
        status, said = folder.run("demo")
        assert status == 0
        assert not alive([job])
        assert not folder.locked
        assert said.index("ending process") < said.index("called: demo --unlock\n") < said.index("called: demo\n")


def test_a_killed_snakemake_that_its_parent_has_not_noticed_is_not_at_work(folder):
    with folder.started([*folder.resume, "job"]) as first:
        first.kill()
        while psutil.Process(first.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert folder.run("demo")[0] == 0


def test_a_folder_that_cannot_be_unlocked_is_not_run_in(folder):
    folder.lock()
    (folder.path / "unlocking").touch()
    status, said = folder.run("demo")
    assert status == 1
    assert said.endswith("called: demo --unlock\n")


def test_a_lock_of_another_machine_is_not_taken_away(folder):
    held = folder.path / ".snakemake" / "resume.lock"
    held.write_text("elsewhere, process 7\n")
    assert folder.run("demo") == (0, "called: demo\n")  # it ended there
    held.write_text("elsewhere, process 7\n")
    folder.lock()
    for _ in range(2):  # and a refusal changes nothing
        status, said = folder.run("demo")
        assert status == 1
        assert said.startswith("this folder was locked on elsewhere")
        assert folder.locked


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_what_another_user_locked_is_left_alone(folder):
    folder.lock()
    os.chown(folder.path / ".snakemake" / "locks" / "0.output.lock", 65534, -1)
    with folder.started(JOB) as job:
        status, said = folder.run("demo")
        assert status == 1
        assert said.startswith("another user locked this folder")
        assert job.poll() is None
    assert folder.locked


def test_a_run_on_slurm_is_left_to_its_own_way(folder):
    (folder.path / ".snakemake" / "slurm.killed").touch()
    folder.lock()
    status, said = folder.run("demo")
    assert status == 1
    assert "`make slurm` goes on with it" in said
    assert folder.locked


def test_files_that_a_dead_job_did_not_finish_are_deleted_and_downloads_are_kept(folder):
    results, raw = folder.path / "results" / "demo", folder.path / "resources" / "raw"
    for each in (results, raw):
        each.mkdir(parents=True)
        (each / ".unfinished.x.parquet").touch()
    (results / "x.parquet").touch()
    (raw / ".partial.archive.zip").touch()
    status, said = folder.run("demo")
    assert (status, said.count("which was not finished")) == (0, 2)
    left = {file.name for file in folder.path.rglob("*") if file.parent in (results, raw)}
    assert left == {"x.parquet", ".partial.archive.zip"}

"""A small study in a checkout of its own: run by `make run` or by Snakemake, disturbed, and looked at."""

import json
import os
import random
import subprocess
import sys
import time
from base64 import urlsafe_b64decode
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

import resume
from agreement import disagreements
from checkout import copy_of_the_checkout

HERE = Path(__file__).parent
SMALL = HERE / "small.yaml"
#: Seconds that anything may take before a trial has failed.
PATIENCE = 300


@dataclass(frozen=True)
class Study:
    """The study `tiny` in a copy of the checkout."""

    folder: Path
    cache: Path

    @property
    def results(self):
        return self.folder / "results"

    @property
    def output(self):
        """What the last command said, on both streams."""
        return (self.folder / "output.txt").read_text()

    def make_run(self, fault=None):
        """`make run`, to its end; return its status."""
        with self.started(self.make, fault) as process:
            return process.wait(PATIENCE)

    def snakemake_run(self, *arguments, fault=None, config=SMALL):
        """Snakemake with these arguments, to its end; return its status."""
        with self.started(self.snakemake(*arguments, config=config), fault) as process:
            return process.wait(PATIENCE)

    @property
    def make(self):
        """A user's command; the packages of the tests stand in for those that it would install."""
        options = f"--nocolor --configfile {SMALL}"
        return ["make", "--old-file", ".venv/.run", "run", "STUDY=tiny", "CORES=2", f"OPTIONS={options}"]

    def snakemake(self, *arguments, config=SMALL):
        """Another user's command."""
        return [sys.executable, "-m", "snakemake", "--nocolor", *arguments, "--configfile", str(config)]

    @contextmanager
    def started(self, command, fault=None):
        """Start a command, with a fault in its jobs; all that is left of it in the end is killed."""
        left_out = ("MAKE", "MFLAGS", "PYTHONDONTWRITEBYTECODE")  # the suite's own make; compiling anew in each job
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
        environment = inherited | {"XDG_CACHE_HOME": str(self.cache)}
        if fault:
            environment |= {"PYTHONPATH": str(HERE / "injected"), "LEAVEOUT_FAULT": json.dumps(fault)}
        with (self.folder / "output.txt").open("w") as output:
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def processes(self):
        """All that runs in the folder, but for processes that have ended and nobody took note of."""
        found = resume.processes(self.folder)
        return [each for each in found if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    def snakemakes(self):
        return [each for each in self.processes() if resume.is_snakemake(each.info["cmdline"])]

    def jobs(self, script):
        """Processes of a script's jobs."""
        return [each for each in self.processes() if each.info["cmdline"][-1].endswith(f".{script}.py")]

    def begun(self):
        """How many jobs have begun: each opens its log first."""
        return sum(1 for _ in self.folder.glob("logs/**/*.log"))

    def notes(self):
        """A new folder for the notes of a fault."""
        folder = self.folder / f"notes-{time.monotonic_ns()}"
        folder.mkdir()
        return folder

    def finished_files(self):
        """Results that no job is at work on, or was when it was killed, and when each was written."""
        incomplete = {
            urlsafe_b64decode(mark.name).decode() for mark in (self.folder / ".snakemake/incomplete").rglob("*")
        }
        names = {file: str(file.relative_to(self.folder)) for file in self.results.rglob("*") if file.is_file()}
        return {
            name: file.stat().st_mtime_ns
            for file, name in names.items()
            if name not in incomplete and not file.name.startswith(".")
        }

    def unfinished_files(self):
        return [str(file.relative_to(self.folder)) for file in resume.unfinished(self.folder)]

    def kill_everything(self):
        """Leave no process to whoever comes next."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()


def new_study(folder, cache):
    """A checkout in which nothing has run."""
    folder.mkdir()
    (copy_of_the_checkout(folder).folder / ".venv").symlink_to(sys.prefix)
    return Study(folder, cache)


def wait_for(condition, process):
    """What the condition comes to when it is true of anything, or nothing if the process ends before."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        ended = process.poll() is not None
        if found := condition():
            return found
        if ended:
            return None
        time.sleep(0.02)
    raise TimeoutError(f"{process.args}: nothing for {PATIENCE} s")


def drawn_by(kind, trial):
    """The random numbers of a trial: the same for the same kind and number."""
    return random.Random(f"{kind} {trial}")  # noqa: S311


def assert_recovered(study, undisturbed):
    """`make run` alone: the same rows as without the fault, what was finished untouched, and nothing left over."""
    finished = study.finished_files()
    status = study.make_run()
    assert status == 0, study.output
    assert disagreements(undisturbed.results, study.results) == []
    assert {name: study.finished_files().get(name) for name in finished} == finished
    assert study.unfinished_files() == []
    assert study.processes() == []

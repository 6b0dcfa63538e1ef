"""One run of Snakemake, and when each of its jobs began and ended."""

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

STARTED = re.compile(r"Job (\d+): ")
FINISHED = re.compile(r"Finished jobid: (\d+) \(Rule: (\w+)\)")
#: Lines of a failed run that are shown.
SHOWN = 40


class RunFailed(Exception):
    """Snakemake did not make what it was asked for; the message is the end of what it printed."""


@dataclass(frozen=True)
class Job:
    """A job: its rule, and seconds since the run began."""

    rule: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it took, Snakemake's part in it included."""
        return self.end - self.begin


@dataclass(frozen=True)
class Timeline:
    """A run: its jobs in the order in which they ended, its seconds, and the processor's for all of it."""

    jobs: tuple[Job, ...]
    seconds: float
    processor_seconds: float

    @property
    def by_rule(self) -> Mapping[str, list[Job]]:
        """Jobs of each rule, the most time first."""
        found: dict[str, list[Job]] = {}
        for job in self.jobs:
            found.setdefault(job.rule, []).append(job)
        return dict(sorted(found.items(), key=lambda item: -sum(job.seconds for job in item[1])))


def run(folder: Path, cores: int, *targets: str) -> Timeline:
    """Run Snakemake in a folder.

    Raises
    ------
    RunFailed
        It ended with an error.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--nocolor", *targets]
    # scripts take the library that lies beside them
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    before, begin = _children(), time.perf_counter()
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        jobs = tuple(jobs_of(_timed(process.stdout or (), begin, lines)))
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise RunFailed("\n".join(lines[-SHOWN:]))
    return Timeline(jobs, seconds, _children() - before)


def jobs_of(lines: Iterable[tuple[float, str]]) -> Iterator[Job]:
    """Jobs in what Snakemake prints, from seconds and lines; every rule has a message, which begins with the number."""
    begun: dict[str, float] = {}
    for seconds, line in lines:
        if found := STARTED.match(line):
            begun[found[1]] = seconds
        elif (found := FINISHED.match(line)) and found[1] in begun:
            yield Job(found[2], begun.pop(found[1]), seconds)


def _timed(lines: Iterable[str], begin: float, kept: list[str]) -> Iterator[tuple[float, str]]:
    for line in lines:
        kept.append(line.rstrip())
        yield time.perf_counter() - begin, line


def _children() -> float:
    """Seconds of the processor that finished child processes took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

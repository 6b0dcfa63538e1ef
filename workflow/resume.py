"""Run Snakemake where an earlier one may have been killed: ``python workflow/resume.py ARGUMENTS OF SNAKEMAKE``.

A Snakemake that is killed leaves its jobs running, the folder locked, and temporary files of jobs that died. This ends
the jobs, deletes the files, unlocks the folder, and becomes Snakemake, which reruns what is incomplete. ``make run``
calls it. Two at a time in one folder: the second is refused.
"""

import errno
import fcntl
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

#: Held while Snakemake runs, whatever ends it; says which machine it ran on.
HELD = Path(".snakemake", "resume.lock")
#: Snakemake's own: there while it runs, and after it if it was killed.
LOCKS = Path(".snakemake", "locks")
#: There while profiles/slurm/run.sh has submissions in the queue, and after it if it was killed.
ON_SLURM = Path(".snakemake", "slurm.killed")
#: Folders that jobs write to, and the names of files there that are not complete.
WRITTEN, UNFINISHED = ("resources", "results"), ".unfinished.*"
#: Seconds that jobs have to end when they are asked to, and to disappear when they are killed.
PATIENCE = 5.0
#: Snakemake's options that run nothing: then nothing is ended, deleted or unlocked.
DRY = {"-n", "--dry-run", "--dryrun"}
#: Copies of the workflow's scripts, as Snakemake runs them, and a shell's command that has Python run one.
SCRIPT = re.compile(r"(?:.*/)?\.snakemake/scripts/tmp[^/\s]*\.py")
RUNNING = re.compile(rf"python[\w.]*['\"]? +['\"]?{SCRIPT.pattern}")


def main(arguments: Sequence[str]) -> None:
    """Become Snakemake with these arguments, in the current folder; a text on standard error says why not."""
    folder, snakemake = Path.cwd(), [sys.executable, "-P", "-m", "snakemake", *arguments]
    if DRY & set(arguments):
        os.execv(sys.executable, snakemake)  # noqa: S606
    hold(HELD)
    refuse_others(folder)
    end(list(orphans(folder)))
    for file in unfinished(folder):
        print(f"deleting {file}, which was not finished")
        file.unlink(missing_ok=True)
    if locked():
        print("unlocking the folder: the Snakemake that locked it was killed")
        unlocked = subprocess.run([*snakemake, "--unlock"], check=False)  # noqa: S603
        if unlocked.returncode:
            sys.exit(unlocked.returncode)
    sys.stdout.flush()
    os.execv(sys.executable, snakemake)  # noqa: S606


def hold(path: Path) -> None:
    """Lock a file until this process, or what it becomes, ends; children do not inherit the lock.

    The lock goes with the process, however that ends, and holds on other machines too where the file system does. The
    file keeps the machine's name: nothing can be seen of processes elsewhere.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}: this folder is another user's, or cannot be written to")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            sys.exit(f"another `make run` is at work in this folder ({path.read_text().strip()}): wait for it")
        print(f"{path}: {error.strerror}: nothing keeps a second `make run` out of this folder")
    here, before = socket.gethostname(), os.read(descriptor, 1000).decode()
    host = before.partition(",")[0]
    if host not in ("", here) and locked():
        sys.exit(
            f"this folder was locked on {host}, and this is {here}, from where nothing can be seen of it. "
            f"Either `make run` there; or see that nothing of it is left, `snakemake --unlock`, and `make run` here"
        )
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{here}, process {os.getpid()}\n".encode(), 0)
    os.set_inheritable(descriptor, True)  # by what this process becomes; Python closes it in what that starts


def locked() -> bool:
    """Whether Snakemake runs in the current folder, or was killed here."""
    return LOCKS.is_dir() and any(LOCKS.iterdir())


def refuse_others(folder: Path) -> None:
    """Exit if a Snakemake is at work in the folder, or if its jobs may be on other machines."""
    for process in processes(folder):
        if is_snakemake(process.info["cmdline"]):
            command = " ".join(process.info["cmdline"])
            sys.exit(f"Snakemake is at work in this folder, process {process.pid}: {command}\nWait for it, or end it")
    if locked() and {file.stat().st_uid for file in LOCKS.iterdir()} - {os.getuid()}:
        sys.exit("another user locked this folder and may be at work in it: ask, then `snakemake --unlock`")
    if ON_SLURM.exists():
        sys.exit(
            f"a run on SLURM is at work in this folder, or was killed: `make slurm` goes on with it. "
            f"If nothing of it is left in the queue (squeue --me): rm {ON_SLURM}, and `make run` again"
        )


def processes(folder: Path) -> Iterator[psutil.Process]:
    """Other processes whose current folder this is, as far as one may see."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.info["cmdline"] and process.info["cwd"] == str(folder) and process.pid != os.getpid():
            yield process


def is_snakemake(command: Sequence[str]) -> bool:
    """Whether a command is Snakemake's: its program, or the module of a Python."""
    if Path(command[0]).name.startswith("python"):
        if ("-m", "snakemake") in itertools.pairwise(command):
            return True
        command = [word for word in command[1:] if not word.startswith("-")][:1]
    return [Path(word).name for word in command[:1]] == ["snakemake"]


def orphans(folder: Path) -> Iterator[psutil.Process]:
    """Jobs of the folder, the shells that they were started by and the workers that they forked.

    They are orphans where no Snakemake is at work. A worker is found by its own command too: its parent may be dead.
    """
    for process in processes(folder):
        program, *words = process.info["cmdline"]
        known = SCRIPT.fullmatch if Path(program).name.startswith("python") else RUNNING.search
        if Path(program).name.startswith(("python", "bash", "sh")) and any(map(known, words[:2])):
            yield process


def end(jobs: Sequence[psutil.Process]) -> None:
    """End jobs and whatever they started: they are asked to, then killed.

    Children are listed first: those of a dead process cannot be found.
    """
    found = list(dict.fromkeys(process for job in jobs for process in [*family(job), job]))
    for job in jobs:
        print(f"ending process {job.pid}, a job of a Snakemake that was killed: {job.info['cmdline'][-1]}")
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in found:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                pass
            except psutil.AccessDenied:
                sys.exit(
                    f"process {process.pid}, a job of a Snakemake that was killed, is another user's: end it first"
                )
        limit = time.monotonic() + PATIENCE
        while (found := [process for process in found if alive(process)]) and time.monotonic() < limit:
            time.sleep(0.05)
    if found:
        pids = ", ".join(str(process.pid) for process in found)
        sys.exit(f"jobs of a Snakemake that was killed cannot be ended, processes {pids}: restart the machine")


def alive(process: psutil.Process) -> bool:
    """Whether a process can still do something; one that nobody has taken note of is as good as gone."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def family(job: psutil.Process) -> list[psutil.Process]:
    """Processes that a job started, and those that these did."""
    try:
        return list(job.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def unfinished(folder: Path) -> Iterator[Path]:
    """Temporary files of jobs that were killed while they wrote; nothing reads them."""
    for written in WRITTEN:
        if not (folder / written).is_symlink():  # else it may be shared with other checkouts, which are at work
            yield from sorted((folder / written).rglob(UNFINISHED))


if __name__ == "__main__":
    main(sys.argv[1:])

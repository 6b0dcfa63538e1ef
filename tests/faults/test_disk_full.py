"""No room for a file: the error says so, what was there stays, and with room `make run` goes on."""

import re
import subprocess
from contextlib import contextmanager

import pytest

from faults.studies import assert_recovered, drawn_by

pytestmark = pytest.mark.faults
OUTCOME = "an error that says so and names the file; what was finished stays; with room, `make run` gives the same rows"


def assert_named(study, reason):
    """The error on the terminal has the reason, and the name of a file that is not there."""
    named = [match[1] for match in re.finditer(rf"(\S+\.\w+): .*({reason})", study.output)]
    assert named, study.output
    assert not [name for name in named if (study.folder / name).exists()]
    assert "unexpected error" not in study.output


#: Scripts, each after those that it waits for, and a size that their files pass.
LIMITS = {"embed": 100_000, "fit": 50_000, "effects": 2_000, "effects_figure": 4_000}


@pytest.mark.fault("a file grows over a limit", "`ulimit -f` in a job, for one job after another", OUTCOME)
def test_a_file_over_the_limit_is_an_error(study, undisturbed, record_property):
    record_property("trials", len(LIMITS))
    for script, size in LIMITS.items():
        finished = study.finished_files()
        assert study.make_run({"script": script, "file_size": size}) != 0
        assert_named(study, "limit of a file's size")
        assert {name: study.finished_files().get(name) for name in finished} == finished
        assert study.unfinished_files() == []
    assert_recovered(study, undisturbed)


@contextmanager
def small_disk(folder, size):
    """A file system in memory with room for `size` bytes; gives a function that changes the room."""

    def room(size, *options):
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join([*options, f"size={size}"]), "tmpfs", folder], check=True
        )

    folder.mkdir()
    room(size)
    try:
        yield lambda size: room(size, "remount")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.fault("the disk is full", "`results/` on a file system with room for a random part of them", OUTCOME)
@pytest.mark.usefixtures("as_root")
def test_a_full_disk_is_an_error(study, undisturbed):
    needed = sum(file.stat().st_size for file in undisturbed.results.rglob("*.*") if file.suffix != ".html")
    with small_disk(study.results, int(needed * drawn_by("disk", 0).uniform(0.1, 0.9))) as room:
        assert study.make_run() != 0
        assert_named(study, "no space left")
        assert study.unfinished_files() == []
        room(100 * needed)
        assert_recovered(study, undisturbed)

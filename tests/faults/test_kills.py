"""Processes killed at random moments of a study; then `make run`, and nothing else."""

import time

import psutil
import pytest

import resume
from agreement import disagreements
from faults.studies import assert_recovered, drawn_by, wait_for

pytestmark = pytest.mark.faults
#: Most seconds between the beginning of a job and a kill; a job takes about as long.
DELAY = 1.0
SAME_ROWS = "`make run` alone gives the same rows; what was finished is not computed again"


def command(study, trial):
    """`make run` and plain Snakemake, by turns."""
    return study.make if trial % 2 == 0 else study.snakemake("--cores", "2", "tiny")


@pytest.mark.fault("Snakemake is killed", "kill -9 at a random moment; in every other trial, `make run` too", SAME_ROWS)
def test_a_killed_snakemake_is_recovered_from(study, undisturbed, trial):
    draw = drawn_by("snakemake", trial)
    moments = sorted(draw.randrange(undisturbed.begun() - 2) for _ in range(1 + trial % 2))
    for jobs, start in zip(moments, (command(study, trial), study.make), strict=False):
        with study.started(start) as process:
            assert wait_for(lambda jobs=jobs: study.begun() >= jobs and study.snakemakes(), process), study.output
            time.sleep(draw.uniform(0, DELAY))
            (snakemake,) = study.snakemakes()
            snakemake.kill()
            assert process.wait() != 0
    assert_recovered(study, undisturbed)


@pytest.mark.fault("a shard is killed", "kill -9 of its process at a random moment", SAME_ROWS)
def test_a_killed_shard_is_recovered_from(study, undisturbed, trial):
    draw = drawn_by("shard", trial)

    def killed():
        for shard in study.jobs("effects"):
            time.sleep(draw.uniform(0, DELAY / 2))
            try:
                shard.kill()
            except psutil.NoSuchProcess:
                continue
            return shard
        return None

    with study.started(command(study, trial)) as process:
        assert wait_for(killed, process), f"no shard was there to be killed: {study.output}"
        assert process.wait() != 0
    assert_recovered(study, undisturbed)


@pytest.mark.fault("a writer is killed", "a random file cut at a random length, and kill -9 of its job", SAME_ROWS)
def test_a_killed_writer_is_recovered_from(study, undisturbed, trial):
    draw = drawn_by("writer", trial)
    writes = sum(1 for _ in (undisturbed.folder / "writes").iterdir())
    fault = {"notes": str(study.notes()), "write": draw.randrange(writes), "cut": draw.random()}
    with study.started(command(study, trial), fault) as process:
        assert process.wait() != 0, study.output
    assert len(study.unfinished_files()) == 1
    assert_recovered(study, undisturbed)


def orphaned(study, name):
    """Kill Snakemake while a job writes a file of this name; return the job, which waits there, and its notes."""
    notes = study.notes()
    with study.started(study.make, {"notes": str(notes), "hold": name}) as process:
        held = notes / "held"
        assert wait_for(lambda: held.exists() and held.read_text(), process), study.output
        (snakemake,) = study.snakemakes()
        snakemake.kill()
        assert process.wait() != 0
    orphan = psutil.Process(int(held.read_text()))
    assert resume.alive(orphan)
    return orphan, notes


@pytest.mark.fault(
    "Snakemake is killed, a job of it lives on", "kill -9 while the job writes", f"the job is ended; {SAME_ROWS}"
)
def test_an_orphan_is_ended(study, undisturbed):
    orphan, _ = orphaned(study, "factor.npy")
    assert_recovered(study, undisturbed)
    assert not resume.alive(orphan)


@pytest.mark.fault(
    "a job of a killed Snakemake writes late",
    "the folder is unlocked and run by hand; the job names its file afterwards",
    "the same rows",
)
def test_an_orphan_that_writes_late_does_no_harm(study, undisturbed):
    orphan, notes = orphaned(study, "random.parquet")
    for arguments in (["--unlock"], ["--rerun-incomplete"]):
        assert study.snakemake_run("--cores", "2", "tiny", *arguments) == 0, study.output
    assert resume.alive(orphan), "it did not write late"
    (notes / "release").touch()
    while resume.alive(orphan):
        time.sleep(0.05)
    assert disagreements(undisturbed.results, study.results) == []
    assert study.unfinished_files() == []

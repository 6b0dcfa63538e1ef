"""Studies on a real SLURM cluster: the same numbers as on one machine, whatever happens on the way."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cluster
import psutil
import pyarrow.parquet as pq
import pytest
import yaml

from agreement import disagreements
from bench.submissions import plan
from checkout import TINY, copy_of_the_checkout

pytestmark = pytest.mark.slurm

PROFILE = ("--workflow-profile", "profiles/slurm")
#: The demo, and how to plan it as if nothing were there.
FEWER = Path(__file__).with_name("fewer.yaml")
FORCED = ["--forceall", "--configfile", str(FEWER)]
#: Seconds between two looks at something that is to happen, and until it must have.
PAUSE, PATIENCE = 0.2, 300
#: Seconds that a run may take.
LIMIT, DEMO_LIMIT = 300, 900
EMBEDDED, RUN = Path("resources/embeddings/few_digits/X.npy"), Path("results/small/few_digits/base")
ROWS = "results/small/effects.parquet"
SHARDS = [str(RUN / "effects" / f"{name}.parquet") for name in ("random", "high_loss")]


@pytest.fixture(scope="session")
def slurm():
    """A cluster, for all tests."""
    with cluster.running() as started:
        yield started


@pytest.fixture
def checkout(slurm, tmp_path):
    """A checkout whose profile is filled in for that cluster; its submissions are ended in the end."""
    yield filled_in(with_small_study(copy_of_the_checkout(tmp_path)))
    slurm.empty()


def filled_in(checkout):
    """Uncomment what this cluster needs, as the profile says, and look after its submissions more often."""
    file = checkout.folder / "profiles/slurm/config.yaml"
    text = file.read_text()
    for line in (
        "  slurm_partition: \"'cpu'\"",
        "slurm-status-command: squeue",
        "  embed_text: {slurm_partition: \"'gpu'\"}",
    ):
        assert f"\n#{line}" in text
        text = text.replace(f"\n#{line}", f"\n{line}")
    for before, after in (("status-checks: 15", "status-checks: 3"), ("latency-wait: 60", "latency-wait: 10")):
        assert before in text
        text = text.replace(before, after)
    file.write_text(text)
    return checkout


def with_small_study(checkout):
    """Make a study of seconds the only one: the tiny one, without poisoning."""
    tiny, config = yaml.safe_load(TINY.read_text()), checkout.folder / "config"
    study = {key: value for key, value in tiny["studies"]["tiny"].items() if key != "poisoning"}
    (config / "config.yaml").write_text(yaml.safe_dump({"seed": 0, "studies": {"small": study}}))
    known = yaml.safe_load((config / "datasets.yaml").read_text())
    (config / "datasets.yaml").write_text(yaml.safe_dump(known | {"datasets": tiny["datasets"]}, sort_keys=False))
    return checkout


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The small study, run on this machine without a cluster."""
    checkout = with_small_study(copy_of_the_checkout(tmp_path_factory.mktemp("undisturbed")))
    done = checkout.snakemake("small", config=None, timeout=LIMIT)
    assert done.returncode == 0, done.stdout
    return checkout.folder


@pytest.fixture
def embedded(checkout, undisturbed):
    """A checkout that has the embedding already."""
    shutil.copytree(undisturbed / "resources", checkout.folder / "resources")
    return checkout


@dataclass(frozen=True)
class Submission:
    """What SLURM recorded of one submission that ended."""

    job: str
    state: str
    cores: int
    memory_mb: int
    minutes: int
    node: str
    begin: datetime
    end: datetime


def ended(slurm, checkout):
    """Submissions from a checkout that ended, in the order in which they did."""
    return [
        Submission(
            record["JobId"],
            record["JobState"],
            int(record["ProcCnt"]),
            int(re.search(r"mem=(\d+)M", record["Tres"])[1]),
            int(record["TimeLimit"]),
            record["NodeList"],
            datetime.fromisoformat(record["StartTime"]),
            datetime.fromisoformat(record["EndTime"]),
        )
        for record in slurm.completed()
        if record["WorkDir"] == str(checkout.folder)
    ]


def finish(process, limit=LIMIT):
    """Wait for a run that is to succeed."""
    output, _ = process.communicate(timeout=limit)
    assert process.returncode == 0, output
    return output


def until(happened, process=None):
    """Wait for something; fail if it does not happen, or if the run ends before."""
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < end, "it did not happen"
        assert process is None or process.poll() is None, process.stdout.read()
        time.sleep(PAUSE)
    return found


def tables(folder):
    """Files of rows below a folder, and when they were written; each is read whole: a partial one would be an error."""
    files = [file for part in ("resources", "results") for file in (folder / part).rglob("*.parquet")]
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files if pq.read_table(file)}


def test_a_study_on_the_cluster_has_the_numbers_of_the_local_run(slurm, tmp_path, capsys):
    local, remote = (copy_of_the_checkout(tmp_path / name) for name in ("local", "remote"))
    begin = time.monotonic()
    done = local.snakemake("demo", config=FEWER, timeout=DEMO_LIMIT)
    assert done.returncode == 0, done.stdout
    seconds = time.monotonic() - begin
    begin = datetime.now()  # as SLURM writes its times
    with filled_in(remote).started("demo", options=PROFILE, config=FEWER) as process:
        finish(process, DEMO_LIMIT)
    end = datetime.now()
    demo = Path("results/demo")
    assert disagreements(local.folder / demo, remote.folder / demo) == []
    assert named(remote.folder / demo) == named(local.folder / demo)
    submissions = ended(slurm, remote)
    asked = sorted((each.cores, each.memory_mb, each.minutes) for each in submissions)
    assert asked == sorted((each.cores, each.mem_mb, each.runtime) for each in plan("demo", FORCED))
    assert {each.state for each in submissions} == {"COMPLETED"}
    with capsys.disabled():
        print(f"\ndemo: local {seconds:.0f} s, {timing(begin, submissions, end)}")  # noqa: T201


def named(folder):
    """Names of all files of a folder."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def timing(begin, submissions, end):
    """Where the time of a run went: what its submissions took, and how long none ran because none was asked about."""
    waited, reached = 0.0, submissions[0].end
    for each in sorted(submissions, key=lambda each: each.begin)[1:]:
        waited += max(0.0, (each.begin - reached).total_seconds())
        reached = max(reached, each.end)
    lengths = ", ".join(f"{(each.end - each.begin).total_seconds():.0f}" for each in submissions)
    return (
        f"on the cluster {(end - begin).total_seconds():.0f} s, of which until the first submission ran "
        f"{(submissions[0].begin - begin).total_seconds():.0f} s, between submissions {waited:.0f} s, "
        f"after the last {(end - reached).total_seconds():.0f} s; submissions took {lengths} s"
    )


def test_shards_that_are_made_again_are_not_submitted_one_by_one(undisturbed):
    found = plan("small", ["--forcerun", "effects"], undisturbed)
    shards, presented = [each.rules for each in found if "effects" in each.rules], len(found) - 2
    assert (shards, presented) == ([["effects", "effects"]] * 2, 1)


def test_a_job_that_runs_out_of_memory_is_tried_again_with_more(slurm, checkout):
    too_little_at_first = (
        "--set-resources",
        "embed_fourier:mem_mb=100 * attempt**5",
    )  # less than Snakemake itself takes
    with checkout.started(str(EMBEDDED), options=[*PROFILE, *too_little_at_first], config=None) as process:
        finish(process)
    first, second = ended(slurm, checkout)
    assert (first.memory_mb, second.memory_mb) == (100, 3200)
    assert first.state != "COMPLETED" == second.state
    assert second.minutes == 2 * first.minutes
    [log] = (checkout.folder / "logs/slurm").rglob(f"{first.job}.log")
    assert "memory" in log.read_text()


def test_jobs_that_ask_for_a_card_get_one_where_the_cards_are(slurm, checkout):
    asked = ("--set-resources", "embed_fourier:gpu=1", "embed_fourier:slurm_partition='gpu'")
    with checkout.started(str(EMBEDDED), options=[*PROFILE, *asked], config=None) as process:
        until(lambda: "gres:gpu:1" in slurm.cards(), process)
        finish(process)
    [submission] = ended(slurm, checkout)
    assert (submission.node, submission.state) == ("gpu1", "COMPLETED")


def test_a_cancelled_run_is_submitted_again(slurm, embedded, undisturbed):
    with embedded.started(*SHARDS, options=PROFILE, config=None) as process:
        until((embedded.folder / RUN / "removal_sets.parquet").exists, process)
        [running] = slurm.queue("running")
        slurm.cancel(running)
        finish(process)
    first, second = ended(slurm, embedded)
    assert (first.state, second.state) == ("CANCELLED", "COMPLETED")
    assert second.memory_mb == pytest.approx(2 * first.memory_mb, abs=2)
    assert second.minutes == 2 * first.minutes
    assert disagreements(undisturbed / RUN / "effects", embedded.folder / RUN / "effects") == []


def test_a_node_may_go_down_and_come_back(slurm, embedded, undisturbed):
    with embedded.started(*SHARDS, options=PROFILE, config=None) as process:
        until((embedded.folder / RUN / "fit.npz").exists, process)
        slurm.take_down("cpu1")
        left = slurm.queue("running")
        slurm.bring_back("cpu1")
        assert not left
        finish(process)
    first, second = ended(slurm, embedded)
    assert (first.state, second.state) == ("NODE_FAIL", "COMPLETED")
    assert first.job == second.job  # SLURM's own repetition: no attempt of Snakemake's
    assert second.memory_mb == first.memory_mb
    assert disagreements(undisturbed / RUN / "effects", embedded.folder / RUN / "effects") == []


def test_a_killed_run_goes_on_where_it_was(slurm, checkout, undisturbed):
    """Snakemake is killed while submissions run; the same command waits for these, and does what is left."""
    environment = Path(sys.executable).parents[1]
    command = ["make", "slurm", f"STUDY={ROWS}", f"VENV={environment}", f"--assume-old={environment / '.slurm'}"]
    with running(command, checkout.folder) as process:
        until(lambda: any(checkout.folder.glob("results/small/*/*/effects/*.parquet")), process)
        [snakemake] = [
            each for each in psutil.Process(process.pid).children(recursive=True) if "snakemake" in each.cmdline()
        ]
        snakemake.kill()
        process.communicate(timeout=PATIENCE)
    orphans = slurm.queue("running")
    assert orphans, "nothing ran when Snakemake was killed"
    before = tables(checkout.folder)
    assert {str(EMBEDDED.with_name("samples.parquet"))} < before.keys() < tables(undisturbed).keys()
    with running(command, checkout.folder) as process:
        output = finish(process)
    waited_for = re.search(r"to end them: scancel (.*)", output)[1].split()
    assert {*waited_for} & {*orphans}
    *earlier, aggregation = ended(slurm, checkout)
    embedding, runs = 1, 2
    assert [each.state for each in (*earlier, aggregation)] == ["COMPLETED"] * (embedding + runs + 1)
    again = {name for name, time in tables(checkout.folder).items() if time / 1e9 > aggregation.begin.timestamp()}
    assert again == {ROWS}
    for variant in ("base", "regularizer=fixed"):
        shards = RUN.with_name(variant) / "effects"
        assert disagreements(undisturbed / shards, checkout.folder / shards) == []


@contextmanager
def running(command, folder):
    """Start a command; in the end, kill it with all that it started."""
    with subprocess.Popen(
        command, cwd=folder, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

"""results of other settings: made again where the configuration has changed, refused where they are other results.

Snakemake has records of its own of what it ran. They are deleted here, as users do, and as it is with files that a job
finishes after Snakemake was killed.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from agreement import disagreements
from checkout import Checkout, copy_of_the_checkout, jobs
from faults.studies import SMALL
from leaveout.effects import read, write
from leaveout.stamps import read_stamp

pytestmark = pytest.mark.faults

SHARD = Path("results/tiny/few_digits/base/effects/random.parquet")
#: What follows from a shard that figures show.
DOWNSTREAM = {"aggregate", "calibration", "certificates", "figure1", "figure4", "run_record"}
#: What follows from a model.
FITTED = {"fit", "removal_sets", "effects", "influential", "suspects", *DOWNSTREAM} | {
    "influential_table",
    "influential_groups_table",
    "suspects_table",
    "table1",
}
LIBRARY = "workflow/scripts/leaveout"


def configuration(file, change):
    """The small study, changed."""
    config = yaml.safe_load(SMALL.read_text())
    change(config["studies"]["tiny"], config["datasets"]["few_digits"])
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    return file


@pytest.fixture(scope="module")
def finished(undisturbed, tmp_path_factory):
    """A checkout in which the study has run."""
    folder = tmp_path_factory.mktemp("settings") / "checkout"
    return Checkout(Path(shutil.copytree(undisturbed.folder, folder, symlinks=True)))


@pytest.fixture
def unrecorded(finished):
    """The same without Snakemake's records; they are there again afterwards."""
    records = finished.folder / ".snakemake"
    aside = records.rename(finished.folder / "records")
    yield finished
    shutil.rmtree(records)
    aside.rename(records)


def planned(checkout, config=SMALL):
    """How many jobs of each rule a run would take."""
    return jobs(checkout.snakemake("tiny", config=config, options=["--dry-run"]), ["tiny"])


CHANGES = {
    "lambda": (lambda study, dataset: dataset.update(regularization=1e-4), FITTED),
    "embedding": (lambda study, dataset: dataset["embedding"].update(gamma=0.03), {"embed_fourier", *FITTED}),
    "evaluations": (
        lambda study, dataset: study.update(evaluations=["self_loss"]),
        {"effects", "influential", "influential_table", "influential_groups_table", *DOWNSTREAM},
    ),
    "strategies": (
        lambda study, dataset: study["removal"].update(strategies=["random", "cluster_l2"]),
        {"removal_sets", "effects", *DOWNSTREAM},
    ),
    "suspects": (lambda study, dataset: study.update(suspects=3), {"suspects", "suspects_table", "certificates"}),
}


@pytest.mark.fault(
    "results of other settings, without Snakemake's records",
    "configuration changed after `.snakemake` was deleted",
    "made again, with all that follows from them",
)
@pytest.mark.parametrize("name", CHANGES)
def test_what_other_settings_made_is_made_again(unrecorded, tmp_path, name):
    change, expected = CHANGES[name]
    assert set(planned(unrecorded, configuration(tmp_path / "changed.yaml", change))) - {"table2", "table3"} == expected
    assert planned(unrecorded) == {}  # a plan alone leaves no trace


@pytest.mark.fault(
    "an embedding of another source file, without Snakemake's records",
    "its checksum in the configuration changed after `.snakemake` was deleted",
    "made again, with all that follows from it",
)
def test_what_was_made_from_another_file_is_made_again(unrecorded, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(
        f"{SMALL.read_text()}\nsources: {{digits: {{files: {{digits.csv.gz: {{sha256: {'f' * 64}}}}}}}}}\n"
    )
    assert set(planned(unrecorded, other)) - {"table2", "table3"} == {"embed_fourier", *FITTED}


@pytest.mark.fault(
    "results of another version of the library, without Snakemake's records",
    "a module edited after `.snakemake` was deleted",
    "made again, with all that follows from them",
)
@pytest.mark.parametrize("module", ["leave_out", "datasets/digits"])
def test_what_another_library_made_is_made_again(unrecorded, module):
    with unrecorded.edited(f"{LIBRARY}/{module}.py"):
        rules = set(planned(unrecorded))
    assert "effects" in rules
    assert ("fit" in rules) == ("embed_fourier" in rules) == (module == "datasets/digits")
    assert planned(unrecorded) == {}


@pytest.mark.fault(
    "a shard of other settings, newer than the configuration",
    "one that an orphan of an earlier run writes late",
    "made again, the same to the byte",
)
def test_a_late_shard_of_other_settings_is_made_again(finished, tmp_path):
    shard, results = finished.folder / SHARD, finished.folder / "results"
    before, expected = shard.read_bytes(), shutil.copytree(results, tmp_path / "expected")
    elsewhere = copy_of_the_checkout(tmp_path / "elsewhere")
    shutil.copytree(finished.folder / "resources", elsewhere.folder / "resources")
    ended = elsewhere.snakemake(str(SHARD), config=configuration(tmp_path / "other.yaml", CHANGES["lambda"][0]))
    assert ended.returncode == 0, ended.stdout
    assert (elsewhere.folder / SHARD).read_bytes() != before
    shutil.copyfile(elsewhere.folder / SHARD, shard)
    rerun = finished.snakemake("tiny", config=SMALL)
    assert set(jobs(rerun, ["tiny"])) == {"effects", *DOWNSTREAM}
    assert shard.read_bytes() == before
    assert disagreements(results, expected) == []


@pytest.mark.fault(
    "a shard of another study, run or strategy",
    "its file copied over the right one",
    "refused by name; says which file to delete",
)
@pytest.mark.parametrize("other", ["results/other/few_digits/base/effects/random.parquet", "high_loss"])
def test_a_shard_that_is_another_result_is_refused_by_name(finished, other):
    shard = finished.folder / SHARD
    before, found = shard.read_bytes(), read_stamp(shard)
    if other == "high_loss":
        other = str(SHARD.with_stem(other))
        shutil.copyfile(finished.folder / other, shard)
    else:
        write(read(shard), shard, str(replace(found, name=other)))
    ended = finished.snakemake("tiny", config=SMALL)
    assert ended.returncode != 0
    assert f"aggregate: {SHARD}: made as {other} (delete it and run again)" in ended.stdout
    assert "Traceback" not in ended.stdout
    shard.unlink()
    assert "effects" in jobs(finished.snakemake("tiny", config=SMALL), ["tiny"])
    assert shard.read_bytes() == before

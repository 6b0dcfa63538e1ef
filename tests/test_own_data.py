"""A user's own features, from a csv to figures and tables, through real Snakemake; and the documentation's example."""

import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from checkout import ROOT, copy_of_the_checkout, jobs
from leaveout.config import load
from leaveout.effects import RETRAIN, read

README = (ROOT / "config" / "README.md").read_text()
SECTION = README.split("\n## Your own features\n")[1].split("\n## ")[0]
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "config.schema.yaml"
EMBEDDING = "resources/embeddings/patients/X.npy"
N, D = 60, 5
RANKED = {"suspects": 1, "suspects_table": 1}
EMBEDDED = {"embed_features": 1, "fit": 1, "removal_sets": 1, "effects": 2, "table1": 1, **RANKED}
DOWNSTREAM = {"aggregate": 1, "calibration": 1, "certificates": 1, "figure1": 1, "figure4": 1, "run_record": 1}


def example(kind):
    """The block of that kind in the section."""
    return re.search(rf"^```{kind}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL).group(1)


def rows(seed=0):
    """A csv of samples with names and classes that are text."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, D))
    y = X[:, 0] + generator.normal(size=N) > 0
    lines = [",".join([f"patient {i:03d}", "ill" if y[i] else "well", *map(repr, X[i].tolist())]) for i in range(N)]
    return "\n".join([",".join(["id", "label", *(f"x{j}" for j in range(D))]), *lines]) + "\n"


CONFIG = {
    "sources": {"mine": {"files": {"mine.csv": {"path": "data/mine.csv"}}, "license": "own"}},
    "datasets": {
        "patients": {
            "title": "Patients",
            "description": "five measurements; well or ill",
            "source": "mine",
            "parser": "table",
            "classes": {"0": ["well"], "1": ["ill"]},
            "embedding": {"method": "features"},
            "split": {"train": 0.8, "seed": 0},
            "regularization": 1e-2,
            "intercept": "penalized",
            "expected": {"n_train": 48, "d": 5},
        }
    },
    "studies": {
        "own": {
            "datasets": ["patients"],
            "removal": {"strategies": ["random", "cluster_l2"], "sizes": {"min": 3, "max": 15, "count": 4}},
            "bootstrap": 100,
        }
    },
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A checkout in which a study of a user's csv has run, and its configuration file."""
    checkout = copy_of_the_checkout(tmp_path_factory.mktemp("own"))
    (checkout.folder / "data").mkdir()
    (checkout.folder / "data" / "mine.csv").write_text(rows())
    config = checkout.folder / "mine.yaml"
    config.write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    assert jobs(checkout.snakemake("own", config=config), ["own"]) == {
        **EMBEDDED,
        "table2": 1,
        "table3": 1,
        **DOWNSTREAM,
    }
    return checkout, config


def test_a_users_csv_becomes_figures_and_tables(finished):
    results = finished[0].folder / "results/own"
    for name in ("figures/figure1.pdf", "figures/figure4.svg", "tables/calibration.csv", "tables/table1.md"):
        assert (results / name).stat().st_size > 0
    assert "Patients" in (results / "tables/table1.md").read_text()
    assert "own" in (results / "tables/table2.md").read_text()
    retrained = [row for row in read(results / "effects.parquet").to_pylist() if row["method"] == RETRAIN]
    assert {row["status"] for row in retrained} == {"converged"}


def test_the_users_ids_say_which_samples_were_removed(finished):
    folder = finished[0].folder
    samples = pq.read_table(folder / "resources/embeddings/patients/samples.parquet").to_pylist()
    training = [sample["id"] for sample in samples if sample["split"] == "train"]
    assert [sample["id"] for sample in samples] == [f"patient {i:03d}" for i in range(N)]
    sets = pq.read_table(folder / "results/own/patients/base/removal_sets.parquet").to_pylist()
    assert len(sets) == 8
    for removed in sets:
        assert removed["ids"] == [training[i] for i in removed["positions"]]


def test_the_file_is_read_where_it_is_and_recorded_as_the_users_own(finished):
    folder = finished[0].folder
    (source,) = json.loads((folder / "resources/embeddings/patients/about.json").read_text())["sources"]
    assert (source["file"], source["checksum"], source["published"]) == ("mine.csv", "own", None)
    assert not (folder / "resources/raw/mine").exists()


def test_the_files_that_the_documentation_names_are_there(finished):
    named = re.findall(r"`((?:results|resources)/[^`]*\.\w+)`", SECTION)
    assert len(named) == 5
    for name in named:
        assert (finished[0].folder / name.replace("my_study", "own").replace("mine", "patients")).is_file(), name


def test_a_changed_file_runs_again(finished):
    checkout, config = finished
    assert jobs(checkout.snakemake("own", config=config, options=["--dry-run"]), ["own"]) == {}
    features = checkout.folder / EMBEDDING
    before = np.load(features)
    (checkout.folder / "data" / "mine.csv").write_text(rows(seed=1))
    planned = jobs(checkout.snakemake("own", config=config, options=["--dry-run"]), ["own"])
    assert planned == {**EMBEDDED, **DOWNSTREAM}
    assert jobs(checkout.snakemake(EMBEDDING, config=config), [EMBEDDING]) == {"embed_features": 1}
    assert not np.isclose(np.load(features), before).any()


def test_a_wrong_cell_ends_the_run_with_its_place(finished):
    checkout, config = finished
    file = checkout.folder / "data" / "mine.csv"
    before = file.read_text()
    file.write_text(
        before.replace("\npatient 002,ill,", "\npatient 002,ill,?").replace(
            "\npatient 002,well,", "\npatient 002,well,?"
        )
    )
    try:
        ended = checkout.snakemake(EMBEDDING, config=config)
    finally:
        file.write_text(before)
    assert ended.returncode != 0
    assert "data/mine.csv: column x0 of id 'patient 002' is '?" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_the_documentations_example_is_a_valid_configuration(tmp_path):
    known = [ROOT / "config" / "config.yaml", ROOT / "config" / "datasets.yaml"]
    files = [*known, tmp_path / "my.yaml"]
    files[-1].write_text(example("yaml"))
    merged = {}
    for file in files:
        for key, value in yaml.safe_load(file.read_text()).items():
            merged[key] = {**merged[key], **value} if isinstance(value, dict) and key in merged else value
    config = load(merged, SCHEMA_FILE, files)
    assert "classes" not in config.datasets["mine"]  # 0 and 1
    (run,) = config.studies["my_study"].runs
    assert run.dataset == "mine"


def test_the_documentations_example_runs(tmp_path):
    """Its first lines of the csv with some more like them, its configuration, and its command for one target."""
    checkout = copy_of_the_checkout(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "my.yaml").write_text(example("yaml"))
    generator, shown = np.random.default_rng(0), example("csv")
    more = [f"s{i},{i % 2},{age},{dose}" for i, (age, dose) in enumerate(generator.normal(size=(97, 2)), start=100)]
    (tmp_path / "data" / "mine.csv").write_text(shown + "\n".join(more))
    assert example("sh").strip() == "snakemake --cores 4 my_study --configfile my.yaml"
    target = "results/my_study/mine/base/removal_sets.parquet"
    ran = jobs(checkout.snakemake(target, config=tmp_path / "my.yaml"), [target])
    assert ran == {"embed_features": 1, "fit": 1, "removal_sets": 1}
    samples = pq.read_table(tmp_path / "resources/embeddings/mine/samples.parquet")
    assert samples["id"].to_pylist()[:3] == ["s001", "s002", "s003"]
    assert samples["split"].to_pylist().count("train") == 80  # as its expected.n_train says

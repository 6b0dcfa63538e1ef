"""A user's own features through real Snakemake: the README's three lines and command, and the reference's example."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from checkout import ROOT, copy_of_the_checkout, jobs
from leaveout.config import load
from leaveout.effects import RETRAIN, read
from leaveout.evaluation import EVALUATIONS
from leaveout.memory import NETWORK, SNAKEMAKE, Demand, Size, planned_mb
from leaveout.plotted import PUBLISHED_STRATEGIES
from leaveout.removal import STRATEGIES

SCHEMA_FILE = ROOT / "workflow" / "schemas" / "config.schema.yaml"
EMBEDDING = "resources/embeddings/mine/X.npy"
#: Strategies of a study that names none.
DEFAULTS = len(set(STRATEGIES) - set(PUBLISHED_STRATEGIES))
N, D = 200, 5
TABLES = {
    "calibration": 1,
    "certificates": 1,
    "influential_table": 1,
    "influential_groups_table": 1,
    "suspects_table": 1,
}
#: What follows from the file.
FROM_THE_FILE = {
    "embed_features": 1,
    "fit": 1,
    "removal_sets": 1,
    "effects": DEFAULTS,
    "influential": 1,
    "suspects": 1,
    "aggregate": 1,
    "table1": 1,
    **TABLES,
    "figure1": 1,
    "figure4": 1,
    "run_record": 1,
}


def section(file, title):
    return (ROOT / file).read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


README, REFERENCE = section("README.md", "Your own embeddings"), section("config/README.md", "Your own features")


def block(text, kind):
    """The block of that kind in a section."""
    return re.search(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL).group(1)


def samples(seed=0):
    """Names, labels and features of a user."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(N, D))
    y = (X[:, 0] + generator.normal(size=N) > 0).astype(int)
    return np.array([f"patient {i:03d}" for i in range(N)]), y, X


def save(folder, seed=0):
    """Write the user's file by the README's line of Python."""
    ids, y, X = samples(seed)
    line = block(README, "python").replace('"data/', f'"{folder}/data/')
    exec(line, {"np": np, "ids": ids, "y": y, "X": X})  # noqa: S102


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A checkout in which the README's example has run, to the letter, and its configuration file."""
    checkout = copy_of_the_checkout(tmp_path_factory.mktemp("own"))
    (checkout.folder / "data").mkdir()
    save(checkout.folder)
    config = checkout.folder / "my.yaml"
    config.write_text(block(README, "yaml"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", block(README, "sh")],
        cwd=checkout.folder,
        env=os.environ | {"PATH": path, "NO_COLOR": "1", "XDG_CACHE_HOME": str(checkout.folder / ".cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert jobs(done, ["my_study"]) == {**FROM_THE_FILE, "table2": 1, "table3": 1}
    return checkout, config


def test_the_example_is_three_lines():
    assert len(block(README, "yaml").splitlines()) == 3
    assert len(block(README, "python").splitlines()) == len(block(README, "sh").splitlines()) == 1


def test_the_files_that_the_readme_names_are_there(finished):
    named = re.findall(r"`(results/[^`]*\.\w+)`", README)
    assert len(named) == 8
    for name in named:
        assert (finished[0].folder / name).stat().st_size > 0, name


def test_every_retrain_is_certified(finished):
    for file in ("effects.parquet", "mine/base/influential_groups.parquet"):
        rows = read(finished[0].folder / "results/my_study" / file).to_pylist()
        assert {row["status"] for row in rows if row["method"] == RETRAIN} == {"converged"}


def test_what_is_left_out_is_named_by_what_is_there(finished):
    tables = finished[0].folder / "results/my_study/tables"
    table = pd.read_csv(tables / "table1.csv", keep_default_na=False).iloc[0]
    assert (table["dataset"], table["files"], table["n_train"], table["d"]) == ("mine", "own", 160, D)
    assert pd.read_csv(tables / "table2.csv").to_numpy().tolist() == [["mine", "own", "mine"]]


def test_the_users_ids_say_which_samples_were_removed(finished):
    folder = finished[0].folder
    embedded = pq.read_table(folder / "resources/embeddings/mine/samples.parquet").to_pylist()
    training = [sample["id"] for sample in embedded if sample["split"] == "train"]
    assert [sample["id"] for sample in embedded] == [f"patient {i:03d}" for i in range(N)]
    sets = pq.read_table(folder / "results/my_study/mine/base/removal_sets.parquet").to_pylist()
    assert len(sets) == 8 * DEFAULTS  # 1 to 8 of 160 samples
    for removed in sets:
        assert removed["ids"] == [training[i] for i in removed["positions"]]


def test_the_users_ids_say_which_samples_are_influential(finished):
    table = pd.read_csv(finished[0].folder / "results/my_study/tables/influential.csv")
    ids, y, _ = samples()
    labels = dict(zip(ids, y, strict=True))
    assert table["y"].tolist() == [labels[name] for name in table["id"]]
    listed = table.groupby(["evaluation", "direction"], sort=False).size()
    assert len(listed) == 2 * len(EVALUATIONS) - 1
    assert set(listed) == {20}
    assert not table.duplicated(["evaluation", "direction", "id"]).any()


def test_groups_are_removed_and_retrained(finished):
    table = pd.read_csv(finished[0].folder / "results/my_study/tables/influential_groups.csv")
    assert set(table["size"]) == {1, 2, 5, 10, 20}
    assert (table["effect_error"] < 1e-6 * table["actual"].abs()).all()
    loss = table[(table["evaluation"] == "test_loss_plain") & (table["direction"] == "raises")]
    assert (np.diff(loss["actual"]) > 0).all()  # more of those that help: more is lost


def test_the_file_is_read_where_it_is_and_recorded_as_the_users_own(finished):
    folder = finished[0].folder
    (source,) = json.loads((folder / "resources/embeddings/mine/about.json").read_text())["sources"]
    assert (source["file"], source["checksum"], source["published"]) == ("mine.npz", "own", None)
    assert not (folder / "resources/raw/mine").exists()


def test_a_changed_file_runs_again(finished):
    checkout, config = finished
    assert jobs(checkout.snakemake("my_study", config=config, options=["--dry-run"]), ["my_study"]) == {}
    before = np.load(checkout.folder / EMBEDDING)
    save(checkout.folder, seed=1)
    planned = jobs(checkout.snakemake("my_study", config=config, options=["--dry-run"]), ["my_study"])
    assert planned == FROM_THE_FILE
    assert jobs(checkout.snakemake(EMBEDDING, config=config), [EMBEDDING]) == {"embed_features": 1}
    assert not np.isclose(np.load(checkout.folder / EMBEDDING), before).any()


#: Prints the memory that the jobs of a data set ask for, in MB: its model's, and that of its embedding.
ASK = """
import json
from pathlib import Path
from types import SimpleNamespace
from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi

with SnakemakeApi(OutputSettings()) as api:
    settings = ConfigSettings(configfiles=[Path("my.yaml")])
    workflow = api.workflow(ResourceSettings(cores=1), config_settings=settings, snakefile=Path("Snakefile"))
    workflow.list_rules(only_targets=False)
    known = workflow._workflow_store.globals
    job = SimpleNamespace(study="my_study", dataset="mine", variant="base")
    print(json.dumps([ask(job, attempt=2) for ask in (known["memory"]("effects"), known["embedding_memory_mb"])]))
    print(json.dumps(known["demand"]("effects")(job)))
"""


def asked(folder):
    """Memory that jobs of the data set ask for in a folder, and what its shards do."""
    done = subprocess.run([sys.executable, "-c", ASK], cwd=folder, capture_output=True, text=True, check=True)
    memory, demand = map(json.loads, done.stdout.splitlines()[-2:])
    return memory, Demand(**demand)


def test_jobs_ask_for_memory_by_the_file_and_then_by_the_features(tmp_path):
    copy_of_the_checkout(tmp_path)
    (tmp_path / "my.yaml").write_text(block(README, "yaml"))
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "mine.npz").open("wb") as stream:
        stream.truncate(400 * 2**20)  # as many numbers as 10240 x 10240
    found, demand = asked(tmp_path)
    assert (demand.rule, demand.intercept, demand.share) == ("effects", "penalized", 0.05)
    needed = planned_mb(Size(10240, 0, 10240, 10240), demand)
    assert found == pytest.approx([2 * (SNAKEMAKE + needed), 2 * (SNAKEMAKE + NETWORK + 1200)], rel=0.01)
    (tmp_path / EMBEDDING).parent.mkdir(parents=True)
    (tmp_path / EMBEDDING).with_name("about.json").write_text(json.dumps({"shape": [4096, 1023]}))
    needed = planned_mb(Size(4096, 0, 1023, 4096), demand)
    assert asked(tmp_path)[0][0] == pytest.approx(2 * (SNAKEMAKE + needed), rel=0.01)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A checkout with the reference's configuration, and more rows of its csv."""
    checkout = copy_of_the_checkout(tmp_path_factory.mktemp("reference"))
    (checkout.folder / "data").mkdir()
    config, generator = checkout.folder / "my.yaml", np.random.default_rng(0)
    config.write_text(block(REFERENCE, "yaml"))
    kinds = ["well", "ill", "severe"]
    more = [
        f"s{i},{kinds[i % 3]},train,{age},{dose}" for i, (age, dose) in enumerate(generator.normal(size=(97, 2)), 100)
    ]
    (checkout.folder / "data" / "mine.csv").write_text(block(REFERENCE, "csv") + "\n".join(more) + "\n")
    assert jobs(checkout.snakemake(EMBEDDING, config=config), [EMBEDDING]) == {"embed_features": 1}
    return checkout, config


def test_the_references_example_reads_ids_classes_and_split(reference):
    folder = reference[0].folder
    table = pq.read_table(folder / "resources/embeddings/mine/samples.parquet").slice(0, 3)
    assert table.to_pydict() == {"id": ["s001", "s002", "s003"], "y": [1, 0, 1], "split": ["train", "test", "train"]}
    assert np.load(folder / EMBEDDING).shape == (100, 2)


def test_the_references_example_says_what_is_the_default():
    """Its comments are the values that the three lines of the README give the same keys."""
    files = [ROOT / "config" / "config.yaml", ROOT / "config" / "datasets.yaml"]
    given = [yaml.safe_load(text) for text in (*(file.read_text() for file in files), block(README, "yaml"))]
    merged = {key: value for content in given for key, value in content.items() if not isinstance(value, dict)}
    for key in ("sources", "datasets", "studies"):
        merged[key] = {name: entry for content in given for name, entry in content.get(key, {}).items()}
    config = load(merged, SCHEMA_FILE, files)
    entry, comments = (
        config.datasets["mine"],
        dict(re.findall(r"^ +(\w+): .*? # (.+)$", block(REFERENCE, "yaml"), re.M)),
    )
    assert config.sources["mine"]["license"] == "own"
    assert comments["license"].startswith("`own`")
    assert (entry["title"], comments["title"]) == ("mine", "the name of the entry")
    assert (entry["description"], comments["description"]) == ("", "none")
    assert yaml.safe_load(comments["split"]).items() <= entry["split"].items()
    assert (comments["regularizer"], comments["intercept"]) == (entry["regularizer"], entry["intercept"])


def test_a_wrong_cell_ends_the_run_with_its_place(reference):
    checkout, config = reference
    file = checkout.folder / "data" / "mine.csv"
    before = file.read_text()
    file.write_text(before.replace("s002,well,test,-0.84", "s002,well,test,?"))
    try:
        ended = checkout.snakemake(EMBEDDING, config=config)
    finally:
        file.write_text(before)
    assert ended.returncode != 0
    assert "data/mine.csv: column age of id 's002' is '?" in ended.stdout
    assert "Traceback" not in ended.stdout

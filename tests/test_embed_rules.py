"""The rules of the embeddings: what each asks for, and that every known data set can be planned."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from checkout import ROOT

#: Prints what rules ask for: as JSON, after Snakemake's own words.
ASK = """
import json, sys
from pathlib import Path
from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi

with SnakemakeApi(OutputSettings()) as api:
    settings = ConfigSettings(config={"device": sys.argv[1]})
    workflow = api.workflow(ResourceSettings(cores=1), config_settings=settings, snakefile=Path("Snakefile"))
    workflow.list_rules(only_targets=False)
    rules = [rule for rule in workflow._workflow_store.rules if rule.name.startswith("embed_")]
gpus = {rule.name: bool(rule.resources.get("gpu") and rule.resources.get("gpu").value) for rule in rules}
environments = {rule.name: rule.conda_env for rule in rules}
print(json.dumps({"gpus": gpus, "environments": {name: Path(str(env)).stem for name, env in environments.items()}}))
"""
#: Prints, for each of some changes of an entry, what of it its rule's parameters and inputs hold.
CHANGED = """
import json, sys
from pathlib import Path
from types import SimpleNamespace
from snakemake.api import ConfigSettings, OutputSettings, ResourceSettings, SnakemakeApi

def held(change):
    with SnakemakeApi(OutputSettings()) as api:
        settings = ConfigSettings(config={"datasets": {"cifar10_cat_dog": change}})
        workflow = api.workflow(ResourceSettings(cores=1), config_settings=settings, snakefile=Path("Snakefile"))
        workflow.list_rules(only_targets=False)
        known, job = workflow._workflow_store.globals, SimpleNamespace(dataset="cifar10_cat_dog")
        names = ("preparation_entry", "weights_package", "weights_files")
        return json.dumps([known[name](job) for name in names], sort_keys=True)

held_now = [held(change) for change in json.loads(sys.argv[1])]
print(json.dumps(held_now))
"""
NETWORKS = {"embed_text", "embed_vision"}


@pytest.mark.parametrize("device, expected", [("cuda", NETWORKS), ("auto", set()), ("cpu", set())])
def test_networks_of_torch_ask_for_a_graphics_card_only_if_the_configuration_insists(device, expected):
    command = [sys.executable, "-c", ASK, device]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    asked = json.loads(done.stdout.splitlines()[-1])
    assert {rule for rule, gpu in asked["gpus"].items() if gpu} == expected
    light = {"embed_features": "core", "embed_fourier": "core"}
    assert asked["environments"] == {rule: light.get(rule, rule.removeprefix("embed_")) for rule in asked["gpus"]}


def test_every_known_data_set_can_be_planned():
    datasets = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())["datasets"]
    targets = [str(Path("resources", "embeddings", name, "X.npy")) for name in datasets]
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall", "--cores", "1", "--quiet", "--", *targets]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_decides_features_is_held_by_their_job_and_nothing_else_is(tmp_path):
    weights = {"path": str(tmp_path)}
    for name in ("b.bin", "a.json"):
        (tmp_path / name).touch()
    changes = [
        {"embedding": {"weights": weights}},
        {"embedding": {"weights": {**weights, "license": "MIT"}, "workers": 3}, "title": "Other", "paper": {}},
        {"embedding": {"weights": weights, "batch": 7}},
        {"embedding": {"weights": {"package": "numpy"}}},
    ]
    command = [sys.executable, "-c", CHANGED, json.dumps(changes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    base, same, batch, package = json.loads(done.stdout.splitlines()[-1])
    assert same == base
    assert len({base, batch, package}) == 3
    _, of_package, files = json.loads(base)
    assert (of_package, files) == (None, [str(tmp_path / "a.json"), str(tmp_path / "b.bin")])
    assert json.loads(package)[1].startswith("numpy ")

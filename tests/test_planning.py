"""Planning needs Snakemake and what it brings: a conda user has nothing else before the first environment is made."""

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checkout import ROOT, TINY, copy_of_the_checkout, jobs
from leaveout.memory import problem_size

#: Runs Snakemake where some modules cannot be imported.
WITHOUT = """
import json, sys
sys.modules |= dict.fromkeys(json.loads(sys.argv[1]))
from snakemake.cli import main
main(sys.argv[2:])
"""


def brought_by(distribution):
    """Names of a distribution and of all that it requires on this machine, without extras."""
    reached, waiting = set(), [distribution]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in reached:
            reached.add(name)
            required = map(Requirement, requires(name) or [])
            waiting += [each.name for each in required if not each.marker or each.marker.evaluate({"extra": ""})]
    return reached


@pytest.fixture(scope="module")
def foreign():
    """Modules that are installed here and that Snakemake does not bring."""
    brought = brought_by("snakemake")
    assert {"pyyaml", "jsonschema"} <= brought
    found = packages_distributions().items()
    modules = [module for module, names in found if not brought & {canonicalize_name(name) for name in names}]
    assert {"numpy", "pandas", "pyarrow", "threadpoolctl"} <= set(modules)
    return sorted(modules)


@pytest.fixture
def plan(foreign, tmp_path):
    """Plan targets in a fresh checkout; returns the number of jobs of each rule."""
    checkout = copy_of_the_checkout(tmp_path)

    def planned(*targets, options=()):
        command = [sys.executable, "-c", WITHOUT, json.dumps(foreign), "--dry-run", "--cores", "1", "--nocolor"]
        ended = subprocess.run(
            [*command, *options, "--", *targets],
            cwd=checkout.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return jobs(ended, targets)

    planned.folder = tmp_path
    return planned


def test_all_studies_are_planned_with_snakemake_alone(plan):
    planned = plan()
    assert planned["embed_fourier"] == 1
    assert planned["embed_vision"] == 2


def test_studies_with_weights_of_packages_and_a_mirror_are_planned_with_snakemake_alone(plan):
    offline = ["--configfile", "config/offline.yaml", "--config", f"mirror={plan.folder}"]
    assert plan("offline", options=offline)["embed_bow"] == 1


def test_features_that_are_there_are_planned_with_snakemake_alone(plan):
    """Their size decides the memory that jobs ask for."""
    checkout = copy_of_the_checkout(plan.folder)
    config = yaml.safe_load(TINY.read_text())
    del config["datasets"]["few_digits"]["expected"]
    file = plan.folder / "unsaid.yaml"
    file.write_text(yaml.safe_dump(config))
    target = "resources/embeddings/few_digits/X.npy"
    assert jobs(checkout.snakemake(target, config=file), [target]) == {"download": 1, "embed_fourier": 1}
    about = plan.folder / "resources/embeddings/few_digits/about.json"
    assert problem_size(None, about, []) == np.load(plan.folder / target).shape
    assert plan("tiny", options=["--configfile", str(file)])["fit"] == 2


def test_what_snakemake_does_not_bring_is_missed(foreign):
    command = [sys.executable, "-c", f"import json, sys\nsys.modules |= dict.fromkeys({foreign!r})\nimport numpy"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert re.search("ModuleNotFoundError: import of numpy halted", ended.stderr)

"""Planning needs Snakemake and what it brings: a conda user has nothing else before the first environment is made."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import packages_distributions, requires

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checkout import ROOT, TINY, Checkout, copy_of_the_checkout, jobs
from leaveout.memory import problem_size

#: Runs Snakemake where some modules cannot be imported; what it imported itself, for plugins that are here, it keeps.
WITHOUT = """
import json, sys
from snakemake.cli import main
sys.modules |= dict.fromkeys(json.loads(sys.argv[1]))
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


@dataclass(frozen=True)
class Planner:
    """A checkout where nothing can be imported that Snakemake does not bring."""

    checkout: Checkout
    foreign: list

    def jobs(self, *targets, options=()):
        """How many jobs of each rule a run of targets would take."""
        command = [sys.executable, "-c", WITHOUT, json.dumps(self.foreign), "--dry-run", "--cores", "1", "--nocolor"]
        ended = subprocess.run(
            [*command, *options, "--", *targets],
            cwd=self.checkout.folder,
            env=os.environ | {"XDG_CACHE_HOME": str(self.checkout.folder / ".cache")},
            timeout=300,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return jobs(ended, targets)


@pytest.fixture
def planner(foreign, tmp_path):
    return Planner(copy_of_the_checkout(tmp_path), foreign)


def test_all_studies_are_planned_with_snakemake_alone(planner):
    planned = planner.jobs()
    assert planned["embed_fourier"] == 1
    assert planned["embed_vision"] == 4  # as they are, and normalised


def test_studies_with_weights_of_packages_and_a_mirror_are_planned_with_snakemake_alone(planner, tmp_path):
    offline = ["--configfile", "config/offline.yaml", "--config", f"mirror={tmp_path}"]
    assert planner.jobs("offline", options=offline)["embed_bow"] == 1


def test_features_that_are_there_are_planned_with_snakemake_alone(planner, tmp_path):
    """Their size decides the memory that jobs ask for."""
    config = yaml.safe_load(TINY.read_text())
    del config["datasets"]["few_digits"]["expected"]
    file = tmp_path / "unsaid.yaml"
    file.write_text(yaml.safe_dump(config))
    target = "resources/embeddings/few_digits/X.npy"
    made = planner.checkout.snakemake(target, config=file)
    assert jobs(made, [target]) == {"download": 1, "embed_fourier": 1}
    about = tmp_path / "resources/embeddings/few_digits/about.json"
    assert problem_size(None, about, []) == np.load(tmp_path / target).shape
    assert planner.jobs("tiny", options=["--configfile", str(file)])["fit"] == 2


def test_what_snakemake_does_not_bring_is_not_there(foreign):
    command = [sys.executable, "-c", f"import json, sys\nsys.modules |= dict.fromkeys({foreign!r})\nimport numpy"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert re.search("ModuleNotFoundError: import of numpy halted", ended.stderr)

"""Two ways to install the same versions: the conda environments and the lock for pip."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
#: Packages that conda-forge names otherwise.
PIP_NAMES = {"matplotlib-base": "matplotlib"}
LINE = re.compile(r"^([A-Za-z0-9._-]+)==([0-9.]+)\S*\s*(?:;\s*(.+?))?\s*\\?$", re.MULTILINE)


def conda_pins():
    content = yaml.safe_load((ROOT / "envs" / "core.yaml").read_text())
    return dict(re.fullmatch(r"(\S+) =([0-9.]+)", line).groups() for line in content["dependencies"])


def locked_versions():
    """Version of each package in the lock, for the Python of the conda environment."""
    lines = LINE.findall((ROOT / "requirements" / "run.txt").read_text())
    return {name: version for name, version, marker in lines if "python_full_version >= '3.12'" not in marker}


@pytest.mark.parametrize("package", sorted(set(conda_pins()) - {"python"}))
def test_conda_and_pip_agree_on_major_and_minor_version(package):
    locked = locked_versions()[PIP_NAMES.get(package, package)]
    assert locked.split(".")[:2] == conda_pins()[package].split(".")


def test_the_conda_environment_has_the_oldest_supported_python():
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert f'requires-python = ">={conda_pins()["python"]}"' in pyproject


def test_every_package_that_the_workflow_needs_is_in_both():
    pyproject = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(pyproject)["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["workflow"]
    needed = {re.match(r"[a-z0-9-]+", requirement).group() for requirement in listed}
    assert {"numpy", "scipy", "pyarrow", "snakemake"} <= needed
    conda = {PIP_NAMES.get(name, name) for name in conda_pins()}
    assert needed - {"snakemake"} <= conda  # Snakemake starts the jobs, from an environment of its own
    assert needed <= set(locked_versions())

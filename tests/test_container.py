"""The container recipe, which is not built in any test: what it names is there, and it runs what the workflow needs."""

import json
import re
import shlex
from importlib.metadata import entry_points

import pytest

from checkout import ROOT
from conda.environments import read_environment

#: A line of a recipe; a backslash at its end is used nowhere.
INSTRUCTION = re.compile(r"^([A-Z]+) (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def recipe():
    """Arguments of each kind of instruction, in order."""
    found = {}
    for name, arguments in INSTRUCTION.findall((ROOT / "Dockerfile").read_text()):
        found.setdefault(name, []).append(arguments)
    return found


def test_the_python_is_that_of_the_environments(recipe):
    python = read_environment(ROOT / "envs" / "core.yaml").conda["python"]
    assert recipe["FROM"] == [f"python:{python}-slim"]


def test_who_runs_it_has_a_home_and_a_name(recipe):
    [variables] = recipe["ENV"]
    assert {name.split("=")[0] for name in variables.split()} == {"HOME", "USER"}


def test_what_is_copied_is_there_and_not_ignored(recipe):
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for arguments in recipe["COPY"]:
        source, _ = arguments.split()
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored


def test_packages_come_from_the_projects_requirements(recipe):
    (copied,) = (arguments.split() for arguments in recipe["COPY"])
    files = [word for run in recipe["RUN"] for word in shlex.split(run) if word.endswith(".txt")]
    assert files == ["/requirements/run.txt", "/requirements/embed.txt"]
    for file in files:
        assert (ROOT / file.replace(copied[1], copied[0], 1)).is_file()
    locked = recipe["RUN"][0]
    assert "--require-hashes" in locked
    assert "--no-deps" in locked
    assert [name for name in recipe["ARG"] if f'"${name.rstrip("=")}"' not in " ".join(recipe["RUN"])] == []


def test_it_runs_a_study_by_snakemake(recipe):
    (command,), (study,) = map(json.loads, recipe["ENTRYPOINT"]), map(json.loads, recipe["CMD"])
    assert command[0] in {script.name for script in entry_points(group="console_scripts")}
    assert "snakemake==" in (ROOT / "requirements" / "run.txt").read_text()
    assert study == ["demo"]

"""Three lines are a configuration: what is left out has a default, and what has none is asked for."""

from pathlib import Path

import pytest
import yaml

from leaveout.config import load
from leaveout.errors import ConfigError

ROOT = Path(__file__).parents[1]
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "config.schema.yaml"
OWN = {"files": {"mine.npz": {"path": "data/mine.npz"}}}
FETCHED = {"files": {"theirs.csv": {"url": "https://example.org/theirs.csv"}}}
DATASET = {"source": "mine", "regularization": 1e-3}


def loaded(tmp_path, source=OWN, dataset=DATASET, study=None):
    config = {"seed": 0, "sources": {"mine": source}, "datasets": {"mine": dataset}}
    config["studies"] = {"my_study": {"datasets": ["mine"], **(study or {})}}
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(config))
    return load(config, SCHEMA_FILE, [file])


def error(tmp_path, **settings):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, **settings)
    return str(caught.value).removeprefix(f"{tmp_path / 'mine.yaml'}: ")


def test_a_data_set_is_a_source_and_a_lambda(tmp_path):
    config = loaded(tmp_path)
    assert config.datasets["mine"] == {
        "title": "mine",
        "description": "",
        "source": "mine",
        "parser": "table",
        "embedding": {"method": "features"},
        "split": {"train": 0.8, "seed": 0, "generator": "default_rng"},
        "regularization": 1e-3,
        "regularizer": "per_sample",
        "intercept": "penalized",
    }
    (run,) = config.studies["my_study"].runs
    assert run.settings["regularization"] == 1e-3


def test_files_of_the_users_own_have_the_licence_own(tmp_path):
    assert loaded(tmp_path).sources["mine"]["license"] == "own"


def test_what_is_given_is_no_default(tmp_path):
    given = {"title": "Mine", "description": "d", "split": "source", "intercept": "none", "parser": "digits"}
    config = loaded(tmp_path, OWN | {"license": "CC0"}, DATASET | given)
    assert {key: config.datasets["mine"][key] for key in given} == given
    assert config.sources["mine"]["license"] == "CC0"


@pytest.mark.parametrize("files", [FETCHED["files"], OWN["files"] | FETCHED["files"]])
def test_what_is_fetched_needs_a_licence(tmp_path, files):
    assert error(tmp_path, source={"files": files}) == (
        "sources.mine.license: missing: allowed: the licence of the files, or of the model, as text"
    )


def test_a_missing_lambda_is_asked_for_with_a_start(tmp_path):
    message = error(tmp_path, dataset={"source": "mine"})
    assert message.startswith("datasets.mine.regularization: missing: allowed: number, > 0 (lambda, in mean form; ")
    assert "start with 1e-3" in message


def test_a_data_set_of_unknown_size_takes_any_training_size_and_one_of_known_size_no_larger(tmp_path):
    study = {"vary": [{"dataset": "mine", "n_train": [50, 5000]}]}
    assert len(loaded(tmp_path, study=study).studies["my_study"].runs) == 3
    message = error(tmp_path, dataset=DATASET | {"expected": {"n_train": 80, "d": 2}}, study=study)
    assert message.startswith("studies.my_study.vary.0.n_train.1 = 5000: allowed: at most the data set's expected.")


def test_a_data_set_that_extends_another_has_its_title(tmp_path):
    config = {"sources": {"mine": OWN}, "datasets": {"mine": DATASET | {"title": "Mine"}, "more": {"extends": "mine"}}}
    studies = {"my_study": {"datasets": ["mine"]}}
    assert load({"seed": 0, "studies": studies} | config, SCHEMA_FILE, []).datasets["more"]["title"] == "Mine"

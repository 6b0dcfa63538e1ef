"""Samples that are made up by a design: a data set without files."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

import leaveout
from checkout import copy_of_the_checkout, jobs
from leaveout.dataset_tables import licenses_table
from leaveout.datasets import parser, records_of
from leaveout.embed import Machine
from leaveout.errors import InvalidData
from leaveout.exhibits import exhibit
from leaveout.model_file import read_summary
from leaveout.preparation import prepare
from leaveout.vouching import PUBLISHED, vouched

DESIGN = {"samples": 600, "features": 40, "steepness": 4.0, "seed": 0}
STEEPNESSES = (0.0, 1.0, 4.0, 20.0)


def curvature(steepness):
    """What a model leaves of the curvature, and its accuracy on samples that it has not seen."""
    records = parser("made_up")({**DESIGN, "steepness": steepness})
    X, y = records.payload, np.array(records.classes, int)
    model = leaveout.fit(X[:400], y[:400], 1e-5, intercept="penalized")
    return model.curvature.mean(), model.accuracy(X[400:], y[400:])


def test_a_design_makes_the_same_samples_every_time_and_another_seed_others():
    first, again = (parser("made_up")(DESIGN) for _ in range(2))
    other = parser("made_up")({**DESIGN, "seed": 1})
    assert np.array_equal(first.payload, again.payload)
    assert first.classes == again.classes
    assert first.ids == again.ids
    assert not np.array_equal(first.payload, other.payload)


def test_designs_that_differ_in_steepness_have_the_same_features_and_other_labels():
    flat, steep = (parser("made_up")({**DESIGN, "steepness": steepness}) for steepness in (1.0, 20.0))
    assert np.array_equal(flat.payload, steep.payload)
    assert 0 < np.mean(np.array(flat.classes) != np.array(steep.classes)) < 0.5


def test_the_steeper_the_labels_the_less_curvature_is_left_and_without_steepness_they_are_tossed():
    left, accuracies = zip(*map(curvature, STEEPNESSES), strict=True)
    assert list(left) == sorted(left, reverse=True)
    assert left[0] > 0.2
    assert left[-1] < 0.1
    assert accuracies[0] == pytest.approx(0.5, abs=0.1)
    assert accuracies[-1] > 0.75


def test_a_sample_is_shown_by_its_numbers():
    records = records_of("made_up", [], DESIGN)
    shown = exhibit("made_up", None, [], records.ids[7], int(records.classes[7]), DESIGN)
    assert shown.kind == "numbers"
    assert (shown.id, shown.own, shown.label) == ("made-up-000007", records.classes[7], records.classes[7])
    assert np.array_equal(shown.content, records.payload[7])


def test_an_embedding_that_is_made_up_has_no_files_and_says_by_what_design(tmp_path):
    entry = {"source": DESIGN, "parser": "made_up", "classes": None, "embedding": {"method": "features"}}
    names = {"X": "X.npy", "samples": "samples.parquet", "about": "about.json"}
    outputs = SimpleNamespace(**{key: str(tmp_path / name) for key, name in names.items()})
    inputs = SimpleNamespace(raw=[], weights=[], origins=[])
    prepare({**entry, "split": {"train": 0.8, "seed": 0}}, inputs, outputs, Machine("cpu"), "digest")
    about = json.loads((tmp_path / "about.json").read_text())
    assert (about["design"], about["sources"], about["shape"]) == (DESIGN, [], [600, 40])
    assert vouched(tmp_path / "about.json") == PUBLISHED
    assert np.array_equal(np.load(outputs.X), np.float32(parser("made_up")(DESIGN).payload))
    with pytest.raises(InvalidData, match=r"steepness.*split: of 600 samples, 600 for training"):
        prepare({**entry, "split": {"train": 1.0, "seed": 0}}, inputs, outputs, Machine("cpu"), "digest")


def test_nobody_licenses_what_is_made_up():
    entries = [{"title": title, "source": DESIGN} for title in ("One", "Two")]
    assert licenses_table(entries, {}).to_numpy().tolist() == [["made up", "none needed", "One; Two"]]


def test_samples_that_are_made_up_pass_all_stages_to_figures_and_tables(tmp_path):
    study = {
        "datasets": ["made"],
        "removal": {"strategies": ["random", "top_positive_test_loss"], "sizes": {"min": 1, "max": 3, "count": 2}},
        "poisoning": {"dataset": "made", "samples": 5, "planted": 5, "draws": 5, "retrained": 2},
        "suspects": 3,
        "bootstrap": 100,
        "audit": {
            "sizes": {"min": 1, "max": 3, "count": 2},
            "repeats": 2,
            "scaling": {"n": [100, 200], "d": [2, 4], "designs": 2, "draws": 2},
        },
    }
    made = {"source": {**DESIGN, "samples": 250}, "parser": "made_up", "regularization": 1e-4}
    config = {"studies": {"mine": study}, "datasets": {"made": made}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    checkout = copy_of_the_checkout(tmp_path)
    products = ("figures/figure3.pdf", "figures/audit_separability.pdf", "tables/influential.csv", "tables/table2.csv")
    targets = [f"results/mine/{product}" for product in products]
    ran = jobs(checkout.snakemake(*targets, config=tmp_path / "mine.yaml"), targets)
    assert "download" not in ran
    tables, fit = tmp_path / "results/mine/tables", read_summary(tmp_path / "results/mine/made/base/fit.npz")
    assert pd.read_csv(tables / "influential.csv")["id"].str.startswith("made-up-").all()
    separability = pd.read_csv(tables / "audit_separability.csv")
    assert separability["curvature"].unique().tolist() == [fit.curvature]
    assert fit.n_train == 200
    changed = over_design(config, steepness=1.0)
    (tmp_path / "changed.yaml").write_text(yaml.safe_dump(changed))
    again = checkout.snakemake(*targets, config=tmp_path / "changed.yaml", options=["--dry-run"])
    planned = jobs(again, targets)
    assert planned["embed_features"] == planned["fit"] == 1


def over_design(config, **changes):
    """The same configuration with another design."""
    made = config["datasets"]["made"]
    return config | {"datasets": {"made": made | {"source": made["source"] | changes}}}

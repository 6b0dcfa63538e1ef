"""The workflow itself, through real Snakemake, on a copy of the checkout: what runs, and what has to run again."""

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from checkout import ROOT, TINY, copy_of_the_checkout, jobs
from leaveout import poisoning, result_rows, suspicion
from leaveout.effects import PREDICTIONS, RETRAIN, read

STRATEGIES, SIZES, EVALUATIONS, VARIANTS = ("random", "high_loss"), 3, 3, ("base", "regularizer=fixed")
DRAWS = 5
RANKINGS = ("influential", "influential_groups", "suspects", "poisoning", *(f"detection/{i}" for i in range(DRAWS)))
LIBRARY = Path("workflow/scripts/leaveout")
#: What follows from a shard of a plotted strategy under the data set's own settings.
DOWNSTREAM = {"aggregate": 1, "calibration": 1, "certificates": 1, "figure1": 1, "figure4": 1, "run_record": 1}
#: What follows from a model under the data set's own settings.
INFLUENTIAL = {"influential": 1, "influential_table": 1, "influential_groups_table": 1}
RANKED = {"poisoning": 1, "detection": DRAWS, "detection_table": 1, "suspects": 1, "suspects_table": 1}
#: Figures that only studies with sweeps and poisoning have.
FURTHER = {"figure2": 1, "figure3": 1, "detection_figure": 1}
#: What follows from the embedding.
EMBEDDED = {
    "embed_fourier": 1,
    "fit": 2,
    "removal_sets": 2,
    "effects": 4,
    "table1": 1,
    **INFLUENTIAL,
    **RANKED,
    **DOWNSTREAM,
    **FURTHER,
}


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    """A checkout in which nothing has run."""
    return copy_of_the_checkout(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A checkout in which the tiny study has run, by its name."""
    checkout = copy_of_the_checkout(tmp_path_factory.mktemp("finished"))
    assert checkout.run("tiny") == {"download": 1, **EMBEDDED, "table2": 1, "table3": 1}
    return checkout


def test_a_study_by_its_name_makes_all_its_products(finished):
    made = {str(p.relative_to(finished.folder / "results/tiny")) for p in (finished.folder / "results").rglob("*.*")}
    forms = [("figures", ("figure1", "figure2", "figure3", "figure4", "detection"), ("pdf", "png", "svg", "csv"))]
    tables = ("calibration", "certificates", "detection", "influential", "influential_groups", "suspects")
    tables += ("table1", "table2", "table3")
    forms += [("tables", tables, ("csv", "md", "tex", "html"))]
    expected = {f"{folder}/{name}.{form}" for folder, names, kinds in forms for name in names for form in kinds}
    for variant in VARIANTS:
        expected |= {f"few_digits/{variant}/{name}" for name in ("fit.npz", "factor.npy", "removal_sets.parquet")}
        expected |= {f"few_digits/{variant}/effects/{strategy}.parquet" for strategy in STRATEGIES}
    expected |= {f"few_digits/base/{name}.parquet" for name in RANKINGS}
    assert made - {"few_digits"} == expected | {"effects.parquet", "run.yaml"}


def test_there_is_a_row_for_each_set_evaluation_and_method(finished):
    rows = read(finished.folder / "results/tiny/effects.parquet").to_pylist()
    counted = Counter((row["variant"], row["strategy"], row["evaluation"], row["method"]) for row in rows)
    assert len(counted) == len(VARIANTS) * len(STRATEGIES) * EVALUATIONS * len((*PREDICTIONS, RETRAIN))
    assert set(counted.values()) == {SIZES}
    assert {row["size"] for row in rows} == {7, 18, 29}  # 0.5, 1.25 and 2 % of 1437
    assert {(row["variant"], row["regularizer"]) for row in rows} == {
        ("base", "per_sample"),
        ("regularizer=fixed", "fixed"),
    }
    assert {(row["study"], row["dataset"], row["n_train"], row["regularization"]) for row in rows} == {
        ("tiny", "few_digits", 1437, 1e-5)
    }


def test_every_retrain_is_certified_and_no_prediction_is(finished):
    for row in read(finished.folder / "results/tiny/effects.parquet").to_pylist():
        if row["method"] == RETRAIN:
            assert row["status"] == "converged"
            assert row["gradient_norm"] <= 1e-10
            assert row["newton_decrement"] >= 0
            assert 0 < row["effect_error"] < abs(row["effect"])
            assert row["iterations"] > 0
        else:
            assert row["status"] is row["gradient_norm"] is row["effect_error"] is row["iterations"] is None


def test_every_poisoned_model_is_certified_and_every_ranking_complete(finished):
    folder = finished.folder / "results/tiny/few_digits/base"
    poisoned = result_rows.read(folder / "poisoning.parquet", poisoning.SCHEMA).to_pylist()
    assert Counter(row["method"] for row in poisoned) == {"if": 5, "rif": 5, RETRAIN: 5}
    assert {row["status"] for row in poisoned if row["method"] == RETRAIN} == {"converged"}
    for name, draw, samples in (("suspects", 0, 1437), *((f"detection/{i}", i, 1437 + 6) for i in range(DRAWS))):
        rows = result_rows.read(folder / f"{name}.parquet", suspicion.SCHEMA).to_pylist()
        counted = Counter((row["draw"], row["method"]) for row in rows if row["method"] != RETRAIN)
        assert counted == {(draw, method): samples for method in ("if", "rif")}
        assert {row["status"] for row in rows if row["method"] == RETRAIN} == {"converged"}
        assert {row["n_train"] for row in rows} == {1437}


def test_certificates_cover_every_retrained_model(finished):
    folder = finished.folder / "results/tiny"
    table = pd.read_csv(folder / "tables/certificates.csv")
    assert table["models"].tolist() == table["certified"].tolist()
    counted = dict(zip(zip(table["experiment"], table["variant"], strict=True), table["models"], strict=True))
    files = {"influential groups": "influential_groups", "poisoning": "poisoning", "suspects": "suspects"}
    expected = {("removal sets", variant): SIZES * len(STRATEGIES) for variant in VARIANTS}
    for experiment, name in files.items():
        rows = pq.read_table(folder / f"few_digits/base/{name}.parquet").to_pylist()
        expected[experiment, "base"] = sum(row["method"] == RETRAIN for row in rows)
    assert {place: count for place, count in counted.items() if place[0] != "detection"} == expected
    retrained = 3  # of the configuration: the top of each ranking, and a control
    assert DRAWS * retrained <= counted["detection", "base"] <= DRAWS * 3 * retrained


def test_both_conventions_remove_the_same_samples(finished):
    """Random sets are paired across variants; those that look at the model are not."""
    files = [finished.folder / f"results/tiny/few_digits/{variant}/removal_sets.parquet" for variant in VARIANTS]
    base, fixed = (
        {name: ids for name, ids in zip(*table.to_pydict().values(), strict=True) if name.startswith("random")}
        for table in (read_columns(file, ["set_id", "ids"]) for file in files)
    )
    assert len(base) == SIZES
    assert base == fixed


def read_columns(file, columns):
    import pyarrow.parquet as pq

    return pq.read_table(file, columns=columns)


def test_the_run_record_holds_the_settings_of_the_study_and_nothing_else(finished):
    record = yaml.safe_load((finished.folder / "results/tiny/run.yaml").read_text())
    assert set(record) == {"config", "library", "versions"}
    assert list(record["config"]["studies"]) == ["tiny"]
    assert list(record["config"]["datasets"]) == ["few_digits"]
    assert record["config"]["datasets"]["few_digits"]["regularization"] == 1e-5  # text to YAML
    assert record["config"]["studies"]["tiny"]["removal"]["repeats"] == 1  # a default
    assert {"python", "numpy", "snakemake"} <= set(record["versions"])


def test_a_second_run_does_nothing(finished):
    ended = finished.snakemake("tiny")
    assert ended.returncode == 0
    assert "Nothing to be done" in ended.stdout


def test_a_deleted_shard_is_made_again_with_what_depends_on_it(finished):
    results = finished.folder / "results/tiny"
    shard = results / "few_digits/regularizer=fixed/effects/high_loss.parquet"
    before, rows = shard.read_bytes(), read(results / "effects.parquet")
    shard.unlink()
    assert finished.run("tiny") == {"effects": 1, "aggregate": 1, "certificates": 1, "run_record": 1}
    assert shard.read_bytes() == before
    assert read(results / "effects.parquet").equals(rows)
    assert finished.planned("tiny") == {}


def test_a_deleted_shard_that_is_plotted_is_drawn_again(finished):
    shard = finished.folder / "results/tiny/few_digits/base/effects/random.parquet"
    aside = shard.rename(shard.with_suffix(".aside"))
    try:
        assert finished.planned("tiny") == {"effects": 1, **DOWNSTREAM}
    finally:
        aside.rename(shard)


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("leave_out", {"effects": 4, **INFLUENTIAL, **RANKED, **DOWNSTREAM, **FURTHER}),
        ("suspicion_tables", {"detection_table": 1, "suspects_table": 1}),
        ("influential_tables", {"influential_table": 1, "influential_groups_table": 1}),
        ("figures/style", {"figure1": 1, "figure4": 1, **FURTHER}),
        ("figures/sweep", {"figure2": 1}),
        ("exhibits", {"figure3": 1}),
        ("datasets/digits", EMBEDDED),
    ],
)
def test_an_edited_module_reruns_the_rules_that_use_it(finished, module, expected):
    with finished.edited(LIBRARY / f"{module}.py"):
        assert finished.planned("tiny") == expected


@pytest.mark.parametrize(
    ("key", "setting", "expected"),
    [
        ("poisoning", {"samples": 6}, {"poisoning": 1, "figure3": 1}),
        ("poisoning", {"draws": 6}, {"detection": 1, "detection_table": 1, "detection_figure": 1}),
        ("poisoning", {"planted": 7}, {"detection": DRAWS, "detection_table": 1, "detection_figure": 1}),
        ("influential", {"groups": [1, 3]}, INFLUENTIAL),
        ("suspects", 5, {"suspects": 1, "suspects_table": 1}),
    ],
)
def test_a_changed_setting_reruns_the_rules_that_it_decides(finished, tmp_path, key, setting, expected):
    config = yaml.safe_load(TINY.read_text())
    study = config["studies"]["tiny"]
    study[key] = study[key] | setting if isinstance(study.get(key), dict) else setting
    changed = tmp_path / "changed.yaml"
    changed.write_text(yaml.safe_dump(config, sort_keys=False))
    planned = jobs(finished.snakemake("tiny", config=changed, options=["--dry-run"]), ["tiny"])
    assert planned == {**expected, "certificates": 1, "run_record": 1}


@pytest.mark.parametrize(
    ("figure", "needed"),
    [
        ("figure2", {"removal_sets": 1, "effects": 1, "figure2": 1}),  # of the variant alone
        ("figure3", {"poisoning": 1, "figure3": 1}),
        ("figure4", {"removal_sets": 1, "effects": 1, "figure4": 1}),
        ("detection", {"detection": DRAWS, "detection_figure": 1}),
    ],
)
def test_one_figure_runs_what_it_needs_and_nothing_else(fresh, figure, needed):
    planned = fresh.planned(f"results/tiny/figures/{figure}.pdf")
    assert planned == {"download": 1, "embed_fourier": 1, "fit": 1, **needed}


def test_a_data_set_that_is_only_varied_is_drawn_and_tabulated(fresh):
    planned = fresh.planned("results/rif/figures/figure2.pdf")  # imdb and dogfish
    assert (planned["embed_text"], planned["embed_features"]) == (1, 1)
    assert planned["fit"] == planned["removal_sets"] == 6 + 6
    assert planned["effects"] == 7 * (6 + 6)
    assert fresh.planned("results/rif/tables/table1.csv")["fit"] == 5 + 1


def test_a_study_without_sweeps_or_poisoning_has_no_such_figure(fresh, tmp_path):
    plain = yaml.safe_load(TINY.read_text())
    del plain["studies"]["tiny"]["vary"], plain["studies"]["tiny"]["poisoning"]
    (tmp_path / "plain.yaml").write_text(yaml.safe_dump(plain))
    planned = jobs(fresh.snakemake("tiny", config=tmp_path / "plain.yaml", options=["--dry-run"]), ["tiny"])
    assert not {"detection", "detection_figure", "figure2", "figure3", "poisoning"} & set(planned)
    assert planned["figure1"] == 1
    ended = fresh.snakemake("results/tiny/figures/figure3.pdf", config=tmp_path / "plain.yaml", options=["--dry-run"])
    assert ended.returncode != 0
    assert "No rule to produce results/tiny/figures/figure3.pdf" in ended.stdout


def test_without_a_target_all_studies_are_asked_for(fresh):
    planned = fresh.planned()
    assert planned["figure1"] == 4  # demo, rif, separability and tiny
    assert planned["run_record"] == 6  # and the audits of rif and tiny
    assert planned["audit_effects"] == 1 + 8 + 5 + 1  # demo, rif with normalised images and imdb, separability, tiny
    assert planned["effects"] == 4 + 8 * (6 + 5) + 7 * 17
    assert planned["all"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("studies: {tiny: {datasets: [digits], bootstraps: 100}}", "studies.tiny.bootstraps: unknown key: allowed: "),
        ("seed: -1", "seed = -1: allowed: integer, >= 0"),
    ],
)
def test_a_wrong_configuration_is_refused_by_file_and_key(fresh, tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    ended = fresh.snakemake(options=["--dry-run"], config=file)
    assert ended.returncode != 0
    assert f"\n{file}: {message}" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_an_installed_copy_of_the_library_is_refused(fresh, tmp_path):
    shutil.copytree(fresh.folder / LIBRARY, tmp_path / "site" / "leaveout")
    ended = fresh.snakemake("resources/raw/digits/digits.csv.gz", PYTHONPATH=str(tmp_path / "site"))
    assert ended.returncode != 0
    assert "Traceback" not in ended.stdout
    assert f"leaveout was imported from {tmp_path / 'site' / 'leaveout'}" in ended.stdout
    assert f"not from {fresh.folder / LIBRARY}" in ended.stdout
    assert "pip uninstall leaveout" in ended.stdout
    assert not (fresh.folder / "resources/raw/digits/digits.csv.gz").exists()


def test_the_command_that_the_documentation_gives_for_a_users_own_file_works(fresh):
    """The line of config/README.md, to the letter but for the names."""
    documented = "snakemake --cores 4 my_study --configfile my.yaml"
    assert documented in (ROOT / "config" / "README.md").read_text()
    command = documented.replace("my_study", "tiny").replace("my.yaml", str(TINY)).split()[1:]
    ended = subprocess.run(
        [sys.executable, "-m", "snakemake", *command, "--dry-run", "--nocolor"],
        cwd=fresh.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "effects" in ended.stdout + ended.stderr


def test_studies_cannot_be_named_like_rules(fresh):
    listed = set(fresh.snakemake(options=["--list-rules"]).stdout.split())
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    reserved = set(schema["$defs"]["reserved"]["not"]["enum"])
    assert reserved <= listed
    rules = {line.split()[1].rstrip(":") for line in rule_lines()}
    assert rules == reserved


def rule_lines():
    """Lines that begin a rule with a name of its own."""
    files = [ROOT / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    for line in "\n".join(file.read_text() for file in files).splitlines():
        if re.match(r"rule \w+:", line):
            yield line
        elif found := re.match(r"use rule \w+ as (\w+) with:", line):
            yield f"rule {found.group(1)}:"


def test_lint_finds_nothing(fresh):
    ended = fresh.snakemake(options=["--lint"])
    assert ended.returncode == 0
    assert "Congratulations, your workflow is in a good condition!" in ended.stdout


def test_finer_shards_hold_the_same_rows(finished, tmp_path):
    finer = tmp_path / "finer.yaml"
    config = yaml.safe_load(TINY.read_text())
    config["studies"]["tiny"]["sizes_per_shard"] = 2
    finer.write_text(yaml.safe_dump(config, sort_keys=False))
    folder = finished.folder / "results/tiny/few_digits/base/effects"
    targets = [f"results/tiny/few_digits/base/effects/random-{part}.parquet" for part in ("0.5-1.25", "2-2")]
    try:
        assert jobs(finished.snakemake(*targets, config=finer), targets) == {"effects": 2}
        parts = [read(finished.folder / target).to_pylist() for target in targets]
    finally:
        for target in targets:
            (finished.folder / target).unlink(missing_ok=True)
    whole = read(folder / "random.parquet").to_pylist()
    assert [row["set_id"] for part in parts for row in part] == [row["set_id"] for row in whole]
    for mine, theirs in zip([row for part in parts for row in part], whole, strict=True):
        assert mine["effect"] == pytest.approx(theirs["effect"], rel=1e-9, abs=1e-12)


FIRST, SECOND = b"the first file\n", b"the second file\n"


@pytest.fixture
def mirrored(tmp_path):
    """A checkout, a configuration with a source of two files, and a folder that mirrors it."""
    checkout = copy_of_the_checkout(tmp_path / "checkout")
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name, content in {"first.bin": FIRST, "second.bin": SECOND}.items():
        (mirror / name).write_bytes(content)
    (mirror / "SHA256SUMS").write_text(f"{sha256(FIRST).hexdigest()}  first.bin\n")
    files = {
        "first.bin": {"url": "https://127.0.0.1:9/first.bin", "sha256": "0" * 64},
        "second.bin": {"url": "https://127.0.0.1:9/second.bin"},
    }
    config = yaml.safe_load(TINY.read_text()) | {"sources": {"shared": {"license": "none", "files": files}}}
    for name, place in {"with.yaml": str(mirror), "without.yaml": None}.items():
        (tmp_path / name).write_text(yaml.safe_dump(config | {"mirror": place}))
    return checkout, tmp_path / "with.yaml", tmp_path / "without.yaml", mirror


def test_files_of_a_mirror_are_verified_kept_and_never_taken_for_published_ones(mirrored):
    checkout, with_mirror, without, mirror = mirrored
    folder = checkout.folder / "resources/raw/shared"
    targets = [f"resources/raw/shared/{name}.bin.origin.json" for name in ("first", "second")]
    fetched = checkout.snakemake(*targets, config=with_mirror)
    assert jobs(fetched, targets) == {"download": 2}
    assert [(folder / name).read_bytes() for name in ("first.bin", "second.bin")] == [FIRST, SECOND]
    records = [json.loads((checkout.folder / target).read_text()) for target in targets]
    assert [(r["checksum"], r["published"]) for r in records] == [("mirror", False), ("first download", None)]
    assert (checkout.folder / "resources/checksums/shared/second.bin.json").exists()
    # another mirror or none fetches nothing anew
    assert jobs(checkout.snakemake(*targets, config=without, options=["--dry-run"]), targets) == {}
    # a forced job verifies what is there, and does not need the network for it
    before = (folder / "second.bin").stat()
    assert jobs(checkout.snakemake(targets[1], config=without, options=["--force"]), targets) == {"download": 1}
    assert (folder / "second.bin").stat().st_ino == before.st_ino
    # a mirror's file whose list has changed is refused, and the old one stays with its record
    (mirror / "first.bin").write_bytes(SECOND)
    (mirror / "SHA256SUMS").write_text(f"{sha256(b'a third').hexdigest()}  first.bin\n")
    ended = checkout.snakemake(targets[0], config=with_mirror, options=["--force"])
    assert ended.returncode != 0
    assert f"sha256 is {sha256(SECOND).hexdigest()}, expected {sha256(b'a third').hexdigest()}" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert (folder / "first.bin").read_bytes() == FIRST
    assert json.loads((folder / "first.bin.origin.json").read_text()) == records[0]


def test_a_file_that_a_user_puts_in_place_is_verified_and_not_fetched(mirrored):
    checkout, _, without, _ = mirrored
    folder = checkout.folder / "resources/raw/shared"
    folder.mkdir(parents=True)
    (folder / "second.bin").write_bytes(SECOND)
    target = "resources/raw/shared/second.bin.origin.json"
    assert jobs(checkout.snakemake(target, config=without), [target]) == {"download": 1}
    assert (folder / "second.bin").read_bytes() == SECOND
    assert json.loads((checkout.folder / target).read_text())["origin"] == "found in place"


def test_workflows_share_what_was_published_and_never_a_mirrors_files(mirrored, tmp_path):
    checkout, with_mirror, without, _ = mirrored
    (tmp_path / "cache").mkdir()
    shared = {"options": ["--cache"], "SNAKEMAKE_OUTPUT_CACHE": str(tmp_path / "cache")}
    digits = "resources/raw/digits/digits.csv.gz"
    assert checkout.snakemake(digits, config=without, **shared).returncode == 0
    assert (checkout.folder / digits).resolve().parent == tmp_path / "cache"
    assert len(list((tmp_path / "cache").iterdir())) == 2
    target = "resources/raw/shared/first.bin"
    assert checkout.snakemake(target, config=with_mirror, **shared).returncode == 0
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert not (checkout.folder / target).is_symlink()


def test_published_features_reach_the_models_as_they_are_in_their_own_split(tmp_path):
    checkout = copy_of_the_checkout(tmp_path / "checkout")
    generator, features = np.random.default_rng(0), {"train": 40, "test": 10}
    for part, n in features.items():
        features[part] = generator.normal(size=(n, 3)).astype(np.float32)
        arrays = {"inception_features_val": features[part], "labels": np.arange(n) % 2}
        np.savez(tmp_path / f"dogfish_900_300_inception_features_{part}.npz", **arrays)
    config = tmp_path / "mirrored.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(TINY.read_text()) | {"mirror": str(tmp_path)}))
    target = "resources/embeddings/dogfish/X.npy"
    assert jobs(checkout.snakemake(target, config=config), [target]) == {"download": 2, "embed_features": 1}
    folder = checkout.folder / "resources/embeddings/dogfish"
    assert np.load(folder / "X.npy").tolist() == np.concatenate([features["train"], features["test"]]).tolist()
    samples = pq.read_table(folder / "samples.parquet").to_pandas()
    assert samples["split"].tolist() == ["train"] * 40 + ["test"] * 10
    assert samples["y"].tolist() == [*(np.arange(40) % 2), *(np.arange(10) % 2)]
    about = json.loads((folder / "about.json").read_text())
    assert [source["checksum"] for source in about["sources"]] == ["first download"] * 2

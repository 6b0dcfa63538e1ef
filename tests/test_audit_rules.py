"""The rules of an audit, through real Snakemake: whose models it uses, what it makes, and what has to run again."""

import re
from functools import reduce
from operator import getitem

import pandas as pd
import pytest
import yaml

from checkout import ROOT, TINY, copy_of_the_checkout, jobs
from leaveout import conventions, result_rows
from leaveout.certificate import Status
from leaveout.removal import read_removal_sets
from leaveout.scaling import SCHEMA as SCALING
from leaveout.scaling import SYNTHETIC

RUN = "few_digits/base"


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """A checkout in which the audit of the tiny study has run, and nothing else of that study."""
    checkout = copy_of_the_checkout(tmp_path_factory.mktemp("audited"))
    counted = checkout.run("tiny_audit")
    return checkout, counted


def test_an_audit_makes_its_products_and_no_others(audited):
    checkout, counted = audited
    results = checkout.folder / "results"
    assert counted["audit_sets"] == counted["audit_effects"] == 1
    assert not {"effects", "aggregate", "figure1", "table1", "influential"} & set(counted)
    assert {path.parent.name for path in (results / "tiny_audit").rglob("*.*")} == {
        *("audit", "figures", "tables", "tiny_audit"),
        *("n_train=300", "n_train=600", "scaling"),
    }
    assert checkout.planned("tiny_audit") == {}


def test_an_audit_uses_the_models_of_the_study_that_it_audits(audited):
    results = audited[0].folder / "results"
    assert (results / "tiny" / RUN / "fit.npz").is_file()
    assert not (results / "tiny_audit" / RUN / "fit.npz").exists()


def test_the_first_sets_of_an_audit_are_the_studys_own_and_the_published_selection_has_one_seed(audited):
    sets = read_removal_sets(audited[0].folder / "results/tiny_audit" / RUN / "audit/removal_sets.parquet")
    published = [one for one in sets if one.strategy.startswith("published_")]
    assert {one.repeat for one in published} == {0}
    assert len(published) == 4 * 2
    assert len(sets) - len(published) == 2 * 2 * 2


def test_every_retrained_model_of_an_audit_is_certified(audited):
    rows = result_rows.read(
        audited[0].folder / "results/tiny_audit" / RUN / "audit/effects.parquet", conventions.SCHEMA
    ).to_pandas()
    truth = rows[rows["method"] == "retrain"]
    assert set(truth["status"]) == {Status.CONVERGED.value}
    assert set(truth["convention"]) == {"per_sample", "fixed", "as_published"}


def test_tables_of_an_audit_have_a_row_for_each_question(audited):
    tables = audited[0].folder / "results/tiny_audit/tables"
    conventions_table = pd.read_csv(tables / "audit_conventions.csv")
    assert len(conventions_table) == 3 * 3 * (3 + 2)  # functions, estimators, conventions and selections
    assert len(pd.read_csv(tables / "audit_seeds.csv")) == 3 * 3
    assert len(pd.read_csv(tables / "audit_paired.csv")) == 3 * 2


def test_the_published_truth_and_the_growth_of_errors_have_their_tables(audited):
    checkout, counted = audited
    tables = checkout.folder / "results/tiny_audit/tables"
    convergence = pd.read_csv(tables / "audit_convergence.csv")
    assert len(convergence) == 3 * (3 + 3 * 4)  # functions; the published truths, and each estimator by each judge
    assert set(convergence["sets"]) == {2 * 2}  # of the first seed, none of the published selection
    assert counted["audit_synthetic"] == 1
    assert counted["audit_scaling"] == 2  # runs of 300 and 600 samples
    scaling = pd.read_csv(tables / "audit_scaling.csv")
    assert list(scaling["dataset"].unique()) == [SYNTHETIC, "few_digits"]
    assert scaling["form"].notna().all()


def test_the_growth_of_errors_is_measured_on_the_draws_and_designs_that_are_asked_for(audited):
    results = audited[0].folder / "results/tiny_audit"
    for path in ("few_digits/n_train=300/audit/scaling.parquet", "scaling/synthetic.parquet"):
        rows = result_rows.read(results / path, SCALING).to_pandas()
        assert set(rows["draw"]) == {0, 1}, path
    assert set(rows["design"]) == {0, 1}
    assert set(rows["n_train"]) == {100, 200}


#: What is drawn and tabulated from the removal sets of an audit, from some of their rows, and from random sets.
OF_EFFECTS = {"conventions", "seeds", "paired", "convergence", "separability"}
OF_PREDICTIONS, OF_THEOREM = {"predictions", "failures", "failing_sets"}, {"theorem", "theorem_constants"}
OF_SETS, OF_SCALING = OF_EFFECTS | OF_PREDICTIONS | OF_THEOREM, {"scaling"}
#: All that measures removal sets.
SETS = {"sets", "effects", "convergence", "predictions", "theorem"}


@pytest.mark.parametrize(
    ("setting", "value", "measured", "presented"),
    [
        ("audit.repeats", 3, SETS, OF_SETS),
        ("audit.sizes.max", 3, SETS, OF_SETS),
        ("audit.scaling.n", [100, 300], {"synthetic"}, OF_SCALING),
        ("audit.scaling.designs", 3, {"synthetic"}, OF_SCALING),
        ("audit.scaling.draws", 3, {"synthetic", "scaling"}, OF_SCALING),
        ("vary", [{"dataset": "few_digits", "n_train": [300]}], set(), OF_SCALING),
        ("evaluations", ["test_loss"], {"effects", "convergence", "theorem"}, OF_EFFECTS | OF_THEOREM),
        ("iteration_limit", 99, {"effects", "predictions", "scaling"}, OF_EFFECTS | OF_PREDICTIONS | OF_SCALING),
        ("bootstrap", 200, set(), OF_SETS | OF_SCALING),
    ],
)
def test_a_setting_of_an_audit_has_run_again_what_depends_on_it_and_nothing_else(
    audited, tmp_path, setting, value, measured, presented
):
    config = yaml.safe_load(TINY.read_text())
    *path, last = setting.split(".")
    reduce(getitem, path, config["studies"]["tiny_audit"])[last] = value
    (tmp_path / "changed.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    finished = audited[0].snakemake("tiny_audit", options=["--dry-run"], config=tmp_path / "changed.yaml")
    planned = set(jobs(finished, ["tiny_audit"])) - {"run_record"}
    shown = {name for name in planned if name.endswith(("_table", "_figure"))}
    assert planned - shown == {f"audit_{name}" for name in measured}
    assert {re.fullmatch("audit_(.+)_(table|figure)", name)[1] for name in shown} == presented


def test_the_report_can_link_to_each_of_its_categories():
    """Snakemake makes a link target of a category, and that ends at a colon: two of one name break its first page."""
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    categories = set(re.findall(r'category="([^"]+)"', rules))
    assert len({name.split(":")[0] for name in categories}) == len(categories) > 10

"""docs/findings.md says what the tables of its runs say, and runs of today agree with them."""

import os
from pathlib import Path

import pytest
import yaml

from checkout import ROOT, copy_of_the_checkout
from findings import PAGE, TABLES, findings, stated

#: Folder of results that holds a fresh run of `demo`, and of other studies perhaps; `make test-findings` names it.
RESULTS = "LEAVEOUT_RESULTS"
FINDINGS = findings()


def identity(finding):
    return f"{finding.cell.name}:{'-'.join(finding.cell.row.values())}:{finding.cell.statistic}"


def agrees(finding, value):
    """Within the stated interval, or equal to a number that has none up to its rounding."""
    number, low, high = finding.limits
    if low is None:
        return value == pytest.approx(number, rel=5e-3)
    return low - 1e-3 * abs(low) <= value <= high + 1e-3 * abs(high)


def test_there_are_findings_of_each_run():
    assert {finding.cell.study for finding in FINDINGS} == {"demo", "offline_audit", "separability"}


def test_every_row_of_the_page_is_a_finding():
    tables = PAGE.read_text(encoding="utf-8").split("| what was found | ")[1:]
    rows = [line for table in tables for line in table.split("\n\n")[0].splitlines()[2:] if line.startswith("| ")]
    assert len(rows) == len(FINDINGS) > 100


@pytest.mark.parametrize("finding", FINDINGS, ids=identity)
def test_every_finding_is_in_the_table_that_it_names(finding):
    assert finding.number == stated(*finding.cell.read(TABLES / finding.cell.name))


@pytest.mark.findings
@pytest.mark.parametrize("finding", FINDINGS, ids=identity)
def test_a_fresh_run_finds_the_same(finding):
    """The demo's run is there; those of other studies where somebody has run them."""
    table = Path(os.environ[RESULTS]) / finding.cell.study / "tables" / f"{finding.cell.table}.csv"
    if finding.cell.study != "demo" and not table.is_file():
        pytest.skip(f"there is no {table}")
    value, _, _ = finding.cell.read(table)
    assert agrees(finding, value)


def audited_afresh(folder, study, dataset, config, options=()):
    """Tables of the audit of one data set alone, run afresh, by the settings of a configuration file."""
    contents = yaml.safe_load((ROOT / "config" / config).read_text(encoding="utf-8"))
    kept = {key: value for key, value in contents["studies"][study].items() if key in ("runs_of", "audit")}
    contents["studies"][study] = kept | {"datasets": [dataset]}
    (folder / "one.yaml").write_text(yaml.safe_dump(contents, sort_keys=False))
    done = copy_of_the_checkout(folder).snakemake(study, config=folder / "one.yaml", options=list(options))
    assert done.returncode == 0, done.stdout
    return folder / "results" / study / "tables"


@pytest.fixture(scope="module")
def dogfish(tmp_path_factory, mirror):
    options = ["--config", f"mirror={mirror}"]
    return audited_afresh(tmp_path_factory.mktemp("audit"), "offline_audit", "dogfish", "offline.yaml", options)


@pytest.fixture(scope="module")
def separable(tmp_path_factory):
    return audited_afresh(tmp_path_factory.mktemp("audit"), "separability", "separable_10", "config.yaml")


def of(dataset):
    """Findings of one data set."""
    return pytest.mark.parametrize(
        "finding", [f for f in FINDINGS if f.cell.row.get("dataset") == dataset], ids=identity
    )


@pytest.mark.findings
@of("dogfish")
def test_a_fresh_audit_of_dogfish_finds_the_same(finding, dogfish):
    value, _, _ = finding.cell.read(dogfish / f"{finding.cell.table}.csv")
    assert agrees(finding, value)


@pytest.mark.findings
@of("separable_10")
def test_a_fresh_audit_of_made_up_data_finds_the_same(finding, separable):
    value, _, _ = finding.cell.read(separable / f"{finding.cell.table}.csv")
    assert agrees(finding, value)

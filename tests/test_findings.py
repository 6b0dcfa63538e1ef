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


def stated_of(*texts):
    """The numbers of some findings, by their words."""
    by_text = {finding.text: finding.limits[0] for finding in FINDINGS}
    return [by_text[text] for text in texts]


def gains(data):
    """How many times the error of the Newton step shrinks by the truth that was stopped early."""
    optimum, stopped = stated_of(
        f"{data}: median error of NS at the optimum",
        f"{data}: median error of NS against the truth that was stopped early",
    )
    return optimum / stopped


def test_ratios_in_the_prose_are_those_of_the_rows():
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert "a little on Enron, four times on Dogfish, fifty times on the plain self loss of Digits" in page
    assert gains("Enron, test loss") < 1.5
    assert gains("Dogfish, test loss") == pytest.approx(4, abs=0.5)
    assert gains("Digits, plain self loss") == pytest.approx(50, abs=5)
    assert "on 73 to 97 % of the sets of every data set" in page
    closer = [one.limits[0] for one in FINDINGS if one.text.endswith("test loss: sets on which RIF is closer than IF")]
    assert len(closer) == 6
    assert (min(closer), max(closer)) == pytest.approx((0.73, 0.97), abs=0.005)
    assert (
        "RIF and NS are off by some four times what they are off by on random sets of the same sizes, or more" in page
    )
    for data in ("Digits", "Dogfish", "Enron"):
        for method in ("RIF", "NS"):
            top, random = stated_of(
                f"{data}, top sets of positive test prediction: median error of {method}",
                f"{data}, random sets: median error of {method}",
            )
            assert top / random > 3.5, (data, method)


#: Slopes of IF, RIF and NS on the complete Enron mails that were known before.
KNOWN = {"test prediction": (0.64, 0.88, 1.02), "test loss": (0.46, 0.88, 1.03), "plain self loss": (0.38, 0.90, 1.08)}


def test_what_was_known_of_enron_is_confirmed_as_closely_as_the_page_says():
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert "**Confirmed within 0.04**" in page
    for evaluation, slopes in KNOWN.items():
        assert f"{' / '.join(f'{slope:.2f}' for slope in slopes)} for the {evaluation}" in page
        found = stated_of(*(f"Enron, fixed, {evaluation}: slope of {name}" for name in ("IF", "RIF", "NS")))
        assert found == pytest.approx(slopes, abs=0.0405)


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

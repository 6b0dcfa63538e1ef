"""Jobs that were given too little memory: refused before they compute anything, by name, and repeated with more."""

import re
from pathlib import Path

import pytest

from checkout import copy_of_the_checkout

pytestmark = pytest.mark.faults

RUN = Path("results/tiny/few_digits/base")
#: What each rule makes.
MADE = {
    "fit": "fit.npz",
    "removal_sets": "removal_sets.parquet",
    "effects": "effects/random.parquet",
    "influential": "influential.parquet",
    "suspects": "suspects.parquet",
    "poisoning": "poisoning.parquet",
    "detection": "detection/0.parquet",
}
#: Rules that the others wait for.
FIRST = ("fit", "removal_sets")
TOO_LITTLE, LIMIT = 100, 300
REFUSED = (
    r"{rule}: few_digits needs (\d+) MB for 1437 training and 360 test samples of 64 features, mem_mb gives {given}\. "
    r"Nothing was computed\. Give it --set-resources ({rule}:mem_mb=\d+)"
)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A checkout in which all is there that the jobs of one run begin with."""
    checkout = copy_of_the_checkout(tmp_path_factory.mktemp("memory_limits"))
    done = checkout.snakemake(str(RUN / MADE["removal_sets"]), timeout=LIMIT)
    assert done.returncode == 0, done.stdout
    return checkout


def refusal(output, rule, given):
    """What a job said when it was refused: the estimate, in MB, and the option that helps."""
    found = re.search(REFUSED.format(rule=rule, given=given), output)
    assert found, output
    return int(found[1]), found[2]


def limits(options):
    """Options that give rules memory."""
    return ["--keep-going", "--set-resources", *options]


@pytest.mark.fault("a job would not fit its memory", "`--set-resources` with 100 MB", "refused before it computes")
def test_jobs_that_would_not_fit_are_refused_and_run_with_what_the_refusals_name(fitted, record_property):
    rules = [rule for rule in MADE if rule not in FIRST]
    targets = [str(RUN / MADE[rule]) for rule in rules]
    ended = fitted.snakemake(*targets, options=limits(f"{rule}:mem_mb={TOO_LITTLE}" for rule in rules), timeout=LIMIT)
    assert ended.returncode != 0
    refused = [refusal(ended.stdout, rule, TOO_LITTLE) for rule in rules]
    assert all(needed > TOO_LITTLE for needed, _ in refused)
    assert not [target for target in targets if (fitted.folder / target).exists()]
    done = fitted.snakemake(*targets, options=limits(option for _, option in refused), timeout=LIMIT)
    assert done.returncode == 0, done.stdout
    record_property("trials", len(rules))


@pytest.mark.fault("a job would not fit its memory", "`--set-resources` with 100 MB", "refused before it computes")
def test_a_run_that_would_not_fit_does_not_begin(fitted, record_property):
    for rule in FIRST:
        target = RUN.with_name("regularizer=fixed") / MADE[rule]
        ended = fitted.snakemake(str(target), options=limits([f"{rule}:mem_mb={TOO_LITTLE}"]), timeout=LIMIT)
        assert ended.returncode != 0
        refusal(ended.stdout, rule, TOO_LITTLE)
        assert not (fitted.folder / target).exists()
    record_property("trials", len(FIRST))


@pytest.mark.fault(
    "a job would not fit its memory", "`--resources` caps all jobs at 100 MB", "refused before it computes"
)
def test_a_limit_for_all_jobs_refuses_those_that_exceed_it(fitted):
    target = RUN / "effects" / "high_loss.parquet"
    ended = fitted.snakemake(str(target), options=["--resources", f"mem_mb={TOO_LITTLE}"], timeout=LIMIT)
    assert ended.returncode != 0
    refusal(ended.stdout, "effects", TOO_LITTLE)
    assert not (fitted.folder / target).exists()


@pytest.mark.fault("a first attempt has too little memory", "`mem_mb` that grows with attempts", "repeated with more")
def test_a_refused_attempt_is_repeated_with_more(fitted):
    target = RUN / "effects" / "high_loss.parquet"
    growing = ["--set-resources", "effects:mem_mb=100 * attempt**5", "--retries", "1"]
    done = fitted.snakemake(str(target), options=growing, timeout=LIMIT)
    assert done.returncode == 0, done.stdout
    refusal(done.stdout, "effects", TOO_LITTLE)
    assert (fitted.folder / target).is_file()

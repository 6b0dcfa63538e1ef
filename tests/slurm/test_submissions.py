"""What studies ask a cluster for: few submissions, each by the size of its problem, planned fast. Needs no cluster."""

import re
import resource
import subprocess
import sys

import pytest
import yaml

from bench import submissions
from checkout import ROOT

pytestmark = pytest.mark.slurm

#: Of the issue's own words: submissions of the paper, seconds to parse the Snakefile, and to plan a thousand shards.
SUBMISSIONS, PARSED, PLANNED, SHARDS = 150, 2, 20, 1000


@pytest.fixture(scope="module")
def paper():
    """Submissions of the paper's study, its networks on graphics cards."""
    return submissions.plan("rif", ["--forceall", "--config", "device=cuda"])


def of(found, rule):
    return [each for each in found if rule in each.rules]


def test_the_paper_takes_few_submissions(paper):
    assert len(paper) < SUBMISSIONS
    assert sum(len(each.rules) for each in paper) > SUBMISSIONS
    runs = of(paper, "fit")
    assert len(runs) == 17
    assert all(each.rules.count("effects") == 7 and "removal_sets" in each.rules for each in runs)
    assert len(of(paper, "figure1")) == 1


def test_only_embeddings_by_networks_ask_for_cards_and_only_if_the_configuration_does(paper):
    networks = {"embed_text", "embed_vision"}
    assert {rule for each in paper if each.gpu for rule in each.rules} == networks
    without = submissions.plan("rif", ["--forceall"])
    assert not any(each.gpu for each in without)
    asked = {rule: [of(found, rule)[0].runtime for found in (paper, without)] for rule in ("embed_text", "embed_bow")}
    assert 10 * asked["embed_text"][0] < asked["embed_text"][1]
    assert asked["embed_bow"][0] == asked["embed_bow"][1]  # uses no card


def test_what_is_asked_for_grows_with_the_problem(paper):
    runs = sorted(of(paper, "fit"), key=lambda each: each.mem_mb)
    least, most = runs[0], runs[-1]
    assert most.mem_mb > 2 * least.mem_mb
    alike = [each for each in runs if len(each.rules) == 9]
    assert max(alike, key=lambda each: each.mem_mb).runtime > 1.4 * min(alike, key=lambda each: each.mem_mb).runtime


def test_a_group_asks_for_its_largest_job_and_the_sum_of_all_times(paper):
    for each in of(paper, "fit"):
        assert each.cores == 1
        assert each.runtime >= 2 * len(each.rules)


def test_rules_that_stay_on_the_login_node_are_the_ones_that_are_not_counted():
    marked = set()
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        for name, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", file.read_text(), re.MULTILINE):
            if "localrule: True" in body:
                marked.add(name)
    assert marked == submissions.LOCAL


def test_every_rule_is_in_a_group_or_worth_a_submission():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    grouped = {line.split("=")[0] for line in profile["groups"]}
    rules = set()
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        rules |= set(re.findall(r"^(?:use )?rule (?:\w+ as )?(\w+)", file.read_text(), re.MULTILINE))
    assert grouped <= rules
    assert {rule for rule in rules - grouped if not rule.startswith("embed_")} == submissions.LOCAL


def test_the_page_on_clusters_has_the_table_of_today(paper):
    assert submissions.markdown(paper) in (ROOT / "docs/cluster.md").read_text()


def used(command):
    """What a command says, and the seconds of the processor that it takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_snakefile_is_parsed_in_less_than_two_seconds():
    (_, parsed), (_, started) = used(["--list-rules"]), used(["--version"])
    assert parsed - started < PARSED


def test_a_thousand_shards_are_planned_in_twenty_seconds(tmp_path):
    config = tmp_path / "many.yaml"
    sizes = list(range(100, 100 + SHARDS // 8))
    study = {"datasets": ["digits"], "vary": [{"dataset": "digits", "n_train": sizes}]}
    config.write_text(yaml.safe_dump({"studies": {"many": study}}))
    command = ["--workflow-profile", "profiles/slurm", "--dry-run", "--configfile", str(config), "--", "many"]
    done, seconds = used(command)
    planned = re.search(r"^effects +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
    assert int(planned[1]) >= SHARDS
    assert seconds < PLANNED

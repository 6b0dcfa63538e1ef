"""The paper's benchmark runs the workflow itself on data of the paper's sizes, and says which of them are made up."""

import re

import numpy as np
import pytest
import yaml

from bench import data, paper, standins, timeline
from checkout import ROOT
from leaveout import parquet, seeds
from leaveout.embeddings import read_embeddings, write_embeddings
from leaveout.result_rows import CERTIFICATE, RUN, schema, table

SIZES = {  # of the paper's table of data sets
    "esc50": (1600, 400, 512),
    "cifar10_cat_dog": (9600, 2400, 2048),
    "cifar10_auto_truck": (9600, 2400, 2048),
    "dogfish": (1800, 600, 2048),
    "enron": (4137, 1035, 3294),
    "imdb": (40000, 10000, 768),
}
PRINTED = """
[Sun Nov 22 13:20:36 2026]
Job 3: Fitting digits (base)
[Sun Nov 22 13:20:36 2026]
Job 12: Tabulating the licences of demo
[Sun Nov 22 13:20:39 2026]
Finished jobid: 12 (Rule: table2)
1 of 4 steps (25%) done
Finished jobid: 3 (Rule: fit)
Finished jobid: 0 (Rule: demo)
"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A checkout that is ready for a quick run, and its data sets."""
    folder = tmp_path_factory.mktemp("paper")
    return folder, paper.prepare(folder, folder / "nothing", paper.SHRINK)


@pytest.fixture(scope="module")
def entries():
    return paper.configuration(ROOT).datasets


def test_data_sets_have_the_papers_sizes(entries):
    assert {name: standins.sizes(name, entries[name]) for name in SIZES} == SIZES


def test_a_quick_run_has_every_data_set_a_tenth_as_large(quick):
    _, datasets = quick
    found = {each.name: (each.n_train, each.n_test, each.d) for each in datasets}
    assert found == {name: tuple(size // 10 for size in sizes) for name, sizes in SIZES.items()}


def test_what_is_made_up_is_called_synthetic_and_has_the_real_ones_settings(quick, entries):
    folder, datasets = quick
    config = paper.configuration(folder)
    for each in datasets:
        assert each.synthetic
        made_up, real = config.datasets[each.name], entries[each.name]
        assert made_up["title"] == f"{real['title']} (synthetic)"
        assert "paper" not in made_up
        for key in ("regularization", "regularizer", "intercept"):
            assert made_up[key] == real[key]


def test_at_full_size_the_study_is_that_of_the_configuration(tmp_path, monkeypatch):
    nothing = standins.StandIn("", "", 0, 0, 0, {}, synthetic=True)
    asked = []

    def recorded(name, entry, *_):
        asked.append(name)
        return standins.StandIn(name, "", 0, 0, 0, {key: entry[key] for key in entry if key != "paper"}, nothing)

    monkeypatch.setattr(paper, "stand_in", recorded)
    paper.prepare(tmp_path, tmp_path, 1)
    written = yaml.safe_load((tmp_path / "config/config.yaml").read_text())
    config = paper.configuration(ROOT)
    assert written["studies"] == {"rif": config.merged["studies"]["rif"]}
    assert written["seed"] == config.seed
    assert set(asked) == {run.dataset for run in config.studies["rif"].runs}


def test_the_workflow_embeds_made_up_data_as_they_are(quick):
    folder, _ = quick
    targets = ("resources/embeddings/enron/X.npy", "results/rif/tables/table2.md")
    taken = timeline.run(folder, 1, *targets)
    assert sorted(job.rule for job in taken.jobs) == ["embed_features", "table2"]
    assert 0 < sum(job.seconds for job in taken.jobs) <= taken.seconds
    assert taken.processor_seconds > 0
    found = read_embeddings(data.files_of(folder / "resources/embeddings/enron"))
    with np.load(folder / "data/enron.npz") as stored:
        np.testing.assert_array_equal(found.training.X, stored["features"][: len(found.training.y)])
        np.testing.assert_array_equal(found.test.y, stored["label"][len(found.training.y) :])


def test_a_run_that_fails_says_why(quick):
    with pytest.raises(timeline.RunFailed, match="no_such_study"):
        timeline.run(quick[0], 1, "no_such_study")


def test_jobs_are_read_from_what_snakemake_prints():
    found = list(timeline.jobs_of((float(i), line) for i, line in enumerate(PRINTED.splitlines())))
    assert found == [timeline.Job("table2", 4, 6), timeline.Job("fit", 2, 8)]
    assert list(timeline.Timeline((*found, *found), 9, 1).by_rule) == ["fit", "table2"]


@pytest.mark.parametrize(("n_train", "synthetic"), [(30, False), (29, True)])
def test_a_real_embedding_is_taken_if_it_has_the_papers_samples(tmp_path, entries, n_train, synthetic):
    entry = entries["esc50"] | {"expected": {"n_train": 30, "d": 4}, "paper": {"n_train": 30}, "split": {"train": 0.75}}
    place = tmp_path / "embeddings/esc50"
    place.mkdir(parents=True)
    X, y = np.arange(160, dtype=np.float32).reshape(40, 4), np.arange(40) % 2
    parts = ["train"] * n_train + ["test"] * (40 - n_train)
    write_embeddings(data.files_of(place), X, y, [str(i) for i in range(40)], parts, {})
    found = standins.stand_in("esc50", entry, tmp_path, tmp_path, 1)
    assert (found.synthetic, found.n_train, found.n_test, found.d) == (synthetic, 30, 10, 4)
    assert found.title.endswith("(synthetic)") == synthetic
    with np.load(tmp_path / "data/esc50.npz") as stored:
        assert np.array_equal(stored["features"], X) != synthetic
        assert (stored["split"] == "train").sum() == 30


def test_counts_are_whole_sparse_and_can_be_learned():
    X, y = data.counts_like(1000, 300, seeds.generator(0, "counts"))
    assert np.array_equal(X, np.round(X))
    assert X.min() == 0
    assert 0.5 < (X == 0).mean() < 0.98
    assert X.max() > 100
    often = X.mean(axis=0)
    assert often[:10].mean() > 10 * often[-100:].mean()
    assert 0.2 < y.mean() < 0.4


def test_every_retrained_model_is_counted_once(tmp_path):
    labels = dict.fromkeys(["study", "regularizer", "intercept", "variant"], "x")
    labels |= {"dataset": "a", "regularization": 1.0, "n_train": 2}
    columns = schema("1", *RUN, *(parquet.pa.field(name, parquet.pa.string()) for name in ("set_id", "method", "f")))
    columns = columns.append(CERTIFICATE[-1])
    rows = [
        labels | {"set_id": name, "method": method, "f": f, "status": status if method == "retrain" else None}
        for name, status in (("one", "converged"), ("two", "iteration_limit"), ("three", "converged"))
        for method in ("rif", "retrain")
        for f in ("test_loss", "self_loss")
    ]
    shard = tmp_path / "a/base/effects/random.parquet"
    shard.parent.mkdir(parents=True)
    for file in (shard, tmp_path / "effects.parquet", tmp_path / "a/base/influential_groups.parquet"):
        parquet.write(table(rows, columns), file)
    assert paper.count_retrains(tmp_path) == {"effects": (3, 2), "influential groups": (3, 2)}


def test_the_page_names_what_is_synthetic_and_judges_only_what_it_ran(entries):
    esc50 = standins.StandIn("esc50", "ESC-50 (synthetic)", 1600, 400, 512, entries["esc50"], synthetic=True)
    jobs = (timeline.Job("effects", 1, 3), timeline.Job("figure1", 3, 10))

    def shown(seconds, cores=2, quick=False):
        taken = timeline.Timeline(jobs, seconds, 1.5 * seconds)
        return paper.page(paper.Paper([esc50], 1, taken, {"effects": (10, 9)}, cores, [1e9, 2e9], quick))

    assert re.search(r"ESC-50 \(synthetic\) +\| 1600 +\| 400 ", shown(599))
    assert "9 are certified (effects 9 of 10)" in shown(599)
    assert "busy for 75% of the time" in shown(599)
    assert "**599 s** on 2 cores. The target is 600 s: met." in shown(599)
    assert "**missed**" in shown(601)
    assert "The target" not in shown(601, cores=4)
    assert "The target" not in shown(601, quick=True)

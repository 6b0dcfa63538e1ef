"""Lineage: the stamp of a result follows from its settings and from those of all that it is made from."""

from types import SimpleNamespace

import pytest

from leaveout import parquet
from leaveout.lineage import Lineage
from leaveout.stamps import read_stamp


class Workflow:
    """Three products, one made from the other, and one of another data set; settings are looked up when asked for."""

    def __init__(self):
        self.settings = {"embedding": {"d": 3}, "model": 1e-5, "shard": {"random": 1, "high_loss": 2}}
        self.lineage = Lineage()
        self.samples = self.lineage.product("e/{dataset}.parquet", embedding=lambda w: self.settings["embedding"])
        self.fit = self.lineage.product(
            "r/{dataset}/{variant}/fit.npz", after=[self.samples], model=lambda w: self.settings["model"]
        )
        self.effects = self.lineage.product(
            "r/{dataset}/{variant}/{shard}.parquet",
            "r/{dataset}/{variant}/{shard}/groups.parquet",
            after=[self.fit],
            shard=lambda w: self.settings["shard"][w.shard],
        )

    def stamps(self):
        """Stamps of one file of each product."""
        files = ["e/digits.parquet", "r/digits/base/fit.npz", "r/digits/base/random.parquet"]
        return list(self.lineage.stamps(None, files).values())


def wildcards(shard="random"):
    return SimpleNamespace(study="s", dataset="digits", variant="base", shard=shard)


@pytest.mark.parametrize(
    ("changed", "same"),
    [("embedding", 0), ("model", 1), ("shard", 2)],
)
def test_a_setting_changes_the_stamps_of_what_it_decides_and_of_all_that_follows(changed, same):
    one, other = Workflow(), Workflow()
    other.settings[changed] = {"random": 3, "high_loss": 2}
    before, after = one.stamps(), other.stamps()
    assert [a == b for a, b in zip(before, after, strict=True)] == [True] * same + [False] * (3 - same)


def test_the_order_of_keys_changes_nothing():
    one, other = Workflow(), Workflow()
    one.settings["embedding"], other.settings["embedding"] = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert one.stamps() == other.stamps()


def test_a_jobs_own_stamp_is_what_its_readers_expect():
    workflow = Workflow()
    own = workflow.effects.params["stamp"](wildcards())
    paths = ["r/digits/base/random.parquet", "r/digits/base/random/groups.parquet"]
    assert workflow.lineage.stamps(wildcards(), paths) == dict.fromkeys(paths, own)
    assert own != workflow.effects.stamp(wildcards("high_loss"))


def test_files_that_are_no_products_have_no_stamp():
    paths = ["raw/digits.csv", "r/digits/fit.npz", "r/digits/base/more/fit.npz", "e/digits.parquet.aside"]
    assert Workflow().lineage.stamps(None, paths) == {}


def test_all_settings_reach_the_job():
    params = Workflow().effects.params
    assert list(params) == ["shard", "stamp"]
    assert params["shard"](wildcards("high_loss")) == 2


def test_files_together_have_the_digest_of_all_their_stamps():
    one, other = Workflow(), Workflow()
    other.settings["shard"]["high_loss"] = 5

    def joined(workflow, *shards):
        return workflow.lineage.together(lambda _: [f"r/digits/base/{shard}.parquet" for shard in shards])(None)

    assert joined(one, "random") == joined(other, "random") != joined(one, "high_loss")
    assert joined(one, "random", "high_loss") != joined(other, "random", "high_loss")


def test_what_other_settings_made_is_dated_back_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workflow, later = Workflow(), Workflow()
    later.settings["shard"]["random"] = 7
    files = {shard: tmp_path / f"r/digits/base/{shard}.parquet" for shard in ("random", "high_loss")}
    for shard, file in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        parquet.write(parquet.pa.table({"x": [1]}), file, workflow.effects.stamp(wildcards(shard)))
        assert later.effects.outdated(wildcards(shard)) == []
    assert read_stamp(files["random"]) is not None
    assert [file.stat().st_mtime < 10**9 for file in files.values()] == [True, False]

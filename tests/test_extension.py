"""Data sets that extend others: what they take over, and which extensions are refused."""

from pathlib import Path

import pytest
import yaml

from leaveout.config import load
from leaveout.errors import ConfigError
from leaveout.extension import extended, extension_refusals, given_by

ROOT = Path(__file__).parents[1]
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "config.schema.yaml"
KNOWN = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())
STUDY = {"seed": 0, "studies": {"demo": {"datasets": ["digits"]}}}


@pytest.fixture
def loaded(tmp_path):
    """Load the known data sets beside others, which stand in ``mine.yaml``."""

    def load_datasets(datasets, known=KNOWN):
        contents = {"config.yaml": STUDY, "datasets.yaml": known, "mine.yaml": {"datasets": datasets}}
        for name, content in contents.items():
            (tmp_path / name).write_text(yaml.safe_dump(content))
        merged = {**STUDY, **known, "datasets": {**known["datasets"], **datasets} if datasets else datasets}
        return load(merged, SCHEMA_FILE, [tmp_path / name for name in contents])

    return load_datasets


def refused(loaded, datasets, known=KNOWN):
    with pytest.raises(ConfigError) as caught:
        loaded(datasets, known)
    return str(caught.value)


def test_keys_that_are_not_given_are_taken_over():
    entries = {"first": {"a": 1, "b": 2}, "second": {"extends": "first", "b": 3, "c": 4}}
    assert extended(entries) == {"first": entries["first"], "second": {"extends": "first", "a": 1, "b": 3, "c": 4}}


def test_a_given_key_replaces_the_whole_value():
    entries = {"first": {"split": {"train": 0.8, "seed": 1}}, "second": {"extends": "first", "split": {"seed": 2}}}
    assert extended(entries)["second"]["split"] == {"seed": 2}


def test_extensions_can_be_extended_in_any_order():
    entries = {"c": {"extends": "b", "z": 3}, "b": {"extends": "a", "y": 2}, "a": {"x": 1, "y": 1, "z": 1}}
    assert extended(entries)["c"] == {"extends": "b", "x": 1, "y": 2, "z": 3}
    assert extended(dict(reversed(entries.items()))) == extended(entries)
    assert [given_by("c", key, entries) for key in ("x", "y", "z", "none")] == ["a", "b", "c", "c"]


def test_entries_are_not_changed():
    entries = {"first": {"a": 1}, "second": {"extends": "first"}}
    extended(entries)
    assert entries == {"first": {"a": 1}, "second": {"extends": "first"}}


@pytest.mark.parametrize("cycle", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_every_cycle_is_refused(cycle):
    entries = {name: {"extends": parent} for name, parent in zip(cycle, [*cycle[1:], cycle[0]], strict=True)}
    assert len(list(extension_refusals(entries))) == len(cycle)


def test_what_leads_into_a_cycle_is_refused_too():
    entries = {"into": {"extends": "a"}, "a": {"extends": "a"}}
    assert [key for key, _, _ in extension_refusals(entries)] == [["datasets", "a", "extends"]] * 2


@pytest.mark.parametrize("parent", [["digits"], {"digits": 1}, None, 3])
def test_what_is_no_name_is_refused(parent):
    ((key, value, allowed),) = extension_refusals({"digits": {}, "mine": {"extends": parent}})
    assert (key, value, allowed) == (["datasets", "mine", "extends"], parent, ["digits"])


def test_an_extended_data_set_is_complete(loaded):
    entry = loaded({"wider": {"extends": "digits", "title": "Wider", "regularization": 1e-3}}).datasets["wider"]
    digits = loaded({"wider": {"extends": "digits"}}).datasets["digits"]
    assert entry == {**digits, "extends": "digits", "title": "Wider", "regularization": 1e-3}


def test_replacement_is_shallow_in_the_configuration_too(loaded):
    message = refused(loaded, {"narrow": {"extends": "digits", "embedding": {"method": "fourier", "features": 9}}})
    assert message.endswith(
        "mine.yaml: datasets.narrow.embedding.gamma: missing: allowed: number, > 0 (Width of the "
        "Gaussian kernel exp(-gamma r^2))"
    )


def test_an_unknown_parent_is_refused_by_file_with_what_was_meant(loaded):
    message = refused(loaded, {"mine": {"extends": "digit"}})
    known = ", ".join(sorted(KNOWN["datasets"]))
    assert message.endswith(f"mine.yaml: datasets.mine.extends = digit: allowed: {known} (did you mean digits?)")


def test_a_data_set_that_extends_itself_is_refused_by_file(loaded):
    message = refused(loaded, {"mine": {"extends": "mine"}})
    assert message.endswith(f"mine.yaml: datasets.mine.extends = mine: allowed: {', '.join(sorted(KNOWN['datasets']))}")


@pytest.mark.parametrize("first", ["a_child", "z_child"])
def test_an_error_in_what_is_taken_over_names_the_entry_and_the_file_that_hold_it(loaded, first):
    """Whatever the order in which the two are checked."""
    digits = {**KNOWN["datasets"]["digits"], "regularization": 0}
    known = {**KNOWN, "datasets": {"digits": digits}}
    message = refused(loaded, {first: {"extends": "digits"}}, known)
    assert message.split("/")[-1].startswith("datasets.yaml: datasets.digits.regularization = 0: allowed: number, > 0")
    known["datasets"]["digits"] = {**digits, "regularization": 1, "source": "digit"}
    message = refused(loaded, {first: {"extends": "digits"}}, known)
    assert message.split("/")[-1].startswith("datasets.yaml: datasets.digits.source = digit: allowed: ")


def test_an_error_in_an_extension_names_its_own_file(loaded):
    message = refused(loaded, {"mine": {"extends": "digits", "regularization": 0}})
    assert "mine.yaml: datasets.mine.regularization = 0" in message


@pytest.mark.parametrize("datasets", [["digits"], [], "digits", None])
def test_data_sets_that_are_no_mapping_are_a_configuration_error(tmp_path, datasets):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**STUDY, "sources": {}, "datasets": datasets}))
    content = yaml.safe_load((tmp_path / "config.yaml").read_text())
    with pytest.raises(ConfigError, match=r"config\.yaml: datasets = .*: allowed: object"):
        load(content, SCHEMA_FILE, [tmp_path / "config.yaml"])


def test_a_parent_that_is_no_mapping_is_a_configuration_error(loaded):
    message = refused(loaded, {"mine": {"extends": "empty"}, "empty": None})
    assert "mine.yaml: datasets." in message

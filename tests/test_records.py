"""Records: from a source's classes to a task's labels."""

import logging
from pathlib import Path

import numpy as np
import pytest

from leaveout.archives import Limits, ZipMembers
from leaveout.errors import InvalidData
from leaveout.records import Records, labelled

IDS = ["a", "b", "c", "d", "e"]
CLASSES = ["cat", "dog", "fish", "cat", "bird"]


@pytest.mark.parametrize("payload", [np.arange(10).reshape(5, 2), ["A", "B", "C", "D", "E"]], ids=["array", "list"])
def test_a_task_keeps_and_labels_the_classes_that_it_names(payload):
    kept, y = labelled(Records(IDS, payload, CLASSES), {"0": ["dog"], "1": ["bird", "cat"]})
    assert list(kept.ids) == ["a", "b", "d", "e"]
    assert list(kept.classes) == ["cat", "dog", "cat", "bird"]
    assert y.tolist() == [1, 0, 1, 1]
    assert [list(item) for item in kept.payload] == [list(payload[i]) for i in (0, 1, 3, 4)]


def test_what_is_read_lazily_stays_unread():
    unread = ZipMembers(Path("there is no such file"), IDS, Limits(1, 1))
    kept, _ = labelled(Records(IDS, unread, CLASSES), {"0": ["dog"], "1": ["fish"]})
    assert kept.payload.names == ["b", "c"]


def test_the_sources_own_split_goes_with_its_samples():
    own = ["train", "test", "train", "test", "train"]
    kept, _ = labelled(Records(IDS, IDS, CLASSES, own), {"0": ["dog"], "1": ["bird", "cat"]})
    assert list(zip(kept.ids, kept.split, strict=True)) == [(name, own[IDS.index(name)]) for name in "abde"]
    assert labelled(Records(IDS, IDS, CLASSES), {"0": ["dog"], "1": ["cat"]})[0].split is None


def test_an_id_that_occurs_twice_is_refused():
    with pytest.raises(InvalidData, match=r"ids that occur more than once: b$"):
        Records(["a", "b", "c", "b", "e"], IDS, CLASSES)


@pytest.mark.parametrize("short", ["payload", "classes", "split"])
def test_fields_of_another_length_are_refused(short):
    fields = {"ids": IDS, "payload": np.zeros((5, 2)), "classes": CLASSES, "split": ["train"] * 5}
    with pytest.raises(InvalidData, match=r"5 ids, but \[.*4.*\] entries in payload, classes and split"):
        Records(**fields | {short: fields[short][:4]})


def test_a_split_holds_train_and_test_alone():
    with pytest.raises(InvalidData, match=r"split must hold train and test, got validation$"):
        Records(IDS, IDS, CLASSES, ["train", "test", "validation", "test", "train"])


def test_classes_that_the_source_does_not_have_are_named():
    with pytest.raises(InvalidData, match=r"does not have: lion, tiger \(it has bird, cat, dog, fish\)$"):
        labelled(Records(IDS, IDS, CLASSES), {"0": ["tiger", "cat"], "1": ["lion"]})


def test_a_class_cannot_have_both_labels():
    with pytest.raises(InvalidData, match=r"label 0 and label 1: cat$"):
        labelled(Records(IDS, IDS, CLASSES), {"0": ["cat", "dog"], "1": ["cat"]})


def test_without_a_task_all_samples_are_of_the_classes_0_and_1(caplog):
    records = Records(["a", "b", "c"], [1, 2, 3], ["1", "0", "1"])
    kept, y = labelled(records, None)
    assert (list(kept.ids), y.tolist()) == (["a", "b", "c"], [1, 0, 1])
    with pytest.raises(InvalidData, match=r"labels must be 0 and 1, and there are 0, 1, nan \(say which is which"):
        labelled(Records(["a", "b", "c"], [1, 2, 3], ["1", "0", "nan"]), None)
    with pytest.raises(InvalidData, match="labels must be 0 and 1, and there are 1 "):
        labelled(Records(["a"], [1], ["1"]), None)


def test_the_log_says_how_many_samples_a_task_leaves_out(caplog):
    with caplog.at_level(logging.INFO, logger="leaveout"):
        labelled(Records(["a", "b", "c"], [1, 2, 3], ["x", "y", "z"]), {"0": ["x"], "1": ["z"]})
    assert caplog.messages == ["1 of 3 samples are of classes that the task does not name"]

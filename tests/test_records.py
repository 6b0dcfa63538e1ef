"""Records: from a source's classes to a task's labels."""

import numpy as np
import pytest

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


def test_classes_that_the_source_does_not_have_are_named():
    with pytest.raises(InvalidData, match=r"does not have: lion, tiger$"):
        labelled(Records(IDS, IDS, CLASSES), {"0": ["tiger", "cat"], "1": ["lion"]})


def test_a_class_cannot_have_both_labels():
    with pytest.raises(InvalidData, match=r"label 0 and label 1: cat$"):
        labelled(Records(IDS, IDS, CLASSES), {"0": ["cat", "dog"], "1": ["cat"]})

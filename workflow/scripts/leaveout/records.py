"""What a parser makes of a source: named samples with their payload and class, whatever the modality."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaveout.arrays import IntArray
from leaveout.errors import InvalidData

log = logging.getLogger(__name__)

TRAIN, TEST = "train", "test"


@dataclass(frozen=True, eq=False)
class Records:
    """Samples of a source.

    Attributes
    ----------
    ids : sequence of str
        Unique, and stable between downloads.
    payload : list, numpy array or lazy sequence
        One entry a sample: pixels, text, or sound. What is not a list gives a part of itself for a list of positions,
        as arrays do, so that a source too large for memory can stay unread (``archives.ZipMembers``).
    classes : sequence of str
        The source's own class of each sample.
    split : sequence of "train" and "test", or None
        The source's own split; None if it has none.

    Raises
    ------
    InvalidData
        The fields do not describe the same samples, or an id occurs twice.
    """

    ids: Sequence[str]
    payload: Any
    classes: Sequence[str]
    split: Sequence[str] | None = None

    def __post_init__(self) -> None:
        lengths = [len(field) for field in (self.payload, self.classes, self.split) if field is not None]
        if any(length != len(self.ids) for length in lengths):
            raise InvalidData(f"{len(self.ids)} ids, but {lengths} entries in payload, classes and split")
        if repeated := [name for name, count in Counter(self.ids).items() if count > 1]:
            raise InvalidData(f"ids that occur more than once: {', '.join(repeated[:5])}")
        if self.split is not None and (others := sorted(set(self.split) - {TRAIN, TEST})):
            raise InvalidData(f"split must hold train and test, got {', '.join(others)}")


#: The task of a source whose classes are named 0 and 1.
BINARY: Mapping[str, Sequence[str]] = {"0": ["0"], "1": ["1"]}


def labelled(records: Records, classes: Mapping[str, Sequence[str]] | None) -> tuple[Records, IntArray]:
    """Keep the samples of the classes that a task names, and label them.

    Parameters
    ----------
    records : Records
    classes : mapping from "0" and "1" to class names, or None
        The task; samples of other classes are left out, and the log says how many. None: all samples are of the classes
        ``0`` and ``1``.

    Raises
    ------
    InvalidData
        A class that the task names does not occur, or has both labels; or there are others than 0 and 1, and no task
        says what they are.
    """
    known = sorted(set(records.classes))
    listed = f"{', '.join(known[:10])}{', ...' if len(known) > 10 else ''}"
    if classes is None and known != ["0", "1"]:
        raise InvalidData(f"labels must be 0 and 1, and there are {listed} (say which is which: `classes`)")
    classes = BINARY if classes is None else classes
    if both := sorted(set(classes["0"]) & set(classes["1"])):
        raise InvalidData(f"classes with label 0 and label 1: {', '.join(both)}")
    label = {name: int(value) for value, names in classes.items() for name in names}
    if missing := sorted(set(label) - set(known)):
        raise InvalidData(f"classes that the source does not have: {', '.join(missing)} (it has {listed})")
    kept = [i for i, name in enumerate(records.classes) if name in label]
    if dropped := len(records.ids) - len(kept):
        log.info("%d of %d samples are of classes that the task does not name", dropped, len(records.ids))
    names = [records.classes[i] for i in kept]
    split = None if records.split is None else [records.split[i] for i in kept]
    payload = [records.payload[i] for i in kept] if isinstance(records.payload, list) else records.payload[kept]
    return Records([records.ids[i] for i in kept], payload, names, split), np.array([label[name] for name in names])

"""What a parser makes of a source: named samples with their payload and class, whatever the modality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaveout.arrays import IntArray
from leaveout.errors import InvalidData


@dataclass(frozen=True, eq=False)
class Records:
    """Samples of a source.

    Attributes
    ----------
    ids : sequence of str
        Unique, and stable between downloads.
    payload : numpy array or sequence
        One entry a sample: pixels, text, or sound.
    classes : sequence of str
        The source's own class of each sample.
    """

    ids: Sequence[str]
    payload: Any
    classes: Sequence[str]


def labelled(records: Records, classes: Mapping[str, Sequence[str]]) -> tuple[Records, IntArray]:
    """Keep the samples of the classes that a task names, and label them.

    Parameters
    ----------
    records : Records
    classes : mapping from "0" and "1" to class names
        The task; samples of other classes are left out.

    Raises
    ------
    InvalidData
        A class that the task names does not occur, or has both labels.
    """
    if both := sorted(set(classes["0"]) & set(classes["1"])):
        raise InvalidData(f"classes with label 0 and label 1: {', '.join(both)}")
    label = {name: int(value) for value, names in classes.items() for name in names}
    if missing := sorted(set(label) - set(records.classes)):
        raise InvalidData(f"classes that the source does not have: {', '.join(missing)}")
    kept = [i for i, name in enumerate(records.classes) if name in label]
    names = [records.classes[i] for i in kept]
    payload = records.payload[kept] if isinstance(records.payload, np.ndarray) else [records.payload[i] for i in kept]
    return Records([records.ids[i] for i in kept], payload, names), np.array([label[name] for name in names])

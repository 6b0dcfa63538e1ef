"""Photographs of ten classes, 32 x 32 pixels (Krizhevsky 2009)."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from leaveout import pickles
from leaveout.archives import Limits, members, unusable
from leaveout.records import Records

FOLDER = "cifar-10-batches-py"
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
META = "batches.meta"
SIDE, CHANNELS = 32, 3
LIMITS = Limits(member=64 << 20, total=512 << 20)


def parse(path: Path) -> Records:
    """Read ``cifar-10-python.tar.gz``: images (n, 32, 32, 3) of bytes, training batches and test batch pooled.

    The ids are batch and position in it; nothing promises that the publisher's own file names are unique.
    """
    content = dict(_contents(path))
    if missing := [name for name in (META, *BATCHES) if name not in content]:
        raise unusable(path, f"no {', '.join(f'{FOLDER}/{name}' for name in missing)}")
    names = _class_names(path, content[META])
    images, ids, classes = [], [], []
    for batch in BATCHES:
        pixels, labels = _batch(path, batch, content[batch], len(names))
        images.append(pixels)
        ids += [f"{batch}/{i:04d}" for i in range(len(labels))]
        classes += [names[label] for label in labels]
    return Records(ids, np.concatenate(images), classes)


def _contents(path: Path) -> Any:
    """Yield name and content of the dictionaries in the archive."""
    known = {f"{FOLDER}/{name}": name for name in (META, *BATCHES)}
    for member, data in members(path, lambda name: name in known or f"{FOLDER}/data_batch" in name, LIMITS):
        if member not in known:
            raise unusable(path, f"member {member!r}: expected {', '.join(BATCHES)}")
        try:
            yield known[member], pickles.load(data)
        except ValueError as error:
            raise unusable(path, f"member {member!r}: {error}") from error


def _class_names(path: Path, meta: dict[Any, Any]) -> list[str]:
    names = meta.get(b"label_names")
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, bytes) and name.isascii() for name in names)
    ):
        raise unusable(path, f"{FOLDER}/{META}: label_names is not a list of names")
    if len(set(names)) != len(names):
        raise unusable(path, f"{FOLDER}/{META}: a name occurs twice in label_names")
    return [name.decode("ascii") for name in names]


def _batch(path: Path, batch: str, content: dict[Any, Any], n_classes: int) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """Images, channels last, and labels of a batch."""
    pixels, labels = content.get(b"data"), content.get(b"labels")
    row = CHANNELS * SIDE * SIDE
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != row:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise unusable(path, f"{FOLDER}/{batch}: data is {found}, expected uint8 (n, {row})")
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise unusable(path, f"{FOLDER}/{batch}: labels is not a list of {len(pixels)} labels, one an image")
    if wrong := [label for label in labels if type(label) is not int or not 0 <= label < n_classes]:
        raise unusable(path, f"{FOLDER}/{batch}: label {wrong[0]!r}, expected 0 to {n_classes - 1}")
    return pixels.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1), labels

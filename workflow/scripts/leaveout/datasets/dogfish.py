"""Dogs and fish of ImageNet, as features of an Inception-v3 network (Koh & Liang 2017)."""

import io
from pathlib import Path

import numpy as np

from leaveout import array_file
from leaveout.archives import Limits, members, unusable
from leaveout.arrays import Array
from leaveout.records import TEST, TRAIN, Records

FEATURES, LABELS = "inception_features_val", "labels"
CLASSES = ("dog", "fish")  # by the files' label
LIMITS = Limits(member=256 << 20, total=512 << 20)


def parse(train: Path, test: Path) -> Records:
    """Read the two files of features; which file a sample is in is its split."""
    parts = {TRAIN: _read(train), TEST: _read(test)}
    widths = {part: features.shape[1] for part, (features, _) in parts.items()}
    if widths[TRAIN] != widths[TEST]:
        raise unusable(test, f"{widths[TEST]} features, but {widths[TRAIN]} for training")
    ids = [f"{part}/{i:04d}" for part, (features, _) in parts.items() for i in range(len(features))]
    classes = [CLASSES[int(label)] for _, labels in parts.values() for label in labels]
    split = [part for part, (features, _) in parts.items() for _ in features]
    return Records(ids, np.concatenate([features for features, _ in parts.values()]), classes, split)


def _read(path: Path) -> tuple[Array, Array]:
    """Features (n, d) and labels (n,) of one file."""
    wanted = (f"{FEATURES}.npy", f"{LABELS}.npy")
    content = dict(members(path, wanted.__contains__, LIMITS))
    if missing := [name for name in wanted if name not in content]:
        raise unusable(path, f"no array {', '.join(name.removesuffix('.npy') for name in missing)}")
    arrays = []
    for name in wanted:
        try:
            arrays.append(np.lib.format.read_array(io.BytesIO(content[name]), allow_pickle=False))
        except array_file.DAMAGE as error:
            raise unusable(path, f"{name}: {error}") from error
    features, labels = arrays
    if features.ndim != 2 or features.dtype.kind != "f" or not np.isfinite(features).all():
        raise unusable(path, f"{FEATURES} is {features.dtype} {features.shape}, expected finite numbers (n, d)")
    if labels.shape != (len(features),) or labels.dtype.kind not in "iuf" or not np.isin(labels, (0, 1)).all():
        raise unusable(path, f"{LABELS} must be 0 or 1 for each of the {len(features)} samples")
    return features, labels

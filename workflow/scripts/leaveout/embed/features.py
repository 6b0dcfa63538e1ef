"""Features that a source has already, as they are."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leaveout.embed import Encoder, Machine

CHUNK = sys.maxsize  # nothing is computed: nothing is worth keeping


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder that takes rows of numbers, (k, d), as they are, in single precision."""
    return Encoder(lambda rows: np.asarray(rows, dtype=np.float32), CHUNK)

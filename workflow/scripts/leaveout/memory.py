"""Memory that jobs ask for: by the size of their problem as it is stated, as features have it, or as files suggest."""

import json
import math
import operator
from collections.abc import Iterable, Mapping
from pathlib import Path

from leaveout.blocks import BLOCK_BYTES

#: What Python and its packages take, in MB, and with a network and a batch of what it embeds.
PYTHON, NETWORK = 400, 3000
#: MB of Snakemake itself beside a job on a cluster: it starts itself twice there. The plugin for SLURM brings pandas.
SNAKEMAKE = 350
#: MB of a block of removal sets, and of the piece of it that is worked on.
BLOCK = 1.5 * BLOCK_BYTES / 2**20
#: Copies of the features that a fit holds: where they are wider than tall it also factors them.
TALL, WIDE = 4, 6
#: Bytes of a number in a file of features: no format that is read has shorter ones, uncompressed.
SHORTEST = 4


def problem_size(expected: Mapping[str, int] | None, about: str | Path, raw: Iterable[str | Path]) -> tuple[int, int]:
    """Samples n and features d of a data set, as well as they can be known without reading it.

    Parameters
    ----------
    expected : mapping or None
        ``n_train`` and ``d``, if the configuration states them.
    about : path
        The embedding's ``about.json``, which says its ``shape``; it need not be there yet.
    raw : paths
        The source's files, which speak where nothing else does: as many numbers as they can hold, n = d. That shape
        takes the most memory. Files that are not there hold nothing.
    """
    if expected is not None:
        return expected["n_train"], expected["d"]
    try:
        n, d = (operator.index(size) for size in json.loads(Path(about).read_text(encoding="utf-8"))["shape"])
    except (OSError, ValueError, LookupError, TypeError):  # not there, or damaged: the job that made it goes first
        held = sum(Path(file).stat().st_size for file in raw if Path(file).is_file()) / SHORTEST
        n = d = 1 + math.isqrt(int(held))
    return n, d


def model_mb(n: int, d: int) -> float:
    """Memory of one run's jobs: some copies of the features, four factors, a block of removal sets, and Python."""
    q = min(n, d) + 1
    copies = TALL if n > d else WIDE
    return PYTHON + BLOCK + 8 * (copies * n * d + 4 * q * q) / 2**20


def embedding_mb(n: int, d: int) -> float:
    """Memory of an embedding: three copies of its features in single precision, a network with a batch, and Python."""
    return NETWORK + 3 * 4 * n * d / 2**20

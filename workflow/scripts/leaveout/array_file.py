"""Arrays on disk, in numpy's own format: streamed where they are written, mapped where they are read."""

import hashlib
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from leaveout import files
from leaveout.errors import InvalidData

#: What numpy raises of a file that is no array, or no longer: it reads headers by Python's own tokenizer.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    SyntaxError,
    RuntimeError,
    tokenize.TokenError,
)
#: Bytes that are written at a time.
PIECE = 1 << 24


def write_array(parts: Sequence[npt.NDArray[Any]], path: str | Path) -> str:
    """Write arrays of equal width, one under the other, as one ``.npy``; return the sha256 that the file must have.

    Neither mapped, as by ``open_memmap``, where a full disk ends the process without a word; nor by ``tofile``, as
    ``numpy.save`` does it, whose error on a full disk does not say so.

    Parameters
    ----------
    parts : sequence of (n_i, d) arrays
        Of one type.
    path : path

    Raises
    ------
    NotWritten
        The disk is full, or the like.
    """
    shape = (sum(map(len, parts)), *parts[0].shape[1:])
    layout = {"descr": np.lib.format.dtype_to_descr(parts[0].dtype), "fortran_order": False, "shape": shape}
    with files.complete(path) as unfinished, unfinished.open("wb") as stream:
        written = _Hashing(stream)
        np.lib.format.write_array_header_1_0(written, layout)
        for part in parts:
            step = max(1, PIECE * len(part) // max(1, part.nbytes))
            for first in range(0, len(part), step):
                written.write(np.ascontiguousarray(part[first : first + step]))
    return written.digest.hexdigest()


class _Hashing:
    """A stream that takes the checksum of what passes."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.digest = hashlib.sha256()

    def write(self, content: Any) -> None:
        self.digest.update(content)
        self.stream.write(content)


def mapped(path: str | Path) -> npt.NDArray[Any]:
    """Map an array of plain numbers for reading; it is never unpickled.

    Raises
    ------
    InvalidData
        The file is not there, damaged, or holds something else.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except DAMAGE as error:
        raise InvalidData(f"{path}: no array that can be read: {error} (delete it and run again)") from error
    if array.dtype.kind not in "fiub":
        raise InvalidData(f"{path}: holds {array.dtype}, expected real numbers (delete it and run again)")
    return array

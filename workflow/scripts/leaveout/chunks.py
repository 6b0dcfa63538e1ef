"""Long computations over samples, kept on disk a chunk at a time until all of it is there."""

import io
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from leaveout import array_file, files

log = logging.getLogger(__name__)


class Chunks:
    """Results of a function on consecutive samples; those that an earlier job wrote are not computed again.

    Parameters
    ----------
    folder : Path
        Where the chunks are, a folder for each key; folders of other keys are stale and are removed.
    key : str
        Digest of all that the results depend on.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._root, self._folder = folder, folder / key
        for other in folder.glob("*") if folder.is_dir() else ():
            if other == self._folder:
                continue
            if other.is_dir():
                shutil.rmtree(other)
            else:
                other.unlink()

    def map(self, function: Callable[[Any], Any], samples: Any, size: int) -> Iterator[Any]:
        """Yield the function's results on ``size`` samples after the other; what is all one chunk is not written.

        Parameters
        ----------
        function : function of some samples
            Returns an array, or a list of str.
        samples : sequence
            Slices of it are what the function takes.
        size : int
        """
        firsts = range(0, len(samples), size)
        if len(firsts) <= 1:
            yield function(samples)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        if found := len([path for path in self._folder.iterdir() if not path.name.startswith(".")]):
            log.info("%d chunks are there from an earlier job", found)
        with tqdm(total=len(samples), unit="sample", disable=None) as progress:  # nothing, where no terminal is
            for first in firsts:
                part = samples[first : first + size]
                path = self._folder / f"{first:09d}-{len(part)}"
                result = _read(path, len(part))
                if result is None:
                    result = function(part)
                    _write(path, result)
                    log.info("%d of %d samples", first + len(part), len(samples))
                progress.update(len(part))
                yield result

    def discard(self) -> None:
        """Remove all chunks: what they were for is written."""
        shutil.rmtree(self._root, ignore_errors=True)


def _write(path: Path, result: Any) -> None:
    """Write an array as .npy, texts as .json, with the checksum of its bytes behind them."""
    if isinstance(result, np.ndarray):
        stream = io.BytesIO()
        np.save(stream, result, allow_pickle=False)
        ending, content = ".npy", stream.getvalue()
    else:
        ending, content = ".json", json.dumps(result).encode()
    with files.complete(path.with_suffix(ending)) as unfinished:
        unfinished.write_bytes(content + sha256(content).digest())


def _read(path: Path, n: int) -> Any:
    """Read the results of n samples; None if they were not written, or were damaged since."""
    for file, read in ((path.with_suffix(".npy"), _array), (path.with_suffix(".json"), json.loads)):
        try:
            result = read(_undamaged(file))
            if len(result) == n:
                return result
            log.warning("%s: %d results, expected %d: computed again", file, len(result), n)
        except FileNotFoundError:
            continue
        except array_file.DAMAGE as error:  # a disk that lost its power, or fails
            log.warning("%s: damaged (%s): computed again", file, error)
    return None


def _undamaged(file: Path) -> bytes:
    """Content of a file that has its own checksum behind it."""
    whole = file.read_bytes()
    content, stated = whole[: -sha256().digest_size], whole[-sha256().digest_size :]
    if sha256(content).digest() != stated:
        raise ValueError("its bytes are not those that were written")
    return content


def _array(content: bytes) -> npt.NDArray[Any]:
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)  # np.load takes other formats too

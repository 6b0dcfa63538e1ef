"""Pickles of arrays, read without trusting them: nothing that a pickle names is imported, looked up or called."""

import io
import pickle
import pickletools
import re
from typing import Any

import numpy as np

PLAIN_NUMBERS = re.compile("[biuf][1248]")
MEMORY = {"PUT", "BINPUT", "LONG_BINPUT"}


class UnsafePickle(ValueError):
    """A pickle that asks for something else than arrays of numbers and plain Python values."""


def load(data: bytes) -> dict[Any, Any]:
    """Read a pickled dictionary of arrays, lists, dicts, numbers and strings.

    Pickles of Python 2 and 3, of numpy before and after 2.0; strings of Python 2 become bytes. The few names that
    arrays and bytes need are served by stand-ins, so that not even numpy's own unpickling sees the data.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    UnsafePickle
        The pickle names anything else, or an array is not one of plain numbers.
    ValueError
        No pickle, a damaged one, or not of a dictionary.
    """
    try:
        for opcode, argument, _ in pickletools.genops(data):
            # The unpickler makes room for every index below the one that it is told.
            if opcode.name in MEMORY and argument is not None and argument > len(data):
                raise UnsafePickle(f"the pickle asks for memory: {opcode.name} {argument}")
        content = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except UnsafePickle:
        raise
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        OverflowError,
    ) as error:
        raise ValueError(f"not a readable pickle: {str(error) or type(error).__name__}") from error
    if not isinstance(content, dict):
        raise ValueError(f"the pickle holds a {type(content).__name__}, expected a dictionary")
    return {key: value.array if isinstance(value, _Array) else value for key, value in content.items()}


class _Array:
    """An array being unpickled, in numpy's place."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, by_columns, content = state
        self.array = np.frombuffer(content, dtype.dtype).reshape(shape, order="F" if by_columns else "C")


class _Dtype:
    """An array's type being unpickled, in numpy's place."""

    __slots__ = ("dtype",)

    def __init__(self, name: str) -> None:
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order: Any = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        self.dtype = self.dtype.newbyteorder(order)


class _Unpickler(pickle.Unpickler):
    """Serves the names that arrays and bytes need; they are bound methods and strings, which a pickle cannot change."""

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case (("numpy.core.multiarray" | "numpy._core.multiarray"), "_reconstruct"):
                return self._reconstruct
            case "numpy", "ndarray":
                return "numpy.ndarray"
            case "numpy", "dtype":
                return self._dtype
            case "_codecs", "encode":  # how Python 3 writes bytes for Python 2
                return self._encode
        raise UnsafePickle(f"the pickle names {module}.{name}, which no array needs")

    def _reconstruct(self, kind: Any, shape: Any, code: Any) -> _Array:
        return _Array()  # numpy would make room for the shape; the true one comes with the content

    def _dtype(self, name: Any, align: Any = False, copy: Any = True) -> _Dtype:
        name = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        if not isinstance(name, str) or not PLAIN_NUMBERS.fullmatch(name):
            raise UnsafePickle(f"the pickle holds an array of {name!r}, expected plain numbers")
        return _Dtype(name)

    def _encode(self, text: Any, encoding: Any) -> bytes:
        if encoding not in ("latin1", b"latin1"):
            raise UnsafePickle(f"the pickle encodes text as {encoding!r}, expected latin1")
        return bytes(text, "latin1")

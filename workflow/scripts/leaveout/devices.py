"""Where to compute: the processor, or a graphics card if there is one and torch can use it."""

import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from leaveout.errors import DeviceUnavailable

Device = Literal["auto", "cpu", "cuda"]


def chosen(where: Device) -> Literal["cpu", "cuda"]:
    """Resolve ``auto``, and make sure that what is asked for is there.

    Raises
    ------
    DeviceUnavailable
        ``cuda`` is asked for and there is none, or no torch to use it.
    """
    if where not in get_args(Device):
        raise DeviceUnavailable(f"device = {where!r}: allowed is one of {', '.join(get_args(Device))}")
    if where == "cpu" or (where == "auto" and not _driver()):
        return "cpu"
    torch = import_module("torch") if find_spec("torch") else None
    if torch is not None and torch.cuda.is_available():
        return "cuda"
    if where == "auto":
        return "cpu"
    missing = "torch is not installed" if torch is None else "torch finds no CUDA device"
    raise DeviceUnavailable(f"device = cuda: {missing} (device = cpu computes the same numbers)")


def _driver() -> bool:
    """Whether a driver of a graphics card is there at all: importing torch to ask takes seconds."""
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None

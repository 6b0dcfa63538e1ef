"""Networks of torch at work: on one device, without gradients, giving the same numbers every time."""

import os
from collections.abc import Mapping
from typing import Any

import torch

from leaveout.devices import chosen
from leaveout.embed import Features, Machine


class Network:
    """A torch module that maps tensors to rows of features.

    Parameters
    ----------
    module : torch.nn.Module
        Moved to the device, and put into evaluation mode.
    machine : Machine
    mixed_precision : bool
        Whether to compute in half precision where torch holds that safe: float16 on a graphics card, bfloat16 on a
        processor.

    Raises
    ------
    DeviceUnavailable
        ``cuda`` is asked for and there is none.
    """

    def __init__(self, module: torch.nn.Module, machine: Machine, mixed_precision: bool) -> None:
        self._device = torch.device(chosen(machine.device))
        self._mixed_precision = mixed_precision
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS sums in any order
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.set_num_threads(machine.threads)
        self._module = module.eval().to(self._device)

    @property
    def about(self) -> Mapping[str, Any]:
        """The device that the network computes on."""
        cuda = self._device.type == "cuda"
        return {"device": f"cuda ({torch.cuda.get_device_name(self._device)})" if cuda else "cpu"}

    def __call__(self, *arguments: torch.Tensor, **named: torch.Tensor) -> Features:
        """Rows of features, in single precision and on the host."""
        half = torch.float16 if self._device.type == "cuda" else torch.bfloat16
        with torch.inference_mode(), torch.autocast(self._device.type, dtype=half, enabled=self._mixed_precision):
            rows = self._module(
                *(tensor.to(self._device) for tensor in arguments),
                **{name: tensor.to(self._device) for name, tensor in named.items()},
            )
        features: Features = rows.float().cpu().numpy()
        return features

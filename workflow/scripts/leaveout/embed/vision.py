"""Features of images: what the last linear layer of a classifier takes."""

import math
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from importlib.metadata import packages_distributions
from operator import attrgetter
from pathlib import Path
from textwrap import shorten
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch
import torchvision
from torchvision.models import get_model, get_model_weights, list_models
from torchvision.transforms import v2

from leaveout.archives import DAMAGE, unusable
from leaveout.embed import Encoder, Features, Machine
from leaveout.embed.networks import Network
from leaveout.errors import InvalidData, InvalidModel, PackageMissing

#: Images that are lost in a crash, give or take a batch: about a minute of ResNet-50 on a laptop.
CHUNK = 512
#: What torchvision's weights were trained with: mean and deviation of each channel of ImageNet's images.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: What networks and their builders raise on arguments or images that do not suit them.
UNSUITED = (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

Images = npt.NDArray[np.uint8]
Transform = Callable[[torch.Tensor], torch.Tensor]


def encoder(settings: Mapping[str, Any], weights: Path | None, machine: Machine) -> Encoder:
    """Return the encoder of images (k, h, w, 3) of bytes by an image classifier without its last linear layer.

    Parameters
    ----------
    settings : mapping
        ``model`` is the name of a torchvision classifier, or ``module:function`` of another code base; ``arguments`` go
        to either. ``transform`` is ``plain``, resized to ``size`` and scaled to [0, 1], ``normalized``, the same in
        units of ImageNet's mean and deviation, or ``weights``, what torchvision publishes with these weights.
        ``batch`` images pass the network together, prepared by the machine's ``workers``. ``mixed_precision`` is that
        of `Network`.
    weights : Path
        State dict of the model: a file of ``torch.save``, or one that ends in .safetensors. Under a name by which
        torchvision publishes weights of this model, the model is made as torchvision makes it for those.
    machine : Machine

    Raises
    ------
    InvalidModel
        There is no such model, the weights do not fit it or are no weights, it has no linear layer, or torchvision
        knows no transform of weights of this name.
    PackageMissing
        The module of the model is not installed.
    SourceError
        The weights are missing or damaged.
    """
    model = settings["model"]
    if weights is None or not weights.is_file():
        raise InvalidModel(f"embedding.weights: {weights} is no file (give one file of the weights of {model})")
    factory, published = _factory(model), _published(model, weights)
    transform = _transform(settings, weights, published)
    classifier = _loaded(factory, settings, weights, published)
    head, width = _take_head(classifier, model)
    layout = torch.contiguous_format if ":" in model else torch.channels_last  # others may count on the usual layout
    network = Network(classifier.to(memory_format=layout), machine, settings["mixed_precision"])

    def encode(images: Images) -> Features:
        batches = Batches(_checked(images), settings["batch"], transform, layout)
        rows = np.empty((len(images), width), dtype=np.float32)
        done = 0
        for prepared in _prepared(batches, machine.workers):
            found = _features(network, prepared, model)
            if found.shape != (len(prepared), width):
                raise InvalidModel(
                    f"embedding.model = {model}: without {head} it gives {found.shape}, not the {width} features that "
                    f"{head} takes: its last linear layer is not its last step (use another model)"
                )
            rows[done : done + len(found)] = found
            done += len(found)
        return rows

    about = {
        **network.about,
        "network": f"torchvision {published!r}" if published is not None else model,
        "layer": f"input of {head}",
        "transform": " ".join(repr(transform).split()),
    }
    return Encoder(encode, settings["batch"] * max(1, CHUNK // settings["batch"]), None, about, _packages(model))


@dataclass(frozen=True, eq=False)
class Batches(torch.utils.data.Dataset[torch.Tensor]):
    """Images prepared for the network, ``batch`` at a time; the last batch may be smaller.

    Attributes
    ----------
    images : (n, h, w, 3) array of bytes
    batch : int
    transform : function of (k, 3, h, w) bytes
    layout : torch.memory_format
        With the channels last, as bytes come, the resizing and the convolutions of processors are faster.
    """

    images: Images
    batch: int
    transform: Transform
    layout: torch.memory_format

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch)

    def __getitem__(self, index: int) -> torch.Tensor:
        first = index * self.batch
        pixels = torch.tensor(self.images[first : first + self.batch]).permute(0, 3, 1, 2)
        return self.transform(pixels).contiguous(memory_format=self.layout)


def _prepared(batches: Batches, workers: int) -> torch.utils.data.DataLoader[torch.Tensor]:
    """Batches in order, whatever the number of processes that prepare them."""
    # A job's script cannot be imported again, which processes that do not fork would do.
    context = "fork" if workers else None
    return torch.utils.data.DataLoader(batches, batch_size=None, num_workers=workers, multiprocessing_context=context)


def _checked(images: Any) -> Images:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise InvalidData(f"embedding.method = vision: samples are {found}, expected images, uint8 (n, h, w, 3)")
    return images


def _features(network: Network, prepared: torch.Tensor, model: str) -> Features:
    try:
        return network(prepared)
    except UNSUITED as error:
        raise InvalidModel(
            f"embedding.model = {model} fails on images of shape {tuple(prepared.shape)}: {error} "
            f"(try another embedding.size or a smaller embedding.batch)"
        ) from error


def _published(model: str, weights: Path) -> Any:
    """Member of torchvision's enumeration of weights whose file has this name, None if there is none."""
    if ":" in model:
        return None
    return next((known for known in get_model_weights(model) if _file_name(known) == weights.name), None)


def _file_name(published: Any) -> str:
    return str(published.url).rsplit("/", 1)[-1]


def _transform(settings: Mapping[str, Any], weights: Path, published: Any) -> Transform:
    """What is done to bytes (k, 3, h, w) before the network.

    Resized on bytes, so that a level is rounded as in published features, which were made from pictures of PIL.
    """
    if settings["transform"] != "weights":
        size = [settings["size"], settings["size"]]
        steps = [v2.Resize(size, antialias=True), v2.ToDtype(torch.float32, scale=True)]
        if settings["transform"] == "normalized":
            steps.append(v2.Normalize(IMAGENET_MEAN, IMAGENET_DEVIATION))
        resized: Transform = v2.Compose(steps)
        return resized
    if published is None:
        model = settings["model"]
        known = "" if ":" in model else ", ".join(_file_name(weights) for weights in get_model_weights(model))
        raise InvalidModel(
            f"embedding.transform = weights: torchvision publishes no transform with {weights.name} for {model} "
            f"(use transform: plain{f', or a file named as it was published: {known}' if known else ''})"
        )
    transform: Transform = published.transforms()
    return transform


def _loaded(factory: Callable[..., Any], settings: Mapping[str, Any], weights: Path, published: Any) -> torch.nn.Module:
    """The model with its weights, every one of them from the file."""
    model, arguments, state = settings["model"], dict(settings["arguments"]), _state(weights)
    try:
        if published is not None:
            # torchvision adapts some networks to their weights: Inception its input, DenseNet the weights' names.
            with _given(state, published):
                classifier: torch.nn.Module = factory(weights=published, **arguments)
        else:
            classifier = _unloaded(factory, arguments)
            classifier.load_state_dict(state)
    except UNSUITED as error:
        first, *misfits = str(error).splitlines() or [""]
        if not first.startswith("Error(s) in loading state_dict"):
            raise InvalidModel(
                f"embedding.model = {model}: cannot be made with embedding.arguments = {arguments}: {error}"
            ) from error
        raise InvalidModel(
            f"{weights}: not the weights of {model} with embedding.arguments = {arguments}: "
            f"{' '.join(shorten(line, 200) for line in misfits[:3])} "  # a line a kind of misfit, or a tensor
            f"(the file must hold the state dict of exactly this network)"
        ) from error
    return classifier


@contextmanager
def _given(state: Mapping[str, torch.Tensor], published: Any) -> Iterator[None]:
    """Have torchvision take these tensors for its published weights, where it would download them."""
    with mock.patch.object(type(published), "get_state_dict", return_value=state):
        yield


def _unloaded(factory: Callable[..., Any], arguments: Mapping[str, Any]) -> torch.nn.Module:
    """The model with weights that do not matter."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The default weight initialization", FutureWarning)
        made = factory(**arguments)
    if not isinstance(made, torch.nn.Module):
        raise TypeError(f"it gives {type(made).__name__}, not a torch.nn.Module")
    return made


def _factory(model: str) -> Callable[..., Any]:
    """Function that makes the model: of torchvision, or of another code base."""
    if ":" in model:
        module, _, name = model.partition(":")
        try:
            factory: Callable[..., Any] = attrgetter(name)(import_module(module))
        except ModuleNotFoundError as error:
            raise PackageMissing(f"embedding.model = {model} needs the package {error.name} (install it)") from error
        except AttributeError as error:
            raise InvalidModel(f"embedding.model = {model}: {error} (give module:function)") from error
        return factory
    known = list_models(module=torchvision.models)
    if model not in known:
        close = get_close_matches(model.lower(), known) or known
        raise InvalidModel(
            f"embedding.model = {model}: torchvision has no such classifier: {', '.join(close)} "
            f"(another code base is module:function)"
        )
    return partial(get_model, model, weights=None)


def _state(weights: Path) -> Mapping[str, torch.Tensor]:
    """Tensors by their names; nothing that a file holds is executed."""
    try:
        if weights.suffix == ".safetensors":
            found: Any = safetensors.torch.load_file(weights)
        else:
            found = torch.load(weights, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InvalidModel(
            f"{weights}: damaged, or it holds more than tensors, which is not executed: "
            f"{shorten(str(error).rpartition('source.')[2], 200)} (download it again, or save the network's state dict)"
        ) from error
    except (*DAMAGE, AssertionError, AttributeError, TypeError, safetensors.SafetensorError) as error:
        raise unusable(weights, f"damaged, or no file of weights: {shorten(str(error), 200)}") from error
    if not isinstance(found, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
        holds = (
            f"the keys {', '.join(map(str, list(found)[:5]))}" if isinstance(found, Mapping) else type(found).__name__
        )
        raise InvalidModel(
            f"{weights}: no state dict, which maps names to tensors: it holds {holds} "
            f"(save the state dict alone: torch.save(network.state_dict(), file))"
        )
    return found


def _take_head(classifier: torch.nn.Module, model: str) -> tuple[str, int]:
    """Replace the last linear layer by nothing; return its name and how many features it took."""
    linear = [(name, m) for name, m in classifier.named_modules() if name and isinstance(m, torch.nn.Linear)]
    if not linear:
        raise InvalidModel(f"embedding.model = {model}: it has no linear layer, whose input the features would be")
    name, layer = linear[-1]
    classifier.set_submodule(name, torch.nn.Identity())
    return name, layer.in_features


def _packages(model: str) -> tuple[str, ...]:
    """Distributions whose versions decide the features."""
    module = model.partition(":")[0].partition(".")[0]
    return ("torch", "torchvision", *(packages_distributions().get(module, ()) if ":" in model else ()))

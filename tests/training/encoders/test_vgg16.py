"""VGG16 is the published network, and takes PyTorch's weights from their usual files, safely."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from showtell.errors import BadBundle
from showtell.images import Preprocessing, open_picture, preprocess
from showtell.training.encoders.vgg16 import VGG16, Plan
from showtell.training.encoders.vgg16_weights import load_vgg16
from showtell.training.features.encode import encode_pictures
from showtell.training.features.network import PictureNetwork

SMALL = Plan(blocks=((4, 4), (5, 6), (7, 8, 8), (9, 9, 10), (10, 11, 12)), hidden=20)
CAT = Path(__file__).parents[3] / "examples" / "cat.jpg"

# The places of torchvision's layers; 30 is the last pooling.
CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return VGG16(plan=SMALL, origin="torchvision").eval()


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def load_small(path, architecture=None, **options):
    return load_vgg16(path, architecture, plan=SMALL, **options)


def with_classes(state):
    return state | {"classifier.6.weight": torch.ones(30, 20), "classifier.6.bias": torch.ones(30)}


# The network.


def test_it_is_the_published_network_without_its_last_layer():
    with torch.device("meta"):  # shapes alone
        network = VGG16()
    assert sum(parameter.numel() for parameter in network.parameters()) == 138_357_544 - 1000 * 4097
    names = [f"features.{place}" for place in CONVOLUTIONS] + ["classifier.0", "classifier.3"]
    assert list(network.state_dict()) == [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
    assert network.state_dict()["classifier.0.weight"].shape == (4096, 25088)
    assert (network.regions, network.width) == (1, 4096)
    with torch.device("meta"):
        network = VGG16(output="map")
    assert (network.regions, network.width) == (49, 512)


def test_the_two_outputs_have_the_shapes_they_promise_and_names_of_their_own(pixels):
    networks = [VGG16(plan=SMALL, output=output) for output in ("fc2", "map")]
    for network in networks:
        assert network(pixels).shape == (2, network.regions, network.width)
    assert networks[0].name != networks[1].name  # or one's cache would be taken for the other's


def test_regions_of_the_map_are_its_cells_row_by_row(network, pixels):
    maps = network.features(pixels)  # [B, C, 7, 7]
    network.classifier = None
    regions = network(pixels)  # [B, 49, C]
    for region in (0, 1, 7, 48):
        torch.testing.assert_close(regions[:, region], maps[:, :, region // 7, region % 7])


def test_features_are_what_is_left_after_relu(network, pixels):
    features = network(pixels)
    assert (features >= 0).all()
    assert (features == 0).any()
    assert (features > 0).any()


def test_pictures_are_prepared_as_the_weights_were_trained():
    orange = np.full((300, 200, 3), (200, 100, 50), np.uint8)
    network = VGG16(plan=SMALL, resample="nearest")
    assert network.preprocessing == Preprocessing(
        size=224,
        fit="squeeze",
        resample="nearest",
        channels="bgr",
        mean=(103.939, 116.779, 123.68),
        std=(1, 1, 1),
    )
    blue, green, red = preprocess(orange, network.preprocessing)[:, 7, 7]
    assert (blue, green, red) == pytest.approx((50 - 103.939, 100 - 116.779, 200 - 123.68), abs=1e-4)
    torchvision = VGG16(plan=SMALL, origin="torchvision").preprocessing
    red, green, blue = preprocess(orange, torchvision)[:, 7, 7]
    expected = ((200 / 255 - 0.485) / 0.229, (100 / 255 - 0.456) / 0.224, (50 / 255 - 0.406) / 0.225)
    assert (red, green, blue) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("output", ["fc2", "map"])
def test_onnx_runtime_sees_the_same_on_a_real_picture(output):
    torch.manual_seed(0)
    network = VGG16(plan=SMALL, output=output).eval()
    pixels = preprocess(open_picture(CAT), network.preprocessing)[None]
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels)).numpy()
    runtime = PictureNetwork(network)
    assert (runtime.regions, runtime.width) == (network.regions, network.width)
    np.testing.assert_allclose(runtime(pixels), expected, atol=1e-4 * np.abs(expected).max())


def test_a_cache_of_nearest_pixels_holds_what_older_scripts_saw(tmp_path):
    # A JPEG decoded at a reduced scale has other nearest pixels than the whole one.
    large = tmp_path / "cat.jpg"
    Image.open(CAT).resize((1804, 1200)).save(large, quality=95)
    how = VGG16(plan=SMALL, resample="nearest").preprocessing
    pixels = preprocess(open_picture(large), how)[None]
    brightest = nn.Sequential(nn.MaxPool2d(32), nn.Flatten(2))  # [B, 3, 49]
    brightest.name, brightest.preprocessing = "brightest", how
    runtime = PictureNetwork(brightest)
    cache = encode_pictures([("cat", large)], runtime, tmp_path / "features")
    np.testing.assert_allclose(cache.features[0], runtime(pixels)[0], rtol=1e-3)
    assert cache.meta["preprocessing"]["resample"] == "nearest"


# PyTorch's weights.


@pytest.mark.parametrize("last_layer", [True, False])
@pytest.mark.parametrize("kind", ["pth", "legacy pth", "safetensors"])
def test_a_state_dict_of_torchvision(network, pixels, tmp_path, kind, last_layer):
    state = with_classes(network.state_dict()) if last_layer else network.state_dict()
    path = tmp_path / f"vgg16.{kind.split()[-1]}"
    if kind == "safetensors":
        save_file(state, path)
    else:  # the published file is of 2017, and not yet a zip
        torch.save(state, path, _use_new_zipfile_serialization=kind == "pth")
    loaded = load_small(path)
    torch.testing.assert_close(loaded(pixels), network(pixels))
    assert loaded.preprocessing.channels == "rgb"
    assert not loaded.training
    network.classifier = None
    torch.testing.assert_close(load_small(path, output="map")(pixels), network(pixels))


def test_timms_names(network, pixels, tmp_path):
    state = network.state_dict()
    for theirs, ours, shape in (
        ("fc1", "classifier.0", (20, 12, 7, 7)),
        ("fc2", "classifier.3", (20, 20, 1, 1)),
    ):
        state[f"pre_logits.{theirs}.weight"] = state.pop(f"{ours}.weight").reshape(shape)
        state[f"pre_logits.{theirs}.bias"] = state.pop(f"{ours}.bias")
    save_file(state | {"head.fc.weight": torch.ones(30, 20)}, tmp_path / "vgg16.safetensors")
    torch.testing.assert_close(load_small(tmp_path / "vgg16.safetensors")(pixels), network(pixels))


def test_half_precision_becomes_float32(network, tmp_path):
    torch.save({name: tensor.half() for name, tensor in network.state_dict().items()}, tmp_path / "a.pth")
    assert {parameter.dtype for parameter in load_small(tmp_path / "a.pth").parameters()} == {torch.float32}


class Harm:
    def __reduce__(self):
        return os.system, ("touch harm-was-done",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pth_that_could_run_code_is_refused_and_not_run(network, tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    for value in (Harm(), network.state_dict() | {"more": Harm()}, network):
        torch.save(value, "a.pth", _use_new_zipfile_serialization=zipped)
        with pytest.raises(BadBundle, match="holds more than tensors, or is broken; save it again"):
            load_small(Path("a.pth"))
    assert os.listdir() == ["a.pth"]


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("kept", [0, 1, 20, 3000, -20])
def test_truncated_files_are_refused(network, tmp_path, name, kept):
    path = tmp_path / name
    (save_file if name.endswith("safetensors") else torch.save)(network.state_dict(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadBundle, match=r"a\..* is (cut short or broken|not a file of weights)") as refused:
        load_small(path)
    assert "\n" not in str(refused.value)


def test_other_networks_are_refused_with_what_was_found(network, tmp_path):
    state = network.state_dict()

    def refused(changed, message):
        torch.save(changed, tmp_path / "a.pth")
        with pytest.raises(BadBundle, match=message):
            load_small(tmp_path / "a.pth")

    refused([torch.ones(3)], "holds a list, expected the state dict of torchvision's vgg16")
    refused({}, r"features\.0\.weight is missing; it holds nothing")
    refused({"conv1.weight": torch.ones(3)}, r"features\.0\.weight is missing; it holds conv1\.weight")
    refused(state | {"features.0.weight": "text"}, r"features\.0\.weight is missing")
    narrow = {"features.2.weight": torch.ones(4, 3, 3, 3)}
    refused(state | narrow, r"features\.2\.weight has the shape \[4, 3, 3, 3\], expected \[4, 4, 3, 3\]")
    refused(
        state | {"features.34.weight": torch.ones(3)}, r"is not VGG16: it also holds features\.34\.weight"
    )
    features = {name: tensor for name, tensor in state.items() if name.startswith("features")}
    refused(features, r"classifier\.0\.weight is missing")
    nothing = {"classifier.0.bias": torch.full((20,), torch.nan)}  # as in torchvision's IMAGENET1K_FEATURES
    refused(state | nothing, r"values in classifier\.0\.bias that are not finite")


def test_an_architecture_beside_pytorchs_weights_is_a_mistake(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "a.pth")
    with pytest.raises(BadBundle, match=r"a\.pth is not Keras's, so .*a\.json says nothing of it"):
        load_small(tmp_path / "a.pth", tmp_path / "a.json")


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(BadBundle, match=r"a\.pth"):
        load_small(tmp_path / "a.pth")

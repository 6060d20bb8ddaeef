"""EfficientNet-Lite sees what ImageNet taught it, and its weights survive a file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from showtell.errors import BadBundle, BadRecipe
from showtell.images import read_pixels
from showtell.training.encoders import checksum, load_encoder, save_encoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite, load_imagenet, scaled_channels
from showtell.training.encoders.stages import EarlyStages, LateStages
from showtell.training.features.network import PictureNetwork, by_onnx_runtime, by_torch

EXAMPLES = Path(__file__).parents[3] / "examples"

# Pictures that ImageNet has a word for, and the classes that would be right.
RECOGNISABLE = {
    "cat.jpg": {281, 282, 285},  # tabby, tiger cat, Egyptian cat
    "coffee.jpg": {504, 967, 968},  # coffee mug, espresso, cup
}


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_it_recognises_pictures_that_imagenet_has_a_word_for(variant: int) -> None:
    network = load_imagenet(variant)
    for name, right in RECOGNISABLE.items():
        pixels = torch.from_numpy(read_pixels(EXAMPLES / name, network.preprocessing))[None]
        with torch.inference_mode():
            found = int(network.classifier(network(pixels).mean(dim=1))[0].argmax())
        assert found in right, f"{name} is taken for {found}"


@pytest.mark.parametrize(
    ("variant", "size", "side", "early"), [(0, 224, 7, 112), (2, 224, 7, 120), (2, 260, 9, 120)]
)
def test_regions_and_early_maps_have_the_shapes_it_says(
    variant: int, size: int, side: int, early: int
) -> None:
    network = EfficientNetLite(variant, size).eval()
    with torch.inference_mode():
        cells = EarlyStages(network)(torch.zeros(1, 3, size, size))
        regions = LateStages(network).eval()(cells)
    assert cells.shape == (1, network.early_side**2, network.early_width)
    assert (cells.shape[2], regions.shape) == (early, (1, side * side, 1280))
    assert (network.regions, network.width) == (side * side, 1280)


def test_regions_run_row_by_row_from_the_top_left() -> None:
    network = load_imagenet(0)
    blank = torch.zeros(1, 3, 224, 224)
    marked = blank.clone()
    marked[:, :, 10:40, 180:210] = 1.0  # top right
    with torch.inference_mode():
        change = (network(marked) - network(blank)).abs().sum(dim=-1)[0]
    assert int(change.argmax()) in (5, 6, 12, 13)


def test_onnx_runtime_and_pytorch_give_the_same_regions() -> None:
    network = load_imagenet(0, 128)
    pixels = np.random.default_rng(0).standard_normal((2, 3, 128, 128)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(
        by_onnx_runtime(network, torch.from_numpy(pixels))(pixels), expected, atol=1e-3
    )
    np.testing.assert_array_equal(by_torch(network, torch.device("cpu"))(pixels), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_same_regions() -> None:
    network = load_imagenet(0, 128)
    pixels = np.random.default_rng(0).standard_normal((2, 3, 128, 128)).astype(np.float32)
    there, here = (PictureNetwork(network, torch.device(device))(pixels) for device in ("cuda", "cpu"))
    np.testing.assert_allclose(there, here, atol=1e-2)


def test_a_tuned_encoder_survives_its_file(tmp_path: Path) -> None:
    network = load_imagenet(0, 128)
    network.head[0].weight.data.mul_(1.5)
    save_encoder(network, tmp_path / "tuned.safetensors")
    again = load_encoder(str(tmp_path / "tuned.safetensors"))
    assert checksum(again) == checksum(network)
    assert (again.name, again.preprocessing) == (network.name, network.preprocessing)


@pytest.mark.parametrize(
    "described",
    ["", "[]", "not JSON", '{"name": "efficientnet-lite0"}', '{"name": "efficientnet-lite0", "size": 0}'],
)
def test_a_file_that_says_nonsense_of_itself_is_refused(described: str, tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "odd.safetensors", metadata={"encoder": described})
    with pytest.raises(BadBundle, match=r"odd\.safetensors"):
        load_encoder(str(tmp_path / "odd.safetensors"))


def test_what_is_no_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="no encoder 'resnet'"):
        load_encoder("resnet")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing")
    with pytest.raises(BadBundle, match="cannot be read"):
        load_encoder(str(broken))


def test_channels_are_scaled_to_multiples_of_eight() -> None:
    assert [scaled_channels(channels, 1.1) for channels in (16, 24, 40, 80, 112, 192, 320)] == [
        16, 24, 48, 88, 120, 208, 352,
    ]  # fmt: skip

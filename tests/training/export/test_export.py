"""The graphs of every model say what PyTorch says, word after word."""

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
import torch
from small_models import SENTINEL, small

from showtell.captioning.bundle import Bundle
from showtell.captioning.networks import OnnxEncoder, OnnxStepper
from showtell.text.vocabulary import Vocabulary
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.engine.stepper import TorchStepper
from showtell.training.export.graphs import BothSides, make_graphs
from showtell.training.models import MODELS

VOCABULARY = Vocabulary.build([[f"word{number}" for number in range(40)]], minimum_count=1)
EIGHT_BITS = 0.15  # logits of a few units differ by less when the weights of a step have 7 bits and a sign
HALF_PRECISION = 0.02  # the graphs' weights are halved: logits of a few units differ by less
STEPS = 6


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite:
    torch.manual_seed(5)
    return EfficientNetLite(0, 64).eval()


def bundle(encoder: EfficientNetLite, graphs: dict[str, bytes]) -> Bundle:
    return Bundle(
        folder=Path("nowhere"),
        name="small",
        version="1",
        languages=("en",),
        preprocessing=encoder.preprocessing,
        vocabulary=VOCABULARY,
        decoding={},
        calibration={},
        training={},
        graphs=graphs,
    )


@pytest.mark.parametrize(
    ("name", "precision", "tolerance"),
    [
        *((name, "fp16", HALF_PRECISION) for name in (*sorted(MODELS), SENTINEL)),
        *((name, "int8", EIGHT_BITS) for name in sorted(MODELS)),
    ],
)
def test_the_graphs_say_what_pytorch_says(
    name: str, precision: Literal["fp16", "int8"], tolerance: float, encoder: EfficientNetLite
) -> None:
    model = small(name, vocabulary=len(VOCABULARY), regions=encoder.regions, region_width=encoder.width)
    made = bundle(encoder, make_graphs(encoder, model, precision=precision))
    graphs, pytorch = OnnxStepper(made, threads=1), TorchStepper(model)
    # Three pictures, though the graphs were traced with two: the batch is free.
    regions = OnnxEncoder(made, threads=1)(np.random.default_rng(1).normal(size=(3, 3, 64, 64)).astype("f4"))
    assert regions.shape == (3, encoder.regions, encoder.width)
    assert graphs.fixed == pytorch.fixed
    states = graphs.begin(regions), pytorch.begin(regions)
    tokens = np.random.default_rng(2).integers(len(VOCABULARY), size=(STEPS, 3, 1))
    for said in tokens:
        (logits, looked, one), (expected, expected_look, other) = (
            stepper.step(said, state) for stepper, state in zip((graphs, pytorch), states, strict=True)
        )
        states = one, other
        np.testing.assert_allclose(logits, expected, atol=tolerance)
        np.testing.assert_allclose(looked, expected_look, atol=tolerance)
        for place, tensor in enumerate(one):
            np.testing.assert_allclose(tensor, other[place], atol=tolerance)


def test_regions_of_both_sides_are_the_weighted_mean_of_what_shows_the_same_place(
    encoder: EfficientNetLite,
) -> None:
    model = small("nic", vocabulary=len(VOCABULARY), regions=encoder.regions, region_width=encoder.width)
    made = bundle(encoder, make_graphs(BothSides(encoder, 0.25), model))
    pixels = np.random.default_rng(3).normal(size=(3, 3, 64, 64)).astype("f4")
    with torch.inference_mode():
        straight, mirrored = (
            encoder(torch.from_numpy(side.copy())).numpy().reshape(3, 2, 2, -1)
            for side in (pixels, pixels[..., ::-1])
        )
    expected = 0.75 * straight + 0.25 * mirrored[:, :, ::-1]
    found = OnnxEncoder(made, threads=1)(pixels).reshape(expected.shape)
    assert np.abs(found - expected).max() < 0.02 * expected.std()
    assert np.abs(found - straight).max() > 0.1 * expected.std()


def test_a_mirror_image_has_regions_that_are_mirrored_where_both_sides_weigh_alike(
    encoder: EfficientNetLite,
) -> None:
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        both = BothSides(encoder, 0.5).eval()
        one, other = both(pixels), both(pixels.flip(-1))
    torch.testing.assert_close(one.unflatten(1, (2, 2)).flip(2).flatten(1, 2), other)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_step_in_8_bits_does_not_depend_on_the_pictures_beside(
    name: str, encoder: EfficientNetLite
) -> None:
    model = small(name, vocabulary=len(VOCABULARY), regions=encoder.regions, region_width=encoder.width)
    stepper = OnnxStepper(bundle(encoder, make_graphs(encoder, model, precision="int8")), threads=1)
    regions = np.random.default_rng(6).normal(size=(4, encoder.regions, encoder.width)).astype("f4")
    regions[1:] *= 5
    tokens = np.full((4, 1), 7, np.int64)
    alone, _, _ = stepper.step(tokens[:1], stepper.begin(regions[:1]))
    beside, _, _ = stepper.step(tokens, stepper.begin(regions))
    np.testing.assert_allclose(beside[:1], alone, atol=5e-3)


def test_precision_changes_the_graph_of_a_step_alone(encoder: EfficientNetLite) -> None:
    model = small("two_lstm", vocabulary=len(VOCABULARY), regions=encoder.regions, region_width=encoder.width)
    one, other = (make_graphs(encoder, model, precision=precision) for precision in ("fp16", "int8"))
    assert "MatMulInteger" in str(onnx.load_from_string(other["step.onnx"]).graph)
    assert {name for name in one if one[name] != other[name]} == {"step.onnx"}

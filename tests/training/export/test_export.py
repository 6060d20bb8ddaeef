"""The graphs of every model say what PyTorch says, word after word."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import SENTINEL, small

from showtell.captioning.bundle import Bundle
from showtell.captioning.networks import OnnxEncoder, OnnxStepper
from showtell.text.vocabulary import Vocabulary
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.engine.stepper import TorchStepper
from showtell.training.export.graphs import make_graphs
from showtell.training.models import MODELS

VOCABULARY = Vocabulary.build([[f"word{number}" for number in range(40)]], minimum_count=1)
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


@pytest.mark.parametrize("name", [*sorted(MODELS), SENTINEL])
def test_the_graphs_say_what_pytorch_says(name: str, encoder: EfficientNetLite) -> None:
    model = small(name, vocabulary=len(VOCABULARY), regions=encoder.regions, region_width=encoder.width)
    made = bundle(encoder, make_graphs(encoder, model))
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
        np.testing.assert_allclose(logits, expected, atol=HALF_PRECISION)
        np.testing.assert_allclose(looked, expected_look, atol=HALF_PRECISION)
        for place, tensor in enumerate(one):
            np.testing.assert_allclose(tensor, other[place], atol=HALF_PRECISION)

"""An encoder in 8-bit integers: near to single precision, and of a picture alone, whatever is beside it."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnxruntime import InferenceSession, SessionOptions
from shapes import draw_corpus
from toy_recipe import TOY_RECIPE

from showtell.captioning.onnx import Graph
from showtell.corpora import open_corpus
from showtell.images import read_pixels
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.export import export
from showtell.training.export.graphs import BothSides, halved
from showtell.training.export.integer_encoder import in_integers
from showtell.training.export.onnx_graph import to_onnx
from showtell.training.recipe import read_recipe
from showtell.training.train import train

SIDE = 64
PIXELS = np.random.default_rng(1).normal(size=(12, 3, SIDE, SIDE)).astype("f4")


@pytest.fixture(scope="module")
def plain() -> bytes:
    torch.manual_seed(5)
    encoder = EfficientNetLite(0, SIDE)
    encoder.train()
    with torch.no_grad():
        for _ in range(20):  # so that batch normalisation knows its maps, and ReLU6 lets something through
            encoder(torch.from_numpy(PIXELS))
    shape = torch.zeros(2, 3, SIDE, SIDE)
    return to_onnx(BothSides(encoder, 0.4).eval(), (shape,), inputs=["pixels"], outputs=["regions"])


@pytest.fixture(scope="module")
def integers(plain: bytes) -> bytes:
    return in_integers(halved(plain), PIXELS)


def run(content: bytes, pixels: np.ndarray, *, threads: int = 1) -> np.ndarray:
    return Graph(content, "encoder.onnx", threads=threads).run(["regions"], {"pixels": pixels})[0]


def operators(content: bytes, file: Path) -> Counter[str]:
    """What ONNX Runtime runs, after all its fusions."""
    options = SessionOptions()
    options.optimized_model_filepath = str(file)
    options.log_severity_level = 4
    InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(file).graph.node)


def test_every_convolution_is_in_integers_and_none_is_padded_apart(
    plain: bytes, integers: bytes, tmp_path: Path
) -> None:
    before, after = (operators(content, tmp_path / "run.onnx") for content in (plain, integers))
    assert "Pad" not in before
    assert "Pad" not in after
    assert "Conv" not in after
    assert after["QLinearConv"] == before["Conv"]
    assert after["QLinearAdd"] == 9  # of the residual blocks; the mean of both sides is in single precision
    assert after["Add"] == 1
    assert len(integers) < 0.6 * len(halved(plain))


def test_what_it_gives_is_near_to_single_precision(plain: bytes, integers: bytes) -> None:
    expected, found = run(plain, PIXELS), run(integers, PIXELS)
    assert np.abs(found - expected).mean() < export.LARGEST_REGION_DIFFERENCE["int8"] * expected.std()
    # Corrected biases leave the mean over the pictures where it was.
    assert abs(float(found.mean() - expected.mean())) < 0.01 * expected.std()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_picture_has_the_same_regions_alone_and_in_a_batch(integers: bytes, threads: int) -> None:
    together = run(integers, PIXELS * np.linspace(1, 9, len(PIXELS), dtype="f4")[:, None, None, None])
    alone = run(integers, PIXELS[:1], threads=threads)
    np.testing.assert_array_equal(together[:1], alone)


def test_weights_fit_processors_that_add_in_16_bits(integers: bytes) -> None:
    model = onnx.load_from_string(integers)
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    sources = {node.output[0]: node.input[0] for node in model.graph.node}
    for node in model.graph.node:
        if node.op_type == "Conv":
            weights = constants[sources[node.input[1]]]
            assert weights.dtype == np.int8
            depthwise = any(one.name == "group" and one.i > 1 for one in node.attribute)
            assert np.abs(weights.astype(int)).max() == (127 if depthwise else 64)


def test_scales_are_found_on_pictures_that_are_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_corpus(tmp_path / "data", train=150, dev=6)
    spec = f"flickr8k:{tmp_path / 'data'}"
    small = [
        "encoder.size=64",
        "training.batch=16",
        "training.schedule.epochs=1",
        "training.schedule.warmup=1",
    ]
    (tmp_path / "toy.toml").write_text(TOY_RECIPE.format(model="two_lstm", epochs=1), encoding="utf-8")
    recipe = read_recipe(tmp_path / "toy.toml", [*small, 'export.precision="int8"', "export.mirrored=0.4"])
    train(recipe, spec, tmp_path / "run")
    given = []

    def looked_at(graph: bytes, pixels: np.ndarray) -> bytes:
        given.append(pixels)
        return in_integers(graph, pixels)

    monkeypatch.setattr(export, "in_integers", looked_at)
    bundle = export.export_run(tmp_path / "run", tmp_path / "bundle", name="toy")
    assert "QuantizeLinear" in {
        node.op_type for node in onnx.load_from_string(bundle.graphs["encoder.onnx"]).graph.node
    }
    [pixels] = given
    assert 0 < len(pixels) <= export.PICTURES_CALIBRATED
    trained = {
        read_pixels(example.path, bundle.preprocessing).tobytes()
        for example in open_corpus(spec).training_examples
    }
    assert {one.tobytes() for one in pixels} <= trained

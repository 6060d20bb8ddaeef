"""Graphs that keep to the contract run; others are refused by name before anything is captioned."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from tiny_bundle import encoder, graphs, search_graphs, step, vocabulary, write_tiny_bundle

from showtell.captioning.networks import OnnxEmbedder, OnnxEncoder, OnnxStepper, OnnxTextEmbedder
from showtell.captioning.onnx import Graph, default_threads
from showtell.errors import BadBundle
from showtell.images import Preprocessing


def graph(inputs, outputs):
    """A graph whose outputs are all its first input."""
    nodes = [helper.make_node("Identity", [next(iter(inputs))], [name]) for name in outputs]

    def tensor(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    made = helper.make_graph(
        nodes, "g", [tensor(*one) for one in inputs.items()], [tensor(*one) for one in outputs.items()]
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def bundle(tmp_path, **files):
    named = {f"{name}.onnx": content for name, content in files.items()}
    return write_tiny_bundle(tmp_path / "bundle", files=graphs(vocabulary()) | named)


def test_a_graph_needs_nothing_but_its_bytes():
    network = Graph(encoder(), "anywhere/net.onnx", threads=2)
    assert (network.inputs, network.outputs) == (["pixels"], ["regions"])
    [regions] = network.run(["regions"], {"pixels": np.zeros((2, 3, 32, 32), np.float32)})
    assert regions.shape == (2, 4, 3)
    with pytest.raises(BadBundle, match=r"net\.onnx: failed while running"):
        network.run(["regions"], {"pixels": np.zeros(3, np.float32)})
    with pytest.raises(BadBundle, match=r"other\.onnx: is not a graph"):
        Graph(b"", "other.onnx")


def test_texts_of_different_lengths_are_embedded_together(tmp_path):
    made = write_tiny_bundle(tmp_path / "b", files=graphs(vocabulary()) | search_graphs(vocabulary()))
    embed = OnnxTextEmbedder(made)
    texts = [["red"], ["a", "blue", "picture"], [], ["unheard"]]
    together = embed(texts)
    assert together.shape == (4, 3)
    for text, vector in zip(texts, together, strict=True):
        assert embed([text])[0] == pytest.approx(vector, abs=1e-6)
    regions = OnnxEncoder(made)(np.ones((1, 3, 32, 32), np.float32))
    assert np.linalg.norm(OnnxEmbedder(made)(regions)) == pytest.approx(1)


@pytest.mark.parametrize(("name", "network"), [("embedder", OnnxEmbedder), ("text", OnnxTextEmbedder)])
def test_embedders_that_do_not_keep_to_the_contract(tmp_path, name, network):
    both = search_graphs(vocabulary()) | {f"{name}.onnx": graph({"x": [1]}, {"vector": [1]})}
    made = write_tiny_bundle(tmp_path / "b", files=graphs(vocabulary()) | both)
    with pytest.raises(BadBundle, match=rf"{name}\.onnx: takes x"):
        network(made)
    with pytest.raises(BadBundle, match=rf"has no {name}\.onnx"):
        network(bundle(tmp_path))


def test_pixels_become_regions(tmp_path):
    pixels = np.random.default_rng(0).normal(size=(5, 3, 32, 32)).astype(np.float32)
    regions = OnnxEncoder(bundle(tmp_path))(pixels)
    assert regions.shape == (5, 4, 3)
    assert regions.dtype == np.float32
    assert np.allclose(regions[2, 3], pixels[2, :, 16:, 16:].mean((1, 2)), atol=1e-6)


def test_a_stepper_goes_on_from_its_state(tmp_path):
    stepper = OnnxStepper(bundle(tmp_path))
    words = vocabulary()
    state = stepper.begin(np.ones((2, 4, 3), np.float32))
    tokens = np.full((2, 1), words.start_ids["en"])
    said = []
    for _ in range(4):
        logits, attention, state = stepper.step(tokens, state)
        assert logits.shape == (2, len(words))
        assert np.allclose(attention.sum(1), 1)
        tokens = logits.argmax(1)[:, None]
        said.append(words.tokens[tokens[0, 0]])
    assert said == ["a", "white", "picture", "<end>"]


def test_what_never_changes_is_handed_on_as_the_same_object(tmp_path):
    stepper = OnnxStepper(bundle(tmp_path))
    state = stepper.begin(np.ones((2, 4, 3), np.float32))
    _, _, following = stepper.step(np.full((2, 1), 3), state)
    assert stepper.fixed == {0}
    assert following[0] is state[0]
    assert following[1] is not state[1]


@pytest.mark.parametrize(
    ("name", "inputs", "outputs", "complaint"),
    [
        ("encoder", {"image": [1]}, {"regions": [1]}, "takes image; expected pixels"),
        ("encoder", {"pixels": [1]}, {"features": [1]}, "gives features; expected regions"),
        ("encoder", {"pixels": ["B", 3, 64, 64]}, {"regions": ["B", 3, 64, 64]}, "manifest says 32 a side"),
        ("begin", {"pixels": [1]}, {"state.a": [1]}, "takes pixels; expected regions"),
        ("begin", {"regions": [1]}, {"memory": [1]}, "gives memory; expected nothing"),
        ("begin", {"regions": [1]}, {"state.other": [1]}, "expected tokens, state.other"),
        ("step", {"tokens": [1]}, {"logits": [1]}, "takes tokens; expected"),
    ],
)
def test_graphs_that_do_not_keep_to_the_contract(tmp_path, name, inputs, outputs, complaint):
    wrong = bundle(tmp_path, **{name: graph(inputs, outputs)})
    with pytest.raises(BadBundle, match=complaint):
        (OnnxEncoder(wrong), OnnxStepper(wrong))


def test_a_step_of_another_vocabulary(tmp_path):
    wrong = bundle(tmp_path, step=step(vocabulary(("en", "zh"))))
    with pytest.raises(BadBundle, match="the vocabulary has"):
        OnnxStepper(wrong)


def test_what_fails_while_running_names_the_file(tmp_path):
    encoder = OnnxEncoder(bundle(tmp_path))
    with pytest.raises(BadBundle, match=r"encoder\.onnx: failed while running"):
        encoder(np.zeros((1, 3, 7, 7), np.float32))


def test_the_side_of_the_pictures_is_checked_where_the_graph_states_it(tmp_path):
    how = Preprocessing(size=48, mean=(0, 0, 0), std=(1, 1, 1))
    made = write_tiny_bundle(tmp_path / "bundle", preprocessing=how)
    with pytest.raises(BadBundle, match="48"):
        OnnxEncoder(made)


def test_there_is_at_least_one_thread():
    assert 1 <= default_threads() <= 8

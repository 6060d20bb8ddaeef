"""Products in 8-bit integers: near to those in single precision, and of each row alone."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from showtell.training.export.quantised import quantised

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(64, 32)).astype("f4")
BIAS = RANDOM.normal(size=32).astype("f4")
GIVEN = RANDOM.normal(size=(7, 64)).astype("f4")


def graph(node, constants, inputs=("x",)):
    made = helper.make_graph(
        [node],
        "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


def run(content, **given):
    return InferenceSession(content).run(None, given)[0]


@pytest.mark.parametrize(
    ("node", "constants", "expected"),
    [
        (helper.make_node("MatMul", ["x", "w"], ["y"]), {"w": WEIGHTS}, GIVEN @ WEIGHTS),
        (helper.make_node("Gemm", ["x", "w"], ["y"]), {"w": WEIGHTS}, GIVEN @ WEIGHTS),
        (
            helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1),
            {"w": WEIGHTS.T.copy(), "b": BIAS},
            GIVEN @ WEIGHTS + BIAS,
        ),
    ],
)
def test_a_product_with_constant_weights_is_nearly_as_before_and_a_quarter_of_the_size(
    node, constants, expected
):
    content = quantised(graph(node, constants))
    assert np.abs(run(content, x=GIVEN) - expected).mean() < 0.02 * expected.std()
    stored = {one.name: one for one in onnx.load_from_string(content).graph.initializer}
    assert "w" not in stored
    assert stored["y.weights"].data_type == TensorProto.INT8
    assert np.abs(numpy_helper.to_array(stored["y.weights"])).max() == 64


def test_a_row_does_not_depend_on_the_others_however_large_they_are():
    content = quantised(graph(helper.make_node("MatMul", ["x", "w"], ["y"]), {"w": WEIGHTS}))
    alone = run(content, x=GIVEN[:1])
    beside = run(content, x=np.concatenate([GIVEN[:1], 1000 * GIVEN[1:]]))
    np.testing.assert_array_equal(beside[:1], alone)


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1e4])
def test_rows_of_any_size_give_finite_numbers(scale):
    content = quantised(graph(helper.make_node("MatMul", ["x", "w"], ["y"]), {"w": WEIGHTS}))
    found, expected = run(content, x=scale * GIVEN), scale * GIVEN @ WEIGHTS
    assert np.abs(found - expected).mean() <= 0.02 * expected.std() + 1e-6


@pytest.mark.parametrize(
    ("node", "constants", "given"),
    [
        (helper.make_node("MatMul", ["x", "z"], ["y"]), {}, {"x": GIVEN, "z": WEIGHTS}),
        (helper.make_node("Gemm", ["x", "w"], ["y"], alpha=0.5), {"w": WEIGHTS}, {"x": GIVEN}),
        (helper.make_node("Gemm", ["x", "w"], ["y"], transA=1), {"w": WEIGHTS}, {"x": GIVEN.T.copy()}),
    ],
)
def test_what_is_no_plain_product_with_constant_weights_stays(node, constants, given):
    before = graph(node, constants, tuple(given))
    np.testing.assert_array_equal(run(quantised(before), **given), run(before, **given))

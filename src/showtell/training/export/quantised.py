"""A graph with its matrix products in 8-bit integers: weights are quantised now, what they multiply when it is run.

Each row of what is multiplied has a scale of its own, so that what comes of a picture does not depend on the pictures
that it shares a batch with, and so has each column of the weights: T. Dettmers et al., *LLM.int8()*, NeurIPS 2022,
section 2.1.

K rows and N columns of the weights.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

LARGEST_WEIGHT = 64
"""So that a product of two pairs fits into 16 bits, where processors without instructions for it (VNNI) add them."""

ZERO = 128
"""Of the unsigned 8-bit integers that stand for what is multiplied: -127 to 127 becomes 1 to 255."""


def quantised(graph: bytes) -> bytes:
    """The same graph with its products with constant matrices (MatMul, Gemm) in integers."""
    model = onnx.load_from_string(graph)
    constants = {weights.name: weights for weights in model.graph.initializer}
    nodes: list[NodeProto] = [
        helper.make_node("Constant", [], ["quantised.last axis"], value_ints=[-1]),
        helper.make_node("Constant", [], ["quantised.least"], value_float=1e-6),
        helper.make_node("Constant", [], ["quantised.largest"], value_float=127.0),
        helper.make_node("Constant", [], ["quantised.shift"], value_float=float(ZERO)),
    ]
    model.graph.initializer.append(numpy_helper.from_array(np.array(ZERO, np.uint8), "quantised.zero"))
    for node in model.graph.node:
        weights = _weights(node, constants)
        if weights is None:
            nodes.append(node)
            continue
        integers, scales = _in_integers(weights)
        name = node.output[0]
        model.graph.initializer.append(numpy_helper.from_array(integers, f"{name}.weights"))
        model.graph.initializer.append(numpy_helper.from_array(scales, f"{name}.scales"))
        nodes += _product(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unused(model.graph)
    return model.SerializeToString()


def _weights(node: NodeProto, constants: dict[str, onnx.TensorProto]) -> NDArray[np.float32] | None:
    """The constant matrix that a node multiplies by [K, N]; None for any other node."""
    if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in constants:
        return None
    weights = numpy_helper.to_array(constants[node.input[1]])
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    plain = all(attributes.get(name, 1) == 1 for name in ("alpha", "beta")) and not attributes.get("transA")
    if weights.ndim != 2 or not plain:
        return None
    return weights.T if attributes.get("transB") else weights


def _in_integers(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights [K, N] -> integers [K, N], and the scale of each column [N] by which they are multiplied."""
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-12) / LARGEST_WEIGHT
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)


def _product(node: NodeProto) -> Iterator[NodeProto]:
    """Nodes that do what a MatMul or Gemm did, with the integers [K, N] for weights."""
    name, given = node.output[0], node.input[0]  # [..., K]
    result = f"{name}.product" if len(node.input) > 2 else name
    for operation, inputs, output in (
        ("Abs", [given], "absolute"),
        ("ReduceMax", [f"{name}.absolute", "quantised.last axis"], "greatest"),  # [..., 1]
        ("Max", [f"{name}.greatest", "quantised.least"], "range"),
        ("Div", [f"{name}.range", "quantised.largest"], "row scale"),
        ("Div", [given, f"{name}.row scale"], "scaled"),
        ("Round", [f"{name}.scaled"], "rounded"),
        ("Add", [f"{name}.rounded", "quantised.shift"], "shifted"),
    ):
        yield helper.make_node(operation, inputs, [f"{name}.{output}"])
    yield helper.make_node("Cast", [f"{name}.shifted"], [f"{name}.integers"], to=onnx.TensorProto.UINT8)
    yield helper.make_node(
        "MatMulInteger", [f"{name}.integers", f"{name}.weights", "quantised.zero"], [f"{name}.sums"]
    )
    yield helper.make_node("Cast", [f"{name}.sums"], [f"{name}.numbers"], to=onnx.TensorProto.FLOAT)
    yield helper.make_node("Mul", [f"{name}.numbers", f"{name}.scales"], [f"{name}.by column"])
    yield helper.make_node("Mul", [f"{name}.by column", f"{name}.row scale"], [result])  # [..., N]
    if len(node.input) > 2:
        yield helper.make_node("Add", [result, node.input[2]], [name])


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Leave out the constants that no node takes any more."""
    used = {name for node in graph.node for name in node.input} | {one.name for one in graph.output}
    kept = [weights for weights in graph.initializer if weights.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)

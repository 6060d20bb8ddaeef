"""An encoder's graph with its convolutions in 8-bit integers, all scales fixed when it is exported.

What a convolution is given has one scale, found on pictures of the corpus, and each of its filters has one of its own:
B. Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*, CVPR
2018. Since no scale is found when it is run, what comes of a picture depends on no other. Rounded weights move the
mean of what a filter gives; its bias takes that back: M. Nagel et al., *Data-Free Quantization Through Weight
Equalization and Bias Correction*, ICCV 2019, section 4.2.

B pictures, S their side; C channels of a map, N filters, K and L the height and width of a filter.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

BATCH = 8  # pictures that run through the graph at a time

EXACT = [{"quant_type": QuantType.QInt8, "reduce_range": False, "symmetric": True, "axis": 0}]
"""Of weights in 8 bits: those of depthwise convolutions, which every processor adds in 32 bits. All others have 7, so
that a sum of two products fits into 16 bits, where processors without instructions for it (VNNI) add them."""


def in_integers(graph: bytes, pixels: NDArray[np.float32]) -> bytes:
    """The same graph with its convolutions, and the sums between them, in 8-bit integers.

    Args:
        graph: from ``pixels`` [B, 3, S, S]; weights may be in half precision.
        pixels: of pictures that were trained on [B, 3, S, S], by which the scales are found.
    """
    plain = _simplified(graph)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "integers.onnx"
        quantize_static(
            _copy(plain),
            path,
            _Pictures(pixels),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Clip", "Add"],
            nodes_to_exclude=_after_the_last_convolution(plain),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            extra_options={
                "TensorQuantOverrides": {
                    node.input[1]: EXACT for node in _convolutions(plain) if _is_depthwise(node)
                }
            },
        )
        made = onnx.load(path)
    _correct_biases(made, plain, _means(plain, pixels))
    return made.SerializeToString()


class _Pictures(CalibrationDataReader):
    """Pixels [B, 3, S, S], a few pictures at a time, as the library asks for them."""

    def __init__(self, pixels: NDArray[np.float32]):
        self._batches = _batches(pixels)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)


def _batches(pixels: NDArray[np.float32]) -> Iterator[dict[str, NDArray[np.float32]]]:
    for start in range(0, len(pixels), BATCH):
        yield {"pixels": pixels[start : start + BATCH]}


def _simplified(graph: bytes) -> ModelProto:
    """The graph in single precision, with constants computed and padding inside the convolutions."""
    with tempfile.TemporaryDirectory() as folder:
        options = SessionOptions()
        options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "simplified.onnx")
        InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        model = onnx.load(options.optimized_model_filepath)
    # The library declares all operators that it knows, of which older versions may lack some.
    used = {node.domain for node in model.graph.node}
    kept = [one for one in model.opset_import if one.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    add_pre_process_metadata(model)  # without it, quantising warns
    return model


def _convolutions(model: ModelProto) -> list[NodeProto]:
    return [node for node in model.graph.node if node.op_type == "Conv"]


def _is_depthwise(convolution: NodeProto) -> bool:
    return any(one.name == "group" and one.i > 1 for one in convolution.attribute)


def _after_the_last_convolution(model: ModelProto) -> list[str]:
    """The names of the sums of what the network gives: they stay in single precision."""
    last = max(place for place, node in enumerate(model.graph.node) if node.op_type == "Conv")
    return [node.name for node in model.graph.node[last + 1 :] if node.op_type == "Add"]


def _means(model: ModelProto, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The mean of each channel [C] of what each convolution is given, by the name of that tensor."""
    looking = _copy(model)
    names = list(dict.fromkeys(node.input[0] for node in _convolutions(model)))
    looking.graph.initializer.append(numpy_helper.from_array(np.array([0, 2, 3]), "means.axes"))
    del looking.graph.output[:]
    for name in names:
        looking.graph.node.append(
            helper.make_node("ReduceMean", [name, "means.axes"], [f"{name}.mean"], keepdims=0)
        )
        looking.graph.output.append(helper.make_tensor_value_info(f"{name}.mean", TensorProto.FLOAT, [None]))
    session = InferenceSession(looking.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [session.run(None, batch) for batch in _batches(pixels)]
    return {name: np.mean(means, axis=0) for name, means in zip(names, zip(*found, strict=True), strict=True)}


def _correct_biases(made: ModelProto, plain: ModelProto, means: dict[str, NDArray[np.float32]]) -> None:
    """Add to each bias what rounding the weights takes off the mean of what the filter gives."""
    before, after = _constants(plain), _constants(made)
    sources = {node.output[0]: list(node.input) for node in made.graph.node}
    quantised = {node.name: node for node in _convolutions(made)}
    for convolution in _convolutions(plain):
        _, weights, bias = quantised[convolution.name].input
        integers, scales, _ = (numpy_helper.to_array(after[name]) for name in sources[weights])
        lost = numpy_helper.to_array(before[convolution.input[1]]) - integers * scales[:, None, None, None]
        lost = lost.sum(axis=(2, 3))  # [N, C], of depthwise filters [N, 1]
        mean = means[convolution.input[0]]
        moved = lost[:, 0] * mean if _is_depthwise(convolution) else lost @ mean  # [N]
        stored, steps, _ = (after[name] for name in sources[bias])
        corrected = numpy_helper.to_array(stored) + np.rint(moved / numpy_helper.to_array(steps))
        stored.CopyFrom(numpy_helper.from_array(corrected.astype(np.int32), stored.name))


def _constants(model: ModelProto) -> dict[str, TensorProto]:
    return {constant.name: constant for constant in model.graph.initializer}


def _copy(model: ModelProto) -> Any:
    copied = ModelProto()
    copied.CopyFrom(model)
    return copied

"""An encoder and a captioner -> the three ONNX graphs of a bundle.

B pictures, S their side, R regions, D the width of a region.
"""

import copy
import math
from typing import Any, Literal, Protocol, cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.images import Preprocessing
from showtell.training.export.onnx_graph import Method, to_onnx
from showtell.training.export.quantised import quantised
from showtell.training.models import Captioner
from showtell.training.models.state import State

SMALLEST_HALVED = 1024  # tensors of fewer numbers stay in single precision: they are biases and norms


class Encoder(Protocol):
    """A picture network that says what it expects."""

    preprocessing: Preprocessing

    def eval(self) -> nn.Module:
        """The network, without dropout."""


class BothSides(nn.Module):
    """An encoder that is given a picture and its mirror image: the mean of the regions that show the same place.

    Args:
        encoder: pixels [B, 3, S, S] -> regions [B, R, D] of a square grid.
        weight: of the mirror image's regions in the mean, 0 to 1.
    """

    def __init__(self, encoder: nn.Module, weight: float):
        super().__init__()
        self.encoder, self.weight = encoder, weight
        self.preprocessing = cast(Encoder, encoder).preprocessing

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] -> regions [B, R, D], of a square grid, row by row."""
        both = self.encoder(torch.cat([pixels, pixels.flip(-1)]))  # [2B, R, D]
        straight, mirrored = both[: pixels.shape[0]], both[pixels.shape[0] :]
        side = math.isqrt(both.shape[1])
        back = mirrored.unflatten(1, (side, side)).flip(2).flatten(1, 2)
        regions: Tensor = (1 - self.weight) * straight + self.weight * back
        return regions


class OneStep(nn.Module):
    """One step of an LSTM as matrix products, which can be quantised; it is called as ``nn.LSTM`` is."""

    def __init__(self, lstm: nn.LSTM):
        super().__init__()
        self.lstm = lstm

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Inputs [B, 1, D] and the state, twice [1, B, W] -> output [B, 1, W] and the next state."""
        lstm: Any = self.lstm
        hidden, cell = (tensor[0] for tensor in state)
        gates = F.linear(inputs[:, 0], lstm.weight_ih_l0, lstm.bias_ih_l0)
        gates = gates + F.linear(hidden, lstm.weight_hh_l0, lstm.bias_hh_l0)  # [B, 4W]
        input_gate, forget_gate, candidate, output_gate = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(forget_gate) * cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
        hidden = torch.sigmoid(output_gate) * torch.tanh(cell)
        return hidden[:, None], (hidden[None], cell[None])


def make_graphs(
    encoder: Encoder, model: nn.Module, *, precision: Literal["fp32", "fp16", "int8"] = "fp16"
) -> dict[str, bytes]:
    """The three graphs of a bundle by file name.

    Args:
        precision: of the weights. With ``fp32`` they are as the runtime multiplies by them, so that they can be
            quantised; with ``fp16`` those that are used twice are stored once; with ``int8`` the matrix products of a
            step have integers of 8 bits, and all else is as with ``fp16``.
    """
    size = encoder.preprocessing.size
    pixels = torch.zeros(2, 3, size, size)
    captioner = cast(Captioner, model.eval())
    with torch.inference_mode():
        regions = encoder.eval()(pixels).clone()
        first = captioner.begin(regions)
        _, _, second = captioner.step(torch.zeros(2, 1, dtype=torch.long), first)
    if precision == "int8":
        captioner = _in_single_steps(captioner)
    graphs = {
        "encoder.onnx": to_onnx(
            encoder.eval(),
            (pixels,),
            inputs=["pixels"],
            outputs=["regions"],
        ),
        "begin.onnx": to_onnx(
            Method(model, "begin"),
            (regions,),
            inputs=["regions"],
            outputs=[f"state.{name}" for name in captioner.state_names],
        ),
        "step.onnx": _step_graph(captioner, first, second, fold=precision != "fp16"),
    }
    if precision == "fp32":
        return graphs
    if precision == "int8":
        graphs["step.onnx"] = quantised(graphs["step.onnx"])
    return {name: halved(graph) for name, graph in graphs.items()}


def _in_single_steps(captioner: Captioner) -> Captioner:
    """A captioner whose LSTMs can be quantised, for one token at a time."""
    copied = copy.deepcopy(captioner)
    for name, module in list(cast(nn.Module, copied).named_children()):
        if isinstance(module, nn.LSTM):
            setattr(copied, name, OneStep(module))
    return copied


class _Step(nn.Module):
    """``step`` for one token: logits [B, V], attention [B, R], and the tensors of the state that change."""

    def __init__(self, captioner: Captioner):
        super().__init__()
        self.captioner = captioner

    def forward(self, tokens: Tensor, *state: Tensor) -> State:
        logits, attention, following = self.captioner.step(tokens, state)
        changed = [tensor for place, tensor in enumerate(following) if place not in self.captioner.fixed]
        return (logits[:, 0], attention[:, 0], *changed)


def _step_graph(captioner: Captioner, first: State, second: State, *, fold: bool) -> bytes:
    """Every axis that grew between two steps is free."""
    changing = [name for place, name in enumerate(captioner.state_names) if place not in captioner.fixed]
    dynamic = {}
    for name, before, after in zip(captioner.state_names, first, second, strict=True):
        grown = [axis for axis, length in enumerate(before.shape) if length != after.shape[axis]]
        dynamic[f"state.{name}"] = dict.fromkeys(grown, "T")
        dynamic[f"next.{name}"] = dict.fromkeys(grown, "next T")
    return to_onnx(
        _Step(captioner),
        (torch.zeros(2, 1, dtype=torch.long), *second),
        inputs=["tokens", *(f"state.{name}" for name in captioner.state_names)],
        outputs=["logits", "attention", *(f"next.{name}" for name in changing)],
        dynamic=dynamic,
        fold=fold,
    )


def halved(graph: bytes) -> bytes:
    """The same graph with its large weights stored as float16 and cast back when it is loaded."""
    model = onnx.load_from_string(graph)
    casts = []
    for weights in model.graph.initializer:
        numbers = numpy_helper.to_array(weights)
        if numbers.dtype != np.float32 or numbers.size < SMALLEST_HALVED:
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(numbers.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()

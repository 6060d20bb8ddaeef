"""PyTorch modules -> ONNX graphs as bytes: the one place that calls the exporter."""

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

OPSET = 18  # every ONNX Runtime since 1.14 reads it


class Method(nn.Module):
    """A method of a model as a module of its own, since the exporter wants a ``forward``."""

    def __init__(self, model: nn.Module, name: str):
        super().__init__()
        self.model, self.name = model, name

    def forward(self, *arguments: Tensor) -> Any:
        return getattr(self.model, self.name)(*arguments)


def to_onnx(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    dynamic: Mapping[str, Mapping[int, str]] | None = None,
    fold: bool = True,
) -> bytes:
    """The graph of ``module.forward`` in evaluation mode, weights inside.

    Args:
        arguments: example tensors, one for each name in ``inputs``.
        dynamic: axes besides the first, which is the batch, whose length is free, with a name for each.
        fold: compute constants now; without it, weights that are used twice (tied embeddings) are stored once.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter takes two seconds where the newer one takes sixteen, and needs no further package;
        # it announces its retirement at each call.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            arguments,
            cast(Any, buffer),  # the tracing exporter takes files, whatever the annotation says
            dynamo=False,
            do_constant_folding=fold,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {0: "B", **(dynamic or {}).get(name, {})} for name in (*inputs, *outputs)},
        )
    return buffer.getvalue()

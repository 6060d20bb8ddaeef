"""A picture network as a function of arrays, as quick as the machine allows: it encodes pictures by the thousand."""

import copy
from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from showtell.captioning.onnx import Graph, default_threads
from showtell.images import Preprocessing
from showtell.training.encoders import checksum
from showtell.training.export.onnx_graph import to_onnx

CPU = torch.device("cpu")

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # pixels [B, 3, S, S] -> features [B, R, D]


class PictureNetwork:
    """A picture network as a function of arrays: by ONNX Runtime on a CPU, where PyTorch is several times slower.

    Args:
        network: an encoder, or a part of one, from pixels [B, 3, S, S] to features [B, R, D]; it brings its ``name``,
            which stands in the cache's ``meta.json``, and its ``preprocessing``.
        device: what it runs on; on a GPU it is PyTorch that runs it.
        blank: what the network takes in the place of pixels, with a batch of 1.
    """

    def __init__(self, network: nn.Module, device: torch.device = CPU, *, blank: torch.Tensor | None = None):
        self.name = cast(str, network.name)
        self.preprocessing = cast(Preprocessing, network.preprocessing)
        self.checksum = checksum(network)
        if blank is None:
            blank = torch.zeros(1, 3, self.preprocessing.size, self.preprocessing.size)
        with torch.inference_mode():
            _, self.regions, self.width = network.eval()(blank).shape
        self._network, self._device, self._blank = network, device, blank

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pixels [B, 3, S, S] -> features [B, R, D]."""
        return self._run(pixels)

    @cached_property
    def _run(self) -> Network:
        """Made when it is first needed: where all features are there already, nothing is exported."""
        if self._device.type == "cpu":
            return by_onnx_runtime(self._network, self._blank)
        return by_torch(self._network, self._device)

    def described(self) -> dict[str, Any]:
        """What must agree for a cache to be used again."""
        return {
            "encoder": self.name,
            "weights": self.checksum,
            "preprocessing": self.preprocessing.to_dict(),
            "regions": self.regions,
            "width": self.width,
        }


def by_onnx_runtime(network: nn.Module, pixels: torch.Tensor) -> Network:
    """A network as ONNX Runtime runs it on the processor; ``pixels`` show the exporter their shape."""
    content = to_onnx(network, (pixels,), inputs=["pixels"], outputs=["features"])
    graph = Graph(content, "the encoder", threads=default_threads())
    return lambda pixels: graph.run(["features"], {"pixels": pixels})[0]


def by_torch(network: nn.Module, device: torch.device) -> Network:
    """A copy of a network as PyTorch runs it on a device, in single precision."""
    moved = copy.deepcopy(network).to(device).eval()

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return moved(torch.from_numpy(pixels).to(device)).cpu().numpy()

    return run

"""A bundle's ONNX graphs as what the rest of Showtell works with: encoder, Stepper for decoding, and embedders.

B pictures (or hypotheses), S the side of a picture in pixels, R regions, D their width, V the vocabulary's size,
T tokens of a text, E the width of the space that pictures and texts share.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.bundle import Bundle
from showtell.captioning.onnx import Graph, default_threads
from showtell.errors import BadBundle
from showtell.text.vocabulary import padded

__all__ = ["OnnxEmbedder", "OnnxEncoder", "OnnxStepper", "OnnxTextEmbedder"]

Floats = NDArray[np.float32]
State = tuple[NDArray[Any], ...]

_STATE, _NEXT = "state.", "next."


class OnnxEncoder:
    """``encoder.onnx``: pixels -> regions."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Build the network.

        Raises:
            BadBundle: the graph is not an encoder as the bundle's manifest describes it.
        """
        self._graph = _graph(bundle, "encoder.onnx", threads or default_threads())
        self._graph.expect_inputs(["pixels"])
        self._graph.expect_outputs(["regions"])
        side = bundle.preprocessing.size
        if any(isinstance(length, int) and length != side for length in self._graph.shape("pixels")[2:]):
            found = self._graph.shape("pixels")
            raise BadBundle(f"{self._graph.path}: takes pixels {found}, but the manifest says {side} a side")

    def __call__(self, pixels: Floats) -> Floats:
        """Pixels [B, 3, S, S] -> regions [B, R, D]."""
        [regions] = self._graph.run(["regions"], {"pixels": pixels})
        return _floats(self._graph, "regions", regions, len(pixels), None, None)


class OnnxStepper:
    """``begin.onnx`` and ``step.onnx`` as a `showtell.decoding.Stepper`."""

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        """Build the networks.

        Args:
            threads: that a step is shared among; it is so little work that more than one costs time.

        Raises:
            BadBundle: the graphs do not fit each other or the vocabulary.
        """
        self._begin = _graph(bundle, "begin.onnx", threads)
        self._step = _graph(bundle, "step.onnx", threads)
        self._begin.expect_inputs(["regions"])
        self._state = [name for name in self._begin.outputs if name.startswith(_STATE)]
        self._begin.expect_outputs(self._state)
        self._step.expect_inputs(["tokens", *self._state])
        following = {name: _NEXT + name.removeprefix(_STATE) for name in self._state}
        changing = [name for name in self._state if following[name] in self._step.outputs]
        self._outputs = ["logits", "attention", *(following[name] for name in changing)]
        self._step.expect_outputs(self._outputs)
        self._changing = [self._state.index(name) for name in changing]
        self.fixed = frozenset(range(len(self._state))) - frozenset(self._changing)
        self._tokens = len(bundle.vocabulary)
        [*_, known] = self._step.shape("logits") or [None]
        if isinstance(known, int) and known != self._tokens:
            raise BadBundle(
                f"{self._step.path}: scores {known} tokens, but the vocabulary has {self._tokens}"
            )

    def begin(self, regions: Floats) -> State:
        """Regions [B, R, D] -> the first state, batch on axis 0."""
        tensors = self._begin.run(self._state, {"regions": regions})
        return _state(self._begin, self._state, tensors, len(regions))

    def step(self, tokens: NDArray[np.int64], state: State) -> tuple[Floats, Floats, State]:
        """Tokens [B, 1] -> logits [B, V], attention over the regions [B, R], and the next state."""
        inputs = {"tokens": tokens, **dict(zip(self._state, state, strict=True))}
        logits, attention, *changed = self._step.run(self._outputs, inputs)
        batch = len(tokens)
        _floats(self._step, "logits", logits, batch, self._tokens)
        _floats(self._step, "attention", attention, batch, None)
        following = list(state)
        names = self._outputs[2:]
        for index, tensor in zip(self._changing, _state(self._step, names, changed, batch), strict=True):
            following[index] = tensor
        return logits, attention, tuple(following)


class OnnxEmbedder:
    """``embedder.onnx``: regions -> vectors of length one, near the texts that describe the pictures."""

    def __init__(self, bundle: Bundle) -> None:
        """Build the network.

        Raises:
            BadBundle: the bundle has none, or its graph is not an embedder.
        """
        self._graph = _graph(bundle, "embedder.onnx", 1)
        self._graph.expect_inputs(["regions"])
        self._graph.expect_outputs(["vector"])

    def __call__(self, regions: Floats) -> Floats:
        """Regions [B, R, D] -> vectors [B, E]."""
        [vectors] = self._graph.run(["vector"], {"regions": regions})
        return _floats(self._graph, "vector", vectors, len(regions), None)


class OnnxTextEmbedder:
    """``text.onnx``: texts -> vectors of length one, in the space of the pictures' vectors."""

    def __init__(self, bundle: Bundle) -> None:
        """Build the network.

        Raises:
            BadBundle: the bundle has none, or its graph is not one for texts.
        """
        self._graph = _graph(bundle, "text.onnx", 1)
        self._graph.expect_inputs(["tokens"])
        self._graph.expect_outputs(["vector"])
        self._vocabulary = bundle.vocabulary

    def __call__(self, texts: Sequence[Sequence[str]]) -> Floats:
        """Texts as words -> vectors [B, E]; a word that is not in the vocabulary, or a text of none, is unknown."""
        unknown = self._vocabulary.unknown_id
        ids = [self._vocabulary.encode(words) or [unknown] for words in texts]
        tokens = padded(ids, self._vocabulary.pad_id)  # [B, T]
        [vectors] = self._graph.run(["vector"], {"tokens": tokens})
        return _floats(self._graph, "vector", vectors, len(texts), None)


def _graph(bundle: Bundle, name: str, threads: int) -> Graph:
    if name not in bundle.graphs:
        raise BadBundle(f"{bundle.folder}: has no {name}")
    return Graph(bundle.graphs[name], bundle.folder / name, threads=threads)


def _floats(graph: Graph, name: str, tensor: Any, *shape: int | None) -> Floats:
    """What a graph gave under a name; a length of None may be any.

    Raises:
        BadBundle: it is of another kind or shape.
    """
    found = getattr(tensor, "shape", ())
    fits = len(found) == len(shape) and all(a in (None, b) for a, b in zip(shape, found, strict=True))
    if not fits or tensor.dtype.kind != "f":
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise BadBundle(f"{graph.path}: gives '{name}' as {_kind(tensor)}; expected floats [{wanted}]")
    numbers: Floats = tensor
    return numbers


def _state(graph: Graph, names: Sequence[str], tensors: Sequence[Any], batch: int) -> State:
    """The tensors of a state, of any kind, batch on axis 0.

    Raises:
        BadBundle: one is no tensor, or of another batch.
    """
    for name, tensor in zip(names, tensors, strict=True):
        if getattr(tensor, "shape", ())[:1] != (batch,):
            raise BadBundle(f"{graph.path}: gives '{name}' as {_kind(tensor)}; expected [{batch}, …]")
    return tuple(tensors)


def _kind(tensor: Any) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}" if isinstance(tensor, np.ndarray) else type(tensor).__name__

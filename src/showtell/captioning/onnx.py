"""A bundle's ONNX graphs as what the rest of Showtell works with: an encoder, and a Stepper for decoding.

B pictures (or hypotheses), S the side of a picture in pixels, R regions, D their width, V tokens known.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.bundle import Bundle
from showtell.errors import BadBundle

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["OnnxEncoder", "OnnxStepper", "default_threads"]

Floats = NDArray[np.float32]
State = tuple[NDArray[Any], ...]

_STATE, _NEXT = "state.", "next."


def default_threads() -> int:
    """The processors that this process may use, at most 8: more gain nothing on networks of this size."""
    available = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, min(8, len(available)))


class OnnxEncoder:
    """``encoder.onnx``: pixels -> regions."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Build the network. Raises BadBundle when the graph is not an encoder as `bundle` describes it."""
        self._graph = _Graph(bundle, "encoder.onnx", threads or default_threads())
        self._graph.expect_inputs(["pixels"])
        self._graph.expect_outputs(["regions"])
        side = bundle.preprocessing.size
        if any(isinstance(length, int) and length != side for length in self._graph.shape("pixels")[2:]):
            found = self._graph.shape("pixels")
            raise BadBundle(f"{self._graph.path}: takes pixels {found}, but the manifest says {side} a side")

    def __call__(self, pixels: Floats) -> Floats:
        """Pixels [B, 3, S, S] -> regions [B, R, D]."""
        regions: Floats = self._graph.run(["regions"], {"pixels": pixels})[0]
        return regions


class OnnxStepper:
    """``begin.onnx`` and ``step.onnx`` as a `showtell.decoding.Stepper`."""

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        """Build the networks. Raises BadBundle when the graphs do not fit each other or the vocabulary.

        A step is so little work that sharing it among threads costs more than it saves.
        """
        self._begin = _Graph(bundle, "begin.onnx", threads)
        self._step = _Graph(bundle, "step.onnx", threads)
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
        known = self._step.shape("logits")[-1]
        if isinstance(known, int) and known != len(bundle.vocabulary):
            raise BadBundle(
                f"{self._step.path}: scores {known} tokens, but the vocabulary has {len(bundle.vocabulary)}"
            )

    def begin(self, regions: Floats) -> State:
        """Regions [B, R, D] -> the first state, batch on axis 0."""
        return tuple(self._begin.run(self._state, {"regions": regions}))

    def step(self, tokens: NDArray[np.int64], state: State) -> tuple[Floats, Floats, State]:
        """Tokens [B, 1] -> logits [B, V], attention over the regions [B, R], and the next state."""
        inputs = {"tokens": tokens, **dict(zip(self._state, state, strict=True))}
        logits, attention, *changed = self._step.run(self._outputs, inputs)
        following = list(state)
        for index, tensor in zip(self._changing, changed, strict=True):
            following[index] = tensor
        return logits, attention, tuple(following)


class _Graph:
    """One ONNX graph of a bundle; what ONNX Runtime complains of becomes a BadBundle that names the file."""

    def __init__(self, bundle: Bundle, name: str, threads: int) -> None:
        self.path: Path = bundle.folder / name
        self._session = _session(self.path, bundle.graphs[name], threads)
        self.inputs = [tensor.name for tensor in self._session.get_inputs()]
        self.outputs = [tensor.name for tensor in self._session.get_outputs()]

    def expect_inputs(self, names: Sequence[str]) -> None:
        """Refuse a graph that takes anything else."""
        if sorted(self.inputs) != sorted(names):
            raise BadBundle(f"{self.path}: takes {_listed(self.inputs)}; expected {_listed(names)}")

    def expect_outputs(self, names: Sequence[str]) -> None:
        """Refuse a graph that gives anything else."""
        if not names or sorted(self.outputs) != sorted(names):
            raise BadBundle(f"{self.path}: gives {_listed(self.outputs)}; expected {_listed(names)}")

    def shape(self, name: str) -> list[int | str | None]:
        """The lengths of an input's or an output's axes; names or None for those that vary."""
        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        return next(list(tensor.shape) for tensor in tensors if tensor.name == name)

    def run(self, outputs: list[str], inputs: dict[str, NDArray[Any]]) -> list[Any]:
        """Run the graph."""
        try:
            return list(self._session.run(outputs, inputs))
        except Exception as error:  # ONNX Runtime's errors share no class of their own
            raise BadBundle(f"{self.path}: failed while running ({_first_line(error)})") from error


def _session(path: Path, graph: bytes, threads: int) -> "InferenceSession":
    """Build a graph from the bytes that the checksum approved."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what matters comes as an exception
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Weights may not come from other files, whose checksums nobody has seen: no file lies in a file.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path))
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no class of their own
        raise BadBundle(f"{path}: is not a graph that can be run ({_first_line(error)})") from error


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

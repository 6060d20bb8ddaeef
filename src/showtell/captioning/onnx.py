"""Runs one ONNX graph from its bytes, in few threads, and turns what ONNX Runtime complains of into plain sentences."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from showtell.errors import BadBundle, reason_of

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["Graph", "default_threads"]


def default_threads() -> int:
    """The processors that this process may use, at most 8: more gain nothing on networks of this size."""
    available = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, min(8, len(available)))


class Graph:
    """A network that can be run, from several threads at once.

    Attributes:
        path: the file it comes from, which errors name.
        inputs, outputs: the names of its tensors.
    """

    def __init__(self, content: bytes, path: str | Path, *, threads: int = 1) -> None:
        """Build the network.

        Args:
            content: the file's bytes. Weights in other files are refused.
            path: what errors call it.
            threads: that one run is shared among.

        Raises:
            BadBundle: it is not a graph that can be run.
        """
        self.path = Path(path)
        try:
            self._session = _session(self.path, content, threads)
            self.inputs = [tensor.name for tensor in self._session.get_inputs()]
            self.outputs = [tensor.name for tensor in self._session.get_outputs()]
            tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
            self._shapes = {tensor.name: list(tensor.shape or ()) for tensor in tensors}
        except Exception as error:  # ONNX Runtime's errors share no class of their own; names may be no text
            raise BadBundle(f"{path}: is not a graph that can be run ({reason_of(error)})") from error

    def expect_inputs(self, names: Sequence[str]) -> None:
        """Refuse, with a BadBundle, a graph that takes anything else."""
        if sorted(self.inputs) != sorted(names):
            raise BadBundle(f"{self.path}: takes {_listed(self.inputs)}; expected {_listed(names)}")

    def expect_outputs(self, names: Sequence[str]) -> None:
        """Refuse, with a BadBundle, a graph that gives anything else."""
        if not names or sorted(self.outputs) != sorted(names):
            raise BadBundle(f"{self.path}: gives {_listed(self.outputs)}; expected {_listed(names)}")

    def shape(self, name: str) -> list[int | str | None]:
        """The lengths of an input's or an output's axes; names or None for those that vary."""
        return self._shapes[name]

    def run(self, outputs: Sequence[str], inputs: dict[str, NDArray[Any]]) -> list[Any]:
        """Run the graph.

        Args:
            outputs: the names of the tensors wanted.
            inputs: the tensors by name.

        Returns:
            One array for each of ``outputs``.

        Raises:
            BadBundle: it failed.
        """
        try:
            return list(self._session.run(list(outputs), inputs))
        except Exception as error:  # ONNX Runtime's errors share no class of their own
            raise BadBundle(f"{self.path}: failed while running ({reason_of(error)})") from error


def _session(path: Path, content: bytes, threads: int) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what matters comes as an exception
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Weights may not come from other files, whose checksums nobody has seen: no file lies in a file.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path))
    # Its second try, with the very same provider, would print "EP Error" to stdout.
    return onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"], enable_fallback=0
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"

"""Queries as vectors: a bundle's ``text.onnx``, in the space of its pictures.

E the width of the space, T words of a query.
"""

import hashlib
from typing import Any

import numpy as np

from showtell.captioning.bundle import Bundle
from showtell.errors import BadBundle
from showtell.search.records import Floats
from showtell.search.words import query_words

__all__ = ["TextEmbedder", "build", "has_embedder", "space_of"]

_MOST_WORDS = 64


def has_embedder(bundle: Bundle) -> bool:
    """Whether a bundle can put pictures and queries into one space."""
    return "embedder.onnx" in bundle.graphs and "text.onnx" in bundle.graphs


def space_of(bundle: Bundle) -> str | None:
    """A name for the space of a bundle's vectors: those of different spaces cannot be compared.

    Returns:
        The bundle's name and version and a checksum of what makes the vectors; None for a bundle without an embedder.
    """
    if not has_embedder(bundle):
        return None
    digest = hashlib.sha256(bundle.graphs["encoder.onnx"] + bundle.graphs["embedder.onnx"]).hexdigest()
    return f"{bundle.name} {bundle.version} {digest[:12]}"


class TextEmbedder:
    """``text.onnx``: the words of a query -> a vector of length one."""

    def __init__(self, bundle: Bundle) -> None:
        """Build the network.

        Raises:
            BadBundle: the graph cannot be run.
        """
        self._vocabulary = bundle.vocabulary
        self._path = bundle.folder / "text.onnx"
        self._session = build(bundle.graphs["text.onnx"], str(self._path))

    def __call__(self, text: str) -> Floats:
        """A query -> its vector [E].

        Raises:
            BadBundle: the graph failed.
        """
        found = self._vocabulary.encode(query_words(text, self._vocabulary))[:_MOST_WORDS]
        tokens = np.array([found or [self._vocabulary.unknown_id]], np.int64)  # [1, T]
        try:
            [vectors] = self._session.run(["vector"], {"tokens": tokens})
        except Exception as error:  # ONNX Runtime's errors share no class of their own
            raise BadBundle(f"{self._path}: failed while running ({str(error).splitlines()[0]})") from error
        vector: Floats = vectors[0]
        return vector


def build(graph: bytes, path: str) -> Any:
    """A graph, ready to run on one thread.

    Raises:
        BadBundle: it cannot be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Weights may not come from other files, whose checksums nobody has seen: no file lies in a file.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", path)
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no class of their own
        raise BadBundle(f"{path}: is not a graph that can be run ({str(error).splitlines()[0]})") from error

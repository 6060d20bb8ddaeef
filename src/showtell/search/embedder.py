"""Queries as vectors: a bundle's ``text.onnx``, in the space of its pictures.

E the width of the space.
"""

import hashlib

from showtell.captioning.bundle import Bundle
from showtell.captioning.networks import OnnxTextEmbedder
from showtell.search.records import Floats
from showtell.search.words import query_words

__all__ = ["TextEmbedder", "has_embedder", "space_of"]

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
    """A query in plain text -> a vector of length one."""

    def __init__(self, bundle: Bundle) -> None:
        """Build the network.

        Raises:
            BadBundle: the graph cannot be run.
        """
        self._vocabulary = bundle.vocabulary
        self._network = OnnxTextEmbedder(bundle)

    def __call__(self, text: str) -> Floats:
        """A query -> its vector [E].

        Raises:
            BadBundle: the graph failed.
        """
        found = query_words(text, self._vocabulary)
        vector: Floats = self._network([found[:_MOST_WORDS]])[0]
        return vector

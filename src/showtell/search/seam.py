"""The two halves of a captioner that an index needs, until captioners offer them themselves (`Seam` goes then)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from showtell.captioning import hub
from showtell.captioning.base import Caption
from showtell.captioning.bundle import read_bundle
from showtell.search.embedder import build, has_embedder
from showtell.search.records import Floats

__all__ = ["Encoded", "Seam"]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture that went through the encoder."""

    seen: Any
    embedding: Floats | None


class Seam:
    """Encodes and describes with a bundle's captioner."""

    def __init__(self, name: str) -> None:
        """Load a bundle."""
        bundle = read_bundle(hub._folder(name))
        self._captioner = hub.load(name)
        self._embedder = None
        if has_embedder(bundle):
            self._embedder = build(bundle.graphs["embedder.onnx"], str(bundle.folder / "embedder.onnx"))

    def encode(self, source: Any) -> Encoded:
        """A picture -> what it is described and found by."""
        seen = self._captioner._see(source)
        embedding = None
        if self._embedder is not None:
            embedding = self._embedder.run(["vector"], {"regions": seen.regions})[0][0]
        return Encoded(seen, embedding)

    def describe(self, encoded: Sequence[Encoded], *, language: str) -> list[Caption]:
        """A caption of each picture."""
        request = self._captioner._request({"language": language})
        return self._captioner._say([one.seen for one in encoded], language, request)

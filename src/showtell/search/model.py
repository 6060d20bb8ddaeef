"""The model of a library: what encodes its pictures and its queries. Each part is loaded when it is first needed."""

import hashlib
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from showtell.captioning import hub
from showtell.captioning.bundle import Bundle, read_bundle
from showtell.captioning.networks import OnnxTextEmbedder
from showtell.errors import BadBundle, ShowtellError
from showtell.search.calibration import Calibration, read_calibrations
from showtell.search.hubness import CaptionClusters
from showtell.search.presence import WordStatistics
from showtell.search.records import Floats
from showtell.search.words import Words, query_words

if TYPE_CHECKING:
    from showtell.captioning.base import Captioner
    from showtell.images import Source

__all__ = ["Model"]

_MOST_WORDS = 64  # of a query, that its vector is made of


class Model:
    """A captioner as a library uses it: a bundle, or one of somebody's own, which captions but makes no vectors.

    Attributes:
        name: a bundle that ships, or the absolute path of a bundle's folder; or what the captioner is called.
        own: whether it is no bundle.
    """

    def __init__(self, model: "str | Path | Captioner") -> None:
        """Take the name of a bundle, which is read when something of it is needed, or a captioner."""
        self.own = not isinstance(model, str | Path)
        self._lock = RLock()
        if isinstance(model, str | Path):
            self.name = str(model)
        else:
            self.name = model.name
            self.captioner = model  # in the place of the cached property

    @cached_property
    def bundle(self) -> Bundle:
        """The bundle.

        Raises:
            BadBundle: there is none, or it is broken.
        """
        return read_bundle(hub.bundle_folder(self.name))

    @cached_property
    def space(self) -> str | None:
        """A name for the space of its vectors: those of different spaces cannot be compared.

        Returns:
            The bundle's name and version and a checksum of what makes the vectors; None when it makes none.
        """
        if self.own or "embedder.onnx" not in self.bundle.graphs:
            return None
        graphs = self.bundle.graphs
        digest = hashlib.sha256(graphs["encoder.onnx"] + graphs["embedder.onnx"]).hexdigest()
        return f"{self.captions_by} {digest[:12]}"

    @property
    def vocabulary(self) -> Words:
        """The words that it knows as such: Chinese queries are cut into them."""
        return frozenset[str]() if self.own else self.bundle.vocabulary

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its captions."""
        return self.captioner.languages if self.own else self.bundle.languages

    @cached_property
    def captions_by(self) -> str:
        """The name that its captions are kept under."""
        of = self.captioner if self.own else self.bundle
        return f"{of.name} {of.version}"

    @cached_property
    def captioner(self) -> "Captioner":
        """Encodes and describes pictures."""
        with self._lock:
            from showtell.captioning.captioner import BundleCaptioner

            return BundleCaptioner(self.bundle)

    @cached_property
    def calibrations(self) -> dict[str, Calibration]:
        """How probable answers are, by kind of query.

        Raises:
            BadBundle: the manifest's calibration cannot be.
        """
        try:
            return read_calibrations({} if self.own else self.bundle.search)
        except ValueError as error:
            raise BadBundle(f"{self.bundle.folder}: {error}; export the bundle again") from error

    @cached_property
    def word_statistics(self) -> WordStatistics | None:
        """How words fit the pictures that were learnt from; None for a bundle that does not say.

        Raises:
            BadBundle: what it says cannot be.
        """
        if self.own or not self.bundle.words:
            return None
        try:
            return WordStatistics.from_dict(self.bundle.words, self.bundle.vocabulary)
        except ValueError as error:
            raise BadBundle(f"{self.bundle.folder}: {error}; export the bundle again") from error

    @cached_property
    def clusters(self) -> CaptionClusters | None:
        """The captions that were learnt from, in few vectors; None for a bundle that does not have them.

        Raises:
            BadBundle: what it has cannot be.
        """
        if self.own or "clusters" not in self.bundle.words:
            return None
        try:
            return CaptionClusters.from_dict(self.bundle.words["clusters"], len(self.text_vector("a")))
        except ValueError as error:
            raise BadBundle(f"{self.bundle.folder}: {error}; export the bundle again") from error

    def text_vector(self, text: str) -> Floats:
        """A query in words -> its vector [E]."""
        with self._lock:
            vector: Floats = self._texts([query_words(text, self.vocabulary)[:_MOST_WORDS]])[0]
        return vector

    def picture_vector(self, source: "Source") -> Floats:
        """A picture -> its vector [E].

        Raises:
            BadImage: it cannot be read.
            ShowtellError: the bundle makes no vectors.
        """
        if self.space is None:
            raise ShowtellError(f"the model {self.name} makes no vectors of pictures; search by words")
        vector = self.captioner.encode(source).embedding
        assert vector is not None
        return vector

    @cached_property
    def _texts(self) -> OnnxTextEmbedder:
        return OnnxTextEmbedder(self.bundle)

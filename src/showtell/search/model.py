"""The model of a library: what encodes its pictures and its queries. Each part is loaded when it is first needed."""

from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from showtell.captioning import hub
from showtell.captioning.bundle import Bundle, read_bundle
from showtell.errors import BadBundle, ShowtellError
from showtell.search.calibration import Calibration, read_calibrations
from showtell.search.embedder import TextEmbedder, has_embedder, space_of
from showtell.search.presence import WordStatistics
from showtell.search.records import Floats

if TYPE_CHECKING:
    from showtell.captioning.base import Captioner
    from showtell.images import Source

__all__ = ["Model"]


class Model:
    """A bundle as a library uses it.

    Attributes:
        name: a bundle that ships, or the absolute path of a bundle's folder.
    """

    def __init__(self, name: str | Path) -> None:
        """Take the name; the bundle is read when something of it is needed."""
        self.name = str(name)
        self._lock = RLock()

    @cached_property
    def bundle(self) -> Bundle:
        """The bundle.

        Raises:
            BadBundle: there is none, or it is broken.
        """
        return read_bundle(hub.bundle_folder(self.name))

    @cached_property
    def space(self) -> str | None:
        """The name of the space of its vectors; None when it makes none."""
        return space_of(self.bundle)

    @cached_property
    def captions_by(self) -> str:
        """The name that its captions are kept under."""
        return f"{self.bundle.name} {self.bundle.version}"

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
            return read_calibrations(self.bundle.search)
        except ValueError as error:
            raise BadBundle(f"{self.bundle.folder}: {error}; export the bundle again") from error

    @cached_property
    def word_statistics(self) -> WordStatistics | None:
        """How words fit the pictures that were learnt from; None for a bundle that does not say.

        Raises:
            BadBundle: what it says cannot be.
        """
        if not self.bundle.words:
            return None
        try:
            return WordStatistics.from_dict(self.bundle.words, self.bundle.vocabulary)
        except ValueError as error:
            raise BadBundle(f"{self.bundle.folder}: {error}; export the bundle again") from error

    def text_vector(self, text: str) -> Floats:
        """A query in words -> its vector [E]."""
        with self._lock:
            return self._embedder(text)

    def picture_vector(self, source: "Source") -> Floats:
        """A picture -> its vector [E].

        Raises:
            BadImage: it cannot be read.
            ShowtellError: the bundle makes no vectors.
        """
        if not has_embedder(self.bundle):
            raise ShowtellError(f"the model {self.name} makes no vectors of pictures; search by words")
        vector = self.captioner.encode(source).embedding
        assert vector is not None
        return vector

    @cached_property
    def _embedder(self) -> TextEmbedder:
        return TextEmbedder(self.bundle)

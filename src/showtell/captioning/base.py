"""What every captioner is, takes and gives: the `Captioner` protocol, options, captions, results."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Unpack, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.options import Options, lists_options
from showtell.errors import BadImage

if TYPE_CHECKING:
    from showtell.images import Source

__all__ = ["Alternative", "Caption", "Captioner", "Encoded", "Options", "Result"]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another caption that the captioner found. Its text is ``str(alternative)``; ``tokens`` are its words.

    Attributes:
        text: the sentence.
        log_probability: as in `Caption`.
        tokens: the words.
        confidence: as in `Caption`, reckoned as if the captioner had chosen it; the calibration was fitted on first
            choices alone.
        similarity: as in `Caption`.
    """

    text: str
    log_probability: float
    tokens: tuple[str, ...] = ()
    confidence: float | None = None
    similarity: float | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture shows. Its text is ``str(caption)``.

    Attributes:
        text: the sentence.
        language: of the sentence, ``en`` or ``zh``.
        confidence: the probability, 0 to 1, that the caption is good, as the bundle's calibration defines good;
            None when the bundle has no calibration.
        log_probability: natural logarithm of the captioner's probability of these tokens, the end included.
        tokens: the words.
        attention: the weights of the regions for each token, [T, R], when asked for.
        alternatives: the other hypotheses, best first.
        similarity: of sentence and picture, the cosine of their vectors, -1 to 1; None where the captioner makes no
            vectors.
    """

    text: str
    language: str
    confidence: float | None
    log_probability: float
    tokens: tuple[str, ...]
    attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    alternatives: tuple[Alternative, ...] = ()
    similarity: float | None = None

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        """How notebooks show it."""
        sure = "" if self.confidence is None else f" <small>(confidence {self.confidence:.2f})</small>"
        return f'<span lang="{self.language}">{escape(self.text)}</span>{sure}'


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of many pictures: a caption, or the reason why there is none.

    Attributes:
        path: the picture as it was given, when it was given as a path.
        caption: None when the picture could not be read.
        error: what is wrong with the picture, in one sentence; None when there is a caption.
    """

    path: str | Path | None
    caption: Caption | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a caption."""
        return self.caption is not None

    def _repr_html_(self) -> str:
        """How notebooks show it: the picture, where there is a path, and the caption."""
        from showtell.images.thumbnails import thumbnail_url

        if self.caption is None:
            return escape(f"{self.path or 'the picture'}: {self.error}")
        try:
            image = "" if self.path is None else f'<img src="{thumbnail_url(self.path, 240)}" alt=""><br>'
        except BadImage:  # it is gone by now
            image = ""
        return image + self.caption._repr_html_()


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """One picture after the encoder: what `Captioner.describe` needs of it, and the search.

    Attributes:
        regions: float32 [R, D], features of the parts of the picture.
        embedding: float32 [E], a vector of length one, near those of texts that describe the picture; None when
            the captioner has no embedder.
        seed: a checksum of the pixels, so that words drawn for a picture are the same wherever it stands.
    """

    regions: NDArray[np.float32] = field(repr=False)
    embedding: NDArray[np.float32] | None = field(default=None, repr=False)
    seed: int = 0


@runtime_checkable
class Captioner(Protocol):
    """Anything that captions pictures: what search, screening, evaluation and the service work with.

    ``encode`` and ``describe`` are the two halves of ``caption``, so that whoever needs the regions or the
    embedding too runs the encoder once. All methods may be called from several threads at a time.
    """

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def version(self) -> str:
        """Which of that name it is."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its captions; the first is the default."""

    @lists_options
    def caption(self, source: "Source", **options: Unpack[Options]) -> Caption:
        """Caption one picture.

        Args:
            source: a path, a file's bytes, a PIL image or a numpy array.
            **options: see below; in one language.

        Raises:
            BadImage: it is not a picture.
            ValueError: the options make no sense.
        """

    @lists_options
    def caption_many(
        self, sources: "Iterable[Source]", **options: Unpack[Options]
    ) -> Generator[Result, None, None]:
        """Caption any number of pictures; see `showtell.captioning.batches.caption_many`."""

    def encode(self, source: "Source") -> Encoded:
        """The first half: one picture through the encoder.

        Raises:
            BadImage: it is not a picture.
        """

    @lists_options
    def describe(self, pictures: Sequence[Encoded], **options: Unpack[Options]) -> list[Caption]:
        """The second half: a caption of each picture, in one language.

        Raises:
            ValueError: the options make no sense.
        """

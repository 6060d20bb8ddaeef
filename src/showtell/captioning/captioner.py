"""The captioner of a bundle: read this first.

::

    picture ──> pixels ──> regions ──> hypotheses ──> caption
    images/     networks (encoder)     decoding/      here

`BundleCaptioner.encode` goes as far as the regions, `describe` from there to the captions, `caption` does both for
one picture. `caption_many` does it for any number of them, in batches and threads: see ``batches.py``.
"""

import zlib
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.base import Alternative, Caption, Encoded, Options, Result
from showtell.captioning.batches import BATCH, caption_many
from showtell.captioning.bundle import Bundle, read_bundle
from showtell.captioning.networks import OnnxEmbedder, OnnxEncoder, OnnxStepper, OnnxTextEmbedder
from showtell.captioning.onnx import default_threads
from showtell.captioning.options import lists_options
from showtell.decoding import DecodingOptions, Hypothesis, Similarity, SpecialIds, decode, forced
from showtell.errors import BadBundle, ShowtellError
from showtell.images import read_pixels
from showtell.text.joining import join_tokens
from showtell.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from showtell.images import Source

__all__ = ["BundleCaptioner", "special_ids"]

_LARGE = 200_000_000  # bytes of graphs
BATCH_OF_LARGE = 2
"""Pictures that a large captioner decodes together: each takes a second and tens of megabytes."""

_NO_VECTORS = "the model {} makes no vectors of pictures and texts; use another"


class BundleCaptioner:
    """A bundle, ready to caption. Made by `showtell.load`; a `Captioner`.

    It can be pickled, for other processes: the bundle's folder is what travels, and is read and verified again.

    Attributes:
        name, version, languages: as the bundle says; the first language is the default.
        preprocessing: what its encoder expects of a picture.
        decoding: how it finds captions unless told otherwise.
        vocabulary: the words it knows.
        embeds: whether it makes vectors of pictures and of texts.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Build the networks.

        Args:
            threads: batches that `caption_many` works on at a time; as many as the process may use processors
                unless given.

        Raises:
            BadBundle: the graphs are not what a bundle's must be.
        """
        self.name = bundle.name
        self.version = bundle.version
        self.languages = bundle.languages
        self.preprocessing = bundle.preprocessing
        self.vocabulary = bundle.vocabulary
        self.embeds = "embedder.onnx" in bundle.graphs
        self._bundle = replace(bundle, graphs={})  # the networks hold their own copies
        self._threads = threads
        large = sum(map(len, bundle.graphs.values())) > _LARGE
        self._batch = BATCH_OF_LARGE if large else BATCH
        self._encoder = OnnxEncoder(bundle, threads=1)
        self._stepper = OnnxStepper(bundle, threads=1)
        self._embedder = OnnxEmbedder(bundle) if self.embeds else None
        self._texts = OnnxTextEmbedder(bundle) if self.embeds else None
        try:
            self.decoding = DecodingOptions(**bundle.decoding)
        except (TypeError, ValueError) as error:
            raise BadBundle(f"{bundle.folder}: the manifest's 'decoding' is wrong: {error}") from error

    def __repr__(self) -> str:
        return f"BundleCaptioner({self.name} {self.version}, {', '.join(self.languages)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_again, (self._bundle.folder.resolve(), self._threads)

    @property
    def calibrated(self) -> bool:
        """Whether captions have a confidence."""
        return bool(self._bundle.calibration)

    @property
    def card(self) -> str:
        """The bundle's card, in Markdown; empty where there is none."""
        card = self._bundle.folder / "card.md"
        return card.read_text(encoding="utf-8") if card.is_file() else ""

    @lists_options
    def caption(self, source: "Source", **options: Unpack[Options]) -> Caption:
        """Caption one picture.

        Args:
            source: a path, a file's bytes, a PIL image or a numpy array.
            **options: see below; in one language.

        Returns:
            The caption; ``str(caption)`` is its text.

        Raises:
            BadImage: it is not a picture.
            ValueError: the options make no sense.
        """
        request = self._request(options, one_language=True)  # before the picture is read
        return self._describe([self.encode(source)], request)[0]

    @lists_options
    def caption_many(
        self, sources: "Iterable[Source]", **options: Unpack[Options]
    ) -> Generator[Result, None, None]:
        """Caption any number of pictures; results come lazily, in the order given.

        A picture that cannot be read gives a result with an error and stops nothing. With the language ``both``,
        each picture gives a result in each language.

        Args:
            sources: pictures as `caption` takes them, read a few batches ahead.
            **options: see below.

        Returns:
            An iterator of results; close it to end early.

        Raises:
            ValueError: at once, the options make no sense.
            TypeError: at once, one picture was given in place of many.
        """
        request = self._request(options)
        return caption_many(
            self,
            sources,
            options,
            languages=request.languages,
            threads=self._threads or default_threads(),
            batch=self._batch,
        )

    def encode(self, source: "Source") -> Encoded:
        """One picture through the encoder. Batches would gain the encoder nothing, and cost memory.

        Args:
            source: as `caption` takes it.

        Returns:
            The regions; and the embedding, where the bundle has an embedder.

        Raises:
            BadImage: it is not a picture.
        """
        pixels = read_pixels(source, self.preprocessing)  # [3, S, S]
        regions = self._encoder(pixels[None])  # [1, R, D]
        embedding = None if self._embedder is None else self._embedder(regions)[0]  # [E]
        return Encoded(regions[0], embedding, zlib.crc32(pixels.tobytes()))

    @lists_options
    def describe(self, pictures: Sequence[Encoded], **options: Unpack[Options]) -> list[Caption]:
        """Captions of pictures that have been encoded.

        Args:
            pictures: what `encode` gave for each; they are decoded together.
            **options: see below; in one language.

        Returns:
            A caption for each.

        Raises:
            ValueError: the options make no sense.
        """
        return self._describe(pictures, self._request(options, one_language=True))

    def embed_text(self, words: Sequence[str]) -> NDArray[np.float32]:
        """A text -> a vector of length one [E], near the embeddings of the pictures that it describes.

        Args:
            words: of the text, as the vocabulary has them.

        Raises:
            ShowtellError: the bundle makes no vectors.
        """
        if self._texts is None:
            raise ShowtellError(_NO_VECTORS.format(self.name))
        vector: NDArray[np.float32] = self._texts([words])[0]
        return vector

    def embed_regions(self, regions: NDArray[np.float32]) -> NDArray[np.float32]:
        """Regions of pictures [B, R, D] -> their vectors of length one [B, E].

        Raises:
            ShowtellError: the bundle makes no vectors.
        """
        if self._embedder is None:
            raise ShowtellError(_NO_VECTORS.format(self.name))
        return self._embedder(regions)

    def log_probabilities(
        self, pixels: NDArray[np.float32], tokens: Sequence[str], language: str
    ) -> NDArray[np.float64]:
        """How probable the captioner holds each word of a caption after those before it.

        Args:
            pixels: preprocessed pictures [B, 3, S, S].
            tokens: the T words of one caption, as in `Caption.tokens`.
            language: of the caption.

        Returns:
            Natural logarithms [B, T].
        """
        ids = self.vocabulary.encode(tokens)
        return forced(self._stepper, self._encoder(pixels), self.vocabulary.start_ids[language], ids)

    def _describe(self, pictures: Sequence[Encoded], request: "_Request") -> list[Caption]:
        """A caption of each picture, in the one language that is asked for."""
        if not pictures:
            return []
        [language] = request.languages
        try:
            found = decode(
                self._stepper,
                np.stack([picture.regions for picture in pictures]),  # [B, R, D]
                special_ids(self.vocabulary, language, self._bundle.prompts.get(language, ())),
                request.decoding,
                attention=request.attention,
                seeds=[picture.seed for picture in pictures],
                similarity=self._similarity(pictures),
            )
        except BadBundle as error:
            usual = self.decoding.max_length
            if request.decoding.max_length <= usual:
                raise
            # A Transformer knows so many places for words and no more; its graph does not say how many.
            raise BadBundle(
                f"the model {self.name} failed at captions of up to {request.decoding.max_length} words; ask for "
                f"fewer (its own choice is {usual})"
            ) from error
        return [self._caption(hypotheses, language, request.alternatives) for hypotheses in found]

    def _similarity(self, pictures: Sequence[Encoded]) -> Similarity | None:
        """How well captions fit these pictures; None where the bundle or whoever encoded them makes no vectors."""
        texts = self._texts
        vectors = [picture.embedding for picture in pictures if picture.embedding is not None]  # [E] each
        if texts is None or len(vectors) < len(pictures):
            return None

        def cosines(place: int, captions: Sequence[tuple[int, ...]]) -> NDArray[np.float32]:
            similarities: NDArray[np.float32] = (
                texts(list(map(self.vocabulary.decode, captions))) @ vectors[place]
            )
            return similarities

        return cosines

    def _caption(self, hypotheses: list[Hypothesis], language: str, alternatives: int | None) -> Caption:
        """The best of the hypotheses as a caption, with so many (or all) of the others as alternatives."""
        kept = range(len(hypotheses[: None if alternatives is None else alternatives + 1]))
        best, *others = (self._alternative(place, hypotheses, language) for place in kept)
        return Caption(
            text=best.text,
            language=language,
            confidence=best.confidence,
            log_probability=best.log_probability,
            tokens=best.tokens,
            attention=hypotheses[0].attention,
            alternatives=tuple(others),
            similarity=best.similarity,
        )

    def _alternative(self, place: int, hypotheses: list[Hypothesis], language: str) -> Alternative:
        """One of the hypotheses, with the confidence that it would have as the first."""
        calibration = self._bundle.calibration.get(language)
        chosen, others = hypotheses[place], hypotheses[:place] + hypotheses[place + 1 :]
        words = tuple(self.vocabulary.decode(chosen.tokens))
        confidence = None if calibration is None else calibration.confidence([chosen, *others])
        text = join_tokens(words, language, self._bundle.join)
        return Alternative(text, chosen.log_probability, words, confidence, chosen.similarity)

    def _request(self, options: Options, *, one_language: bool = False) -> "_Request":
        """What the options come down to; ValueError when they make no sense."""
        unknown = options.keys() - Options.__annotations__.keys()
        if unknown:
            raise TypeError(
                f"there is no option {min(unknown)!r}; there are {', '.join(Options.__annotations__)}"
            )
        names = {option.name for option in fields(DecodingOptions)}
        given: dict[str, Any] = {
            key: value for key, value in options.items() if key in names and value is not None
        }
        candidates = given.get("candidates")
        if candidates is not None and candidates > self.decoding.beam:
            given.setdefault("beam", candidates)
        decoding = replace(self.decoding, **self._lengths(given), **given)
        if not decoding.sampling:
            # The whole beam is wanted: confidence looks at it, and callers may want the alternatives.
            decoding = replace(decoding, candidates=decoding.beam)
        languages = self._languages(options.get("language"))
        if one_language and len(languages) > 1:
            raise ValueError("one caption has one language; caption_many gives one in each")
        return _Request(
            languages=languages,
            decoding=decoding,
            alternatives=None if candidates is None else candidates - 1,
            attention=bool(options.get("attention")),
        )

    def _lengths(self, given: dict[str, Any]) -> dict[str, Any]:
        """The least or greatest length that was not given, where the default contradicts the one that was."""
        least, most = given.get("min_length"), given.get("max_length")
        if least is None and most is not None:
            return {"min_length": min(self.decoding.min_length, most)}
        if most is None and least is not None:
            return {"max_length": max(self.decoding.max_length, least)}
        return {}

    def _languages(self, asked: str | None) -> tuple[str, ...]:
        """The languages that are meant by one option."""
        if asked is None:
            return self.languages[:1]
        there = " and ".join(self.languages)
        if asked == "both":
            if len(self.languages) < 2:
                raise ValueError(f"the model {self.name} captions in one language only: {there}")
            return self.languages
        if asked not in self.languages:
            raise ValueError(f"the model {self.name} does not caption in {asked!r}; it captions in {there}")
        return (asked,)


def _load_again(folder: Path, threads: int | None) -> BundleCaptioner:
    """What a pickled captioner becomes."""
    return BundleCaptioner(read_bundle(folder), threads=threads)


@dataclass(frozen=True, slots=True)
class _Request:
    """What `Options` come down to.

    Attributes:
        languages: a caption in each.
        decoding: how to find it.
        alternatives: how many of them are kept; None for all.
        attention: whether it is kept.
    """

    languages: tuple[str, ...]
    decoding: DecodingOptions
    alternatives: int | None
    attention: bool


def special_ids(vocabulary: Vocabulary, language: str, prompt: Sequence[int] = ()) -> SpecialIds:
    """The ids that decoding needs for captions in a language, which go on from a prompt."""
    return SpecialIds(
        pad=vocabulary.pad_id,
        start=vocabulary.start_ids[language],
        end=vocabulary.end_id,
        unknown=vocabulary.unknown_id,
        others=tuple(start for name, start in vocabulary.start_ids.items() if name != language),
        prompt=tuple(prompt),
    )

"""Pictures in, captions out: read this first.

::

    picture ──> pixels ──> regions ──> hypotheses ──> caption
    images/     onnx (encoder)         decoding/     here

`Captioner.caption` does this for one picture. `Captioner.caption_many` does it for any number of them, in
batches that each walk the whole way in a thread of their own: that scales better than sharing each network
among the processors.
"""

import itertools
import os
import zlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.base import Alternative, Caption, Options, Result
from showtell.captioning.bundle import Bundle
from showtell.captioning.onnx import OnnxEncoder, OnnxStepper, default_threads
from showtell.decoding import DecodingOptions, Hypothesis, SpecialIds, decode, forced
from showtell.errors import BadBundle, BadImage
from showtell.images import read_pixels
from showtell.text.cleaning import join
from showtell.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    from showtell.images import Source

__all__ = ["BATCH", "Captioner", "special_ids"]

BATCH = 8
"""Pictures that are put into words together: more are a little quicker, but longer in coming and in stopping."""


class Captioner:
    """A bundle, ready to caption. Made by `showtell.load`.

    name, version, languages: as the bundle says; its first language is spoken unless another is asked for.
    preprocessing: what its encoder expects of a picture.
    decoding: how it finds captions unless told otherwise.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Build the networks.

        threads: batches that `caption_many` works on at a time; as many as the process may use processors
            unless given.

        Raises BadBundle when the graphs are not what a bundle's must be.
        """
        self.name = bundle.name
        self.version = bundle.version
        self.languages = bundle.languages
        self.preprocessing = bundle.preprocessing
        self._bundle = replace(bundle, graphs={})  # the networks hold their own copies
        self._threads = threads or default_threads()
        self._encoder = OnnxEncoder(bundle, threads=1)
        self._stepper = OnnxStepper(bundle, threads=1)
        try:
            self.decoding = DecodingOptions(**bundle.decoding)
        except (TypeError, ValueError) as error:
            raise BadBundle(f"{bundle.folder}: the manifest's 'decoding' is wrong: {error}") from error

    def __repr__(self) -> str:
        return f"Captioner({self.name} {self.version}, {', '.join(self.languages)})"

    @property
    def card(self) -> str:
        """What the bundle's card says, in Markdown; empty where there is none."""
        card = self._bundle.folder / "card.md"
        return card.read_text(encoding="utf-8") if card.is_file() else ""

    def caption(self, source: "Source", **options: Unpack[Options]) -> Caption:
        """Caption one picture: a path, a file's bytes, a PIL image or a numpy array.

        Raises BadImage when it is no picture, ValueError for options that make no sense.
        """
        request = self._request(options)
        if len(request.languages) > 1:
            raise ValueError("one caption has one language; caption_many gives one in each")
        [caption] = self._say([self._see(source)], request.languages[0], request)
        return caption

    def caption_many(
        self, sources: "Iterable[Source]", **options: Unpack[Options]
    ) -> Generator[Result, None, None]:
        """Caption any number of pictures: results come lazily, in the order of `sources`.

        A picture that cannot be read gives a result with an error and stops nothing. `sources` is read a few
        batches ahead; close the iterator to end early. With the language ``both``, each picture gives a result
        in each language.

        Raises, at once, ValueError for options that make no sense and TypeError for one picture in place of many.
        """
        if isinstance(sources, str | bytes | os.PathLike):  # each letter of a name would be a picture
            raise TypeError(
                f"caption_many takes a list of pictures; for one, give [{sources!r}] or use caption"
            )
        return self._results(sources, self._request(options))

    def log_probabilities(
        self, pixels: NDArray[np.float32], tokens: Sequence[str], language: str
    ) -> NDArray[np.float64]:
        """How probable it holds each word of a caption after those before it: natural logarithms [B, T].

        pixels: preprocessed pictures [B, 3, S, S].
        tokens: the T words of one caption, as in `Caption.tokens`.
        """
        vocabulary = self._bundle.vocabulary
        ids = vocabulary.encode(tokens)
        return forced(self._stepper, self._encoder(pixels), vocabulary.start_ids[language], ids)

    def _results(self, sources: "Iterable[Source]", request: "_Request") -> Generator[Result, None, None]:
        """Results in order, while as many batches as there are threads are worked on ahead."""
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="showtell")
        stop = Event()
        waiting: deque[Future[list[Result]]] = deque()
        try:
            for batch in _batches(iter(sources), BATCH):
                waiting.append(pool.submit(self._captioned, batch, request, stop))
                if len(waiting) > self._threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            # After Ctrl-C, or when the caller wants no more, nobody waits for captions nobody will see.
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _captioned(self, batch: "Sequence[Source]", request: "_Request", stop: Event) -> list[Result]:
        """The results of a batch; none after a stop."""
        read: dict[int, _Seen] = {}
        errors: dict[int, BadImage] = {}
        for place, source in enumerate(batch):
            if stop.is_set():
                return []
            try:
                read[place] = self._see(source)
            except BadImage as error:
                errors[place] = error
        captions: dict[int, tuple[Caption, ...]] = {}
        if read:
            each = [self._say(list(read.values()), language, request) for language in request.languages]
            captions = dict(zip(read, zip(*each, strict=True), strict=True))
        results: list[Result] = []
        for place, source in enumerate(batch):
            path = source if isinstance(source, str | Path) else None
            if place in errors:
                results.append(Result(path, error=errors[place].reason))
            results += [Result(path, caption) for caption in captions.get(place, ())]
        return results

    def _see(self, source: "Source") -> "_Seen":
        """One picture through the encoder. Batches would gain the encoder nothing, and cost memory."""
        pixels = read_pixels(source, self._bundle.preprocessing)
        return _Seen(self._encoder(pixels[None]), zlib.crc32(pixels.tobytes()))

    def _say(self, seen: "Sequence[_Seen]", language: str, request: "_Request") -> list[Caption]:
        """A caption of each picture."""
        try:
            found = decode(
                self._stepper,
                np.concatenate([picture.regions for picture in seen]),  # [B, R, D]
                special_ids(self._bundle.vocabulary, language),
                request.decoding,
                attention=request.attention,
                seeds=[picture.seed for picture in seen],
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

    def _caption(self, hypotheses: list[Hypothesis], language: str, alternatives: int | None) -> Caption:
        """The best of the hypotheses as a caption, with so many (or all) of the others as alternatives."""
        vocabulary, calibration = self._bundle.vocabulary, self._bundle.calibration
        best, *others = hypotheses
        words = tuple(vocabulary.decode(best.tokens))
        return Caption(
            text=join(words, language),
            language=language,
            confidence=None if calibration is None else calibration.confidence(hypotheses),
            log_probability=best.log_probability,
            tokens=words,
            attention=best.attention,
            alternatives=tuple(
                Alternative(join(vocabulary.decode(other.tokens), language), other.log_probability)
                for other in others[:alternatives]
            ),
        )

    def _request(self, options: Options) -> "_Request":
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
        return _Request(
            languages=self._languages(options.get("language")),
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
                raise ValueError(f"the model {self.name} speaks one language alone: {there}")
            return self.languages
        if asked not in self.languages:
            raise ValueError(f"the model {self.name} does not speak {asked!r}; it speaks {there}")
        return (asked,)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What becomes of one picture before words are found.

    regions: [1, R, D].
    seed: a checksum of its pixels, so that words drawn for it are the same wherever it stands.
    """

    regions: NDArray[np.float32]
    seed: int


@dataclass(frozen=True, slots=True)
class _Request:
    """What `Options` come down to.

    languages: a caption in each.
    decoding: how to find it.
    alternatives: how many of them are kept; None for all.
    attention: whether it is kept.
    """

    languages: tuple[str, ...]
    decoding: DecodingOptions
    alternatives: int | None
    attention: bool


def special_ids(vocabulary: Vocabulary, language: str) -> SpecialIds:
    """The ids that decoding needs for captions in a language."""
    return SpecialIds(
        pad=vocabulary.pad_id,
        start=vocabulary.start_ids[language],
        end=vocabulary.end_id,
        unknown=vocabulary.unknown_id,
        others=tuple(start for name, start in vocabulary.start_ids.items() if name != language),
    )


def _batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Lists of `size` items; the last may be shorter."""
    while batch := list(itertools.islice(items, size)):
        yield batch

"""What every metric shares: a score with its signature, references prepared once, and the Metric itself.

A metric turns each candidate into a row of statistics and the rows' sums into values, so that the score of
a set, of one picture and of a bootstrap resample are the same few lines.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import ClassVar

import numpy as np

from showtell.errors import BadCorpus
from showtell.metrics.document_frequencies import DocumentFrequencies
from showtell.metrics.ngrams import Floats, Grams, Integers, NgramIndex, Words, changes
from showtell.text.printable import some
from showtell.text.tokenisers import tokeniser_named

CHINESE = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
LONGEST = 10_000  # characters of a caption; longer texts are a mistake, or an attack on the scorer's time


@dataclass(frozen=True, slots=True)
class Signature:
    """The settings a number depends on, in the manner of sacrebleu: ``CIDEr|n:4|tok:ptb|…``."""

    metric: str
    settings: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "|".join([self.metric, *(f"{name}:{value}" for name, value in self.settings)])


@dataclass(frozen=True, slots=True)
class Score:
    """One row of a report; all its numbers are percentages as people publish them (CIDEr 58.6)."""

    name: str
    value: float | None  # None where the metric could not be computed; `missing` says why
    signature: Signature
    low: float | None = None  # 95 % bootstrap interval
    high: float | None = None
    per_picture: Floats | None = field(default=None, repr=False, compare=False)  # [P]
    missing: str | None = None

    def to_dict(self) -> dict[str, object]:
        """As JSON, without the single pictures."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "signature": str(self.signature),
            **({} if self.missing is None else {"missing": self.missing}),
        }


class References:
    """The captions people gave, tokenised and counted once; share it between metrics and evaluations."""

    def __init__(
        self,
        references: Mapping[str, Sequence[str]],
        *,
        language: str | None = "en",
        tokeniser: str | None = None,
        frequencies: DocumentFrequencies | None = None,
    ) -> None:
        """Tokenise references.

        Args:
            references: ``{id: [captions]}``.
            language: ``en`` or ``zh``; None for Chinese where most pictures have Chinese references.
            tokeniser: the language's unless named; captions that are tokens already want ``none``.
            frequencies: CIDEr's document frequencies, those of the references unless given.

        Raises:
            BadCorpus: a picture has no reference, a reference is no text or too long, or the frequencies were
                counted with another tokeniser.
            ShowtellError: an unknown language or tokeniser.
        """
        for name, captions in references.items():
            _check_references(name, captions)
        if language is None:
            language = "zh" if pictures_in_chinese(references) > 0.5 * len(references) else "en"
        self.language = language
        self.tokeniser = tokeniser_named(tokeniser, language)
        self.ids = tuple(references)
        self.sentences = self.tokeniser.all([*chain.from_iterable(references.values())])
        self.sizes = np.fromiter((len(captions) for captions in references.values()), np.int64, len(self.ids))
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)
        self.picture = np.repeat(np.arange(len(self.ids)), self.sizes)  # [R] the picture of each reference
        self.frequencies = frequencies
        if frequencies is not None and frequencies.tokeniser != self.tokeniser.name:
            raise BadCorpus(
                f"the document frequencies were counted with the tokeniser {frequencies.tokeniser!r} and these "
                f"captions are cut with {self.tokeniser.name!r}; count them again, or cut alike"
            )

    @cached_property
    def number(self) -> dict[str, int]:
        """Each id's place."""
        return {name: place for place, name in enumerate(self.ids)}

    @cached_property
    def words(self) -> Words:
        """Every reference taken apart."""
        return Words.of(self.sentences)

    @cached_property
    def index(self) -> NgramIndex:
        """Ids for every n-gram of the references, and of the document frequencies."""
        if self.frequencies is None:
            return NgramIndex(self.words)
        return NgramIndex(Words.of([*self.sentences, *self.frequencies.counts]))

    @cached_property
    def grams(self) -> Grams:
        """The n-grams of every reference; `caption` counts the references through."""
        return self.index.own if self.frequencies is None else self.index.grams(self.words)

    @cached_property
    def occurrences(self) -> tuple[Integers, Integers]:
        """Every (n-gram, picture) that occurs, and where its rows of `grams` start: [U], [U + 1].

        A pair is the integer n-gram x pictures + picture; they are sorted, as the rows of `grams` are.
        """
        keys = self.grams.gram * len(self.ids) + self.picture[self.grams.caption]
        first = np.flatnonzero(changes(keys))
        return keys[first], np.append(first, len(keys))

    def candidates(self, captions: Mapping[str, str]) -> "Candidates":
        """Match `{id: caption}` to these references.

        Raises:
            BadCorpus: ids are on one side only (some are listed), or a caption is too long.
        """
        if captions.keys() != self.number.keys():
            raise BadCorpus(_mismatch(list(captions), self.ids, self.number))
        return Candidates(self, np.arange(len(self.ids)), [captions[name] for name in self.ids])

    def candidates_of(self, ids: Sequence[str], captions: Sequence[str]) -> "Candidates":
        """Match captions of any pictures in any number, as training needs: `captions[i]` is of `ids[i]`.

        Raises:
            BadCorpus: a picture has no references, or a caption is too long.
            ValueError: not as many ids as captions.
        """
        if len(ids) != len(captions):
            raise ValueError(f"{len(ids)} ids were given for {len(captions)} captions")
        try:
            pictures = np.fromiter((self.number[name] for name in ids), np.int64, len(ids))
        except KeyError as error:
            raise BadCorpus(f"the picture {error} has no references; only the others can be scored") from None
        return Candidates(self, pictures, captions)


class Candidates:
    """Captions to be judged, each against the references of its picture."""

    def __init__(self, references: References, picture: Integers, captions: Sequence[str]) -> None:
        self.references = references
        self.picture = picture  # [C]
        self.captions = captions
        if max(map(len, captions), default=0) > LONGEST:
            name = next(
                references.ids[place]
                for place, caption in zip(picture.tolist(), captions, strict=True)
                if len(caption) > LONGEST
            )
            raise BadCorpus(_too_long("candidate", name))
        self.sentences = references.tokeniser.all(captions)

    @cached_property
    def words(self) -> Words:
        """Every candidate taken apart."""
        return Words.of(self.sentences)

    @cached_property
    def word_ids(self) -> Integers:
        """The references' ids of all the candidates' words in a row; new words have ids of their own."""
        return self.references.index.words(self.words)

    @cached_property
    def grams(self) -> Grams:
        """The n-grams of every candidate, with the references' ids."""
        return self.references.index.grams(self.words, self.word_ids)

    @cached_property
    def meetings(self) -> tuple[Integers, Integers]:
        """Where candidates and references of their pictures share an n-gram: both rows, by candidate's row."""
        references, grams = self.references, self.grams
        keys, starts = references.occurrences
        row = np.flatnonzero(grams.gram < references.index.known)
        wanted = grams.gram[row] * len(references.ids) + self.picture[grams.caption[row]]
        place = np.searchsorted(keys, wanted)
        place[place == len(keys)] = 0
        met = keys[place] == wanted if len(keys) else np.zeros(len(row), bool)
        row, place = row[met], place[met]
        sizes = starts[place + 1] - starts[place]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return np.repeat(row, sizes), np.repeat(starts[place], sizes) + within

    @cached_property
    def pairs(self) -> tuple[Integers, Integers, Integers]:
        """Every (candidate, reference of its picture): where a candidate's pairs start, and both members."""
        sizes = self.references.sizes[self.picture]
        starts = np.cumsum(sizes) - sizes
        candidate = np.repeat(np.arange(len(sizes)), sizes)
        reference = np.arange(len(candidate)) - starts[candidate]
        return starts, candidate, reference + self.references.starts[self.picture][candidate]


class Metric(ABC):
    """One or more numbers that come from the same statistics.

    Loop over candidates with references prepared once: ``Cider(references).score(candidates)``.
    """

    names: ClassVar[tuple[str, ...]]  # of the numbers, as published

    def __init__(self, references: References | Mapping[str, Sequence[str]]) -> None:
        """Take prepared References, or `{id: [captions]}` in English."""
        self.references = references if isinstance(references, References) else References(references)

    @abstractmethod
    def statistics(self, candidates: Candidates) -> Floats:
        """One row of sums for each candidate: [C, S]."""

    @abstractmethod
    def combine(self, sums: Floats, captions: int) -> Floats:
        """Sums of statistics over so many captions -> values as fractions: [..., S] -> [..., len(names)]."""

    def settings(self, name: str) -> tuple[tuple[str, str], ...]:
        """What the number of that name depends on beside tokeniser, pictures and version."""
        return ()

    def score(self, candidates: Candidates | Mapping[str, str]) -> dict[str, float]:
        """The set's scores by name, as percentages."""
        found = candidates if isinstance(candidates, Candidates) else self.references.candidates(candidates)
        statistics = self.statistics(found)
        values = self.combine(statistics.sum(axis=0), max(len(statistics), 1))
        return {name: 100 * float(value) for name, value in zip(self.names, values, strict=True)}

    def each(self, ids: Sequence[str], captions: Sequence[str]) -> Floats:
        """Each caption's own scores as fractions, [C, len(names)]: a reward in training."""
        return self.combine(self.statistics(self.references.candidates_of(ids, captions)), 1)


class MeanMetric(Metric):
    """A metric whose score of a set is the mean of its captions' scores."""

    def combine(self, sums: Floats, captions: int) -> Floats:
        return sums / captions


def pictures_in_chinese(references: Mapping[str, Sequence[str]]) -> int:
    """How many pictures have a Chinese reference."""
    if all(map(str.isascii, map("".join, references.values()))):
        return 0
    search = re.compile(CHINESE).search
    return sum(any(map(search, captions)) for captions in references.values())


def _check_references(name: str, captions: Sequence[str]) -> None:
    if isinstance(captions, str):
        raise BadCorpus(
            f"the references of {name!r} are one string where a list of captions was meant; write [caption]"
        )
    if not captions:
        raise BadCorpus(f"the picture {name!r} has no reference; give it one or leave it out")
    if not all(issubclass(kind, str) for kind in set(map(type, captions))):
        raise BadCorpus(f"a reference of the picture {name!r} is no text; give captions as strings")
    if max(map(len, captions)) > LONGEST:
        raise BadCorpus(_too_long("reference", name))


def _too_long(kind: str, name: str) -> str:
    return (
        f"a {kind} of the picture {name!r} has more than {LONGEST:,} characters; give one caption, not a text"
    )


def _mismatch(candidates: Sequence[str], references: Sequence[str], known: Mapping[str, int]) -> str:
    given = set(candidates)
    strange = [name for name in candidates if name not in known]
    unanswered = [name for name in references if name not in given]
    parts = []
    if strange:
        have = "candidate has" if len(strange) == 1 else "candidates have"
        parts.append(f"{len(strange)} {have} no references ({some(strange)})")
    if unanswered:
        have = "picture has" if len(unanswered) == 1 else "pictures have"
        parts.append(f"{len(unanswered)} {have} references but no candidate ({some(unanswered)})")
    advice = "give both sides the same ids" if strange else "leave such references out (--subset)"
    return f"the ids do not match: {' and '.join(parts)}; {advice}"

"""A corpus in figures, and the text files that are made from one."""

import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from showtell.corpora.base import Corpus, Example
from showtell.errors import BadCorpus
from showtell.text.cleaning import DEFAULT_CLEANING, Cleaning, words

USUAL_MINIMUM = 5
"""Words that occur fewer times than this seldom enter a vocabulary."""


@dataclass(frozen=True, slots=True)
class SplitFigures:
    """One split; ``split`` is None for the pictures in no list."""

    split: str | None
    pictures: int
    captions: int


@dataclass(frozen=True, slots=True)
class PartFigures:
    """One split of one of the corpora that were joined, and how many captions it has to score against."""

    corpus: str
    split: str | None
    pictures: int
    captions: int
    scored_against: int


@dataclass(frozen=True, slots=True)
class CaptionFigures:
    """The captions of one language and source, counted in cleaned words.

    Attributes:
        language, source: as in ``Reference``.
        captions: how many there are.
        fewest_per_picture, most_per_picture: among the pictures that have any.
        shortest, mean, median, longest: words per caption.
        words: how many words there are in all.
        distinct_words: how many different words there are.
        frequent_words: how many of them occur five times or more.
        train_distinct_words, train_frequent_words: the same in what is trained on.
    """

    language: str
    source: str
    captions: int
    fewest_per_picture: int
    most_per_picture: int
    shortest: int
    mean: float
    median: float
    longest: int
    words: int
    distinct_words: int
    frequent_words: int
    train_distinct_words: int
    train_frequent_words: int


@dataclass(frozen=True, slots=True)
class CorpusFigures:
    """What ``showtell data`` tells."""

    corpus: str
    pictures: int
    captions: int
    fingerprint: str
    splits: tuple[SplitFigures, ...]
    parts: tuple[PartFigures, ...]
    languages: tuple[CaptionFigures, ...]
    missing: tuple[str, ...]
    orphans: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return asdict(self)


def figures(corpus: Corpus) -> CorpusFigures:
    """Count a corpus.

    Raises:
        MissingExtra: it has Chinese captions, and what cuts them into words is not installed.
    """
    splits: list[str | None] = [*corpus.splits, None]
    per_split = [(split, corpus.split(split)) for split in splits]
    kinds = dict.fromkeys((ref.language, ref.source) for example in corpus for ref in example.references)
    return CorpusFigures(
        corpus=corpus.name,
        pictures=len(corpus),
        captions=sum(len(example.references) for example in corpus),
        fingerprint=corpus.fingerprint(),
        splits=tuple(
            SplitFigures(split, len(examples), sum(len(example.references) for example in examples))
            for split, examples in per_split
            if examples
        ),
        parts=tuple(_part_figures(corpus)),
        languages=tuple(_caption_figures(corpus, language, source) for language, source in kinds),
        missing=corpus.missing,
        orphans=corpus.orphans,
        warnings=tuple(corpus.warnings),
    )


def _part_figures(corpus: Corpus) -> Iterator[PartFigures]:
    for part in corpus.parts:
        for split in (*corpus.splits, None):
            found = [example for example in corpus if (example.corpus, example.split) == (part, split)]
            if found:
                captions = sum(len(example.references) for example in found)
                yield PartFigures(part, split, len(found), captions, _scored_against(corpus, found))


def _scored_against(corpus: Corpus, examples: list[Example]) -> int:
    """How many captions of these pictures count, in all languages."""
    number = 0
    for language in corpus.languages:
        with suppress(BadCorpus):  # there are none in this language
            number += sum(map(len, corpus.scoring_references(examples, language).values()))
    return number


def _caption_figures(corpus: Corpus, language: str, source: str) -> CaptionFigures:
    sentences: list[list[str]] = []
    per_picture: list[int] = []
    trained_on: Counter[str] = Counter()
    for example in corpus:
        texts = [ref.text for ref in example.references if (ref.language, ref.source) == (language, source)]
        found = [words(text, language) for text in texts]
        if found:
            sentences += found
            per_picture.append(len(found))
        if example.split in ("train", None):
            trained_on.update(word for sentence in found for word in sentence)
    lengths = [len(sentence) for sentence in sentences]
    vocabulary = Counter(word for sentence in sentences for word in sentence)
    return CaptionFigures(
        language=language,
        source=source,
        captions=len(sentences),
        fewest_per_picture=min(per_picture),
        most_per_picture=max(per_picture),
        shortest=min(lengths),
        mean=statistics.fmean(lengths),
        median=statistics.median(lengths),
        longest=max(lengths),
        words=vocabulary.total(),
        distinct_words=len(vocabulary),
        frequent_words=_frequent(vocabulary),
        train_distinct_words=len(trained_on),
        train_frequent_words=_frequent(trained_on),
    )


def _frequent(vocabulary: Counter[str]) -> int:
    return sum(count >= USUAL_MINIMUM for count in vocabulary.values())


def descriptions(corpus: Corpus, language: str, cleaning: Cleaning = DEFAULT_CLEANING) -> Iterator[str]:
    """A line for each caption as tutorials' ``descriptions.txt`` has it: id, a space, the cleaned caption.

    Captions of which cleaning leaves nothing are left out.

    Raises:
        BadCorpus: there are no captions in this language.
    """
    if language not in corpus.languages:
        there = ", ".join(corpus.languages)
        raise BadCorpus(f"the corpus {corpus.name} has no captions in {language!r}; it has {there}")
    for example in corpus:
        for reference in example.references:
            if reference.language == language:
                sentence = words(reference.text, language, cleaning=cleaning)
                if sentence:
                    yield f"{example.id} {' '.join(sentence)}"

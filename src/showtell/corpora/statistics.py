"""A corpus in figures, and the text files that are made from one."""

import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from showtell.corpora.base import Corpus
from showtell.errors import BadCorpus
from showtell.text.cleaning import DEFAULT_CLEANING, Cleaning, words

USUAL_MINIMUM = 5
"""Words said fewer times than this seldom enter a vocabulary."""


@dataclass(frozen=True, slots=True)
class SplitFigures:
    """One split; ``split`` is None for the pictures in no list."""

    split: str | None
    pictures: int
    captions: int


@dataclass(frozen=True, slots=True)
class CaptionFigures:
    """The captions of one language and source, counted in cleaned words.

    Attributes:
        language, source: as in ``Reference``.
        captions: how many there are.
        fewest_a_picture, most_a_picture: among the pictures that have any.
        shortest, mean, median, longest: words a caption.
        distinct_words: how many different words there are.
        frequent_words: how many of them are said five times or more.
        said: how many words there are in all.
    """

    language: str
    source: str
    captions: int
    fewest_a_picture: int
    most_a_picture: int
    shortest: int
    mean: float
    median: float
    longest: int
    distinct_words: int
    frequent_words: int
    said: int


@dataclass(frozen=True, slots=True)
class CorpusFigures:
    """What ``showtell data`` tells."""

    corpus: str
    pictures: int
    captions: int
    splits: tuple[SplitFigures, ...]
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
        splits=tuple(
            SplitFigures(split, len(examples), sum(len(example.references) for example in examples))
            for split, examples in per_split
            if examples
        ),
        languages=tuple(_caption_figures(corpus, language, source) for language, source in kinds),
        missing=corpus.missing,
        orphans=corpus.orphans,
        warnings=tuple(corpus.warnings),
    )


def _caption_figures(corpus: Corpus, language: str, source: str) -> CaptionFigures:
    per_picture = [
        [
            words(ref.text, language)
            for ref in example.references
            if (ref.language, ref.source) == (language, source)
        ]
        for example in corpus
    ]
    per_picture = [captions for captions in per_picture if captions]
    sentences = [sentence for captions in per_picture for sentence in captions]
    lengths = [len(sentence) for sentence in sentences]
    vocabulary = Counter(word for sentence in sentences for word in sentence)
    return CaptionFigures(
        language=language,
        source=source,
        captions=len(sentences),
        fewest_a_picture=min(map(len, per_picture)),
        most_a_picture=max(map(len, per_picture)),
        shortest=min(lengths),
        mean=statistics.fmean(lengths),
        median=statistics.median(lengths),
        longest=max(lengths),
        distinct_words=len(vocabulary),
        frequent_words=sum(count >= USUAL_MINIMUM for count in vocabulary.values()),
        said=vocabulary.total(),
    )


def descriptions(corpus: Corpus, language: str, cleaning: Cleaning = DEFAULT_CLEANING) -> Iterator[str]:
    """A line for each caption as tutorials' ``descriptions.txt`` has it: id, a space, the cleaned caption.

    Captions of which cleaning leaves nothing are left out.

    Raises:
        BadCorpus: there are no captions in this language.
    """
    _expect(corpus, language)
    for example in corpus:
        for reference in example.references:
            if reference.language == language:
                sentence = words(reference.text, language, cleaning=cleaning)
                if sentence:
                    yield f"{example.id} {' '.join(sentence)}"


def _expect(corpus: Corpus, language: str) -> None:
    there = corpus.languages
    if language not in there:
        raise BadCorpus(
            f"the corpus {corpus.name} has no captions in {language!r}; it has {', '.join(there)}"
        )

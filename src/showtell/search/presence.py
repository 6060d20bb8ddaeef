"""Whether a library may have what a query in words asks for at all.

Of each word of the vocabulary a bundle knows how its vector fits the pictures that were learnt from: those whose
captions have the word, and all. Where even the best pictures of a library fit a word much less than the former do,
the library lacks it; and the rarer a query's words, the less is there a picture of them. A logistic regression over

==============  ================================================================================================
``similarity``  mean cosine of the query's vector to the library's best pictures
``rarity``      mean of -log(share of the learnt pictures whose captions have the word) over the query's words
``lack``        how far the best pictures fall short for the word that they fall short for most, 0 to 0.9
==============  ================================================================================================

says how probable it is that there is an answer. It is fitted by ``benchmarks/search_quality.py calibrate``.

V the size of the vocabulary, T terms of a query.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from showtell.search.records import Floats, Integers
from showtell.search.vectors import Look, Vectors
from showtell.text.vocabulary import Vocabulary

__all__ = ["ANSWER", "WordStatistics", "answer_features"]

ANSWER = ("similarity", "rarity", "lack")
"""The features, in the order of the regression."""

ENOUGH = 0.9  # of the likeness that the learnt pictures have: what reaches it lacks nothing
FEWEST = 3  # learnt pictures that a word needs before its statistics count
SUSPECTS = 3  # words of a query that are looked for one by one, the rarest


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """How words fit the pictures that were learnt from.

    Attributes:
        vocabulary: the words.
        pictures: how many were learnt from.
        counts: how many of them have each word in their captions [V].
        matching: mean cosine of the word's vector to those [V].
        overall: mean cosine to all [V].
    """

    vocabulary: Vocabulary
    pictures: int
    counts: Integers
    matching: Floats
    overall: Floats

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], vocabulary: Vocabulary) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ValueError: it is not what `to_dict` makes for this vocabulary.
        """
        try:
            pictures = int(content["pictures"])
            counts = np.array(content["counts"], np.int64)
            matching, overall = (np.array(content[key], np.float32) for key in ("matching", "overall"))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"words.json: cannot be understood ({type(error).__name__}: {error})") from error
        shapes = {counts.shape, matching.shape, overall.shape}
        cosines = np.concatenate([matching.ravel(), overall.ravel()])
        if shapes != {(len(vocabulary),)} or not np.isfinite(cosines).all() or pictures < 1:
            raise ValueError(f"words.json: must have finite numbers for each of {len(vocabulary)} words")
        return cls(vocabulary, pictures, counts, matching, overall)

    def to_dict(self) -> dict[str, Any]:
        """As a bundle's ``words.json`` holds it."""
        return {
            "pictures": self.pictures,
            "counts": self.counts.tolist(),
            "matching": [round(float(cosine), 3) for cosine in self.matching],
            "overall": [round(float(cosine), 3) for cosine in self.overall],
        }

    def rarity(self, terms: Sequence[str]) -> float:
        """How rare words are, in nats, as a mean."""
        counts = [self._count(term) for term in terms]
        return float(np.mean([-math.log((count + 0.5) / self.pictures) for count in counts]))

    def suspects(self, terms: Sequence[str]) -> list[str]:
        """The rarest of the terms of which enough is known."""
        known = sorted((self._count(term), term) for term in terms)
        return [term for count, term in known if count >= FEWEST][:SUSPECTS]

    def lack(self, term: str, similarity: float) -> float:
        """How far a mean cosine falls short of what pictures with a word have, 0 to `ENOUGH`."""
        place = self.vocabulary.encode([term])[0]
        likeness = float(self.matching[place] - self.overall[place])
        reached = (similarity - float(self.overall[place])) / max(likeness, 0.05)
        return min(ENOUGH, max(0.0, ENOUGH - reached))

    def _count(self, term: str) -> int:
        return int(self.counts[self.vocabulary.encode([term])[0]]) if term in self.vocabulary else 0


def answer_features(
    statistics: WordStatistics,
    terms: Sequence[str],
    look: Look,
    *,
    vectors: Vectors,
    embed: Callable[[str], Floats],
    among: Integers | None,
) -> NDArray[np.float64]:
    """The features of a query as a whole [1, 3].

    Args:
        terms: of the query, at least one.
        look: the query's vector beside those of the library.
        vectors: of the library.
        embed: a word -> its vector.
        among: ids of the pictures that the library is taken to have, ascending; None for all.
    """
    pictures = len(vectors) if among is None else len(among)
    lacks = [
        statistics.lack(term, _highest(vectors.look(embed(term)), pictures, among))
        for term in statistics.suspects(terms)
    ]
    row = [_highest(look, pictures, among), statistics.rarity(terms), max(lacks, default=0.0)]
    return np.array([row])


def _highest(look: Look, pictures: int, among: Integers | None) -> float:
    """The mean of the highest similarities: those of one picture in fifty, at most 20."""
    ids = look.nearest(min(20, max(1, pictures // 50)), among)
    return float(look.similarities(ids).mean()) if len(ids) else 0.0

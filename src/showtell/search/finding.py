"""From a query to pictures: full text and vectors, side by side.

N pictures that come into question, E the width of the vectors' space, F features.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from showtell.search.calibration import FEATURES, Calibration
from showtell.search.model import Model
from showtell.search.records import Floats, Integers
from showtell.search.store import Store
from showtell.search.vectors import Look
from showtell.search.words import Words, query_terms, query_words

__all__ = [
    "CANDIDATES",
    "Evidence",
    "Text",
    "combine",
    "gather",
    "look_up",
    "measure_of_hubness",
    "nearness",
    "rank",
]

CANDIDATES = 300
"""So many of the pictures nearest by vector come into question, beside all whose captions have a word."""

CAPTION_WEIGHT = 0.1
"""Of coverage beside similarity in the order of matches; chosen by dev retrieval (``search_quality.py compare``)."""

_HUBNESS = FEATURES.index("hubness")
_STANDS_OUT = 2.0  # standard deviations above the mean similarity, from which a picture looks like the query


@dataclass(frozen=True, slots=True)
class Text:
    """What the full text says of a query.

    Attributes:
        terms: the words that were looked for.
        weights: of the terms: their inverse document frequencies, which sum to one.
        found: for each term, the ids of the pictures whose captions have it.
        described: the same for captions by a person.
        missing: the weight of the terms that no caption has.
        unknown: the share of the query's words that the vocabulary does not have.
    """

    terms: tuple[str, ...]
    weights: Floats
    found: tuple[Integers, ...]
    described: tuple[Integers, ...]
    missing: float
    unknown: float

    def ids(self) -> Integers:
        """The pictures with any of the terms, ascending."""
        return np.unique(np.concatenate([*self.found, np.empty(0, np.int64)]))

    def coverage(self, ids: Integers, *, by_person: bool = False) -> NDArray[np.float64]:
        """The weight of the terms that each picture's captions have [N], 0 to 1."""
        covered = np.zeros(len(ids))
        for weight, having in zip(self.weights, self.described if by_person else self.found, strict=True):
            if len(having):
                covered[_in(ids, having)] += weight
        return np.minimum(covered, 1)

    def terms_of(self, contents: int) -> tuple[str, ...]:
        """The terms that a picture's captions have."""
        return tuple(
            term
            for term, having in zip(self.terms, self.found, strict=True)
            if _in(np.array([contents]), having)[0]
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for each picture that comes into question.

    Attributes:
        ids: of contents, ascending [N].
        table: the features [N, F]; NaN where nothing is known.
        by_person: coverage by a person's words [N].
    """

    ids: Integers
    table: NDArray[np.float64]
    by_person: NDArray[np.float64]

    def stands_out(self) -> NDArray[np.bool_]:
        """Whether each picture looks more like the query than most [N]."""
        with np.errstate(invalid="ignore"):
            return self.table[:, FEATURES.index("standing")] >= _STANDS_OUT


def look_up(
    store: Store,
    query: str,
    vocabulary: Words,
    *,
    pictures: int,
    described: bool = False,
    among: Integers | None = None,
) -> Text:
    """Look a query's words up in the full text.

    Args:
        pictures: how many contents there are to find.
        described: whether any of them has a person's words.
        among: ids of those that count, ascending; None for all.
    """
    words = query_words(query, vocabulary)
    terms = query_terms(words)
    found = [_kept(store.matching(term), among) for term in terms]
    rarity = np.array([math.log((pictures + 1) / (len(ids) + 0.5)) for ids in found]).clip(min=0.01)
    weights = (rarity / rarity.sum()).astype(np.float32) if terms else np.empty(0, np.float32)
    return Text(
        terms=tuple(terms),
        weights=weights,
        found=tuple(found),
        described=tuple(
            _kept(store.matching(term, column="person"), among) if described else _NONE for term in terms
        ),
        missing=float(sum(weight for weight, ids in zip(weights, found, strict=True) if not len(ids))),
        unknown=sum(word not in vocabulary for word in words) / max(1, len(words)),
    )


def gather(
    text: Text | None,
    look: Look | None,
    *,
    among: Integers | None,
    ids: Integers | None = None,
    hubness: Callable[[Integers], Floats] | None = None,
) -> Evidence:
    """What speaks for the pictures that come into question.

    Args:
        text: None where the query is a picture, or the library has no captions.
        look: None where there are no vectors.
        among: ids of the pictures that may be given, ascending; None for all.
        ids: judge these pictures instead.
        hubness: ids -> hubness of these pictures, for a query in words; None where it is not known.
    """
    if ids is None:
        near = look.nearest(CANDIDATES, among) if look is not None else _NONE
        ids = np.union1d(near, text.ids() if text is not None else _NONE)
        ids = _kept(ids, among)
    table = np.full((len(ids), len(FEATURES)), np.nan)
    by_person = np.zeros(len(ids))
    if look is not None:
        similarities = look.similarities(ids)
        table[:, 0] = similarities
        table[:, 1] = (similarities - look.mean) / max(look.deviation, 1e-6)
    if text is not None:
        table[:, 2] = text.coverage(ids)
        table[:, 3] = text.missing
        table[:, 4] = text.unknown
        by_person = text.coverage(ids, by_person=True)
    if hubness is not None:
        table[:, _HUBNESS] = _hubness(ids, rank(table), hubness)
    return Evidence(ids, table, by_person)


def combine(calibrations: Sequence[Calibration], evidence: Sequence[Evidence]) -> NDArray[np.float64]:
    """One probability a picture [N] from one or several queries that it shall answer: the mean of the logits.

    A person's words are believed: the probability is at least the weight of the query's words that they have.
    """
    logits = []
    for calibration, of in zip(calibrations, evidence, strict=True):
        probabilities = np.maximum(calibration.probabilities(of.table), 0.99 * of.by_person)
        probabilities = probabilities.clip(1e-9, 1 - 1e-9)
        logits.append(np.log(probabilities / (1 - probabilities)))
    combined: NDArray[np.float64] = 1 / (1 + np.exp(-np.mean(logits, axis=0)))
    return combined


def rank(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """What pictures come in the order of: nearness, and a little for what their captions say [N, F] -> [N].

    The probability weighs captions more, since it speaks of short queries too, and so orders sentences worse.
    """
    coverage = table[:, FEATURES.index("coverage")]
    ranks: NDArray[np.float64] = nearness(table) + CAPTION_WEIGHT * np.nan_to_num(coverage)
    return ranks


def nearness(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarity less hubness, where that is known [N, F] -> [N]."""
    near: NDArray[np.float64] = table[:, FEATURES.index("similarity")] - np.nan_to_num(table[:, _HUBNESS])
    return near


def measure_of_hubness(store: Store, model: Model) -> Callable[[Integers], Floats] | None:
    """What says the hubness of a library's pictures: ids [N] -> hubness [N], 0 for those without a vector.

    Returns:
        None for a bundle that does not have the captions that it learnt from.
    """
    clusters, space = model.clusters, model.space
    if clusters is None or space is None:
        return None

    def measure(ids: Integers) -> Floats:
        there, vectors = store.vectors_of(space, ids.tolist())
        known = dict(zip(there.tolist(), clusters.hubness(vectors), strict=True)) if len(there) else {}
        return np.array([known.get(place, 0) for place in ids.tolist()], np.float32)

    return measure


def _hubness(
    ids: Integers, ranks: NDArray[np.float64], measure: Callable[[Integers], Floats]
) -> NDArray[np.float64]:
    """Hubness of the pictures that come first [N]; those behind are taken as the greatest hubs, and stay behind."""
    first = np.argsort(-ranks, kind="stable")[: min(CANDIDATES, np.count_nonzero(~np.isnan(ranks)))]
    measured = measure(ids[first])
    found = np.full(len(ids), measured.max(initial=0))
    found[first] = measured
    return found


_NONE: Integers = np.empty(0, np.int64)


def _kept(ids: Integers, among: Integers | None) -> Integers:
    """The ids that are among others, where there are others."""
    return ids if among is None else ids[_in(ids, among)]


def _in(ids: Integers, sorted_ids: Integers) -> NDArray[np.bool_]:
    """Whether each of `ids` is among others that are sorted."""
    if not len(sorted_ids):
        return np.zeros(len(ids), np.bool_)
    places = np.searchsorted(sorted_ids, ids)
    among: NDArray[np.bool_] = sorted_ids[np.minimum(places, len(sorted_ids) - 1)] == ids
    return among

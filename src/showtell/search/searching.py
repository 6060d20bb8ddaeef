"""Queries answered: what speaks for each picture, how probable that makes it, and the best of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.captioner import BundleCaptioner
from showtell.errors import ShowtellError
from showtell.search.answers import Found, Match
from showtell.search.calibration import FEATURES, Calibration
from showtell.search.duplicates import groups
from showtell.search.finding import (
    Evidence,
    Text,
    combine,
    gather,
    look_up,
    measure_of_hubness,
    nearness,
    rank,
)
from showtell.search.indexing import content_hash
from showtell.search.model import Model
from showtell.search.presence import answer_features
from showtell.search.records import Caption, Floats, Integers
from showtell.search.reranking import FIRST, reranked
from showtell.search.store import Store
from showtell.search.vectors import LocalVectors, Look, Vectors
from showtell.search.words import language_of, query_terms, query_words

if TYPE_CHECKING:
    from showtell.images import Source

__all__ = ["Query", "Searcher"]

_FULL = 0.999  # of a query's words in a person's words: such pictures come first


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for; words, a picture, or both.

    Attributes:
        words: what the pictures shall show.
        like: a picture that they shall look like.
        without: what they must not show.
    """

    words: str | None = None
    like: "Source | None" = None
    without: str | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a query: its words or its picture."""

    calibration: Calibration
    text: Text | None
    look: Look | None
    hubness: Callable[[Integers], Floats] | None = None

    def evidence(self, among: Integers | None, ids: Integers | None = None) -> Evidence:
        """What speaks for pictures: see `gather`."""
        return gather(self.text, self.look, among=among, ids=ids, hubness=self.hubness)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The pictures that come into question.

    Attributes:
        ids: of contents, ascending [N].
        evidence: what speaks for them, for each part of the query.
        probability: [N].
        described: whether a person's words say all that was asked for [N].
    """

    ids: Integers
    evidence: Sequence[Evidence]
    probability: NDArray[np.float64]
    described: NDArray[np.bool_]


class Searcher:
    """Answers queries. Safe from several threads."""

    def __init__(self, store: Store, model: Model) -> None:
        """Take a library's store and model; vectors are read at the first query."""
        self._store, self._model = store, model
        self._lock = RLock()
        self._vectors: Vectors | None = None
        self._counted: tuple[object, dict[str, int]] = (None, {})

    def find(
        self, query: Query, among: Integers | None, *, top: int, anyway: bool, rerank: bool = False
    ) -> Found:
        """The pictures that answer a query.

        Args:
            among: ids of the contents that may be given, ascending; None for all.
            top: how many at most.
            anyway: also those that are not likely.
            rerank: whether the captioner ranks the first of them anew, for a query in words.
        """
        with self._lock:
            counts = self._counts()
            vectors = self._refreshed()
            parts = self._parts(query, counts, among)
            unwanted = None if query.without is None else self._words_part(query.without, counts, among)
            without_vector = 0 if vectors is None else max(0, counts["contents"] - len(vectors))
        searched = counts["contents"] if among is None else len(among)
        judged = _judge(parts, unwanted, self._without_itself(query, among))
        threshold = min(part.calibration.threshold for part in parts)
        order = np.lexsort((-_order(judged), ~judged.described))
        likely = judged.probability[order] >= threshold
        alone = query.words if query.like is None else None
        if alone is not None and not self._may_have_an_answer(alone, judged, parts[0].look, vectors, among):
            likely[:] = False
        rows = self._with_files(
            judged.ids, order if anyway else order[likely], max(top, FIRST) if rerank else top
        )
        if rerank and query.words is not None and query.like is None:
            rows = self._reranked(rows, judged, query.words)[:top]
        matches = self._matches(rows, judged, parts, query)
        return Found(matches, not likely.any(), searched, without_vector)

    def keep_vectors_on(self, qdrant: str | None) -> None:
        """Copy the vectors to a Qdrant server and rank them there; or, without one, in memory."""
        with self._lock:
            before = self._store.setting("qdrant")
            self.close()
            self._store.set("qdrant", qdrant)
            try:
                self._refreshed()
            except BaseException:
                self._store.set("qdrant", before)
                raise

    def close(self) -> None:
        """Give back the vectors; they are read again when they are needed."""
        with self._lock:
            if self._vectors is not None:
                self._vectors.close()
            self._vectors = None

    def nearly_the_same(self, similarity: float) -> list[tuple[list[int], float]]:
        """Groups of contents with vectors that are nearly the same; none where there are no vectors."""
        if self._model.space is None:
            return []
        _, ids, vectors = self._store.vectors(self._model.space)
        return groups(ids, vectors, similarity)

    def _counts(self) -> dict[str, int]:
        """The store's counts, taken anew when something has changed."""
        mark = self._store.mark()
        if self._counted[0] != mark:
            self._counted = (mark, self._store.counts())
        return self._counted[1]

    def _refreshed(self) -> Vectors | None:
        """The vectors of the library as they are now; None for a model without any."""
        if self._model.space is None:
            return None
        if self._vectors is None:
            self._vectors = self._opened(self._model.space)
        self._vectors.refresh()
        return self._vectors

    def _opened(self, space: str) -> Vectors:
        """The library's vectors: in memory, or on the server that it was told of."""
        if (place := self._store.setting("qdrant")) is None:
            return LocalVectors(self._store, space)
        from showtell.search.qdrant import QdrantVectors

        return QdrantVectors(self._store, space, place)

    def _parts(self, query: Query, counts: dict[str, int], among: Integers | None) -> list[_Part]:
        """The parts of a query, at least one."""
        parts = []
        if query.words is not None:
            parts.append(self._words_part(query.words, counts, among))
        if query.like is not None:
            vector = self._model.picture_vector(query.like)
            look = self._vectors.look(vector) if self._vectors else None
            parts.append(_Part(self._model.calibrations["picture"], None, look))
        return parts

    def _words_part(self, words: str, counts: dict[str, int], among: Integers | None) -> _Part:
        """What there is about words."""
        vocabulary = self._model.vocabulary
        if not query_words(words, vocabulary):
            raise ShowtellError(f"{words!r}: there are no words in it to look for")
        look = self._vectors.look(self._model.text_vector(words)) if self._vectors else None
        text = None
        if counts["captions"]:
            text = look_up(
                self._store,
                words,
                vocabulary,
                pictures=counts["contents"] if among is None else len(among),
                described=counts["described"] > 0,
                among=among,
            )
        if look is None:
            return _Part(self._model.calibrations["words"], text, None)
        return _Part(
            self._model.calibrations["hybrid"], text, look, measure_of_hubness(self._store, self._model)
        )

    def _may_have_an_answer(
        self, words: str, judged: _Judged, look: Look | None, vectors: Vectors | None, among: Integers | None
    ) -> bool:
        """Whether a query in words may have an answer among the library's pictures."""
        statistics = self._model.word_statistics
        if look is None or vectors is None or statistics is None:
            return True  # each picture speaks for itself
        [evidence] = judged.evidence
        if np.nan_to_num(evidence.table[:, FEATURES.index("coverage")]).max(initial=0) >= _FULL:
            return True  # somebody has said just that
        terms = query_terms(query_words(words, self._model.vocabulary))
        with self._lock:
            features = answer_features(
                statistics,
                terms,
                look,
                vectors=vectors,
                embed=self._model.text_vector,
                among=among,
            )
        calibration = self._model.calibrations["answer"]
        return bool(calibration.regression.probabilities(features)[0] >= calibration.threshold)

    def _without_itself(self, query: Query, among: Integers | None) -> Integers | None:
        """The pictures that may be given, less the one that was asked with."""
        if not isinstance(query.like, str | PathLike):
            return among
        digest = content_hash(Path(query.like).read_bytes())
        itself = self._store.known_contents(digest, vectors=None, captions="")
        if itself is None:
            return among
        return np.setdiff1d(self._store.listed() if among is None else among, [itself.contents])

    def _with_files(self, ids: Integers, order: Integers, top: int) -> list[tuple[int, list[str]]]:
        """The first places in an order whose pictures have files, and those: contents may outlive theirs."""
        rows: list[tuple[int, list[str]]] = []
        for start in range(0, len(order), 200):
            part = order[start : start + 200]
            paths = self._store.paths(ids[part].tolist())
            rows += [(int(place), paths[int(ids[place])]) for place in part if int(ids[place]) in paths]
            if len(rows) >= top:
                break
        return rows[:top]

    def _reranked(
        self, rows: Sequence[tuple[int, list[str]]], judged: _Judged, words: str
    ) -> list[tuple[int, list[str]]]:
        """The first rows ranked anew; those that a person's words describe stay before them."""
        captioner = self._model.captioner
        if not isinstance(captioner, BundleCaptioner) or language_of(words) not in captioner.languages:
            raise ShowtellError(
                f"the model {self._model.name} cannot rank pictures by {words!r}; leave out rerank"
            )
        fixed = [row for row in rows if judged.described[row[0]]]
        others = [row for row in rows if not judged.described[row[0]]]
        first, rest = others[:FIRST], others[FIRST:]
        table = judged.evidence[0].table[[place for place, _ in first]]
        near = np.nan_to_num(nearness(table))
        order = reranked(words, [paths[0] for _, paths in first], near, captioner)
        return [*fixed, *(first[place] for place in order), *rest]

    def _matches(
        self, rows: Sequence[tuple[int, list[str]]], judged: _Judged, parts: Sequence[_Part], query: Query
    ) -> tuple[Match, ...]:
        """Rows as people see them."""
        captions = self._store.captions([int(judged.ids[place]) for place, _ in rows])
        shown = all(part.calibration.fitted for part in parts)
        matches = []
        for place, paths in rows:
            contents = int(judged.ids[place])
            words = tuple(word for part in parts if part.text for word in part.text.terms_of(contents))
            stands_out = any(evidence.stands_out()[place] for evidence in judged.evidence)
            similarities = [float(evidence.table[place, 0]) for evidence in judged.evidence]
            measured = [value for value in similarities if not np.isnan(value)]
            caption = _best(captions.get(contents, []), query)
            matches.append(
                Match(
                    path=paths[0],
                    copies=tuple(paths[1:]),
                    probability=round(float(judged.probability[place]), 4) if shown else None,
                    why="both" if words and stands_out else "words" if words else "vector",
                    words=words,
                    similarity=float(np.mean(measured)) if measured else None,
                    caption=caption.text if caption else None,
                    language=caption.language if caption else None,
                    by_person=caption is not None and caption.author == "person",
                )
            )
        return tuple(matches)


def _judge(parts: Sequence[_Part], unwanted: _Part | None, among: Integers | None) -> _Judged:
    """How probable each picture that comes into question is."""
    evidence = [part.evidence(among) for part in parts]
    ids = np.unique(np.concatenate([of.ids for of in evidence]))
    if len(parts) > 1:
        evidence = [part.evidence(among, ids) for part in parts]
    probability = combine([part.calibration for part in parts], evidence)
    if unwanted is not None:
        against = combine([unwanted.calibration], [unwanted.evidence(None, ids)])
        probability = np.where(against >= unwanted.calibration.threshold, 0, probability * (1 - against))
    described = np.max([of.by_person for of in evidence], axis=0) >= _FULL
    return _Judged(ids, evidence, probability, described & (probability > 0))


def _order(judged: _Judged) -> NDArray[np.float64]:
    """What matches come in the order of, the greatest first [N]."""
    if len(judged.evidence) == 1:
        ranks = rank(judged.evidence[0].table)
        # What is unwanted has a probability of 0; words without vectors have no similarity.
        if not np.isnan(ranks).any():
            return np.where(judged.probability > 0, ranks, -np.inf)
    return judged.probability


def _best(captions: Sequence[Caption], query: Query) -> Caption | None:
    """The caption to show: a person's, else one in the language of the query, else any."""
    language = language_of(query.words) if query.words is not None else "en"
    ranked = sorted(captions, key=lambda caption: (caption.author != "person", caption.language != language))
    return ranked[0] if ranked else None

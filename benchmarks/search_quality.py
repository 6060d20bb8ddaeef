"""How well a library finds, on dev pictures and people's captions; and the fitting of its probabilities.

    python benchmarks/search_quality.py compare   --data flickr8k:DIR+cn [--model base] [--library DIR]
    python benchmarks/search_quality.py calibrate --data flickr8k:DIR+cn --foreign coco:DIR \
        --train flickr8k:DIR+cn,coco:DIR --write BUNDLE
    python benchmarks/search_quality.py nothing   --data flickr8k:DIR+cn
    python benchmarks/search_quality.py rerank    --data flickr8k:DIR+cn [--queries 500]

``compare``: each dev caption by people is a query for its picture; full text alone, vectors alone, and both, as
`find` combines them. ``calibrate``: fits how probable an answer is, prints how reliable that is in cross-validation,
measures how words fit the pictures of ``--train``, which the embedder learnt from, clusters their captions, and writes
all of it into a bundle.
``nothing``: of queries without an answer in the dev pictures (queries_without_answer.txt), how many are told so; and of
those with one: the dev captions, and one to three words of each in a row.

``rerank``: recall of `find` with the first pictures ranked anew by the captioner and without, and what it costs.

The pictures are indexed once into ``--library`` (a folder that is kept), or into a temporary one.

N pictures, Q queries, F features.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.captioning import confidence
from showtell.captioning.bundle import read_bundle, write_bundle
from showtell.corpora import open_corpus
from showtell.corpora.base import PEOPLE, Example
from showtell.search.calibration import FEATURES, KINDS, Calibration
from showtell.search.finding import Evidence, gather, look_up, measure_of_hubness, nearness, rank
from showtell.search.hubness import CaptionClusters
from showtell.search.library import Library, open_library
from showtell.search.model import Model
from showtell.search.presence import ANSWER, WordStatistics, answer_features
from showtell.search.records import Caption, Contents, FileState
from showtell.search.store import Store
from showtell.search.vectors import LocalVectors
from showtell.search.words import language_of, phrase, query_terms, query_words

RELEVANT = 0.6
"""A picture answers a query when people's captions of it have this share of the query's words (idf), or more."""

FOREIGN = 0.34
"""A library has no answer when no picture has this share."""

MOST_TOLD_NOTHING = 0.04
"""The share of queries with an answer that may be told that there is nothing, by the query as a whole."""

MOST_WITHOUT_MATCH = 0.004
"""The share of queries with an answer of which no picture may be likely enough to be shown."""

CLUSTERS = 128
"""Of the train captions; 256 find no more, 64 a little less."""

TOP = 50
"""The calibration learns from so many pictures of each query, the most similar."""

WITHOUT_ANSWER = Path(__file__).parent / "queries_without_answer.txt"

Table = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["compare", "calibrate", "nothing", "rerank"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="base")
    parser.add_argument("--library", type=Path)
    parser.add_argument("--foreign", help="a corpus whose captions mostly have no answer in the dev pictures")
    parser.add_argument("--train", help="the corpora that the embedder learnt from")
    parser.add_argument("--write", type=Path, metavar="BUNDLE")
    parser.add_argument("--queries", type=int, default=500, help="per language, for rerank")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(options.data, options.model, options.library or Path(place) / "library", Path(place))
        if options.command == "compare":
            compare(bench)
        elif options.command == "calibrate":
            learnt = Learnt.of(bench.model, options.train, bench.folder / "train") if options.train else None
            calibrate(bench, options.foreign, learnt, options.write)
        elif options.command == "nothing":
            nothing(bench)
        else:
            rerank(bench, options.queries)


class Bench:
    """Dev pictures in a library, and what people say of them in another.

    Attributes:
        pictures: the examples.
        folder: of the library.
        library: indexed, with captions and vectors.
        truth: for each language, full text of people's captions; ids are places in `pictures`, plus one.
    """

    def __init__(self, data: str, model: str, folder: Path, place: Path) -> None:
        self.folder = folder
        self.pictures = [one for one in open_corpus(data) if one.split == "dev"]
        self.library: Library = open_library(folder, model=model)
        result = self.library.index([one.path for one in self.pictures])
        print(f"{result.pictures:,} pictures, {result.added:,} of them indexed now in {result.seconds:.0f} s")
        self.model = Model(model)
        self.store = Store(folder)
        self.vectors = None
        if self.model.space is not None:
            self.vectors = LocalVectors(self.store, self.model.space)
            self.vectors.refresh()
        known = self.store.known([str(one.path) for one in self.pictures], vectors=None, captions="")
        self.ids = np.array([known[str(one.path)].contents for one in self.pictures])
        self.truth = {
            language: _truth(place / language, self.pictures, language) for language in ("en", "zh")
        }

    def evidence(self, query: str, among: NDArray[np.int64] | None = None) -> Evidence:
        """What speaks for each picture, in the order of `pictures`: a table [N, F].

        Args:
            among: places of the pictures that the library is taken to have; None for all.
        """
        ids = self.ids if among is None else self.ids[among]
        text = look_up(
            self.store,
            query,
            self.model.bundle.vocabulary,
            pictures=len(ids),
            among=np.sort(ids),
        )
        look = None if self.vectors is None else self.vectors.look(self.model.text_vector(query))
        return gather(text, look, among=None, ids=ids, hubness=measure_of_hubness(self.store, self.model))

    def whole(self, query: str, statistics: WordStatistics) -> Table:
        """The features of a query as a whole [1, 3]."""
        assert self.vectors is not None
        return answer_features(
            statistics,
            query_terms(query_words(query, self.model.bundle.vocabulary)),
            self.vectors.look(self.model.text_vector(query)),
            vectors=self.vectors,
            embed=self.model.text_vector,
            among=None,
        )

    def relevance(self, query: str) -> NDArray[np.float64]:
        """The share of a query's words that people's captions of each picture have [N]."""
        store = self.truth[language_of(query)]
        places = np.arange(1, len(self.pictures) + 1)
        text = look_up(store, query, self.model.bundle.vocabulary, pictures=len(places))
        return text.coverage(places)


def _truth(folder: Path, pictures: Sequence[Example], language: str) -> Store:
    """People's captions of pictures as full text."""
    store = Store(folder)
    for place, one in enumerate(pictures):
        text = " . ".join(_said(one, language))
        caption = Caption(text, language, "machine", "people")
        store.save([(FileState(f"/{place}", 1, 1), Contents(b"%d" % place, captions=(caption,)))])
    return store


def _said(one: Example, language: str) -> list[str]:
    return [said.text for said in one.references if (said.language, said.source) == (language, PEOPLE)]


# compare


def compare(bench: Bench) -> None:
    """Recall of each way to rank, by language."""
    print(f"{'language':<10} {'ranked by':<12} {'R@1':>6} {'R@5':>6} {'R@10':>6} {'median':>7}")
    for language in ("en", "zh"):
        queries = [(text, place) for place, one in enumerate(bench.pictures) for text in _said(one, language)]
        queries = [
            (text, place) for text, place in queries if query_words(text, bench.model.bundle.vocabulary)
        ]
        if not queries:
            continue
        owner = np.array([place for _, place in queries])
        for name, scores in _rankings(bench, [text for text, _ in queries]).items():
            ranks = _ranks(scores, owner)
            recalls = " ".join(f"{(ranks <= cut).mean():6.1%}" for cut in (1, 5, 10))
            print(f"{language:<10} {name:<12} {recalls} {np.median(ranks):7.1f}", flush=True)


def _ranks(scores: Table, owner: NDArray[np.int64]) -> Table:
    """The place of each query's picture [Q]; pictures that score the same share the mean of their places."""
    own = scores[np.arange(len(owner)), owner][:, None]
    ranks: Table = 1 + (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) / 2
    return ranks


def _rankings(bench: Bench, queries: Sequence[str]) -> dict[str, Table]:
    """Scores [Q, N] of every way to rank."""
    rankings = {"bm25": _bm25(bench, queries)}
    rows = [bench.evidence(query).table for query in queries]
    rankings["words"] = np.stack([table[:, FEATURES.index("coverage")] for table in rows])
    if bench.vectors is not None:
        rankings["cosine"] = np.stack([table[:, FEATURES.index("similarity")] for table in rows])
        rankings["vectors"] = np.stack([nearness(table) for table in rows])
        rankings["both"] = np.stack([rank(table) for table in rows])
    return rankings


def _bm25(bench: Bench, queries: Sequence[str]) -> Table:
    """SQLite's own ranking of any of a query's words [Q, N]; what has none of them scores nothing."""
    place = {int(contents): index for index, contents in enumerate(bench.ids)}
    scores = np.zeros((len(queries), len(bench.ids)))
    for row, query in zip(scores, queries, strict=True):
        terms = query_terms(query_words(query, bench.model.bundle.vocabulary))
        expression = " OR ".join(map(phrase, terms))
        for contents, score in bench.store.rows(
            "SELECT rowid, bm25(words) FROM words WHERE words MATCH ?", expression
        ):
            row[place[contents]] = -score
    return scores


# rerank


def rerank(bench: Bench, number: int) -> None:
    """Recall and time of `find`, with and without the captioner's ranking, by language."""
    random = np.random.default_rng(0)
    for language in ("en", "zh"):
        queries = [(text, one) for one in bench.pictures for text in _said(one, language)]
        queries = [queries[place] for place in random.permutation(len(queries))[:number]]
        queries = [(text, one) for text, one in queries if query_words(text, bench.model.bundle.vocabulary)]
        for again in (False, True):
            began = time.perf_counter()
            ranks = np.array([_rank_found(bench, text, one, again) for text, one in queries])
            seconds = (time.perf_counter() - began) / len(queries)
            recalls = " ".join(f"R@{cut} {(ranks < cut).mean():.1%}" for cut in (1, 5, 10))
            name = "reranked" if again else "as found"
            print(f"{language} {name}: {recalls}; {1000 * seconds:.0f} ms per query", flush=True)


def _rank_found(bench: Bench, text: str, one: Example, again: bool) -> int:
    """The place of a caption's picture among the first 20, or 20."""
    found = bench.library.find(text, anyway=True, top=20, rerank=again)
    paths = [match.path for match in found]
    return paths.index(str(one.path)) if str(one.path) in paths else 20


# calibrate


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as the calibration learns from it.

    Attributes:
        fold: queries of one picture stand in one fold.
        table: features of the pictures that come into question [n, F].
        good: whether each answers the query [n].
        answered: whether the library has an answer; None where that is open.
    """

    fold: int
    table: Table
    good: NDArray[np.bool_]
    answered: bool | None


def calibrate(bench: Bench, foreign: str | None, learnt: "Learnt | None", bundle: Path | None) -> None:
    """Fit all kinds of queries, say how reliable they are, and write them down."""
    asked = list(_asked(bench))
    print(
        f"{len(asked):,} queries, {sum(one.answered is False for one in asked):,} of them without an answer"
    )
    found = {}
    kinds = ("hybrid", "words") if bench.vectors is not None else ("words",)
    for kind in kinds:
        found[kind] = _fit_kind(kind, asked)
    if bench.vectors is not None:
        found["picture"] = _fit_kind("picture", list(_asked_with_pictures(bench)))
    if foreign is not None and learnt is not None:
        found["answer"] = _fit_answer(bench, foreign, learnt.statistics)
    settings = {"calibration": {kind: calibration.to_dict() for kind, calibration in found.items()}}
    if bundle is None:
        print(json.dumps(settings, indent=2))
    else:
        write(bundle, settings, learnt)
        print(f"written into {bundle}")


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is known of the pictures and captions that an embedder learnt from.

    Attributes:
        statistics: of words and pictures.
        clusters: of captions.
    """

    statistics: WordStatistics
    clusters: CaptionClusters

    @classmethod
    def of(cls, model: Model, data: str, folder: Path) -> "Learnt":
        """Measure it on the train pictures of corpora, which are indexed into a folder."""
        examples = open_corpus(data).training_examples
        captions = [said.text for one in examples for said in one.references]
        captions = [text for text in captions if query_words(text, model.bundle.vocabulary)]
        clusters = CaptionClusters.of(np.stack([model.text_vector(text) for text in captions]), CLUSTERS)
        return cls(word_statistics(model, data, folder), clusters)


def write(folder: Path, settings: dict[str, Any], learnt: Learnt | None) -> None:
    """A bundle with these settings of its search, and what its embedder learnt from."""
    bundle = replace(read_bundle(folder), search=settings)
    if learnt is not None:
        words = {**learnt.statistics.to_dict(), "clusters": learnt.clusters.to_dict()}
        bundle = replace(bundle, words=words)
    write_bundle(bundle, {"card.md": (folder / "card.md").read_bytes()})


def word_statistics(model: Model, data: str, folder: Path) -> WordStatistics:
    """How each word's vector fits the train pictures of corpora, and those whose captions have the word."""
    vocabulary = model.bundle.vocabulary
    examples = open_corpus(data).training_examples
    library = open_library(folder, model=model.name)
    library.index([one.path for one in examples], captions=False)
    store = Store(folder)
    known = store.known([str(one.path) for one in examples], vectors=None, captions="")
    _, ids, vectors = store.vectors(str(model.space))
    rows = dict(zip(ids.tolist(), vectors, strict=True))
    matrix = np.stack([rows[known[str(one.path)].contents] for one in examples])  # [N, E]
    having: dict[str, list[int]] = {}
    for place, one in enumerate(examples):
        for word in {word for said in one.references for word in query_words(said.text, vocabulary)}:
            having.setdefault(word, []).append(place)
    counts, matching, overall = [], [], []
    for word in vocabulary.tokens:
        similarities = matrix @ model.text_vector(word)
        places = having.get(word, [])
        counts.append(len(places))
        overall.append(float(similarities.mean()))
        matching.append(float(similarities[places].mean()) if places else overall[-1])
    return WordStatistics(
        vocabulary,
        len(examples),
        np.array(counts),
        np.array(matching, np.float32),
        np.array(overall, np.float32),
    )


def _asked(bench: Bench) -> Iterator[Asked]:
    """Sentences and keywords of every picture's captions, in the whole library and in one without an answer."""
    random = np.random.default_rng(0)
    for place, one in enumerate(bench.pictures):
        for language, number in (("en", 3), ("zh", 2)):
            texts = _said(one, language)
            for text in random.permutation(texts)[:number] if texts else ():
                for query in (str(text), _keywords(str(text), bench, random)):
                    if query:
                        yield from _both_ways(bench, query, place, sentence=query == text)


def _keywords(text: str, bench: Bench, random: np.random.Generator) -> str:
    """One to three words of a caption in a row, as people type them."""
    terms = query_terms(query_words(text, bench.model.bundle.vocabulary))
    number = int(random.integers(1, 4))
    start = int(random.integers(0, max(1, len(terms) - number + 1)))
    return " ".join(terms[start : start + number])


def _both_ways(bench: Bench, query: str, place: int, *, sentence: bool) -> Iterator[Asked]:
    """A query in the whole library, and in what is left of it without all that may answer."""
    relevance = bench.relevance(query)
    good = relevance >= RELEVANT
    if sentence:
        good[place] = True
    yield _judged(bench, query, place, good, None, answered=True if good.any() else None)
    foreign = np.flatnonzero(relevance < FOREIGN)
    foreign = foreign[foreign != place]
    if len(foreign) >= len(relevance) // 2:
        yield _judged(bench, query, place, np.zeros(len(good), np.bool_), foreign, answered=False)


def _judged(
    bench: Bench,
    query: str,
    place: int,
    good: NDArray[np.bool_],
    among: NDArray[np.int64] | None,
    *,
    answered: bool | None,
) -> Asked:
    """The features of the pictures that `find` would look at first."""
    table = bench.evidence(query, among).table
    truth = good if among is None else good[among]
    first = np.nan_to_num(table[:, FEATURES.index("standing")]) + 4 * table[:, FEATURES.index("coverage")]
    top = np.argsort(-first)[:TOP]
    return Asked(place % 10, table[top], truth[top], answered)


def _asked_with_pictures(bench: Bench) -> Iterator[Asked]:
    """Each dev picture as a query for the others: one answers when its captions are said of both."""
    assert bench.vectors is not None
    rows = dict(zip(*_vectors(bench), strict=True))
    for place, one in enumerate(bench.pictures):
        others = np.flatnonzero(np.arange(len(bench.pictures)) != place)
        relevance = np.mean([bench.relevance(text) for text in _said(one, "en")], axis=0)
        look = bench.vectors.look(rows[int(bench.ids[place])])
        table = gather(None, look, among=None, ids=bench.ids[others]).table
        top = np.argsort(-table[:, 0])[:TOP]
        yield Asked(place % 10, table[top], (relevance[others] >= RELEVANT)[top], None)


def _vectors(bench: Bench) -> tuple[list[int], NDArray[np.float32]]:
    _, ids, vectors = bench.store.vectors(str(bench.model.space))
    return ids.tolist(), vectors


def _fit_kind(kind: str, asked: Sequence[Asked]) -> Calibration:
    """Fit one kind of query; print how reliable it is for queries that it was not fitted on."""
    names = KINDS[kind]
    columns = [FEATURES.index(name) for name in names]
    best = np.empty(len(asked))
    seen: list[Table] = []
    for fold in range(10):
        regression = _fitted([one for one in asked if one.fold != fold], columns, names)
        for place, one in enumerate(asked):
            if one.fold == fold:
                probability = regression.probabilities(one.table[:, columns])
                best[place] = probability.max()
                seen.append(np.column_stack([probability, one.good]))
    answered = np.array([one.answered is True for one in asked])
    unanswered = np.array([one.answered is False for one in asked])
    threshold = float(np.quantile(best[answered], MOST_WITHOUT_MATCH)) if answered.any() else 0.5
    print(f"\n{kind}: threshold {threshold:.3f}", end="")
    if unanswered.any():
        print(
            f"; told nothing: {(best[answered] < threshold).mean():.1%} of queries with an answer, "
            f"{(best[unanswered] < threshold).mean():.1%} of those without",
            end="",
        )
    print("\n  probability   pictures   mean   answer the query")
    together = np.concatenate(seen)
    for row in confidence.reliability(together[:, 0], together[:, 1] > 0, bins=10):
        print(f"  {row.low:.1f} to {row.high:.1f} {row.captions:11,} {row.confidence:6.2f} {row.good:10.2f}")
    regression = _fitted(asked, columns, names)
    return Calibration(regression, round(threshold, 4))


def _fit_answer(bench: Bench, foreign: str, statistics: WordStatistics) -> Calibration:
    """Fit whether a sentence has any answer: dev captions have, most captions of other pictures have not."""
    random = np.random.default_rng(0)
    own = [
        str(random.choice(said))
        for language in ("en", "zh")
        for one in bench.pictures
        if (said := _said(one, language))
    ]
    others = [said.text for one in open_corpus(foreign) for said in one.references]
    others = random.permutation(others)[:3000].tolist()
    others = [text for text in others if query_words(text, bench.model.bundle.vocabulary)]
    others = [text for text in others if bench.relevance(text).max() < FOREIGN]
    queries = [text for text in own if query_words(text, bench.model.bundle.vocabulary)] + others
    table = np.concatenate([bench.whole(text, statistics) for text in queries])
    good = np.arange(len(queries)) < len(queries) - len(others)
    probability = confidence.cross_validated(table, good, names=ANSWER)
    threshold = float(np.quantile(probability[good], MOST_TOLD_NOTHING))
    told = (probability[~good] < threshold).mean()
    print(
        f"\nanswer: threshold {threshold:.3f}; {told:.1%} of {len(others):,} sentences without an answer are told so"
    )
    target = "the library has an answer"
    return Calibration(confidence.fit(table, good, names=ANSWER, target=target), round(threshold, 4))


def _fitted(asked: Sequence[Asked], columns: list[int], names: tuple[str, ...]) -> confidence.Calibration:
    table = np.concatenate([one.table[:, columns] for one in asked])
    good = np.concatenate([one.good for one in asked])
    target = f"people's captions have {RELEVANT:.0%} of the query's words"
    return confidence.fit(table, good, names=names, target=target)


# nothing


def nothing(bench: Bench) -> None:
    """What queries with and without an answer are told, by `find` itself."""
    without = WITHOUT_ANSWER.read_text(encoding="utf-8").split("\n")
    without = [query for query in without if query.strip()]
    told = {query: bench.library.find(query) for query in without}
    print(f"without an answer: {sum(found.nothing for found in told.values())} of {len(without)} are told so")
    for query, found in told.items():
        if not found.nothing:
            match = found.matches[0]
            print(
                f"  {query}: {match.probability} {os.path.basename(match.path)} {match.caption}; {match.reason}"
            )
    random = np.random.default_rng(0)
    for language in ("en", "zh"):
        captions = [text for one in bench.pictures for text in _said(one, language)[:1]]
        words = [_keywords(text, bench, random) for text in captions]
        for kind, queries in (("captions", captions), ("one to three words", words)):
            asked = [query for query in queries if query]
            wrong = sum(bench.library.find(query).nothing for query in asked)
            print(f"with one ({language}, {kind}): {wrong} of {len(asked)} are told that there is nothing")


if __name__ == "__main__":
    main()

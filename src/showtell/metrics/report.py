"""Candidates and references in, a table of scores out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from showtell import __version__
from showtell.errors import BadCorpus
from showtell.metrics.base import Candidates, Metric, References, Score, Signature
from showtell.metrics.bleu import Bleu
from showtell.metrics.bootstrap import RESAMPLES, interval, resampled
from showtell.metrics.cider import Cider, OriginalCider
from showtell.metrics.document_frequencies import DocumentFrequencies
from showtell.metrics.hygiene import Hygiene, hygiene
from showtell.metrics.java import Unavailable
from showtell.metrics.meteor import Meteor
from showtell.metrics.ngrams import Floats
from showtell.metrics.rouge import RougeL
from showtell.metrics.sanity import few_pictures, mistakes
from showtell.metrics.spice import Spice

METRICS: dict[str, Callable[[References], Metric]] = {
    "BLEU": Bleu,
    "METEOR": Meteor,
    "ROUGE-L": RougeL,
    "CIDEr": Cider,
    "CIDEr-original": OriginalCider,
    "SPICE": Spice,
}
WITHOUT_JAVA = ("BLEU", "ROUGE-L", "CIDEr")
USUAL = ("BLEU", "METEOR", "ROUGE-L", "CIDEr", "SPICE")


@dataclass(frozen=True, slots=True)
class Report:
    """What `score` found."""

    rows: tuple[Score, ...]
    hygiene: Hygiene
    pictures: int
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Score:
        """A row by name: ``report["CIDEr"].value``."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def sentences(self, names: Sequence[str] = ()) -> tuple[str, ...]:
        """The warnings; `names` of candidate sets are not needed where there is one."""
        return self.warnings

    def to_dict(self) -> dict[str, object]:
        """``{"metrics": {"CIDEr": {"value", "low", "high", "signature"}}, "hygiene": …, "pictures": …}``."""
        return {
            "metrics": {row.name: row.to_dict() for row in self.rows},
            "hygiene": self.hygiene.to_dict(),
            "pictures": self.pictures,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """A metric's statistics of one candidate set: all that values, intervals and tests are made of."""

    metric: Metric
    statistics: Floats  # [P, S]

    @property
    def values(self) -> Floats:
        """The set's scores as percentages: [names]."""
        return 100 * self.metric.combine(self.statistics.sum(axis=0), len(self.statistics))

    @property
    def each(self) -> Floats:
        """Each picture's scores as percentages: [P, names]."""
        return 100 * self.metric.combine(self.statistics, 1)


def score(
    candidates: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    *,
    language: str = "en",
    tokeniser: str | None = None,
    metrics: Sequence[str] = WITHOUT_JAVA,
    frequencies: DocumentFrequencies | None = None,
    training: Iterable[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Report:
    """Score `{id: caption}` against `{id: [captions]}`.

    Args:
        candidates: one caption a picture.
        references: what people said, any number a picture.
        language: ``en`` or ``zh``; decides the tokeniser unless that is named (`showtell.text.tokenisers`).
        metrics: keys of METRICS; USUAL includes METEOR and SPICE, which start Java.
        frequencies: CIDEr's document frequencies; those of the references unless given.
        training: captions that the candidates might have been copied from, for the hygiene.
        resamples: size of the bootstrap; 0 for no intervals.
        seed: of the bootstrap.

    Raises:
        BadCorpus: ids do not match, a picture has no reference, or there is nothing to score.
        MissingExtra: Chinese words without rjieba.
        ValueError: an unknown language, tokeniser or metric.
    """
    prepared = References(references, language=language, tokeniser=tokeniser, frequencies=frequencies)
    found = checked_candidates(prepared, candidates)
    judged = {name: judge(name, found) for name in metrics}
    able = {name: one[0] for name, one in judged.items() if not isinstance(one, Unavailable)}
    again = dict(zip(able, _resampled(able.values(), resamples, seed), strict=True))
    rows: list[Score] = []
    for name, one in judged.items():
        if isinstance(one, Unavailable):
            rows.append(Score(name, None, Signature(name, ()), missing=str(one)))
        else:
            rows += _rows(one[0], again[name], prepared)
    warnings = warnings_of(candidates, references, found, metrics)
    tokenised = None if training is None else map(prepared.tokeniser, training)
    healthy = hygiene(found.sentences, language=language, training=tokenised)
    return Report(tuple(rows), healthy, len(prepared.ids), warnings)


def checked_candidates(references: References, candidates: Mapping[str, str]) -> Candidates:
    """Candidates matched to their references; BadCorpus for the ways in which that goes wrong."""
    for name, caption in candidates.items():
        if not isinstance(caption, str):
            raise BadCorpus(
                f"the candidate of {name!r} is {type(caption).__name__}; give one caption as a string"
            )
    found = references.candidates(candidates)
    if not found.sentences:
        raise BadCorpus("there are no captions to score")
    return found


def warnings_of(
    raw: Mapping[str, str], references: Mapping[str, Sequence[str]], found: Candidates, metrics: Sequence[str]
) -> tuple[str, ...]:
    """Sentences about known mistakes, and about too few pictures for CIDEr."""
    sentences = list(mistakes(raw, references, found))
    if any(name.startswith("CIDEr") for name in metrics):
        sentences += few_pictures(found.references)
    return tuple(sentences)


def judge(name: str, *sets: Candidates) -> list[Judged] | Unavailable:
    """A metric's statistics of candidate sets over the same references, or why there are none."""
    if name not in METRICS:
        raise ValueError(f"there is no metric {name!r}; choose among {', '.join(METRICS)}")
    try:
        metric = METRICS[name](sets[0].references)
        return [Judged(metric, metric.statistics(found)) for found in sets]
    except Unavailable as error:
        return error


def signature_of(name: str, judged: Judged, references: References) -> Signature:
    """All that a number depends on."""
    least, most = int(references.sizes.min()), int(references.sizes.max())
    return Signature(
        name,
        (
            *judged.metric.settings(name),
            ("tok", references.tokeniser.signature),
            ("lang", references.language),
            ("pictures", str(len(references.ids))),
            ("refs", str(least) if least == most else f"{least}-{most}"),
            ("version", __version__),
        ),
    )


def _resampled(judged: Iterable[Judged], resamples: int, seed: int) -> list[Floats | None]:
    pairs = [(one.metric, one.statistics) for one in judged]
    if not resamples:
        return [None] * len(pairs)
    return [100 * values for values in resampled(pairs, resamples=resamples, seed=seed)]


def _rows(judged: Judged, again: Floats | None, references: References) -> list[Score]:
    values, each = judged.values, judged.each
    low, high = (None, None) if again is None else interval(again)
    return [
        Score(
            name,
            float(values[column]),
            signature_of(name, judged, references),
            None if low is None else float(low[column]),
            None if high is None else float(high[column]),
            each[:, column],
        )
        for column, name in enumerate(judged.metric.names)
    ]

"""Candidates and references in, a table of scores out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TypedDict, TypeVar, Unpack

from showtell import __version__
from showtell.errors import BadCorpus, ShowtellError
from showtell.metrics.base import Candidates, Metric, References, Score, Signature
from showtell.metrics.bootstrap import MOST_RESAMPLES, RESAMPLES, interval, resampled
from showtell.metrics.document_frequencies import DocumentFrequencies
from showtell.metrics.hygiene import Hygiene, hygiene_of
from showtell.metrics.java import Unavailable
from showtell.metrics.names import WITHOUT_JAVA, chosen_metrics, metric_class
from showtell.metrics.ngrams import Floats
from showtell.metrics.sanity import chosen_language, few_pictures, mistakes

Key = TypeVar("Key")


class Settings(TypedDict, total=False):
    """How captions are scored.

    Attributes:
        language: ``en`` or ``zh``; decides the tokeniser unless that is named. Unless given it is English, or Chinese
            where most references are Chinese.
        tokeniser: one of `showtell.text.tokenisers.TOKENISERS`.
        metrics: names in any case, also of single rows (``BLEU-4``); ``all`` includes METEOR and SPICE, which start
            Java. BLEU, ROUGE-L and CIDEr unless given.
        frequencies: CIDEr's document frequencies; those of the references unless given.
        training: captions that the candidates might have been copied from, for the hygiene.
        resamples: size of the bootstrap, 1,000 unless given; 0 for no intervals.
        seed: of the bootstrap.
    """

    language: str | None
    tokeniser: str | None
    metrics: Sequence[str]
    frequencies: DocumentFrequencies | None
    training: Sequence[str] | None
    resamples: int
    seed: int


@dataclass(frozen=True, slots=True)
class Report:
    """What `score` found; printed, it is a table.

    Attributes:
        rows: a score for each metric.
        hygiene: signs of health that no score shows.
        pictures: how many were scored.
        warnings: a plain sentence for each likely mistake.
        ids: the pictures, in the order of `Score.per_picture`.
    """

    rows: tuple[Score, ...]
    hygiene: Hygiene
    pictures: int
    warnings: tuple[str, ...] = ()
    ids: tuple[str, ...] = field(default=(), repr=False)

    def __getitem__(self, name: str) -> Score:
        """A row by name: ``report["CIDEr"].value``."""
        return {row.name: row for row in self.rows}[name]

    def __str__(self) -> str:
        from showtell.metrics.tables import written

        return written(self)

    def _repr_html_(self) -> str:
        """How notebooks show it."""
        return f"<pre>{escape(str(self))}</pre>"

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
        """The set's scores as percentages: [M]."""
        return 100 * self.metric.combine(self.statistics.sum(axis=0), len(self.statistics))

    @property
    def each(self) -> Floats:
        """Each picture's scores as percentages: [P, M]."""
        return 100 * self.metric.combine(self.statistics, 1)


def score(
    candidates: Mapping[str, str] | Sequence[str],
    references: Mapping[str, Sequence[str]] | Sequence[Sequence[str]],
    **settings: Unpack[Settings],
) -> Report:
    """Score captions against what people wrote.

    Args:
        candidates: ``{id: caption}``, or a list of captions.
        references: ``{id: [captions]}``, any number for each picture; or lists as sacrebleu takes them, the first
            references of all pictures, then the second ones, … Of a list for each picture, with candidates in a list,
            make ``dict(enumerate(references))`` and ``dict(enumerate(candidates))``.
        settings: see `Settings`.

    Raises:
        BadCorpus: ids do not match, a picture has no reference, or there is nothing to score.
        MissingExtra: Chinese words without rjieba.
        ShowtellError: an unknown language, tokeniser or metric.
    """
    judge = Judge(references, **settings)
    found = judge.candidates(candidates)
    judged = {name: judge.judged(name, found) for name in judge.metrics}
    return judge.report(found, judged, judge.resampled(judged))


class Judge:
    """References and settings, prepared once for any number of candidate sets."""

    def __init__(
        self,
        references: Mapping[str, Sequence[str]] | Sequence[Sequence[str]],
        **settings: Unpack[Settings],
    ) -> None:
        """Prepare what `score` takes; its errors are raised here."""
        self.metrics = chosen_metrics(settings.get("metrics", WITHOUT_JAVA))
        self.resamples, self.seed = settings.get("resamples", RESAMPLES), settings.get("seed", 0)
        if not 0 <= self.resamples <= MOST_RESAMPLES:
            raise ShowtellError(f"resamples must be from 0 to {MOST_RESAMPLES:,}, not {self.resamples:,}")
        self.raw = references if isinstance(references, Mapping) else _by_place(references)
        self.references = References(
            self.raw,
            language=settings.get("language"),
            tokeniser=settings.get("tokeniser"),
            frequencies=settings.get("frequencies"),
        )
        note = None if settings.get("language") else chosen_language(self.references, self.raw)
        self.notes = [] if note is None else [note]
        self._training = settings.get("training")
        self._made: dict[str, Metric] = {}

    @cached_property
    def training(self) -> tuple[str, ...] | None:
        """The training captions' tokens."""
        return None if self._training is None else tuple(self.references.tokeniser.all(self._training))

    def candidates(self, captions: Mapping[str, str] | Sequence[str]) -> Candidates:
        """Candidates matched to their references.

        Raises:
            BadCorpus: ids do not match, a caption is no string, or there is none.
        """
        if not isinstance(captions, Mapping):
            if isinstance(captions, str):
                raise BadCorpus("the candidates are one string; give a list of captions, or {id: caption}")
            captions = {str(place): caption for place, caption in enumerate(captions)}
            if len(captions) != len(self.raw):
                raise BadCorpus(
                    f"there are {len(captions)} candidates and references of {len(self.raw)} pictures; give "
                    "{id: caption} and {id: [captions]}, or references as lists of one caption for every picture"
                )
        for name, caption in captions.items():
            if not isinstance(caption, str):
                raise BadCorpus(
                    f"the candidate of {name!r} is {type(caption).__name__}; give one caption as a string"
                )
        found = self.references.candidates(captions)
        if not found.sentences:
            raise BadCorpus("there are no captions to score")
        return found

    def judged(self, name: str, candidates: Candidates) -> Judged | Unavailable:
        """A metric's statistics of candidates, or why there are none."""
        try:
            if name not in self._made:
                self._made[name] = metric_class(name)(self.references)
            return Judged(self._made[name], self._made[name].statistics(candidates))
        except Unavailable as error:
            return error

    def resampled(self, judged: Mapping[Key, Judged | Unavailable]) -> dict[Key, Floats]:
        """The percentages of resampled pictures, [N, M] each, the same draws for all; empty without resamples."""
        able = {key: one for key, one in judged.items() if isinstance(one, Judged)}
        if not self.resamples:
            return {}
        pairs = [(one.metric, one.statistics) for one in able.values()]
        drawn = resampled(pairs, resamples=self.resamples, seed=self.seed)
        return {key: 100 * values for key, values in zip(able, drawn, strict=True)}

    def report(
        self,
        candidates: Candidates,
        judged: Mapping[str, Judged | Unavailable],
        drawn: Mapping[str, Floats],
    ) -> Report:
        """The report of candidates, with intervals from what `resampled` gave."""
        rows: list[Score] = []
        for name, one in judged.items():
            if isinstance(one, Judged):
                rows += self._rows(name, one, drawn.get(name))
            else:
                rows.append(Score(name, None, Signature(name, ()), missing=str(one)))
        healthy = hygiene_of(
            candidates.sentences,
            candidates.words,
            candidates.word_ids,
            candidates.grams,
            self.references.language,
            self.training,
        )
        ids = self.references.ids
        return Report(tuple(rows), healthy, len(ids), self.warnings(candidates), ids)

    def warnings(self, candidates: Candidates) -> tuple[str, ...]:
        """Sentences about likely mistakes."""
        sentences = [*self.notes, *mistakes(candidates, self.raw)]
        if any(name.startswith("CIDEr") for name in self.metrics):
            sentences += few_pictures(self.references)
        return tuple(sentences)

    def signature(self, name: str, metric: Metric) -> Signature:
        """All that a number depends on."""
        references = self.references
        least, most = int(references.sizes.min()), int(references.sizes.max())
        return Signature(
            name,
            (
                *metric.settings(name),
                ("tok", references.tokeniser.signature),
                ("lang", references.language),
                ("pictures", str(len(references.ids))),
                ("refs", str(least) if least == most else f"{least}-{most}"),
                ("version", __version__),
            ),
        )

    def _rows(self, metric: str, judged: Judged, drawn: Floats | None) -> list[Score]:
        values, each = judged.values, judged.each
        low, high = (None, None) if drawn is None else interval(drawn)
        return [
            Score(
                name,
                float(values[column]),
                self.signature(name, judged.metric),
                None if low is None else float(low[column]),
                None if high is None else float(high[column]),
                each[:, column],
            )
            for column, name in enumerate(judged.metric.names)
            if name in self.metrics[metric]
        ]


def _by_place(references: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """sacrebleu's lists of references as ``{place: [captions]}``."""
    lists = list(references)
    if not lists or any(isinstance(one, str) or not isinstance(one, Sequence) for one in lists):
        raise BadCorpus(
            "the references are a list of captions; give {id: [captions]}, or a list of lists: the first "
            "references of all pictures, then the second ones"
        )
    sizes = {len(one) for one in lists}
    if len(sizes) > 1:
        raise BadCorpus(
            f"the lists of references have between {min(sizes)} and {max(sizes)} captions; each must have one for "
            "every picture, or give {id: [captions]}"
        )
    # sacrebleu marks the reference that a picture lacks with None.
    return {
        str(place): [caption for caption in group if caption is not None]
        for place, group in enumerate(zip(*lists, strict=True))
    }

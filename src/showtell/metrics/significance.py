"""Candidate sets over the same pictures: is one better, or was it the draw of the pictures?

The paired bootstrap of P. Koehn (EMNLP 2004), two-sided, around the mean of the resampled differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from showtell.errors import ShowtellError
from showtell.metrics.base import Signature
from showtell.metrics.bootstrap import interval
from showtell.metrics.hygiene import Hygiene
from showtell.metrics.ngrams import Floats
from showtell.metrics.report import Judge, Judged, Report, Settings


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two sets, as percentages; None where it could not be computed.

    Attributes:
        low, high: the 95 % interval of second - first.
        p: how often chance alone gives so large a difference.
        missing: why there is no number.
    """

    name: str
    first: float | None
    second: float | None
    signature: Signature
    low: float | None = None
    high: float | None = None
    p: float | None = None
    missing: str | None = None

    @property
    def difference(self) -> float | None:
        """second - first."""
        return None if self.first is None or self.second is None else self.second - self.first

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "first": self.first,
            "second": self.second,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "signature": str(self.signature),
            **({} if self.missing is None else {"missing": self.missing}),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found of two candidate sets; printed, it is a table.

    Attributes:
        names: what the first and the second set are called.
        rows: one for each metric.
        reports: of each set alone.
    """

    names: tuple[str, str]
    rows: tuple[Difference, ...]
    reports: tuple[Report, Report]

    def __getitem__(self, name: str) -> Difference:
        """A row by name."""
        return {row.name: row for row in self.rows}[name]

    def __str__(self) -> str:
        from showtell.metrics.tables import written

        return written(self)

    @property
    def hygiene(self) -> tuple[Hygiene, Hygiene]:
        """Of both sets."""
        return self.reports[0].hygiene, self.reports[1].hygiene

    @property
    def pictures(self) -> int:
        """How many were scored."""
        return self.reports[0].pictures

    @property
    def warnings(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Sentences about likely mistakes in each set."""
        return self.reports[0].warnings, self.reports[1].warnings

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "names": list(self.names),
            "comparison": {row.name: row.to_dict() for row in self.rows},
            "hygiene": [healthy.to_dict() for healthy in self.hygiene],
            "pictures": self.pictures,
            "warnings": [list(warnings) for warnings in self.warnings],
        }


@dataclass(frozen=True, slots=True)
class Ranking:
    """Any number of candidate sets over the same pictures, each tested against the first.

    Attributes:
        reports: by the set's name.
        comparisons: of the first set with each other one, by the other's name.
    """

    reports: Mapping[str, Report]
    comparisons: Mapping[str, Comparison]

    def __str__(self) -> str:
        from showtell.metrics.tables import written

        return written(self)

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "sets": {name: report.to_dict() for name, report in self.reports.items()},
            "against_first": {
                name: {row.name: row.to_dict() for row in found.rows}
                for name, found in self.comparisons.items()
            },
        }


def compare(
    first: Mapping[str, str] | Sequence[str],
    second: Mapping[str, str] | Sequence[str],
    references: Mapping[str, Sequence[str]] | Sequence[Sequence[str]],
    **settings: Unpack[Settings],
) -> Comparison:
    """Test whether the second candidates score otherwise than the first; arguments and errors as `score`."""
    found = rank({"first": first, "second": second}, references, **settings)
    return found.comparisons["second"]


def rank(
    sets: Mapping[str, Mapping[str, str] | Sequence[str]],
    references: Mapping[str, Sequence[str]] | Sequence[Sequence[str]],
    **settings: Unpack[Settings],
) -> Ranking:
    """Score several candidate sets, and test each against the first.

    Args:
        sets: candidates by the set's name, two at least.
        references: as for `score`.
        settings: see `showtell.metrics.report.Settings`.

    Raises:
        ShowtellError: as `score`, and where resamples are 0, since a test needs them.
    """
    judge = Judge(references, **settings)
    if judge.resamples < 1:
        raise ShowtellError("a paired bootstrap needs at least one resample")
    candidates = {name: judge.candidates(captions) for name, captions in sets.items()}
    judged = {
        (name, metric): judge.judged(metric, found)
        for name, found in candidates.items()
        for metric in judge.metrics
    }
    drawn = judge.resampled(judged)
    reports = {}
    for name, found in candidates.items():
        of_set = {metric: judged[name, metric] for metric in judge.metrics}
        resamples = {metric: drawn[name, metric] for metric in judge.metrics if (name, metric) in drawn}
        reports[name] = judge.report(found, of_set, resamples)
    first, *others = sets
    comparisons = {}
    for other in others:
        rows: list[Difference] = []
        for metric in judge.metrics:
            one, two = judged[first, metric], judged[other, metric]
            if isinstance(one, Judged) and isinstance(two, Judged):
                rows += _differences(judge, metric, (one, two), drawn[other, metric] - drawn[first, metric])
            else:
                missing = str(two if isinstance(one, Judged) else one)
                rows.append(Difference(metric, None, None, Signature(metric, ()), missing=missing))
        comparisons[other] = Comparison((first, other), tuple(rows), (reports[first], reports[other]))
    return Ranking(reports, comparisons)


def _differences(judge: Judge, metric: str, pair: tuple[Judged, Judged], drawn: Floats) -> list[Difference]:
    """A metric's rows, from its resampled differences [N, M]: the same draws for both sets."""
    low, high = interval(drawn)
    before, after = pair[0].values, pair[1].values
    # Rounding alone must not make equal captions differ.
    by_chance = np.abs(drawn - drawn.mean(axis=0)) >= np.abs(after - before) - 1e-9
    p = (1 + by_chance.sum(axis=0)) / (1 + len(drawn))
    return [
        Difference(
            name,
            float(before[column]),
            float(after[column]),
            judge.signature(name, pair[0].metric),
            float(low[column]),
            float(high[column]),
            float(p[column]),
        )
        for column, name in enumerate(pair[0].metric.names)
        if name in judge.metrics[metric]
    ]

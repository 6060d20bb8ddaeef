"""Two candidate sets over the same pictures: is one better, or was it the draw of the pictures?

The paired bootstrap of P. Koehn (EMNLP 2004), two-sided, around the mean of the resampled differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from showtell.metrics.base import References, Signature
from showtell.metrics.bootstrap import RESAMPLES, interval, resampled
from showtell.metrics.document_frequencies import DocumentFrequencies
from showtell.metrics.hygiene import Hygiene, hygiene
from showtell.metrics.java import Unavailable
from showtell.metrics.report import (
    WITHOUT_JAVA,
    Judged,
    checked_candidates,
    judge,
    signature_of,
    warnings_of,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of two sets, as percentages; None where it could not be computed (`missing` says why)."""

    name: str
    first: float | None
    second: float | None
    signature: Signature
    low: float | None = None  # 95 % interval of second - first
    high: float | None = None
    p: float | None = None  # how often chance alone gives so large a difference
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
    """What `compare` found; the pairs are of the first and of the second candidates."""

    rows: tuple[Difference, ...]
    hygiene: tuple[Hygiene, Hygiene]
    pictures: int
    warnings: tuple[tuple[str, ...], tuple[str, ...]]

    def __getitem__(self, name: str) -> Difference:
        """A row by name."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def sentences(self, names: Sequence[str] = ("first", "second")) -> tuple[str, ...]:
        """The warnings, each with the name of its candidate set."""
        return tuple(
            f"{name}: {warning}"
            for name, warnings in zip(names, self.warnings, strict=False)
            for warning in warnings
        )

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "comparison": {row.name: row.to_dict() for row in self.rows},
            "hygiene": [healthy.to_dict() for healthy in self.hygiene],
            "pictures": self.pictures,
            "warnings": [list(warnings) for warnings in self.warnings],
        }


def compare(
    first: Mapping[str, str],
    second: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    *,
    language: str = "en",
    tokeniser: str | None = None,
    metrics: Sequence[str] = WITHOUT_JAVA,
    frequencies: DocumentFrequencies | None = None,
    training: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Test whether the second candidates score otherwise than the first; arguments and errors as `score`."""
    if resamples < 1:
        raise ValueError("a paired bootstrap needs at least one resample")
    prepared = References(references, language=language, tokeniser=tokeniser, frequencies=frequencies)
    one, other = (checked_candidates(prepared, candidates) for candidates in (first, second))
    rows: list[Difference] = []
    for name in metrics:
        judged = judge(name, one, other)
        if isinstance(judged, Unavailable):
            rows.append(Difference(name, None, None, Signature(name, ()), missing=str(judged)))
        else:
            rows += _differences(judged[0], judged[1], prepared, resamples, seed)
    tokenised = None if training is None else [prepared.tokeniser(caption) for caption in training]
    return Comparison(
        tuple(rows),
        (
            hygiene(one.sentences, language=language, training=tokenised),
            hygiene(other.sentences, language=language, training=tokenised),
        ),
        len(prepared.ids),
        (
            warnings_of(first, references, one, metrics),
            warnings_of(second, references, other, metrics),
        ),
    )


def _differences(
    one: Judged, other: Judged, references: References, resamples: int, seed: int
) -> list[Difference]:
    """The same draws of pictures for both, so that what the sets share cancels."""
    pairs = [(judged.metric, judged.statistics) for judged in (one, other)]
    before_again, after_again = resampled(pairs, resamples=resamples, seed=seed)
    drawn = 100 * (after_again - before_again)  # [resamples, names]
    low, high = interval(drawn)
    before, after = one.values, other.values
    # A hair's breadth of rounding must not make equal captions differ.
    by_chance = np.abs(drawn - drawn.mean(axis=0)) >= np.abs(after - before) - 1e-9
    p = (1 + by_chance.sum(axis=0)) / (1 + resamples)
    return [
        Difference(
            name,
            float(before[column]),
            float(after[column]),
            signature_of(name, one, references),
            float(low[column]),
            float(high[column]),
            float(p[column]),
        )
        for column, name in enumerate(one.metric.names)
    ]

"""Bootstrap: how far a score would move had other pictures been drawn, and whether two candidates differ.

B. Efron (1979); for captions as for translations, P. Koehn, *Statistical Significance Tests for Machine
Translation Evaluation*, EMNLP 2004. Pictures are drawn with replacement; a drawn set is a row of counts, and
its sums of statistics are one matrix product.

Letters in shapes: P pictures, S statistics, N resamples, M names of a metric's scores.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from showtell.metrics.base import Metric
from showtell.metrics.ngrams import Floats

RESAMPLES = 1000
MOST_RESAMPLES = 100_000
CONFIDENCE = 95.0
# Multiplications of one matrix product: small enough for the cache, and for the library to use one thread, since
# threads cost more here than they save.
_PRODUCT = 200_000


def resampled(
    judged: Sequence[tuple[Metric, Floats]], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Floats]:
    """Each metric's values on sets drawn again from the same pictures.

    Equal seeds draw equal sets, so that two candidates over the same pictures are compared pair by pair.

    Args:
        judged: metrics with their statistics, [P, S].
        resamples: N.
        seed: of the draws.

    Returns:
        Fractions, [N, M] for each metric.
    """
    if not judged:
        return []
    together = np.hstack([statistics for _, statistics in judged])  # [P, S] of all, for one product
    pictures = len(together)
    rows = max(1, _PRODUCT // max(together.size, 1))
    sums = np.concatenate([counts @ together for counts in _drawn(pictures, resamples, seed, rows)])  # [N, S]
    ends = np.cumsum([statistics.shape[1] for _, statistics in judged])[:-1]
    return [
        metric.combine(part, pictures)
        for (metric, _), part in zip(judged, np.split(sums, ends, axis=1), strict=True)
    ]


def interval(values: Floats) -> tuple[Floats, Floats]:
    """The middle 95 % of resampled values: low and high, [M]."""
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail], axis=0)
    return low, high


def _drawn(pictures: int, resamples: int, seed: int, rows: int) -> Iterator[Floats]:
    """How often each picture was drawn, in blocks of so many rows: [rows, P]."""
    generator = np.random.default_rng(seed)
    first = (np.arange(rows) * pictures)[:, None]  # each row's first place
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        places = generator.integers(0, pictures, size=(size, pictures))  # [size, P]
        places += first[:size]
        counts = np.bincount(places.reshape(-1), minlength=size * pictures)
        yield counts.reshape(size, pictures).astype(np.float64)

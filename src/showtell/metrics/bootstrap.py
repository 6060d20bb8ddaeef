"""Bootstrap: how far a score would move had other pictures been drawn, and whether two candidates differ.

B. Efron (1979); for captions as for translations, P. Koehn, *Statistical Significance Tests for Machine
Translation Evaluation*, EMNLP 2004. Pictures are drawn with replacement; a drawn set is a row of counts, and
its sums of statistics are one matrix product.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from showtell.metrics.base import Metric
from showtell.metrics.ngrams import Floats

RESAMPLES = 1000
CONFIDENCE = 95.0
_CELLS = 200_000  # of one block of counts, so that it stays in the cache


def resampled(
    judged: Sequence[tuple[Metric, Floats]], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Floats]:
    """Each metric's values on sets drawn again from the same pictures: fractions, [resamples, names] each.

    `judged` are metrics with their statistics, [P, S]. Equal seeds draw equal sets, so that two candidates
    over the same pictures are compared pair by pair.
    """
    if not judged:
        return []
    together = np.hstack([statistics for _, statistics in judged])  # one product for all of them
    pictures = len(together)
    sums = np.concatenate([counts @ together for counts in _drawn(pictures, resamples, seed)])
    ends = np.cumsum([statistics.shape[1] for _, statistics in judged])[:-1]
    return [
        metric.combine(part, pictures)
        for (metric, _), part in zip(judged, np.split(sums, ends, axis=1), strict=True)
    ]


def interval(values: Floats) -> tuple[Floats, Floats]:
    """The middle 95 % of resampled values: low and high, [names]."""
    # As np.percentile, which would first import all of numpy's masked arrays.
    ordered = np.sort(values, axis=0)
    tail = (1 - CONFIDENCE / 100) / 2
    places = (len(values) - 1) * np.array([tail, 1 - tail])
    below = np.floor(places).astype(np.int64)
    above, share = np.minimum(below + 1, len(values) - 1), (places - below)[:, None]
    low, high = ordered[below] * (1 - share) + ordered[above] * share
    return low, high


def _drawn(pictures: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each picture was drawn, in blocks of rows: [rows, pictures]."""
    generator = np.random.default_rng(seed)
    block = max(1, _CELLS // pictures)
    first = (np.arange(block) * pictures)[:, None]  # each row's first place
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        places = generator.integers(0, pictures, size=(rows, pictures))
        places += first[:rows]
        counts = np.bincount(places.reshape(-1), minlength=rows * pictures)
        yield counts.reshape(rows, pictures).astype(np.float64)

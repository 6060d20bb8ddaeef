"""BLEU-1 to BLEU-4, with the closest reference length and the tiny constants of pycocoevalcap.

K. Papineni et al., *BLEU: a Method for Automatic Evaluation of Machine Translation*, ACL 2002, equations 1
to 3. A candidate's n-gram counts as often as the reference that has it most often; a set's matches are
summed before they are divided.
"""

from typing import ClassVar

import numpy as np

from showtell.metrics.base import Candidates, Metric
from showtell.metrics.ngrams import MAXIMUM_ORDER, Floats, Integers

# As in pycocoevalcap: no match still gives a little more than nothing, and nothing is divided by zero.
TINY = 1e-15
SMALL = 1e-9


class Bleu(Metric):
    """Clipped n-gram precision with a penalty for shortness."""

    names: ClassVar[tuple[str, ...]] = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")

    def statistics(self, candidates: Candidates) -> Floats:
        """Columns: matches of 1 to 4 words, n-grams of 1 to 4 words, length, closest reference length."""
        lengths = candidates.grams.lengths
        possible = np.maximum(lengths[:, None] - np.arange(MAXIMUM_ORDER), 0)  # [C, 4]
        parts = (_matches(candidates), possible, lengths[:, None], _closest(candidates)[:, None])
        return np.hstack(parts).astype(np.float64)

    def combine(self, sums: Floats, captions: int) -> Floats:
        matches, possible = (
            sums[..., :MAXIMUM_ORDER],
            sums[..., MAXIMUM_ORDER : 2 * MAXIMUM_ORDER],
        )  # [..., 4]
        length, wanted = sums[..., -2], sums[..., -1]  # [...] c and r
        # [..., 4] p_1, p_1 p_2, …: the product of the precisions of 1 to n words
        precision = np.cumprod((matches + TINY) / (possible + SMALL), axis=-1)
        geometric = precision ** (1 / np.arange(1, MAXIMUM_ORDER + 1))  # [..., 4] equation 1
        ratio = (length + TINY) / (wanted + SMALL)
        brevity: Floats = np.exp(np.minimum(1 - 1 / ratio, 0))  # exp(min(1 - r / c, 0)), equation 2
        result: Floats = geometric * brevity[..., None]
        return result

    def settings(self, name: str) -> tuple[tuple[str, str], ...]:
        return (("n", name[-1]), ("length", "closest"))


def _matches(candidates: Candidates) -> Integers:
    """Matches of each order, clipped at the most that one reference of the picture has: [C, 4]."""
    grams = candidates.grams
    row, other = candidates.meetings
    first = np.flatnonzero(np.diff(row, prepend=-1))  # each n-gram that some reference has
    matches = np.zeros((len(candidates.picture), MAXIMUM_ORDER), np.int64)
    if not len(first):
        return matches
    row, most = row[first], np.maximum.reduceat(candidates.references.grams.count[other], first)
    clipped = np.minimum(grams.count[row], most)
    summed = np.bincount(grams.caption[row] * MAXIMUM_ORDER + grams.order[row], clipped, matches.size)
    return summed.astype(np.int64).reshape(matches.shape)


def _closest(candidates: Candidates) -> Integers:
    """The reference length closest to each candidate's, the shorter of two equally close: [C]."""
    starts, candidate, reference = candidates.pairs
    if not len(starts):
        return np.zeros(0, np.int64)
    lengths = candidates.references.grams.lengths[reference]
    distance = np.abs(lengths - candidates.grams.lengths[candidate])
    scale = int(lengths.max()) + 1
    best: Integers = np.minimum.reduceat(distance * scale + lengths, starts) % scale
    return best

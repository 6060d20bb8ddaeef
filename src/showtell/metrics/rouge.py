"""ROUGE-L: the longest common subsequence of words, as an F-score that leans to recall.

C.-Y. Lin, *ROUGE: a Package for Automatic Evaluation of Summaries*, ACL workshop 2004, equations 2 to 4,
beta 1.2; best precision and best recall over the references, as pycocoevalcap takes them.

The length of the subsequence is counted with one bit a word of the candidate, a reference's word at a time
(H. Hyyrö, *Bit-parallel LCS-length computation revisited*, 2004), for all pairs at once. Captions of more
words than an integer has bits, and those with odd white space, are done one by one.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from showtell.metrics.base import Candidates, MeanMetric
from showtell.metrics.ngrams import Floats, Integers, changes, stable_order

BETA = 1.2
_BITS = 63
Bits = npt.NDArray[np.uint64]


class RougeL(MeanMetric):
    """The mean over the captions of ROUGE-L."""

    names: ClassVar[tuple[str, ...]] = ("ROUGE-L",)

    def statistics(self, candidates: Candidates) -> Floats:
        """One column: each candidate's score as a fraction."""
        references = candidates.references
        starts, candidate, reference = candidates.pairs
        if not len(starts):
            return np.zeros((0, 1))
        mine, theirs = candidates.words, references.words
        plain = mine.regular & (mine.lengths <= _BITS)
        plain &= np.logical_and.reduceat(theirs.regular[reference], starts)

        common = _common(candidates, plain[candidate])  # [pairs]
        precision = np.maximum.reduceat(common, starts) / np.maximum(
            mine.lengths, 1
        )  # [C] the best reference's
        recall = np.maximum.reduceat(common / np.maximum(theirs.lengths[reference], 1), starts)
        scores = _f_score(precision, recall)
        for place in np.flatnonzero(~plain):
            picture = candidates.picture[place]
            group = references.sentences[references.starts[picture] : references.starts[picture + 1]]
            scores[place] = _one(candidates.sentences[place], group)
        return scores[:, None]

    def settings(self, name: str) -> tuple[tuple[str, str], ...]:
        return (("beta", f"{BETA:g}"),)


def _f_score(precision: Floats, recall: Floats) -> Floats:
    # (1 + b²) P R / (R + b² P), equation 4
    divisor = recall + BETA**2 * precision
    return np.divide(
        (1 + BETA**2) * precision * recall, divisor, out=np.zeros(divisor.shape), where=divisor > 0
    )


def _common(candidates: Candidates, wanted: npt.NDArray[np.bool_]) -> Integers:
    """The length of the longest common subsequence of each wanted pair, 0 for the others: [pairs]."""
    pair, places = _hits(candidates, wanted)
    lengths = candidates.words.lengths[candidates.pairs[1]]
    everything = np.where(
        wanted, (np.uint64(1) << np.minimum(lengths, _BITS).astype(np.uint64)) - np.uint64(1), 0
    )
    # A zero bit is a word of the candidate that a common subsequence of its length so far ends on.
    state = everything.copy()
    turn = np.arange(len(pair)) - np.searchsorted(pair, pair)  # a pair's hits one after the other
    order = stable_order(turn)
    for hits in np.split(order, np.cumsum(np.bincount(turn))[:-1]) if len(pair) else ():
        # Hyyrö's step for one word of each reference: V' = (V + (V & M)) | (V & ~M), and V & ~M is V - (V & M).
        now = state[pair[hits]]
        hit = now & places[hits]
        state[pair[hits]] = (now + hit) | (now - hit)
    zeros = everything & ~state
    common = np.unpackbits(zeros.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1, dtype=np.int64)
    return np.asarray(common, np.int64)


def _hits(candidates: Candidates, wanted: npt.NDArray[np.bool_]) -> tuple[Integers, Bits]:
    """The references' words that their candidate has, in order: the pair, and the places in the candidate."""
    references = candidates.references
    _, candidate, reference = candidates.pairs
    index, mine, theirs = references.index, candidates.words, references.words

    words = candidates.word_ids
    total = max(int(words.max(initial=0)), index.known) + 1
    owner = np.repeat(np.arange(len(mine.lengths)), mine.lengths)
    place = np.arange(len(words)) - np.repeat(np.cumsum(mine.lengths) - mine.lengths, mine.lengths)
    keys = owner * total + words
    order = stable_order(keys)
    keys = keys[order]
    first = np.flatnonzero(changes(keys))
    bits = np.uint64(1) << np.minimum(place[order], _BITS).astype(np.uint64)
    known, places = keys[first], np.bitwise_or.reduceat(bits, first) if len(first) else bits

    lengths = np.where(wanted, theirs.lengths[reference], 0)
    pair = np.repeat(np.arange(len(lengths)), lengths)
    within = np.arange(len(pair)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    begin = np.cumsum(theirs.lengths) - theirs.lengths
    words = index.own_words[begin[reference[pair]] + within]
    asked = candidate[pair] * total + words
    found = np.minimum(np.searchsorted(known, asked), max(len(known) - 1, 0))
    there = known[found] == asked if len(known) else np.zeros(len(asked), bool)
    return pair[there], places[found[there]]


def _one(candidate: str, references: list[str]) -> float:
    """The score of one caption, cut at single spaces as pycocoevalcap does here and here alone.

    An empty caption is one empty token: it equals another empty caption.
    """
    tokens = candidate.split(" ")
    places: dict[str, int] = {}
    for bit, token in enumerate(tokens):
        places[token] = places.get(token, 0) | (1 << bit)
    everything = (1 << len(tokens)) - 1
    longest, recall = 0, 0.0
    for reference in references:
        theirs, state = reference.split(" "), everything
        for token in theirs:
            if token in places:
                hit = state & places[token]
                state = ((state + hit) | (state - hit)) & everything
        common = len(tokens) - state.bit_count()
        longest = max(longest, common)
        recall = max(recall, common / len(theirs))
    return float(_f_score(np.array(longest / len(tokens)), np.array(recall)))

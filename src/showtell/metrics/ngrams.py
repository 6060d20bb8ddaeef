"""Captions as counted n-grams with integer ids, so that matching them is array work.

A word is an integer. An n-gram of k words is the pair (id of its first k - 1 words, its last word): all pairs of
a corpus are sorted, and equal ones get one id. No hashing: two n-grams share an id only if they are equal.

Letters in shapes: W words of all captions in a row, N rows of counted n-grams, C captions.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count, repeat

import numpy as np
import numpy.typing as npt

MAXIMUM_ORDER = 4
_RADIX_BITS = 16  # NumPy's stable sort of integers of 16 bits takes time proportional to their number

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Words:
    """Captions taken apart: all their words in a row."""

    flat: list[str]  # [W]
    lengths: Integers  # [C]
    regular: Booleans  # [C] words with single spaces between, and one at least

    @classmethod
    def of(cls, sentences: Sequence[str]) -> "Words":
        """The words of ``sentence.split()`` for each sentence, at a third of the time where all are regular."""
        text = "\n".join(sentences)
        flat = text.split()
        if text.count("\n") >= max(len(sentences), 1) or _has_odd_spaces(text):
            lists = [sentence.split() for sentence in sentences]
            lengths = np.fromiter(map(len, lists), np.int64, len(lists))
            equal = [" ".join(words) == sentence for words, sentence in zip(lists, sentences, strict=True)]
            return cls(flat, lengths, np.array(equal, bool) & (lengths > 0))
        spaces = np.fromiter(map(str.count, sentences, repeat(" ")), np.int64, len(sentences))
        filled = np.fromiter(map(bool, sentences), bool, len(sentences))
        return cls(flat, np.where(filled, spaces + 1, 0), filled)


def _has_odd_spaces(text: str) -> bool:
    """Whether lines hold white space that is no single space between words."""
    if text[:1] == " " or text[-1:] == " " or any(pair in text for pair in ("  ", " \n", "\n ")):
        return True
    if text.isascii():
        return any(space in text for space in "\t\x0b\x0c\r\x1c\x1d\x1e\x1f")
    return re.search(r"[^\S \n]", text) is not None


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of a list of captions: one row for each different n-gram of each caption.

    Rows of one n-gram stand together, in the order of their captions; ids of known n-grams never fall.
    """

    caption: Integers  # [N] which caption the row belongs to
    gram: Integers  # [N] the n-gram's id; `NgramIndex.known` for every n-gram that has none
    order: npt.NDArray[np.int8]  # [N] 0 for single words … 3 for four words
    count: Integers  # [N] how often the caption has it
    lengths: Integers  # [C] the captions' lengths in words


class NgramIndex:
    """Gives ids to the words and n-grams of the captions it is built from, and finds them in others."""

    def __init__(self, captions: Words) -> None:
        numbers: defaultdict[str, int] = defaultdict(count().__next__)  # a word's id is its turn
        ids = np.fromiter(map(numbers.__getitem__, captions.flat), np.int64, len(captions.flat))
        self._words = dict(numbers)
        self.own_words = ids  # [W]
        self._tables: list[Integers] = []  # by order: all different pairs, packed and sorted

        def identify(order: int, pairs: Integers) -> Integers:
            self._tables.append(pairs)
            return np.arange(len(pairs))

        rows = list(_counted(ids, captions.lengths, identify))
        self._offsets = np.cumsum([0, *map(len, self._tables)])  # the first id of each order
        self.known = int(self._offsets[-1])
        self.own = self._joined(rows, captions.lengths)  # the captions' own n-grams

    def grams(self, captions: Words, word_ids: Integers | None = None) -> Grams:
        """Count the n-grams of other captions, whose words' ids may be known already."""
        ids = self.words(captions) if word_ids is None else word_ids
        return self._joined(list(_counted(ids, captions.lengths, self._find)), captions.lengths)

    def words(self, captions: Words) -> Integers:
        """The ids of all words of other captions in a row, [W]; new words are numbered after the known ones."""
        words, known = captions.flat, self._words
        ids = np.fromiter(map(known.get, words, repeat(-1)), np.int64, len(words))
        new = np.flatnonzero(ids < 0).tolist()
        numbers = dict(zip(dict.fromkeys(words[place] for place in new), count(len(known)), strict=False))
        ids[new] = [numbers[words[place]] for place in new]
        return ids

    def _find(self, order: int, pairs: Integers) -> Integers:
        """Each pair's id within its order; new pairs are numbered after the known ones."""
        table = self._tables[order]
        ids = np.searchsorted(table, pairs)
        new = np.ones(len(pairs), bool)
        if len(table):
            new = table[np.minimum(ids, len(table) - 1)] != pairs
        ids[new] = len(table) + np.arange(np.count_nonzero(new))
        return ids

    def _joined(self, rows: Sequence["_Rows"], lengths: Integers) -> Grams:
        """The rows of all orders, with ids that differ between orders."""
        sizes = [len(part.gram) for part in rows]
        for part, table, offset in zip(rows, self._tables, self._offsets, strict=False):
            new = part.gram >= len(table)
            part.gram += offset
            part.gram[new] = self.known
        return Grams(
            np.concatenate([part.caption for part in rows]),
            np.concatenate([part.gram for part in rows]),
            np.repeat(np.arange(MAXIMUM_ORDER, dtype=np.int8), sizes),
            np.concatenate([part.count for part in rows]),
            lengths,
        )


@dataclass(slots=True)
class _Rows:
    """The counted n-grams of one order; ids are those within the order."""

    caption: Integers
    gram: Integers
    count: Integers


def _counted(
    words: Integers, lengths: Integers, identify: Callable[[int, Integers], Integers]
) -> Iterable[_Rows]:
    """Count the n-grams of each order, from single words upwards.

    Args:
        words: the ids of all words in a row, [W].
        lengths: the captions' lengths, [C].
        identify: gives ids to the different n-grams of an order, which come packed and sorted.
    """
    caption = np.repeat(np.arange(len(lengths)), lengths)  # [W]
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))  # [W] words left, this one included
    prefix = np.zeros(len(words), np.int64)  # [W] the n-gram of the order before that starts here
    for order in range(MAXIMUM_ORDER):
        start = np.flatnonzero(left > order)
        first, last = prefix[start], words[start + order]
        sequence = stable_order(first * (int(last.max(initial=0)) + 1) + last)
        start, first, last = start[sequence], first[sequence], last[sequence]
        new = changes(first) | changes(last)
        gram = identify(order, first[new] << 32 | last[new])[np.cumsum(new) - 1]
        prefix[start] = gram
        row = np.flatnonzero(new | changes(caption[start]))
        yield _Rows(caption[start[row]], gram[row], np.diff(row, append=len(start)))


def changes(values: Integers) -> Booleans:
    """Where a value differs from the one before it; always at the first."""
    found = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


def stable_order(keys: Integers) -> Integers:
    """The order that sorts integers from 0 upwards; equal ones stay as they stand.

    A radix sort, 16 bits at a time from the lowest: a third of the time of sorting 64 bits.
    """
    order = np.arange(len(keys))
    for shift in range(0, int(keys.max(initial=0)).bit_length(), _RADIX_BITS):
        digits = (keys[order] >> shift).astype(np.uint16)
        order = order[np.argsort(digits, kind="stable")]
    return order

"""Captions as counted n-grams with integer ids, so that matching them is array work.

A word is an integer; an n-gram of order k is the pair (id of its first k - 1 words, its last word), packed
into 64 bits and looked up in a sorted table. No hashing: two n-grams share an id only if they are equal.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, repeat

import numpy as np
import numpy.typing as npt

MAXIMUM_ORDER = 4
_BLOCK = 2048  # captions

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Words:
    """Captions taken apart: all their words in a row."""

    flat: list[str]
    lengths: Integers  # [captions]
    regular: npt.NDArray[np.bool_]  # [captions] words with single spaces between, and one at least

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

    Rows are sorted by caption, then by n-gram.
    """

    caption: Integers  # [N] which caption the row belongs to
    gram: Integers  # [N] the n-gram's id; those from `known` upwards stand in no reference
    order: npt.NDArray[np.int8]  # [N] 0 for single words … 3 for four words
    count: Integers  # [N] how often the caption has it
    words: Integers  # [captions] length in words


class NgramIndex:
    """Gives ids to the words and n-grams of the captions it is built from, and finds them in others."""

    def __init__(self, captions: Words) -> None:
        words, lengths = captions.flat, captions.lengths
        numbers: defaultdict[str, int] = defaultdict(count().__next__)  # a word's id is its turn
        ids = np.fromiter(map(numbers.__getitem__, words), np.int64, len(words))
        self._words = dict(numbers)
        self.own_words = ids  # the ids of all words in a row

        self._tables: list[Integers] = []  # order 2 upwards: packed n-grams, sorted
        left, prefix = _words_left(lengths), ids
        found = [(np.arange(len(ids)), ids)]  # by order: where each n-gram starts, its id within the order
        for order in range(1, MAXIMUM_ORDER):
            starts = np.flatnonzero(left > order)
            table, gram = _numbered(prefix[starts], ids[starts + order])
            self._tables.append(table)
            found.append((starts, gram))
            prefix = np.zeros_like(ids)
            prefix[starts] = gram
        self._offsets = np.cumsum([0, len(self._words), *map(len, self._tables)])
        self.known = int(self._offsets[-1])

        caption = np.repeat(np.arange(len(lengths)), lengths)
        keys = [
            (caption[starts], gram + offset)
            for (starts, gram), offset in zip(found, self._offsets, strict=False)
        ]
        self.own = _count(keys, self._offsets[1:].tolist(), lengths)  # the captions' own n-grams

    def grams(self, captions: Words) -> Grams:
        """Count the n-grams of other captions; n-grams never seen before get ids from `known` upwards."""
        words, lengths = self.words(captions), captions.lengths
        caption = np.repeat(np.arange(len(lengths)), lengths)
        left = _words_left(lengths)

        keys, edges, fresh = [], self._offsets[1:].tolist(), self.known
        prefix = words
        for order in range(MAXIMUM_ORDER):
            starts = np.flatnonzero(left > order)
            if order:
                found = self._lookup(order, prefix[starts], words[starts + order])
                prefix = np.zeros_like(words)
                prefix[starts] = found
            ids = prefix[starts]
            known = self._offsets[order + 1] - self._offsets[order]
            ids = ids + np.where(ids < known, self._offsets[order], fresh - known)
            fresh = max(fresh, int(ids.max(initial=0)) + 1)
            edges.append(fresh)
            keys.append((caption[starts], ids))
        return _count(keys, edges, lengths)

    def words(self, captions: Words) -> Integers:
        """The ids of all words of other captions in a row; strangers are numbered from the known ones upwards."""
        words, known = captions.flat, self._words
        ids = np.fromiter(map(known.get, words, repeat(-1)), np.int64, len(words))
        strange = np.flatnonzero(ids < 0)
        numbers = dict(zip(dict.fromkeys(words[place] for place in strange), count(len(known)), strict=False))
        ids[strange] = [numbers[words[place]] for place in strange]
        return ids

    def _lookup(self, order: int, prefix: Integers, word: Integers) -> Integers:
        """Ids within one order; strangers are numbered from the table's size upwards."""
        table = self._tables[order - 1]
        pairs, which = _numbered(prefix, word)
        ids = np.searchsorted(table, pairs)
        strange = np.ones(len(pairs), bool)
        if len(table):
            strange = table[np.minimum(ids, len(table) - 1)] != pairs
        ids[strange] = len(table) + np.arange(np.count_nonzero(strange))
        return ids[which]


def _words_left(lengths: Integers) -> Integers:
    """For each word, how many words are left in its caption, itself included."""
    ends = np.repeat(np.cumsum(lengths), lengths)
    return ends - np.arange(len(ends))


def _pack(prefix: Integers, word: Integers) -> Integers:
    return (prefix << 32) | word


def _numbered(prefix: Integers, word: Integers) -> tuple[Integers, Integers]:
    """The different pairs, packed and sorted, and for each given pair which one it is."""
    places = len(prefix).bit_length()
    bits = int(word.max(initial=0)).bit_length()
    if int(prefix.max(initial=0)).bit_length() + bits + places > 63:
        table, inverse = np.unique(_pack(prefix, word), return_inverse=True)
        return table, inverse.reshape(-1)
    # Sorting numbers that carry their place is three times faster than sorting places by number.
    rows = np.sort(((prefix << bits | word) << places) | np.arange(len(prefix)))
    pairs = rows >> places
    new = np.diff(pairs, prepend=-1) != 0
    which = np.empty(len(rows), np.int64)
    which[rows & ((1 << places) - 1)] = np.cumsum(new) - 1
    different = pairs[new]
    return _pack(different >> bits, different & ((1 << bits) - 1)), which


def _count(keys: list[tuple[Integers, Integers]], edges: list[int], words: Integers) -> Grams:
    """Merge equal n-grams of a caption into one row with a count.

    `edges` are the ends of the ranges of ids: known n-grams of order 0 to 3, then strangers of order 0 to 3.
    """
    bits = max(int(edges[-1]), 1).bit_length()
    blocks = np.arange(0, len(words) + _BLOCK, _BLOCK)
    cuts = [np.searchsorted(caption, blocks) for caption, _ in keys]
    rows, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for block in range(len(blocks) - 1):  # a few captions at a time stay in the processor's cache
        parts = [
            (caption[cut[block] : cut[block + 1]] << bits) | gram[cut[block] : cut[block + 1]]
            for (caption, gram), cut in zip(keys, cuts, strict=True)
        ]
        packed = np.sort(np.concatenate(parts))
        first = np.flatnonzero(np.diff(packed, prepend=-1))
        rows.append(packed[first])
        counts.append(np.diff(first, append=len(packed)))
    packed = np.concatenate(rows)
    gram = packed & ((1 << bits) - 1)
    orders = np.repeat(np.arange(len(edges)) % MAXIMUM_ORDER, np.diff(edges, prepend=0)).astype(np.int8)
    return Grams(packed >> bits, gram, orders[gram], np.concatenate(counts), words)

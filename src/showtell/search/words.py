"""Queries and captions as full text: which words to look for, and how Chinese is written so that it is found.

SQLite's ``unicode61`` tokenizer takes a run of Han characters for one word, and ``trigram`` finds no word of one
or two characters. So every Han character is set apart by spaces when a caption is stored, and a Chinese word is
looked for as a phrase of its characters.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Protocol

from showtell.text.cleaning import words

__all__ = ["language_of", "phrase", "query_terms", "query_words", "spaced"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_RUN = re.compile(f"[{_HAN}]+|[^{_HAN}]+")

_STOP_WORDS = frozenset(
    "a an the and or of in on at to by with for from as is are was were be being been it its this that these those "
    "there his her their 's "
    "的 了 在 着 是 和 与 有 个 一个 里 上".split()
)
"""Words that nearly every caption has, and that no query is about."""


class Words(Protocol):
    """What is asked of a vocabulary: which words have an id."""

    def __contains__(self, word: object) -> bool:
        """Whether a word is known."""


def language_of(text: str) -> str:
    """``zh`` for text with a Han character in it, else ``en``."""
    return "zh" if _HAN_CHARACTER.search(text) else "en"


def spaced(text: str) -> str:
    """Text as it is stored for the full-text index: spaces around each Han character."""
    return " ".join(_HAN_CHARACTER.sub(r" \g<0> ", unicodedata.normalize("NFKC", _clean(text))).split())


def phrase(term: str) -> str:
    """An FTS5 expression that finds the term, whatever characters are in it."""
    return '"' + spaced(term).replace('"', " ") + '"'


def query_words(text: str, vocabulary: Words) -> list[str]:
    """The words of a query in English, Chinese or both, in order.

    English is taken apart as captions are. Chinese is cut into the fewest words of the vocabulary, which needs no
    dictionary besides it.

    Args:
        text: any text; one without words gives an empty list.
        vocabulary: the bundle's.
    """
    found: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", _clean(text))):
        found += _cut(run, vocabulary) if _HAN_CHARACTER.match(run) else words(run, "en")
    return found


def query_terms(found: Iterable[str]) -> list[str]:
    """What is looked for in the full text: a query's words, each once, without those that say nothing."""
    unique = list(dict.fromkeys(found))
    return [word for word in unique if word not in _STOP_WORDS] or unique


def _clean(text: str) -> str:
    """Lone surrogates are no text in any language, and SQLite takes a null character for the end."""
    return text.replace("\0", " ").encode("utf-8", "ignore").decode("utf-8")


def _cut(run: str, vocabulary: Words) -> list[str]:
    """Han characters as words: as few unknown characters as possible, then as few words."""
    longest = 8  # no word of the vocabularies has more
    best = [(0, 0, 0)]  # of the first i characters: unknown, words, where the last begins
    for end in range(1, len(run) + 1):
        choices = []
        for start in range(max(0, end - longest), end):
            known = run[start:end] in vocabulary
            if known or start == end - 1:
                choices.append((best[start][0] + (not known), best[start][1] + 1, start))
        best.append(min(choices))
    found, end = [], len(run)
    while end:
        start = best[end][2]
        found.append(run[start:end])
        end = start
    return found[::-1]

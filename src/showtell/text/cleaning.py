"""Captions as people write them, and the words a captioner learns.

:func:`words` takes a caption apart, :func:`join` puts it together again. In English
``words(join(words(text))) == words(text)``: what a captioner says comes apart into the words it chose.

English words are cut as the Penn Treebank does: ``isn't`` is ``is`` and ``n't``, ``dog's`` is ``dog`` and
``'s``; words with hyphens and numbers stay whole (``t-shirt``, ``3.5``).
Chinese is cut into words, or into characters.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from showtell.errors import MissingExtra


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What becomes of a caption before a model learns it.

    Attributes:
        lower_case: write English in lower case (Chinese keeps its few capitals: ``T恤``).
        keep_punctuation: keep each mark as a word of its own instead of dropping it.
        drop_one_letter_words: leave out ``a`` and every other word of one letter (English).
        drop_words_with_digits: leave out ``2``, ``mp3``.
        chinese: what Chinese is cut into; words need the extra ``zh``.
    """

    lower_case: bool = True
    keep_punctuation: bool = False
    drop_one_letter_words: bool = False
    drop_words_with_digits: bool = False
    chinese: Literal["words", "characters"] = "words"


DEFAULT_CLEANING = Cleaning()

LANGUAGES = ("en", "zh")


def words(text: str, language: str, *, cleaning: Cleaning = DEFAULT_CLEANING) -> list[str]:
    """The words of one caption, in order.

    Args:
        text: any text at all; one without words gives an empty list.
        language: ``en`` or ``zh``.
        cleaning: what to keep; the default is lower case without punctuation.

    Raises:
        MissingExtra: Chinese words are asked for and rjieba is not installed.
        ValueError: another language.
    """
    if language == "en":
        found = _english(text, cleaning)
        if cleaning.drop_one_letter_words:
            found = [word for word in found if len(word) > 1 or not word.isalpha()]
    elif language == "zh":
        found = _chinese(text, cleaning)
    else:
        raise ValueError(
            f"no words are known in the language {language!r}; choose one of {', '.join(LANGUAGES)}"
        )
    if cleaning.drop_words_with_digits:
        found = [word for word in found if not any(letter.isdigit() for letter in word)]
    return found


def join(words: Sequence[str], language: str) -> str:
    """The caption that these words make, as people read it: ``a dog's ball``; Chinese without spaces.

    Raises:
        ValueError: a language other than ``en`` and ``zh``.
    """
    if language not in LANGUAGES:
        raise ValueError(
            f"no words are joined in the language {language!r}; choose one of {', '.join(LANGUAGES)}"
        )
    glued = _glued_in_english if language == "en" else _glued_in_chinese
    caption = ""
    for word in words:
        caption += word if not caption or glued(caption, word) else " " + word
    return caption


_APOSTROPHES_AND_HYPHENS = str.maketrans("’‘ʼ＇´`‐‑", "''''''--")

_ENGLISH_TOKEN = re.compile(
    r"""
      (?<![^\W_]) '(?:s|re|ve|ll|d|m) (?:n't|'(?:s|re|ve|ll|d|m))* (?![^\W_'])  # set apart: dog 's
    | [^\W_]+ (?: [-'][^\W_]+ | (?<=\d)[.,/:](?=\d)[^\W_]+ )*  # t-shirt, o'clock, 3.5
    | (?P<mark> [^\w\s] | _ )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_CLITIC_ENDING = re.compile(r"(?<=[^\W_])(?:n't|'(?:s|re|ve|ll|d|m))$", re.IGNORECASE)

_LONGEST_CLITIC = 3

_CLITIC = re.compile(r"(?:n't|'(?:s|re|ve|ll|d|m))", re.IGNORECASE)


def _english(text: str, cleaning: Cleaning) -> list[str]:
    text = unicodedata.normalize("NFC", text.translate(_APOSTROPHES_AND_HYPHENS))
    if cleaning.lower_case:
        # Lower case can come apart into letters and accents, which belong together again.
        text = unicodedata.normalize("NFC", text.lower())
    found: list[str] = []
    for match in _ENGLISH_TOKEN.finditer(text):
        if match["mark"] is None:
            found += _split_clitics(match[0])
        elif cleaning.keep_punctuation:
            found.append(match[0])
    return found


def _split_clitics(word: str) -> list[str]:
    """``shouldn't've`` as the treebank writes it: ``should``, ``n't``, ``'ve``."""
    if word.lower() == "cannot":
        return [word[:3], word[3:]]
    clitics: list[str] = []
    end = len(word)
    # Only the last letters are looked at each time, or a long word of many clitics would take hours.
    while ending := _CLITIC_ENDING.search(word, max(0, end - _LONGEST_CLITIC), end):
        clitics.append(ending[0])
        end = ending.start()
    return [word[:end], *reversed(clitics)]


def _glued_in_english(caption: str, word: str) -> bool:
    if _CLITIC.fullmatch(word):
        return caption[-1].isalnum()
    return word in {".", ",", ";", ":", "!", "?"}


_CHINESE_CHARACTER = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|\S")


def _chinese(text: str, cleaning: Cleaning) -> list[str]:
    # NFKC makes full-width letters and digits ordinary ones; lone surrogates are no text in any language.
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode("utf-8"))
    found = _cut_chinese(text) if cleaning.chinese == "words" else _CHINESE_CHARACTER.findall(text)
    if cleaning.keep_punctuation:
        return [word for word in found if not word.isspace()]
    return [word for word in found if any(letter.isalnum() for letter in word)]


def _cut_chinese(text: str) -> list[str]:
    try:
        import rjieba
    except ModuleNotFoundError:
        raise MissingExtra(
            "cutting Chinese into words needs rjieba, which is not installed: pip install 'showtell[zh]'"
        ) from None
    found: list[str] = rjieba.cut(text)
    return found


def _glued_in_chinese(caption: str, word: str) -> bool:
    """Chinese has no spaces, but two foreign words or numbers in a row need one to stay two."""
    return not (caption[-1].isascii() and word[:1].isascii())

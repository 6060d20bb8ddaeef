"""How captions become tokens before they are scored, by name.

==============  =====================================================================================
``ptb``         English as the COCO caption evaluation does it: Penn Treebank, lower case, no punctuation
``words``       Chinese words (jieba's segmentation; extra ``zh``), no punctuation
``characters``  Chinese characters; runs of Latin letters and digits stay whole; no punctuation
``none``        captions that are tokens already, with spaces between
==============  =====================================================================================
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from showtell.errors import ShowtellError
from showtell.text.cleaning import Cleaning, words
from showtell.text.ptb import tokenise as ptb
from showtell.text.ptb import tokenise_all as ptb_all

DEFAULTS = {"en": "ptb", "zh": "words"}


@dataclass(frozen=True, slots=True)
class Tokeniser:
    """Calling it turns a caption into its tokens with one space between."""

    name: str
    _tokenise: Callable[[str], str] = field(repr=False)

    @property
    def signature(self) -> str:
        """The name, and of ``words`` also what segments them: its words change with its version."""
        if self.name != "words":
            return self.name
        from importlib.metadata import version  # slow to import, and only Chinese needs it

        return f"words-rjieba-{version('rjieba')}"

    def __call__(self, caption: str) -> str:
        return self._tokenise(caption)

    def all(self, captions: Sequence[str]) -> list[str]:
        """Each caption's tokens; quicker than one by one."""
        return ptb_all(captions) if self._tokenise is ptb else list(map(self._tokenise, captions))


def tokeniser_named(name: str | None, language: str) -> Tokeniser:
    """The tokeniser of that name, or the language's default.

    Raises:
        ShowtellError: there is no such tokeniser or language. Calling ``words`` raises MissingExtra without rjieba.
    """
    if name is None:
        if language not in DEFAULTS:
            raise ShowtellError(
                f"no tokeniser is known for the language {language!r}, only for {' and '.join(DEFAULTS)}; "
                f"name a tokeniser, one of {_NAMES}"
            )
        name = DEFAULTS[language]
    if name not in TOKENISERS:
        raise ShowtellError(f"there is no tokeniser {name!r}; choose one of {_NAMES}")
    return Tokeniser(name, TOKENISERS[name])


def _chinese(unit: Literal["words", "characters"]) -> Callable[[str], str]:
    cleaning = Cleaning(chinese=unit)

    def tokenise(caption: str) -> str:
        return " ".join(words(caption, "zh", cleaning=cleaning)).lower()

    return tokenise


TOKENISERS: dict[str, Callable[[str], str]] = {
    "ptb": ptb,
    "words": _chinese("words"),
    "characters": _chinese("characters"),
    "none": str,
}
_NAMES = ", ".join(TOKENISERS)

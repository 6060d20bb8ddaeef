"""Captions as a file has them, and what is wrong with them in words."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from showtell.corpora.base import MODEL, PEOPLE
from showtell.text.cleaning import words
from showtell.text.printable import counted, shown


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption of a file: the picture's name, its place among that picture's captions, the text.

    The language is None where Showtell does not speak it.
    """

    picture: str
    index: int
    text: str
    language: str | None
    source: str

    @property
    def where(self) -> str:
        """The caption as a reader can look it up: ``NAME.jpg#0``."""
        return f"{shown(self.picture)}#{self.index}"


def flaws(captions: Iterable[Caption]) -> Iterator[str]:
    """A sentence for each kind of flaw that these captions have, with a count and an example."""
    kinds: dict[tuple[str, str], list[Caption]] = {}
    for caption in captions:
        if caption.language is not None:
            kinds.setdefault((caption.language, caption.source), []).append(caption)
    for (language, source), found in kinds.items():
        yield from _flaws_of_one_kind(language, source, found)


def _flaws_of_one_kind(language: str, source: str, captions: list[Caption]) -> Iterator[str]:
    name = "English" if language == "en" else "Chinese"
    kind = name if (language, source) == ("en", PEOPLE) else f"{name} ({source})"

    def flawed(test: Callable[[Caption], bool], one: str, many: str) -> Iterator[str]:
        found = [caption for caption in captions if test(caption)]
        if found:
            count = counted(len(found), f"{kind} caption {one}", f"{kind} captions {many}")
            yield f"{count}, for instance {shown(found[0].text)!r} ({found[0].where})"

    yield from flawed(_is_empty, "says nothing", "say nothing")
    captions = [caption for caption in captions if caption.text]  # of the others all has been said
    repeated = _pictures_with_repeats(captions)
    if repeated:
        count = counted(len(repeated), "picture has", "pictures have")
        yield f"{count} the same {kind} caption twice, for instance {shown(repeated[0])}"
    if language == "en" and source == PEOPLE:
        yield from flawed(
            lambda caption: not caption.text.endswith("."),
            "does not end in a full stop",
            "do not end in a full stop",
        )
    elif language == "zh" and source not in (PEOPLE, MODEL):
        yield from flawed(
            lambda caption: _LATIN_WORD.search(caption.text) is not None,
            "has untranslated English words",
            "have untranslated English words",
        )


_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def _is_empty(caption: Caption) -> bool:
    # Only short captions are looked at closely, for there are tens of thousands of others.
    if caption.language == "zh":
        return len(caption.text) < 8 and sum(map(str.isalnum, caption.text)) <= 2
    return caption.text.count(" ") < 3 and (
        len(words(caption.text, "en")) < 2 or caption.text.lower().strip(" .") == "broken image"
    )


def _pictures_with_repeats(captions: list[Caption]) -> list[str]:
    seen = Counter((caption.picture, caption.text) for caption in captions)
    return sorted({picture for (picture, _), count in seen.items() if count > 1})

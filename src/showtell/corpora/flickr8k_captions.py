"""The caption files of Flickr8k and Flickr8k-CN, line by line, and what is wrong with the captions."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from showtell.corpora.base import broken_line, counted, numbered_lines
from showtell.text.cleaning import words

_CHINESE_SOURCES = {"zhc": "people", "zhb": "baidu"}


@dataclass(frozen=True, slots=True)
class Caption:
    """One line of a caption file: the picture's name, its place among that picture's captions, the text."""

    picture: str
    index: int
    text: str
    language: str
    source: str

    @property
    def where(self) -> str:
        """The caption as a reader can look it up: ``NAME.jpg#0``."""
        return f"{self.picture}#{self.index}"


def read_token_file(path: Path) -> list[Caption]:
    """``Flickr8k.token.txt``: ``NAME.jpg#INDEX``, a tab, the caption."""
    captions: list[Caption] = []
    for number, line in numbered_lines(path):
        key, tab, text = line.partition("\t")
        picture, hash_sign, index = key.rpartition("#")
        if not (tab and hash_sign and picture and _is_index(index)):
            raise broken_line(path, number, f"is not 'NAME.jpg#INDEX<TAB>CAPTION': {line[:60]!r}")
        captions.append(Caption(picture, int(index), text.strip(), "en", "people"))
    return _in_order(captions)


def read_caption_table(path: Path) -> list[Caption]:
    """``captions.txt``: a line ``image,caption``, then ``NAME.jpg,CAPTION``, divided at the first comma.

    Some copies quote captions as CSV does, others leave quotes as they were; a CSV reader would take the
    second kind apart wrongly, so the lines are read by hand.
    """
    captions: list[Caption] = []
    seen: Counter[str] = Counter()
    for number, line in numbered_lines(path):
        picture, comma, text = line.partition(",")
        picture = picture.strip()
        if not comma or not picture:
            raise broken_line(path, number, f"is not 'NAME.jpg,CAPTION': {line[:60]!r}")
        if number == 1 and picture.lower() in {"image", "image_name"}:
            continue
        captions.append(Caption(picture, seen[picture], without_csv_quotes(text.strip()), "en", "people"))
        seen[picture] += 1
    return _in_order(captions)


def without_csv_quotes(text: str) -> str:
    """A cell without the quotes that CSV put around it; quotes that were not put there by CSV stay."""
    inner = text[1:-1]
    quoted = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else text


_CHINESE_LINE = re.compile(r"(?P<picture>\S+?)#(?P<tag>zh\w)#(?P<index>[0-9]{1,9})[ \t](?P<text>.*)")


def read_chinese_file(path: Path) -> list[Caption]:
    """``flickr8kzhc.caption.txt`` (people) or ``…zhb…`` (Baidu): ``NAME.jpg#zhc#INDEX CAPTION``."""
    captions: list[Caption] = []
    for number, line in numbered_lines(path):
        found = _CHINESE_LINE.fullmatch(line)
        source = _CHINESE_SOURCES.get(found["tag"]) if found else None
        if found is None or source is None:
            raise broken_line(path, number, f"is not 'NAME.jpg#zhc#INDEX CAPTION' (or zhb): {line[:60]!r}")
        captions.append(Caption(found["picture"], int(found["index"]), found["text"].strip(), "zh", source))
    return _in_order(captions)


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _in_order(captions: list[Caption]) -> list[Caption]:
    """Sorted by picture and index, so that references have one order whatever the file's."""
    captions.sort(key=lambda caption: (caption.picture, caption.index))
    return captions


def flaws(captions: Iterable[Caption]) -> Iterator[str]:
    """A sentence for each kind of flaw that these captions have, with a count and an example."""
    by_kind = groupby(captions, key=lambda caption: (caption.language, caption.source))
    for (language, source), group in by_kind:
        kind = "English" if language == "en" else f"Chinese ({source})"
        yield from _flaws_of_one_kind(kind, language, source, list(group))


def _flaws_of_one_kind(kind: str, language: str, source: str, captions: list[Caption]) -> Iterator[str]:
    def flawed(test: Callable[[Caption], bool], one: str, many: str) -> Iterator[str]:
        found = [caption for caption in captions if test(caption)]
        if found:
            count = counted(len(found), f"{kind} caption {one}", f"{kind} captions {many}")
            yield f"{count}, for instance {found[0].text!r} ({found[0].where})"

    yield from flawed(_says_nothing, "says nothing", "say nothing")
    captions = [caption for caption in captions if caption.text]  # of the others all has been said
    repeated = _pictures_with_repeats(captions)
    if repeated:
        count = counted(len(repeated), "picture has", "pictures have")
        yield f"{count} the same {kind} caption twice, for instance {repeated[0]}"
    if language == "en":
        yield from flawed(
            lambda caption: not caption.text.endswith("."),
            "does not end in a full stop",
            "do not end in a full stop",
        )
    elif source != "people":
        yield from flawed(
            lambda caption: _LATIN_WORD.search(caption.text) is not None,
            "has untranslated English words",
            "have untranslated English words",
        )


_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")


def _says_nothing(caption: Caption) -> bool:
    # Only short captions are looked at closely, for there are tens of thousands of others.
    if caption.language == "zh":
        return len(caption.text) < 8 and sum(map(str.isalnum, caption.text)) <= 2
    return caption.text.count(" ") < 3 and (
        len(words(caption.text, "en")) < 2 or caption.text.lower().strip(" .") == "broken image"
    )


def _pictures_with_repeats(captions: list[Caption]) -> list[str]:
    seen = Counter((caption.picture, caption.text) for caption in captions)
    return sorted({picture for (picture, _), count in seen.items() if count > 1})

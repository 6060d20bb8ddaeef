"""The caption files of Flickr8k and Flickr8k-CN, line by line."""

import re
from collections import Counter
from pathlib import Path

from showtell.corpora.base import PEOPLE, broken_line, numbered_lines
from showtell.corpora.csv_files import two_columns
from showtell.corpora.flaws import Caption
from showtell.corpora.listed import listed

_CHINESE_SOURCES = {"zhc": PEOPLE, "zhm": "translators", "zhb": "baidu", "zhg": "google"}


def read_token_file(path: Path) -> list[Caption]:
    """``Flickr8k.token.txt``: ``NAME.jpg#INDEX``, a tab, the caption."""
    captions: list[Caption] = []
    for number, line in numbered_lines(path):
        key, tab, text = line.partition("\t")
        picture, hash_sign, index = key.rpartition("#")
        if not (tab and hash_sign and picture and _is_index(index)):
            raise broken_line(path, number, f"is not 'NAME.jpg#INDEX<TAB>CAPTION': {line[:60]!r}")
        captions.append(Caption(picture, int(index), text.strip(), "en", PEOPLE))
    return _in_order(captions)


def read_caption_table(path: Path) -> list[Caption]:
    """``captions.txt``: a line ``image,caption``, then ``NAME.jpg,CAPTION``, divided at the first comma."""
    captions: list[Caption] = []
    seen: Counter[str] = Counter()
    for number, picture, text in two_columns(path, ","):
        if number == 1 and picture.lower() in {"image", "image_name"}:
            continue
        for one in listed(text) or [text]:
            captions.append(Caption(picture, seen[picture], one, "en", PEOPLE))
            seen[picture] += 1
    return _in_order(captions)


_CHINESE_LINE = re.compile(r"(?P<picture>.+?)#(?P<tag>zh\w)#(?P<index>[0-9]{1,9})[ \t](?P<text>.*)")


def read_chinese_file(path: Path) -> list[Caption]:
    """``flickr8kzhc.caption.txt``: ``NAME.jpg#zhc#INDEX CAPTION``.

    The third letter says who wrote them: ``c`` people, ``m`` people who translated, ``b`` Baidu, ``g`` Google.
    """
    captions: list[Caption] = []
    for number, line in numbered_lines(path):
        found = _CHINESE_LINE.fullmatch(line)
        source = _CHINESE_SOURCES.get(found["tag"]) if found else None
        if found is None or source is None:
            raise broken_line(
                path, number, f"is not 'NAME.jpg#zhc#INDEX CAPTION' (or zhm, zhb, zhg): {line[:60]!r}"
            )
        captions.append(Caption(found["picture"], int(found["index"]), found["text"].strip(), "zh", source))
    return _in_order(captions)


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _in_order(captions: list[Caption]) -> list[Caption]:
    """Sorted by picture and index, so that references have one order whatever the file's."""
    captions.sort(key=lambda caption: (caption.picture, caption.index))
    return captions

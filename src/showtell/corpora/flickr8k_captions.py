"""The caption files of Flickr8k and Flickr8k-CN, line by line."""

import re
from collections import Counter
from pathlib import Path

from showtell.corpora.base import PEOPLE, broken_line, numbered_lines
from showtell.corpora.flaws import Caption

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
        captions.append(Caption(picture, seen[picture], without_csv_quotes(text.strip()), "en", PEOPLE))
        seen[picture] += 1
    return _in_order(captions)


def without_csv_quotes(text: str) -> str:
    """A cell without the quotes that CSV put around it; quotes that were not put there by CSV stay."""
    inner = text[1:-1]
    quoted = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else text


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

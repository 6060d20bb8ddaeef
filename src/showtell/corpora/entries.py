"""What one row of a table or one object of a JSON file says of a picture, whatever its fields are called."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from showtell.corpora.base import LANGUAGES, broken_line, numbered_lines
from showtell.corpora.csv_files import header_of, named_columns, two_columns
from showtell.corpora.json_files import parse_json
from showtell.errors import BadCorpus
from showtell.images import EXTENSIONS
from showtell.text.printable import shown

PICTURE_KEYS = (
    "image_id",
    "image",
    "image_name",
    "image_path",
    "path",
    "filepath",
    "file_name",
    "filename",
    "picture",
    "id",
)
_CAPTION_KEY = re.compile(r"(?:caption|reference|sentence|text|comment)s?_?\d*")
_PREDICTION_KEY = re.compile(r"pred(?:ict(?:ion|ed))?(?:_caption)?|generated(?:_caption)?|hypothesis")
_CHINESE = re.compile("[\u3400-\u9fff]")
_WHOLE = re.compile(r"-?\d+\.0+")

Broken = Callable[[str], BadCorpus]


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns for the picture and its caption, where somebody has named them."""

    image: str | None = None
    caption: str | None = None

    def of(self, found: Mapping[str, Any], broken: Broken) -> Mapping[str, Any]:
        """A row with these columns called as all other code calls them.

        Raises:
            BadCorpus: it has no such column.
        """
        for key, asked, others in (
            ("image", self.image, PICTURE_KEYS),
            ("caption", self.caption, caption_keys(found)),
        ):
            if asked is None:
                continue
            there = next((name for name in found if name.lower() == asked.lower()), None)
            if there is None:
                raise broken(f"has no column {asked!r}; it has {shown(', '.join(found))}")
            value = found[there]
            found = {name: cell for name, cell in found.items() if name not in others} | {key: value}
        return found


NO_COLUMNS = Columns()


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture and its captions.

    Attributes:
        picture: its name or number as it is written.
        captions: none where an error stands in their place.
        language, source, split: as they are written, None where nothing is said of them.
    """

    picture: str
    captions: list[str]
    language: str | None = None
    source: str | None = None
    split: str | None = None

    def renamed(self, picture: str) -> "Entry":
        """The same of a picture by another name."""
        return replace(self, picture=picture)


def entry_of(found: object, broken: Broken) -> Entry:
    """The entry that an object or a row is; `broken` makes the error of what is wrong with it."""
    if not isinstance(found, dict):
        raise broken("is no object with a picture and a caption")
    key = next((key for key in PICTURE_KEYS if key in found), None)
    if key is None or isinstance(found[key], bool) or not isinstance(found[key], str | int | float):
        raise broken(f"names no picture (one of {', '.join(PICTURE_KEYS)})")
    captions: list[str] = []
    keys = caption_keys(found)
    for name in keys:
        value = found[name]
        captions += value if isinstance(value, list) else [value]
    if not keys and "error" not in found:
        raise broken("has no caption")
    if not all(isinstance(caption, str) for caption in captions):
        raise broken("has a caption that is no text")
    language, source, split = (_word(found, name, broken) for name in ("language", "source", "split"))
    return Entry(name_of(found[key]), captions, language, source, split)


def _word(found: Mapping[str, object], key: str, broken: Broken) -> str | None:
    value = found.get(key)
    if value is not None and not isinstance(value, str):
        raise broken(f"has a {key} that is no text")
    return value.strip() or None if value is not None else None


def caption_keys(found: Mapping[str, object]) -> list[str]:
    """The fields that hold captions: ``caption``, ``caption_0``, ``sentences`` and their like, in order.

    Where there are none, those that hold a model's: ``prediction`` and its like.
    """
    for names in (_CAPTION_KEY, _PREDICTION_KEY):
        if keys := [key for key in found if names.fullmatch(key.lower())]:
            return keys
    return []


def has_names(cells: Iterable[str]) -> bool:
    """Whether cells in lower case are a header that names a picture and a caption."""
    cells = list(cells)
    return any(cell in PICTURE_KEYS for cell in cells) and bool(caption_keys(dict.fromkeys(cells)))


def name_of(value: str | int | float) -> str:
    """A picture's name or number as text; 7.0 is 7."""
    text = str(value).strip()
    return text.partition(".")[0] if _WHOLE.fullmatch(text) else text


def is_picture_name(text: str) -> bool:
    """Whether a text ends as the names of picture files do."""
    return os.path.splitext(text)[1].lower() in EXTENSIONS


def language_of(text: str, named: str | None) -> str | None:
    """A caption's language: as it is said, or Chinese where there are Chinese characters and English elsewhere.

    Returns:
        ``en`` or ``zh``, or None for a language that Showtell does not speak.
    """
    if named is None:
        return "zh" if _CHINESE.search(text) else "en"
    code = {"chinese": "zh", "english": "en"}.get(named.lower(), named[:2].lower())
    return code if code in LANGUAGES else None


def table_entries(
    path: Path, separator: str, columns: Columns = NO_COLUMNS, *, header: bool = False
) -> Iterator[tuple[int, Entry]]:
    """The rows of a CSV or TSV file with their line numbers, with a header or as ``PICTURE,CAPTION``.

    Args:
        columns: what the header calls the picture and the caption, if by no usual name.
        header: whether a file of other rows than ``NAME.jpg,CAPTION`` must have one.

    Raises:
        BadCorpus: a broken row.
    """
    number, line = next(iter(numbered_lines(path)), (1, ""))
    cells = header_of(line, separator)
    named = columns != NO_COLUMNS
    has_header = has_names(cells)
    if named or (has_header and (len(cells) > 2 or cells[0] not in PICTURE_KEYS)):
        for place, row in named_columns(path, separator):
            broken = partial(broken_line, path, place)
            found = {key: cell for key, cell in columns.of(row, broken).items() if cell.strip()}
            if not caption_keys(found):
                found.setdefault("error", "no caption")
            yield place, entry_of(found, broken)
        return
    if header and not has_header and not is_picture_name(cells[0]):
        what = "names no columns for the picture and its caption; see showtell data --help for their names"
        raise broken_line(path, number, what)
    rows = two_columns(path, separator)
    if has_header:
        next(rows)
    for place, name, text in rows:
        if not has_header and is_picture_name(text) and not is_picture_name(name):
            raise broken_line(
                path,
                place,
                "has the picture behind the caption; name the columns in a first line: caption, image",
            )
        # The program's own lines for people have "error: …" where a picture could not be read.
        yield place, Entry(name_of(name), [] if text.startswith("error: ") else [text])


def json_line_entries(path: Path, columns: Columns = NO_COLUMNS) -> Iterator[tuple[int, Entry]]:
    """The lines of a JSONL file with their numbers.

    Raises:
        BadCorpus: a broken line.
    """
    for number, line in numbered_lines(path):
        broken = partial(broken_line, path, number)
        try:
            found = parse_json(line)
        except ValueError as error:
            raise broken(f"is not JSON ({error})") from None
        yield number, entry_of(columns.of(found, broken) if isinstance(found, dict) else found, broken)

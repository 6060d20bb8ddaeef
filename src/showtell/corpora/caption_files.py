"""Captions in a file, whoever wrote it: candidates to be scored, references to score them against.

============  ====================================================================================
``coco``      results ``[{"image_id": 1, "caption": "…"}]`` or annotations ``{"annotations": […]}``
``json``      ``{"ID": "caption"}`` or ``{"ID": ["caption", …]}``
``jsonl``     an object a line, with the picture and its caption or captions
``csv``       a header, or ``ID,CAPTION`` divided at the first comma
``tsv``       a header, or ``ID<TAB>CAPTION``
``flickr8k``  ``NAME.jpg#0<TAB>CAPTION``, and Flickr8k-CN's ``NAME.jpg#zhc#0 CAPTION``
============  ====================================================================================

Ids are strings; a picture's file name counts without its folder and its extension, so that files that name
pictures differently match.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from showtell.corpora.base import broken_line, counted, numbered_lines
from showtell.corpora.flickr8k_captions import read_chinese_file, read_token_file, without_csv_quotes
from showtell.errors import BadCorpus

FORMATS = ("coco", "json", "jsonl", "csv", "tsv", "flickr8k")

_PICTURE_KEYS = ("image_id", "image", "path", "file_name", "filename", "picture", "id")
_CAPTION_KEY = re.compile(r"(?:caption|reference|sentence|text|comment)s?_?\d*")
_PICTURE_FILE = re.compile(r"\.(?:jpe?g|png|gif|bmp|webp|tiff?)$", re.IGNORECASE)

Rows = Iterator[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class CaptionFile:
    """What a file holds.

    captions: by the picture's id, in the order of the file.
    format: one of FORMATS, as given or as detected.
    warnings: plain sentences.
    """

    path: Path
    captions: dict[str, list[str]]
    format: str
    warnings: tuple[str, ...]

    @property
    def all(self) -> list[str]:
        """Every caption, whichever picture it is of."""
        return [caption for found in self.captions.values() for caption in found]


def read_captions(path: str | Path, format: str | None = None) -> CaptionFile:  # noqa: A002
    """Read a file of captions in any of FORMATS, detected unless given.

    Raises:
        BadCorpus: the file cannot be read, is in none of the formats, or is broken (file and line are named).
        ValueError: an unknown format.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise ValueError(f"there is no caption format {format!r}; choose one of {', '.join(FORMATS)}")
    chosen = format or _detect(path)
    captions: dict[str, list[str]] = {}
    silent = 0
    for name, found in _READERS[chosen](path):
        if found:
            captions.setdefault(name, []).extend(found)
        else:
            silent += 1
    warnings = []
    if silent:
        pictures = counted(silent, "picture of it has", "pictures of it have")
        warnings.append(f"{path}: {pictures} an error or nothing where a caption was meant")
    if not captions:
        raise BadCorpus(f"{path} holds no captions (it was read as {chosen}); give another file or format")
    return CaptionFile(path, captions, chosen, tuple(warnings))


def one_each(file: CaptionFile) -> tuple[dict[str, str], list[str]]:
    """One caption a picture, as candidates must be, and warnings.

    The same caption twice is a warning; BadCorpus where a picture has different ones.
    """
    repeated = [name for name, found in file.captions.items() if len(found) > 1]
    different = [name for name in repeated if len(set(file.captions[name])) > 1]
    if different and all(len(caption) < 2 for name in different for caption in file.captions[name]):
        raise BadCorpus(
            f"{file.path}: captions are lists of single characters ({_some(different)}); give each as one string"
        )
    if different:
        pictures = counted(len(different), "picture", "pictures")
        raise BadCorpus(
            f"{file.path}: {pictures} with several captions ({_some(different)}); a candidate is one caption "
            "a picture, keep the best"
        )
    warnings = list(file.warnings)
    if repeated:
        ids = counted(len(repeated), "id stands", "ids stand")
        warnings.append(f"{file.path}: {ids} there more than once, with the same caption ({_some(repeated)})")
    return {name: found[0] for name, found in file.captions.items()}, warnings


def _detect(path: Path) -> str:
    """The format, from the first line that is not blank."""
    line = next((line for _, line in numbered_lines(path)), "").strip()
    if line.startswith(("[", "{")):
        return _detect_json(path, line)
    if re.match(r"[^\t]+#\d+\t", line) or re.match(r"\S+?#zh\w#\d+[ \t]", line):
        return "flickr8k"
    if "\t" in line:
        return "tsv"
    if "," in line:
        return "csv"
    if not line:
        raise BadCorpus(f"{path} is empty; give a file of captions")
    raise BadCorpus(
        f"{path} is in no format that Showtell knows ({', '.join(FORMATS)}); its first line is {line[:60]!r}"
    )


def _detect_json(path: Path, line: str) -> str:
    if line.startswith("["):
        return "coco"
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    try:
        first = json.loads(line)
    except ValueError:
        first = None
    if isinstance(first, dict) and _caption_keys(first) and any(key in first for key in _PICTURE_KEYS):
        return "jsonl"
    content = _json(path) if first is None else first
    return "coco" if isinstance(content, dict) and "annotations" in content else "json"


def _coco(path: Path) -> Rows:
    content = _json(path)
    entries = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise BadCorpus(f"{path} is no COCO file: it needs a list of captions, or one called 'annotations'")
    for number, entry in enumerate(entries, 1):
        yield _row(entry, partial(_broken_entry, path, number))


class _Object(dict[str, Any]):
    """A JSON object that remembers all it was written with: of a key that comes twice, a dict keeps the last."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _by_id(path: Path) -> Rows:
    content = _json(path, _Object)
    if not isinstance(content, _Object):
        raise BadCorpus(f'{path} is not {{"ID": "caption"}}: it holds no object')
    for name, value in content.pairs:
        captions = [value] if isinstance(value, str) else value
        if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
            raise BadCorpus(f"{path}: the captions of {name!r} are neither a string nor a list of strings")
        yield _id(name), captions


def _json_lines(path: Path) -> Rows:
    for number, line in numbered_lines(path):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise broken_line(path, number, f"is not JSON ({error})") from None
        yield _row(entry, partial(broken_line, path, number))


def _comma_separated(path: Path) -> Rows:
    return _table(path, ",")


def _tab_separated(path: Path) -> Rows:
    return _table(path, "\t")


def _flickr8k(path: Path) -> Rows:
    first = next((line for _, line in numbered_lines(path)), "")
    read = read_chinese_file if re.match(r"\S+?#zh\w#", first) else read_token_file
    for caption in read(path):
        yield _id(caption.picture), [caption.text]


_READERS: Mapping[str, Callable[[Path], Rows]] = {
    "coco": _coco,
    "json": _by_id,
    "jsonl": _json_lines,
    "csv": _comma_separated,
    "tsv": _tab_separated,
    "flickr8k": _flickr8k,
}


def _json(path: Path, of_objects: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    text = "\n".join(_every_line(path))
    try:
        return json.loads(text, object_pairs_hook=of_objects)
    except json.JSONDecodeError as error:
        raise broken_line(path, error.lineno, f"is not JSON ({error.msg}, column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise BadCorpus(f"{path} is not JSON that can be read ({error})") from None


def _every_line(path: Path) -> Iterator[str]:
    """Blank lines too, so that numbers of lines stay right."""
    next_number = 1
    for number, line in numbered_lines(path):
        yield from [""] * (number - next_number)
        yield line
        next_number = number + 1


def _broken_entry(path: Path, number: int, what: str) -> BadCorpus:
    return BadCorpus(f"{path}, entry {number}: the entry {what}")


def _row(entry: object, broken: Callable[[str], BadCorpus]) -> tuple[str, list[str]]:
    """A picture and its captions from an object, whatever its fields are called."""
    if not isinstance(entry, dict):
        raise broken("is no object with a picture and a caption")
    key = next((key for key in _PICTURE_KEYS if key in entry), None)
    if key is None or not isinstance(entry[key], str | int):
        raise broken(f"names no picture (one of {', '.join(_PICTURE_KEYS)})")
    captions: list[str] = []
    keys = _caption_keys(entry)
    for name in keys:
        value = entry[name]
        captions += value if isinstance(value, list) else [value]
    if not keys and "error" not in entry:
        raise broken("has no caption")
    if not all(isinstance(caption, str) for caption in captions):
        raise broken("has a caption that is no text")
    return _id(entry[key]), captions


def _caption_keys(entry: Mapping[str, object]) -> list[str]:
    return [key for key in entry if _CAPTION_KEY.fullmatch(key.lower())]


def _table(path: Path, separator: str) -> Rows:
    lines = list(numbered_lines(path))
    header = [cell.strip().strip('"').lower() for cell in lines[0][1].split(separator)] if lines else []
    has_header = any(cell in _PICTURE_KEYS for cell in header) and bool(_caption_keys(dict.fromkeys(header)))
    if has_header and len(header) > 2:
        yield from _wide_table(path, lines, separator)
        return
    for number, line in lines[1 if has_header else 0 :]:
        name, found, text = line.partition(separator)
        if not found or not name.strip():
            raise broken_line(
                path, number, f"is not an id, a {_NAMES[separator]} and a caption: {line[:60]!r}"
            )
        yield _id(name.strip().strip('"')), [without_csv_quotes(text.strip())]


_NAMES = {",": "comma", "\t": "tab"}


def _wide_table(path: Path, lines: Sequence[tuple[int, str]], separator: str) -> Rows:
    """Several columns, which only a CSV reader takes apart rightly."""
    reader = csv.reader((line + "\n" for _, line in lines), delimiter=separator, strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader)]
        for cells in reader:
            number = lines[reader.line_num - 1][0]
            if len(cells) != len(header):
                raise broken_line(path, number, f"has {len(cells)} cells where the header has {len(header)}")
            entry = {key: cell for key, cell in zip(header, cells, strict=True) if cell.strip()}
            if not _caption_keys(entry):
                entry.setdefault("error", "no caption")
            yield _row(entry, partial(broken_line, path, number))
    except csv.Error as error:
        raise broken_line(path, lines[max(reader.line_num, 1) - 1][0], f"is not CSV ({error})") from None


def _id(name: str | int) -> str:
    text = str(name)
    if _PICTURE_FILE.search(text):
        return PurePosixPath(text.replace("\\", "/")).stem
    return text


def _some(names: Iterable[str], limit: int = 5) -> str:
    found = list(names)
    return ", ".join(found[:limit]) + (", …" if len(found) > limit else "")

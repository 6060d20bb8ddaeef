"""Captions in a file, whoever wrote it: candidates to be scored, references to score them against.

============  ====================================================================================
``coco``      results ``[{"image_id": 1, "caption": "…"}]`` or annotations ``{"annotations": […]}``
``karpathy``  ``{"images": [{"filename": "…", "sentences": [{"raw": "…"}]}]}``
``json``      ``{"ID": "caption"}`` or ``{"ID": ["caption", …]}``
``jsonl``     an object a line, with the picture and its caption or captions
``csv``       a header, or ``ID,CAPTION`` divided at the first comma
``tsv``       a header, or ``ID<TAB>CAPTION``
``flickr8k``  ``NAME.jpg#0<TAB>CAPTION``, and Flickr8k-CN's ``NAME.jpg#zhc#0 CAPTION``
============  ====================================================================================

Ids are strings; a picture's file name counts without its folder and its extension, and 7.0 is 7, so that files
that name pictures differently match.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from showtell.corpora.base import MODEL, numbered_lines
from showtell.corpora.entries import (
    PICTURE_KEYS,
    Entry,
    caption_keys,
    entry_of,
    is_picture_name,
    json_line_entries,
    language_of,
    name_of,
    table_entries,
)
from showtell.corpora.flickr8k_captions import read_chinese_file, read_token_file
from showtell.corpora.json_files import parse_json, read_json
from showtell.corpora.listed import listed
from showtell.errors import BadCorpus
from showtell.text.printable import counted, some

FORMATS = ("coco", "karpathy", "json", "jsonl", "csv", "tsv", "flickr8k")


Rows = Iterable[Entry]


@dataclass(frozen=True, slots=True)
class CaptionFile:
    """What a file holds.

    Attributes:
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
    chosen, rows = _rows(path, format)
    return _gathered(path, chosen, rows, [])


def read_references(
    path: str | Path,
    format: str | None = None,  # noqa: A002
    *,
    language: str | None,
) -> CaptionFile:
    """As `read_captions`, but only what captions in a language may be scored against.

    Where a file says who wrote a caption and in which language, a model's captions and those in other languages
    are left out, with a warning. Without a language, it is the one that most captions are said to be in.
    """
    path = Path(path)
    chosen, rows = _rows(path, format)
    kept: list[Entry] = []
    models = others = 0
    if language is None:
        languages = Counter(row.language for row in rows if row.language is not None and row.source != MODEL)
        language = language_of("", languages.most_common(1)[0][0]) if languages else None
    for row in rows:
        if row.source == MODEL:
            models += len(row.captions)
        elif row.language is not None and language_of("", row.language) != language:
            others += len(row.captions)
        else:
            kept.append(row)
    warnings = []
    if models:
        number = counted(
            models, "caption was written by a model and is", "captions were written by a model and are"
        )
        warnings.append(f"{path}: {number} left out, for nothing is scored against such captions")
    if others:
        number = counted(others, "caption is", "captions are")
        warnings.append(f"{path}: {number} in another language than {language!r} and left out")
    return _gathered(path, chosen, kept, warnings)


def _rows(path: Path, format: str | None) -> tuple[str, list[Entry]]:  # noqa: A002
    """The format, as given or as detected, and what the file holds."""
    if format is not None and format not in FORMATS:
        raise ValueError(f"there is no caption format {format!r}; choose one of {', '.join(FORMATS)}")
    content = None
    if format is None:
        format, content = _detect(path)  # noqa: A001
    if format in _JSON_READERS:
        return format, list(
            _JSON_READERS[format](path, read_json(path, _Object) if content is None else content)
        )
    return format, list(_READERS[format](path))


def _gathered(path: Path, format: str, rows: Rows, warnings: list[str]) -> CaptionFile:  # noqa: A002
    captions: dict[str, list[str]] = {}
    silent = lists = 0
    for row in rows:
        texts = captions.setdefault(_id(row.picture), []) if row.captions else []
        silent += not row.captions
        for caption in row.captions:
            several = listed(caption)
            lists += several is not None
            texts += [caption] if several is None else several
    if silent:
        pictures = counted(silent, "picture of it has", "pictures of it have")
        warnings.append(f"{path}: {pictures} an error or nothing where a caption was meant")
    if lists:
        cells = counted(lists, "caption is the text of a list", "captions are the text of a list")
        warnings.append(f"{path}: {cells} and read as the captions in it")
    if not captions:
        raise BadCorpus(f"{path} holds no captions (it was read as {format}); give another file or format")
    return CaptionFile(path, captions, format, tuple(warnings))


def in_ids_of(references: CaptionFile, captions: Mapping[str, str]) -> dict[str, str]:
    """Captions by the ids of the references, also where they are by other names that the file has for its pictures.

    COCO's form has the files' names beside the ids, Karpathy's COCO's ids beside the files' names.

    Raises:
        BadCorpus: a picture has captions by its id and by its file's name.
    """
    known = references.captions
    if references.format not in ("coco", "karpathy") or captions.keys() <= known.keys():
        return dict(captions)
    # Of the numbers that Karpathy's file has, those fit that fit most captions.
    ids = max(_other_names(references), key=lambda names: len(names.keys() & captions.keys()))
    found: dict[str, str] = {}
    for name, caption in captions.items():
        one = name if name in known else ids.get(name, name)
        if found.setdefault(one, caption) != caption:
            raise BadCorpus(f"the picture {one!r} has captions as {one!r} and as {name!r}; keep one of them")
    return found


def one_each(file: CaptionFile) -> tuple[dict[str, str], list[str]]:
    """One caption a picture, as candidates must be, and warnings.

    The same caption twice is a warning.

    Raises:
        BadCorpus: a picture has different ones.
    """
    repeated = [name for name, found in file.captions.items() if len(found) > 1]
    different = [name for name in repeated if len(set(file.captions[name])) > 1]
    if different and all(len(caption) < 2 for name in different for caption in file.captions[name]):
        raise BadCorpus(
            f"{file.path}: captions are lists of single characters ({some(different)}); give each as one string"
        )
    if different:
        pictures = counted(len(different), "picture", "pictures")
        raise BadCorpus(
            f"{file.path}: {pictures} with several captions ({some(different)}); a candidate is one caption "
            "a picture, keep the best"
        )
    warnings = list(file.warnings)
    if repeated:
        ids = counted(len(repeated), "id stands", "ids stand")
        warnings.append(f"{file.path}: {ids} there more than once, with the same caption ({some(repeated)})")
    return {name: found[0] for name, found in file.captions.items()}, warnings


def _detect(path: Path) -> tuple[str, Any]:
    """The format, from the first line that is not blank, and the file's JSON where it had to be read."""
    line = next((line for _, line in numbered_lines(path)), "").strip()
    if line.startswith(("[", "{")):
        return _detect_json(path, line)
    if re.match(r"[^\t]+#\d+\t", line) or re.match(r"[^\t]+?#zh\w#\d+[ \t]", line):
        return "flickr8k", None
    if "\t" in line:
        return "tsv", None
    if "," in line:
        return "csv", None
    if not line:
        raise BadCorpus(f"{path} is empty; give a file of captions")
    raise BadCorpus(
        f"{path} is in no format that Showtell knows ({', '.join(FORMATS)}); its first line is {line[:60]!r}"
    )


def _detect_json(path: Path, line: str) -> tuple[str, Any]:
    if line.startswith("["):
        return "coco", None
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl", None
    try:
        first = parse_json(line, _Object)
    except ValueError:
        first = None
    if isinstance(first, dict) and caption_keys(first) and any(key in first for key in PICTURE_KEYS):
        return "jsonl", None
    # A first line that is whole JSON is the whole file, or what follows it is refused when it is read.
    content = (
        first if first is not None and len(line) + 4 >= path.stat().st_size else read_json(path, _Object)
    )
    if isinstance(content, dict) and "annotations" in content:
        return "coco", content
    return "karpathy" if isinstance(content, dict) and _karpathy_images(content) else "json", content


def _coco(path: Path, content: Any) -> Rows:
    entries = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise BadCorpus(f"{path} is no COCO file: it needs a list of captions, or one called 'annotations'")
    for number, entry in enumerate(entries, 1):
        yield entry_of(entry, partial(_broken_entry, path, number))


def _other_names(references: CaptionFile) -> list[dict[str, str]]:
    """Each kind of other names that a file has for its pictures, with the ids that they stand for."""
    content = read_json(references.path)
    images = content.get("images") if isinstance(content, dict) else None
    entries = [image for image in (images if isinstance(images, list) else []) if isinstance(image, dict)]
    name, others = ("id", ["file_name"]) if references.format == "coco" else ("filename", ["cocoid", "imgid"])
    return [
        {
            _id(entry[other]): _id(entry[name])
            for entry in entries
            if isinstance(entry.get(other), str | int | float)
            and isinstance(entry.get(name), str | int | float)
        }
        for other in others
    ]


def _karpathy_images(content: Mapping[str, object]) -> list[Any] | None:
    images = content.get("images")
    if isinstance(images, list) and images and isinstance(images[0], dict) and "sentences" in images[0]:
        return images
    return None


def _karpathy(path: Path, content: Any) -> Rows:
    images = _karpathy_images(content) if isinstance(content, dict) else None
    if images is None:
        raise BadCorpus(f"{path} is not Karpathy's: it has no list 'images' with 'sentences'")
    for number, image in enumerate(images, 1):
        broken = partial(_broken_entry, path, number)
        sentences = image.get("sentences") if isinstance(image, dict) else None
        if not isinstance(sentences, list) or not all(isinstance(one, dict) for one in sentences):
            raise broken("has no list of 'sentences'")
        captions = [sentence.get("raw") for sentence in sentences]
        yield entry_of({"id": image.get("filename"), "captions": captions}, broken)


class _Object(dict[str, Any]):
    """A JSON object that remembers all it was written with: of a key that comes twice, a dict keeps the last."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _by_id(path: Path, content: Any) -> Rows:
    if not isinstance(content, _Object):
        raise BadCorpus(f'{path} is not {{"ID": "caption"}}: it holds no object')
    for name, value in content.pairs:
        captions = [value] if isinstance(value, str) else value
        if not isinstance(captions, list) or not all(isinstance(caption, str) for caption in captions):
            raise BadCorpus(f"{path}: the captions of {name!r} are neither a string nor a list of strings")
        yield Entry(name, captions)


def _json_lines(path: Path) -> Rows:
    return (entry for _, entry in json_line_entries(path))


def _table(separator: str, path: Path) -> Rows:
    return (entry for _, entry in table_entries(path, separator))


def _flickr8k(path: Path) -> Rows:
    first = next((line for _, line in numbered_lines(path)), "")
    read = read_chinese_file if re.match(r"[^\t]+?#zh\w#", first) else read_token_file
    for caption in read(path):
        yield Entry(caption.picture, [caption.text])


_JSON_READERS: Mapping[str, Callable[[Path, Any], Rows]] = {
    "coco": _coco,
    "karpathy": _karpathy,
    "json": _by_id,
}
_READERS: Mapping[str, Callable[[Path], Rows]] = {
    "jsonl": _json_lines,
    "csv": partial(_table, ","),
    "tsv": partial(_table, "\t"),
    "flickr8k": _flickr8k,
}


def _broken_entry(path: Path, number: int, what: str) -> BadCorpus:
    return BadCorpus(f"{path}, entry {number}: the entry {what}")


def _id(name: str | int | float) -> str:
    text = name_of(name)
    if is_picture_name(text):
        return PurePosixPath(text.replace("\\", "/")).stem
    return text

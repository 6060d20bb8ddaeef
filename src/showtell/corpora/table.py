"""Tables of captions: CSV, TSV or JSONL, with columns for the picture and its captions, and pictures beside them.

=============  ==========================================================================================
column         names it may have
=============  ==========================================================================================
the picture    ``image``, ``path``, ``file_name``, ``filename``, ``image_id``, ``id`` and their like
its captions   ``caption``, ``text``, ``sentence``, ``reference``, ``comment``, also several: ``caption_0`` …
others         ``language`` (``en``, ``zh``), ``source`` (``people``, ``model``, a translator), ``split``
=============  ==========================================================================================

Other names are given in the spec: ``table:FILE?image=photo&caption=description``.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from showtell.corpora.assembly import Captions, assemble
from showtell.corpora.base import Corpus, numbered_lines
from showtell.corpora.csv_files import NAMES, header_of
from showtell.corpora.entries import Columns, Entry, has_names, json_line_entries, table_entries
from showtell.corpora.pictures import PictureIndex, walk
from showtell.corpora.splitting import split_in, split_named
from showtell.errors import BadCorpus
from showtell.text.printable import shown

_JSON_LINES = (".jsonl", ".ndjson")


def open_table(place: str) -> Corpus:
    """Open ``FILE`` or ``FILE?image=COLUMN&caption=COLUMN``; see :func:`showtell.corpora.open_corpus`."""
    path, columns = _file_and_columns(place)
    captions = Captions()
    splits: dict[str, str] = {}
    of_file = split_in([path.stem])
    for number, entry in _entries(path, columns):
        captions.add(entry)
        split = of_file if entry.split is None else split_named(entry.split)
        if split is not None and splits.setdefault(entry.picture, split) != split:
            raise BadCorpus(
                f"{path}, line {number}: the line puts {shown(entry.picture)} into {split}, but it is in "
                f"{splits[entry.picture]}"
            )
    return assemble(path.stem, captions.captions, _pictures(path.parent, captions.pictures), splits)


def _file_and_columns(place: str) -> tuple[Path, Columns]:
    file, _, asked = (place, "", "") if os.path.isfile(os.path.expanduser(place)) else place.partition("?")
    path = Path(os.path.expanduser(file))
    if not os.path.isfile(path):
        raise BadCorpus(f"there is no file {path}; give a CSV, TSV or JSONL file, as in table:FILE.csv")
    columns = dict(parse_qsl(asked))
    if columns.keys() - {"image", "caption"} or (asked and not columns):
        raise BadCorpus(f"{asked!r} names no columns; write table:FILE?image=COLUMN&caption=COLUMN")
    return path, Columns(columns.get("image"), columns.get("caption"))


def _entries(path: Path, columns: Columns) -> Iterator[tuple[int, Entry]]:
    line = next((line for _, line in numbered_lines(path)), "").strip()
    if not line:
        raise BadCorpus(f"{path} is empty; give a table of pictures and captions")
    if path.suffix.lower() in _JSON_LINES or line.startswith("{"):
        return json_line_entries(path, columns)
    return table_entries(path, _separator(path, line, columns), columns, header=True)


def _separator(path: Path, line: str, columns: Columns) -> str:
    """What stands between the cells: what the header shows, else what the file's ending says."""
    asked = {name.lower() for name in (columns.image, columns.caption) if name is not None}
    for separator in NAMES:
        header = header_of(line, separator)
        if has_names(header) or (asked and asked <= set(header)):
            return separator
    return "\t" if "\t" in line or path.suffix.lower() in (".tsv", ".tab") else ","


def _pictures(folder: Path, names: Iterable[str]) -> PictureIndex:
    """The pictures that are named; those that do not lie where they are named are looked for in the folder."""
    direct = {name: folder / name for name in names if os.path.isfile(folder / name)}
    if all(name in direct for name in names):
        return PictureIndex(folder, direct)
    return PictureIndex(folder, {path.relative_to(folder).as_posix(): path for path in walk(folder)} | direct)

"""WebDataset shards: tar archives in which files of one name are one example.

``0001.jpg`` beside ``0001.txt`` (captions, one a line) or ``0001.json`` (``caption`` and its like, ``language``,
``source``), as ``img2dataset`` and others write them. Shards that are called after a split, such as
``train-0001.tar`` or ``val/0001.tar``, belong to it. Nothing is unpacked: a picture's path is the shard's and its
name there, and is read from the shard when it is wanted.
"""

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path, PurePosixPath

from showtell.corpora.assembly import Captions, assemble
from showtell.corpora.base import Corpus, decoded
from showtell.corpora.entries import Entry, entry_of
from showtell.corpora.json_files import parse_json
from showtell.corpora.pictures import PictureIndex, is_picture, walk
from showtell.corpora.splitting import split_in
from showtell.errors import BadCorpus, BadImage
from showtell.images.archives import ENDING, contents_of, members

_LARGEST_TEXT = 16_000_000
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")


def open_webdataset(place: str) -> Corpus:
    """Open a folder of shards, one shard, or ``NAME-{000..012}.tar``; see :func:`showtell.corpora.open_corpus`."""
    root, shards = _shards(place)
    captions = Captions()
    pictures: dict[str, Path] = {}
    splits: dict[str, str] = {}
    for shard in shards:
        name = shard.relative_to(root).as_posix()
        split = split_in(PurePosixPath(name).parts)
        for entry in _entries(shard):
            picture = f"{name}/{entry.picture}"
            pictures[picture] = shard / entry.picture
            if split is not None:
                splits[picture] = split
            captions.add(entry.renamed(picture))
    if not pictures:
        raise BadCorpus(f"the shards in {root} hold no pictures")
    return assemble(
        root.resolve().name or "webdataset", captions.captions, PictureIndex(root, pictures), splits
    )


def _shards(place: str) -> tuple[Path, list[Path]]:
    """The folder that names start from, and the shards in order."""
    path = Path(os.path.expanduser(place))
    if os.path.isdir(path):
        shards = list(walk(path, wanted=lambda name: name.lower().endswith(ENDING)))
        if not shards:
            raise BadCorpus(f"the folder {path} holds no shards (*{ENDING}); give the one that does")
        return path, shards
    named = list(_expanded(str(path)))
    for one in named:
        if not os.path.isfile(one):
            raise BadCorpus(f"there is no shard {one}; give a folder, a .tar file or NAME-{{000..012}}.tar")
    return path.parent, [Path(one) for one in named]


def _expanded(pattern: str) -> Iterator[str]:
    """``{000..012}`` as the shell's ranges are: 000, 001 and so on."""
    parts = _BRACES.split(pattern)
    ranges = []
    for first, last in zip(parts[1::3], parts[2::3], strict=True):
        if int(last) - int(first) > 1_000_000:
            raise BadCorpus(f"{{{first}..{last}}} are more shards than can be opened")
        ranges.append([str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)])
    for chosen in product(*ranges):
        yield "".join(text for pair in zip(parts[::3], (*chosen, ""), strict=True) for text in pair)


def _entries(shard: Path) -> Iterator[Entry]:
    """The examples of a shard that have a picture, in order."""
    try:
        groups: dict[str, dict[str, str]] = {}
        for name in members(shard):
            folder, base = os.path.split(name)
            key, _, ending = base.partition(".")
            groups.setdefault(f"{folder}/{key}", {})[ending.lower()] = name
        for files in groups.values():
            picture = _picture(files)
            if picture is not None:
                yield _entry(shard, picture, files)
    except BadImage as error:
        raise BadCorpus(str(error)) from None


def _picture(files: dict[str, str]) -> str | None:
    """The picture among the files of one example: ``0001.jpg`` before ``0001.small.jpg``."""
    found = [ending for ending, name in files.items() if is_picture(os.path.basename(name))]
    return files[min(found, key=lambda ending: (ending.count("."), ending))] if found else None


def _entry(shard: Path, picture: str, files: dict[str, str]) -> Entry:
    entry = Entry(picture, [])
    if "json" in files:
        entry = _described(shard / files["json"], picture)
    text = next((files[ending] for ending in ("txt", "caption") if ending in files), None)
    if text is not None:
        lines = [line.strip() for line in _text(shard / text).splitlines()]
        return Entry(picture, [line for line in lines if line], entry.language, entry.source)
    return entry


def _described(path: Path, picture: str) -> Entry:
    def broken(what: str) -> BadCorpus:
        return BadCorpus(f"{path}: the object {what}")

    try:
        found = parse_json(_text(path))
    except ValueError as error:
        raise BadCorpus(f"{path} is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise broken("is none")
    # Whatever else stands there, such as what failed while the picture was fetched, says nothing of it.
    return entry_of({"error": None} | found | {"image_id": picture}, broken)


def _text(path: Path) -> str:
    return decoded(contents_of(path, limit=_LARGEST_TEXT) or b"", path)

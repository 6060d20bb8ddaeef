"""COCO captions: the files of its own release, Karpathy's, and those of others in the same form.

X. Chen et al., "Microsoft COCO Captions: Data Collection and Evaluation Server" (2015); A. Karpathy, L. Fei-Fei,
"Deep Visual-Semantic Alignments for Generating Image Descriptions" (CVPR 2015), whose ``dataset_coco.json``
divides COCO differently.

=====================  ================================================================================
file                   what counts
=====================  ================================================================================
``captions_*.json``    ``images`` (``id``, ``file_name``), ``annotations`` (``image_id``, ``caption``, and
                       where they are there ``language`` and ``source``); the split is in the file's name
``dataset_coco.json``  ``images`` (``filename``, ``split``, ``sentences`` with ``raw``)
=====================  ================================================================================

Karpathy's is also called ``dataset.json``, ``dataset_flickr8k.json`` or ``dataset_flickr30k.json``. The files lie
in the folder or in its ``annotations``, the pictures anywhere in the folder.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from showtell.corpora.assembly import assemble
from showtell.corpora.base import PEOPLE, Corpus
from showtell.corpora.entries import language_of
from showtell.corpora.flaws import Caption
from showtell.corpora.json_files import read_json
from showtell.corpora.pictures import PictureIndex, folder_named
from showtell.corpora.splitting import split_named
from showtell.errors import BadCorpus
from showtell.text.printable import shown

_TEXT_FOLDERS = ("annotations", "", "caption_datasets")
_OWN = "captions_*.json"
_KARPATHY = "dataset*.json"
_KARPATHYS = re.compile(r"dataset(?:_coco|_flickr8k|_flickr30k)?\.json")
_YEAR = re.compile(r"captions_(?:train|val)(20\d\d)\.json")


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of a file: its name, the folder that the file hints at, its split and its captions."""

    name: str
    folder: str
    split: str | None
    captions: list[Caption]


def open_coco(place: str) -> Corpus:
    """Open a folder, or one file in it or in its ``annotations``; see :func:`showtell.corpora.open_corpus`."""
    path = Path(os.path.expanduser(place))
    if os.path.isfile(path):
        files = [path]
        folder = path.parent.parent if path.parent.name in _TEXT_FOLDERS else path.parent
    else:
        folder = folder_named(place)
        files = _files(folder)
    pictures: list[_Picture] = []
    for file in files:
        found = list(_read(file))
        if not any(picture.captions for picture in found):
            raise BadCorpus(f"{file} holds no captions")
        pictures += found
    return assemble(
        folder.resolve().name or "coco",
        [caption for picture in pictures for caption in picture.captions],
        PictureIndex.of(folder),
        _splits(pictures),
        folders={picture.name: picture.folder for picture in pictures},
    )


def _files(folder: Path) -> list[Path]:
    """The caption files of a folder; Karpathy's, whose splits are meant where it is, before COCO's own."""
    for pattern in (_KARPATHY, _OWN):
        for text_folder in _TEXT_FOLDERS:
            found = sorted((folder / text_folder).glob(pattern))
            if pattern == _KARPATHY:
                found = [path for path in found if _KARPATHYS.fullmatch(path.name)]
            years = {year[1] for path in found if (year := _YEAR.fullmatch(path.name))}
            if (pattern == _KARPATHY and len(found) > 1) or len(years) > 1:
                names = " and ".join(path.name for path in found)
                raise BadCorpus(
                    f"{folder / text_folder} holds {names}, which divide the same pictures differently; "
                    f"name the files that are meant, such as coco:{found[0]}"
                )
            if found:
                return found
    raise BadCorpus(
        f"{folder} holds no captions: there is no annotations/captions_*.json, captions_*.json or "
        "dataset_coco.json"
    )


def _read(file: Path) -> Iterator[_Picture]:
    content = read_json(file)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise BadCorpus(f"{file} is no COCO file: it has no list 'images'")
    if "annotations" in content:
        yield from _own(file, images, content["annotations"])
    else:
        yield from _karpathy(file, images)


def _own(file: Path, images: list[Any], annotations: Any) -> Iterator[_Picture]:
    if not isinstance(annotations, list):
        raise BadCorpus(f"{file} is no COCO file: its 'annotations' are no list")
    pictures: dict[str, _Picture] = {}
    for number, image in enumerate(images, 1):
        where = f"{file}, entry {number} of 'images'"
        name = _text(image, ("file_name", "coco_url"), where)
        if "://" in name:
            name = name.rpartition("/")[2]
        word = re.match(r"captions_([a-z]+)", file.name)
        split = split_named(_optional(image, "split", where) or (word[1] if word else ""))
        pictures[_id(image.get("id"), where)] = _Picture(name, word[1] if word else "", _known(split), [])
    for number, entry in enumerate(annotations, 1):
        where = f"{file}, entry {number} of 'annotations'"
        text = _text(entry, ("caption",), where)
        picture = pictures.get(_id(entry.get("image_id"), where, "image_id"))
        if picture is None:
            raise BadCorpus(
                f"{where}: there is no picture {shown(str(entry['image_id']))} among the 'images'"
            )
        picture.captions.append(_caption(picture, text, entry, where))
    yield from pictures.values()


def _karpathy(file: Path, images: list[Any]) -> Iterator[_Picture]:
    for number, image in enumerate(images, 1):
        where = f"{file}, entry {number} of 'images'"
        name = _text(image, ("filename",), where)
        folder = _optional(image, "filepath", where) or ""
        split = split_named(_optional(image, "split", where) or "")
        picture = _Picture(f"{folder}/{name}" if folder else name, folder, split, [])
        sentences = image.get("sentences")
        if not isinstance(sentences, list):
            raise BadCorpus(f"{where} has no list of 'sentences'")
        for sentence in sentences:
            picture.captions.append(_caption(picture, _text(sentence, ("raw",), where), sentence, where))
        yield picture


def _caption(picture: _Picture, text: str, entry: Mapping[str, Any], where: str) -> Caption:
    language = language_of(text, _optional(entry, "language", where))
    source = _optional(entry, "source", where) or PEOPLE
    return Caption(picture.name, len(picture.captions), text.strip(), language, source)


def _known(split: str | None) -> str | None:
    """The split of a file's name; other words than the field's, as in ``captions_mine.json``, say nothing."""
    return split if split in ("train", "dev", "test") else None


def _splits(pictures: list[_Picture]) -> dict[str, str]:
    splits: dict[str, str] = {}
    for picture in pictures:
        if picture.split is not None and splits.setdefault(picture.name, picture.split) != picture.split:
            raise BadCorpus(
                f"the picture {shown(picture.name)} stands in {splits[picture.name]} and in {picture.split}; "
                "name one file, as in coco:FILE"
            )
    return splits


def _text(entry: Any, keys: tuple[str, ...], where: str) -> str:
    if not isinstance(entry, dict):
        raise BadCorpus(f"{where} is no object")
    found = next((entry[key] for key in keys if key in entry), None)
    if not isinstance(found, str) or (keys[0] != "caption" and not found.strip()):
        raise BadCorpus(f"{where} has no text {keys[0]!r}")
    return found


def _optional(entry: Mapping[str, Any], key: str, where: str) -> str | None:
    found = entry.get(key)
    if found is not None and not isinstance(found, str):
        raise BadCorpus(f"{where}: its {key!r} is no text")
    return found


def _id(value: Any, where: str, key: str = "id") -> str:
    """A picture's number or name as text; 7.0 is 7."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise BadCorpus(f"{where} has no {key!r} that is a number or a name")
    return str(value)

"""Flickr8k, as its authors ship it and as others repack it, and its Chinese captions, Flickr8k-CN.

M. Hodosh, P. Young, J. Hockenmaier, "Framing Image Description as a Ranking Task", JAIR 47 (2013);
X. Li, W. Lan, J. Dong, H. Liu, "Adding Chinese Captions to Images", ICMR 2016.

Pictures lie in ``Flicker8k_Dataset/`` (so spelt), ``Flickr8k_Dataset/`` or ``Images/``; captions and split
lists beside that folder or in ``Flickr8k_text/``.
"""

import os
from dataclasses import replace
from pathlib import Path

from showtell.corpora.assembly import assemble
from showtell.corpora.base import Corpus, broken_line, numbered_lines
from showtell.corpora.flaws import Caption
from showtell.corpora.flickr8k_captions import read_caption_table, read_chinese_file, read_token_file
from showtell.corpora.pictures import PictureIndex, folder_named
from showtell.errors import BadCorpus
from showtell.text.printable import shown

_PICTURE_FOLDERS = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images")
_TEXT_FOLDERS = ("", "Flickr8k_text", "Flickr8k_Text", "data")
_SPLIT_LISTS = {  # the second name is that of Flickr8k-CN's authors
    "train": ("Flickr_8k.trainImages.txt", "flickr8ktrain.txt"),
    "dev": ("Flickr_8k.devImages.txt", "flickr8kval.txt"),
    "test": ("Flickr_8k.testImages.txt", "flickr8ktest.txt"),
}
_CHINESE_FILES = (
    "flickr8kzhc.caption.txt",
    "flickr8kzhmtest.captions.txt",
    "flickr8kzhb.caption.txt",
    "flickr8kzhg.caption.txt",
)


def open_flickr8k(place: str) -> Corpus:
    """Open ``DIR`` or ``DIR+cn``; see :func:`showtell.corpora.open_corpus`."""
    chinese = place.endswith("+cn") and not os.path.isdir(place)
    folder = folder_named(place.removesuffix("+cn") if chinese else place)
    captions = _english_captions(folder)
    if chinese:
        siblings = _siblings(folder, "flickr8k-cn", "flickr8kcn")
        captions += _chinese_captions([folder, folder / "flickr8k-cn", *siblings])
    return _assemble("flickr8k+cn" if chinese else "flickr8k", [folder], captions)


def open_flickr8k_cn(place: str) -> Corpus:
    """Open the Chinese captions in ``DIR``, with the pictures there or in the sibling ``flickr8k``."""
    folder = folder_named(place)
    captions = _chinese_captions([folder])
    return _assemble("flickr8k-cn", [folder, *_siblings(folder, "flickr8k", "Flickr8k")], captions)


def _siblings(folder: Path, *names: str) -> list[Path]:
    # The parent of "." is only known once the path is absolute.
    parent = folder.absolute().parent if folder.name not in {"", ".."} else folder.resolve().parent
    return [parent / name for name in names]


def _english_captions(folder: Path) -> list[Caption]:
    tokens = _find(folder, "Flickr8k.token.txt")
    if tokens is not None:
        return _at_least_one(read_token_file(tokens), tokens)
    table = _find(folder, "captions.txt")
    if table is not None:
        return _at_least_one(read_caption_table(table), table)
    raise BadCorpus(
        f"{folder} holds no captions: there is no Flickr8k.token.txt or captions.txt, nor in Flickr8k_text"
    )


def _chinese_captions(places: list[Path]) -> list[Caption]:
    for place in places:
        found = [path for name in _CHINESE_FILES if (path := _find(place, name)) is not None]
        if found:
            return _at_least_one([caption for path in found for caption in read_chinese_file(path)], *found)
    tried = ", ".join(map(str, places))
    raise BadCorpus(f"no Chinese captions ({_CHINESE_FILES[0]} and its like) were found in {tried}")


def _at_least_one(captions: list[Caption], *paths: Path) -> list[Caption]:
    """The captions, or BadCorpus when the files that they were looked for in hold none."""
    if not captions:
        files = " and ".join(map(str, paths))
        raise BadCorpus(f"{files} {'holds' if len(paths) == 1 else 'hold'} no captions")
    return captions


def _find(folder: Path, name: str) -> Path | None:
    places = (folder / text_folder / name for text_folder in _TEXT_FOLDERS)
    return next((place for place in places if place.is_file()), None)


def _assemble(name: str, folders: list[Path], captions: list[Caption]) -> Corpus:
    """Bring captions, pictures and split lists together and say what does not fit."""
    splits = _splits(folders)
    corpus = assemble(name, captions, _pictures(folders), splits, part=name.removesuffix("+cn"))
    if splits:
        return corpus
    absent = f"there are no split lists ({_SPLIT_LISTS['train'][0]} and its like); no picture has a split"
    return replace(corpus, warnings=[absent, *corpus.warnings])


def _pictures(folders: list[Path]) -> PictureIndex:
    """The pictures in the first of the usual places that holds any."""
    for folder in folders:
        for outer in _PICTURE_FOLDERS:
            # Some copies unpack to a folder within a folder of nearly the same name.
            for inner in ("", *_PICTURE_FOLDERS):
                place = folder / outer / inner
                if os.path.isdir(place) and (found := PictureIndex.of(place, depth=1)).paths:
                    return found
    tried = " or ".join(str(folder / _PICTURE_FOLDERS[0]) for folder in folders)
    raise BadCorpus(f"no pictures were found; they are looked for in {tried}, Flickr8k_Dataset and Images")


def _splits(folders: list[Path]) -> dict[str, str]:
    """The split of each listed picture."""
    splits: dict[str, str] = {}
    for split, names in _SPLIT_LISTS.items():
        places = (_find(folder, name) for folder in folders for name in names)
        path = next((place for place in places if place is not None), None)
        if path is None:
            continue
        for number, line in numbered_lines(path):
            picture = line.strip()
            if "\t" in picture:
                raise broken_line(path, number, f"names no picture: {picture[:60]!r}")
            if splits.setdefault(picture, split) != split:
                raise broken_line(
                    path, number, f"puts {shown(picture)} into {split}, but it is in {splits[picture]}"
                )
    return splits

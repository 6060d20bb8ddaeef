"""Flickr8k, as its authors ship it and as others repack it, and its Chinese captions, Flickr8k-CN.

M. Hodosh, P. Young, J. Hockenmaier, "Framing Image Description as a Ranking Task", JAIR 47 (2013);
X. Li, W. Lan, J. Dong, H. Liu, "Adding Chinese Captions to Images", ICMR 2016.

Pictures lie in ``Flicker8k_Dataset/`` (so spelt), ``Flickr8k_Dataset/`` or ``Images/``; captions and split
lists beside that folder or in ``Flickr8k_text/``.
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from showtell.corpora.base import Corpus, Example, Reference, broken_line, counted, numbered_lines
from showtell.corpora.flickr8k_captions import (
    Caption,
    flaws,
    read_caption_table,
    read_chinese_file,
    read_token_file,
)
from showtell.errors import BadCorpus

_PICTURE_FOLDERS = ("Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "images")
_PICTURE_ENDINGS = (".jpg", ".jpeg", ".png")
_TEXT_FOLDERS = ("", "Flickr8k_text", "Flickr8k_Text")
_SPLIT_LISTS = {
    "train": "Flickr_8k.trainImages.txt",
    "dev": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
_CHINESE_FILES = ("flickr8kzhc.caption.txt", "flickr8kzhb.caption.txt")


def open_flickr8k(place: str) -> Corpus:
    """Open ``DIR`` or ``DIR+cn``; see :func:`showtell.corpora.open_corpus`."""
    chinese = place.endswith("+cn") and not Path(place).is_dir()
    folder = _folder(place.removesuffix("+cn") if chinese else place)
    captions = _english_captions(folder)
    if chinese:
        captions += _chinese_captions([folder, folder / "flickr8k-cn", *_siblings(folder, "flickr8k-cn")])
    return _assemble("flickr8k+cn" if chinese else "flickr8k", [folder], captions)


def open_flickr8k_cn(place: str) -> Corpus:
    """Open the Chinese captions in ``DIR``, with the pictures there or in the sibling ``flickr8k``."""
    folder = _folder(place)
    captions = _chinese_captions([folder, folder / "data"])
    return _assemble("flickr8k-cn", [folder, *_siblings(folder, "flickr8k", "Flickr8k")], captions)


def _folder(place: str) -> Path:
    folder = Path(os.path.expanduser(place))  # which leaves the home of a stranger as it is
    if not folder.is_dir():
        raise BadCorpus(f"there is no folder {folder}; give the folder that holds the pictures and captions")
    return folder


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
        found = [place / name for name in _CHINESE_FILES if (place / name).is_file()]
        if found:
            return _at_least_one([caption for path in found for caption in read_chinese_file(path)], *found)
    looked = ", ".join(map(str, places))
    raise BadCorpus(f"no Chinese captions ({' or '.join(_CHINESE_FILES)}) were found in {looked}")


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
    pictures = _pictures(folders)
    by_id = {path.stem: picture for picture, path in pictures.items()}
    splits, listed = _splits(folders)
    references: dict[str, list[Caption]] = {}
    missing: dict[str, None] = {}
    for caption in captions:
        picture = caption.picture if caption.picture in pictures else by_id.get(caption.picture)
        if picture is None:
            missing[caption.picture] = None
        elif caption.text:
            references.setdefault(picture, []).append(caption)
    examples = tuple(
        Example(
            id=pictures[picture].stem,
            path=pictures[picture],
            references=tuple(Reference(c.text, c.language, c.source) for c in references[picture]),
            split=splits.get(picture, splits.get(pictures[picture].stem)),
        )
        for picture in sorted(references)
    )
    if not examples:
        raise BadCorpus(f"none of the captions of {folders[0]} belongs to a picture in {_where(pictures)}")
    _refuse_shared_ids(examples)
    orphans = tuple(sorted(pictures.keys() - references.keys()))
    warnings = [*_absences(captions, missing, orphans, examples, listed), *flaws(captions)]
    return Corpus(name, examples, warnings, tuple(missing), orphans)


def _pictures(folders: list[Path]) -> dict[str, Path]:
    """The pictures by file name, from the first of the usual places that holds any."""
    for folder in folders:
        for outer in _PICTURE_FOLDERS:
            # Some copies unpack to a folder within a folder of nearly the same name.
            for inner in ("", *_PICTURE_FOLDERS):
                found = _pictures_in(folder / outer / inner)
                if found:
                    return found
    looked = " or ".join(str(folder / _PICTURE_FOLDERS[0]) for folder in folders)
    raise BadCorpus(f"no pictures were found; they are looked for in {looked}, Flickr8k_Dataset and Images")


def _pictures_in(place: Path) -> dict[str, Path]:
    try:
        names = os.listdir(place)
    except OSError:
        return {}
    return {
        name: place / name
        for name in names
        if name.lower().endswith(_PICTURE_ENDINGS) and not name.startswith(".")
    }


def _where(pictures: dict[str, Path]) -> Path:
    return next(iter(pictures.values())).parent


def _refuse_shared_ids(examples: Iterable[Example]) -> None:
    seen: dict[str, Path] = {}
    for example in examples:
        if example.id in seen:
            raise BadCorpus(
                f"{seen[example.id]} and {example.path} have the same id {example.id!r}; rename one of them"
            )
        seen[example.id] = example.path


def _splits(folders: list[Path]) -> tuple[dict[str, str], Counter[str]]:
    """Each listed picture's split, and how many pictures each list names."""
    splits: dict[str, str] = {}
    for split, name in _SPLIT_LISTS.items():
        path = next((found for folder in folders if (found := _find(folder, name)) is not None), None)
        if path is None:
            continue
        for number, line in numbered_lines(path):
            picture = line.strip()
            if any(letter.isspace() for letter in picture):
                raise broken_line(path, number, f"names no picture: {picture[:60]!r}")
            if splits.setdefault(picture, split) != split:
                raise broken_line(
                    path, number, f"puts {picture} into {split}, but it is in {splits[picture]}"
                )
    return splits, Counter(splits.values())


def _absences(
    captions: list[Caption],
    missing: Iterable[str],
    orphans: tuple[str, ...],
    examples: tuple[Example, ...],
    listed: Counter[str],
) -> list[str]:
    """Warnings about pictures without captions, captions without pictures, and the split lists."""
    warnings: list[str] = []
    missing = set(missing)
    if missing:
        lost = [caption for caption in captions if caption.picture in missing]
        warnings.append(
            f"{counted(len(lost), 'caption belongs', 'captions belong')} to "
            f"{counted(len(missing), 'picture that does not exist', 'pictures that do not exist')}, "
            f"for instance {lost[0].where}"
        )
    if orphans:
        warnings.append(
            f"{counted(len(orphans), 'picture has', 'pictures have')} no caption, for instance {orphans[0]}"
        )
    there = Counter(example.split for example in examples)
    for split, count in listed.items():
        if there[split] < count:
            absent = counted(count - there[split], "picture", "pictures")
            warnings.append(
                f"{absent} of the {split} list cannot be used, for want of the picture or its captions"
            )
    if not listed:
        warnings.append(
            f"there are no split lists ({_SPLIT_LISTS['train']} and its like); no picture has a split"
        )
    elif there[None]:
        warnings.append(
            f"{counted(there[None], 'picture stands', 'pictures stand')} in none of the split lists"
        )
    return warnings

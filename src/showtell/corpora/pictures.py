"""Pictures in folders, found by the names that caption files give them."""

import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from showtell.errors import BadCorpus, reason_of
from showtell.images import EXTENSIONS
from showtell.text.printable import shown


class PictureIndex:
    """The pictures of a folder tree by name, as they are and as people write them.

    A name finds its picture also with another folder before it (or none), in other letters (``.JPG``), with
    another picture's ending (``.png`` for ``.jpg``) or without one, and from Windows. A folder that the tree has
    is believed: ``cats/1.jpg`` never finds ``dogs/1.jpg``.

    Args:
        root: the folder that relative names start from.
        paths: where each picture lies, by its name from ``root`` on.
    """

    def __init__(self, root: Path, paths: Mapping[str, Path]):
        self.root = root
        self.paths = dict(paths)
        self._by_stem: dict[str, list[str]] = {}
        self._by_folder: dict[tuple[str, str], list[str]] = {}
        for name in self.paths:
            parts = name.split("/")
            folder, stem = _folded("".join(parts[-2:-1])), _folded(_stem(parts[-1]))
            self._by_stem.setdefault(stem, []).append(name)
            self._by_folder.setdefault((folder, stem), []).append(name)
        self._folders = {folder for folder, _ in self._by_folder if folder}

    @classmethod
    def of(cls, root: Path, *, depth: int = 8) -> Self:
        """All pictures of a folder and the folders in it."""
        return cls(root, {path.relative_to(root).as_posix(): path for path in walk(root, depth=depth)})

    def find(self, name: str, folder: str = "") -> str | None:
        """The relative name of the picture that is meant, or None.

        Args:
            name: as a caption file has it.
            folder: a folder that the picture lies in if several folders have one of this name.

        Raises:
            BadCorpus: several pictures could be meant.
        """
        wanted = name.strip().replace("\\", "/").removeprefix("./")
        for exact in (name, wanted):
            if exact in self.paths and not folder:
                return exact
        parts = [part for part in wanted.split("/") if part]
        if not parts:
            return None
        ranked = sorted(
            ((self._closeness(parts, folder, found), found) for found in self._candidates(parts)),
            reverse=True,
        )
        if not ranked:
            return None
        best = ranked[0][1]
        if len(ranked) > 1 and ranked[1][0] == ranked[0][0]:
            other = ranked[1][1]
            raise BadCorpus(
                f"{shown(name)} may be {self.paths[other]} or {self.paths[best]}; name its folder too, or rename one"
            )
        return best

    def _candidates(self, parts: list[str]) -> list[str]:
        """The pictures that the last parts of a name may mean."""
        folder, stem = _folded("".join(parts[-2:-1])), _folded(_stem(parts[-1]))
        found = self._by_folder.get((folder, stem), [])
        if found or folder in self._folders:
            return found
        return self._by_stem.get(stem, [])

    @staticmethod
    def _closeness(parts: list[str], folder: str, found: str) -> tuple[int, bool, bool, bool, bool]:
        """How well a picture answers to a name; the first figure is the number of trailing parts they share."""
        there = found.split("/")
        shared = 1
        for mine, its in zip(reversed(parts[:-1]), reversed(there[:-1]), strict=False):
            if _folded(mine) != _folded(its):
                break
            shared += 1
        mine, its = parts[-1], there[-1]
        inside = bool(folder) and any(part.lower().startswith(folder.lower()) for part in there[:-1])
        return shared, inside, mine == its, _folded(mine) == _folded(its), _stem(mine) == _stem(its)


def folder_named(place: str) -> Path:
    """The folder that a spec names, ``~`` understood.

    Raises:
        BadCorpus: it is not there.
    """
    folder = Path(os.path.expanduser(place))  # which leaves the home of a stranger as it is
    if not os.path.isdir(folder):  # which no name, however odd, makes fail
        raise BadCorpus(f"there is no folder {folder}; give the folder that holds the pictures and captions")
    return folder


def is_picture(name: str) -> bool:
    """Whether a file is named as a picture that can be read, and is not hidden."""
    return name[0] != "." and os.path.splitext(name)[1].lower() in EXTENSIONS


def walk(folder: Path, *, depth: int = 8, wanted: Callable[[str], bool] = is_picture) -> Iterator[Path]:
    """The files in a folder and the folders in it, sorted; hidden files and folders are passed over.

    Links to folders are followed, each folder once.

    Args:
        depth: how many folders deep.
        wanted: whether a file of some name is meant; pictures unless given.

    Raises:
        BadCorpus: a folder cannot be read.
    """
    yield from _walk(folder, depth, wanted, set())


def _walk(
    folder: Path, depth: int, wanted: Callable[[str], bool], seen: set[tuple[int, int]]
) -> Iterator[Path]:
    try:
        status = folder.stat()
        with os.scandir(folder) as entries:
            names = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
    except OSError as error:
        raise BadCorpus(f"the folder {folder} cannot be read: {reason_of(error)}") from None
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in names:
        if wanted(entry.name) and entry.is_file():  # no pipe, which may be waited for without end
            yield folder / entry.name
        elif depth > 1 and entry.is_dir():
            yield from _walk(folder / entry.name, depth - 1, wanted, seen)


def _stem(name: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in EXTENSIONS else name


def _folded(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()

"""Pictures in folders, found by the names that caption files give them."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from showtell.errors import BadCorpus
from showtell.images import EXTENSIONS


class PictureIndex:
    """The pictures of a folder tree by name, as they are and as people write them.

    A name finds its picture also with another folder before it (or none), in other letters (``.JPG``), with
    another picture's ending (``.png`` for ``.jpg``) or without one, and from Windows. A folder that the tree has
    is believed: ``cats/1.jpg`` never finds ``dogs/1.jpg``.

    Args:
        root: the folder that relative names start from.
        paths: the pictures, all under ``root``.
    """

    def __init__(self, root: Path, paths: Iterable[Path]):
        self.root = root
        self.paths: dict[str, Path] = {path.relative_to(root).as_posix(): path for path in paths}
        self._by_stem: dict[str, list[str]] = {}
        self._folders: set[str] = set()
        for name in self.paths:
            parts = PurePosixPath(name).parts
            self._by_stem.setdefault(_folded(_stem(parts[-1])), []).append(name)
            self._folders.update(map(_folded, parts[:-1]))

    def find(self, name: str, folder: str = "") -> str | None:
        """The relative name of the picture that is meant, or None.

        Args:
            name: as a caption file has it.
            folder: a folder that the picture lies in if several folders have one of this name.

        Raises:
            BadCorpus: several pictures could be meant.
        """
        wanted = name.strip().replace("\\", "/").removeprefix("./")
        if wanted in self.paths and not folder:
            return wanted
        parts = [part for part in wanted.split("/") if part]
        if not parts:
            return None
        candidates = self._by_stem.get(_folded(_stem(parts[-1])), [])
        ranked = sorted(
            ((self._closeness(parts, folder, found), found) for found in candidates), reverse=True
        )
        if not ranked:
            return None
        (shared, *_), best = ranked[0]
        if shared == 1 and len(parts) > 1 and _folded(parts[-2]) in self._folders:
            return None
        if len(ranked) > 1 and ranked[1][0] == ranked[0][0]:
            other = ranked[1][1]
            raise BadCorpus(
                f"{name} may be {self.paths[other]} or {self.paths[best]}; name its folder too, or rename one"
            )
        return best

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
    if not folder.is_dir():
        raise BadCorpus(f"there is no folder {folder}; give the folder that holds the pictures and captions")
    return folder


def walk(folder: Path, *, depth: int = 8) -> Iterator[Path]:
    """The pictures in a folder and the folders in it, sorted; hidden files and folders are passed over.

    Links to folders are followed, each folder once.

    Raises:
        BadCorpus: a folder cannot be read.
    """
    yield from _walk(folder, depth, set())


def _walk(folder: Path, depth: int, seen: set[tuple[int, int]]) -> Iterator[Path]:
    try:
        status = folder.stat()
        with os.scandir(folder) as entries:
            names = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
    except OSError as error:
        raise BadCorpus(f"the folder {folder} cannot be read: {error.strerror or error}") from None
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in names:
        if is_picture(entry.name):
            yield folder / entry.name
        elif depth > 1 and entry.is_dir():
            yield from _walk(folder / entry.name, depth - 1, seen)


def is_picture(name: str) -> bool:
    """Whether a file is named as a picture that can be read, and is not hidden."""
    return name[0] != "." and os.path.splitext(name)[1].lower() in EXTENSIONS


def _stem(name: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in EXTENSIONS else name


def _folded(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()

"""Which pictures are meant by what stands on the command line."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from showtell.cli.console import note
from showtell.errors import BadImage

__all__ = ["pictures_named"]


def pictures_named(
    paths: Sequence[str], *, recursive: bool, unreadable: list[BadImage] | None = None
) -> Iterator[str]:
    """Each path in the order given: a folder as the pictures in it, anything else as it is.

    The pictures of a folder are the files that are named like some, sorted; those of a folder in it stand where
    its name does. Hidden files and links to folders are passed over. The user is told of a folder without
    pictures.

    Raises BadImage when a folder cannot be read, or adds it to `unreadable` and goes on.
    """
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        errors: list[BadImage] = []
        found = list(_walk(Path(path), recursive, errors))
        if errors and unreadable is None:
            raise errors[0]
        if unreadable is not None:
            unreadable += errors
        if not found and not errors:
            hint = "; try --recursive" if not recursive and _has_folders(path) else ""
            note(f"{path}: there is no picture in this folder{hint}")
        yield from map(str, found)


def _walk(folder: Path, recursive: bool, errors: list[BadImage]) -> Iterator[Path]:
    """The pictures in a folder; what is wrong with folders is added to `errors`."""
    from showtell.images import EXTENSIONS

    try:
        with os.scandir(folder) as entries:
            names = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
    except OSError as error:
        errors.append(BadImage(folder, f"the folder cannot be read ({error.strerror})"))
        return
    for entry in names:
        if entry.is_dir(follow_symlinks=False):
            if recursive:
                yield from _walk(Path(entry.path), recursive, errors)
        elif os.path.splitext(entry.name)[1].lower() in EXTENSIONS:
            yield Path(entry.path)


def _has_folders(folder: str) -> bool:
    """Whether a recursive walk would look any further."""
    with os.scandir(folder) as entries:
        return any(entry.is_dir(follow_symlinks=False) and entry.name[0] != "." for entry in entries)

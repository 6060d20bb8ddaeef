"""Which pictures are meant by what stands on the command line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from showtell.cli.console import note

if TYPE_CHECKING:
    from showtell.images import Found

__all__ = ["pictures_named"]


def pictures_named(paths: Sequence[str], *, recursive: bool) -> "Found":
    """The pictures in files and folders; the user is told of what else there is.

    Folders without pictures, folders that cannot be read (`Found.unreadable`: the exit status should tell too),
    and files that look like pictures and are not read, counted by kind.
    """
    from showtell.images import find_pictures, passed_over_sentences

    found = find_pictures(paths, recursive=recursive)
    for folder, deeper in found.empty.items():
        hint = "; try --recursive" if deeper else ""
        note(f"{folder}: there is no picture in this folder{hint}")
    for error in found.unreadable:
        note(str(error))
    for sentence in passed_over_sentences(found.passed_over):
        note(sentence)
    return found

"""Which pictures lie in a folder, and which of those known have gone for good."""

import os
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from showtell.images import find_pictures
from showtell.search.records import FileState

__all__ = ["Walk", "mount_points_above", "sort_missing", "walk"]


@dataclass(slots=True)
class Walk:
    """What lies under a path.

    Attributes:
        files: the pictures, in the order of their names.
        errors: files and folders that cannot be looked at, and why.
        unread: folders and files of which nothing is known for that reason.
        mounts: folders at which another disk begins.
        passed_over: how many files of each kind that looks like a picture are not read.
    """

    files: list[FileState] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    mounts: set[str] = field(default_factory=set)
    passed_over: Counter[str] = field(default_factory=Counter)


def walk(path: str) -> Walk:
    """The pictures in a folder and in the folders in it, or the one file; nothing where there is nothing.

    Args:
        path: absolute.
    """
    found = find_pictures([path], recursive=True)
    walked = Walk(passed_over=found.passed_over)
    for error in found.unreadable:
        walked.errors.append((str(error.path), error.reason))
        walked.unread.append(str(error.path))
    for file in found.files:
        _add(file, walked, root=path)
    walked.mounts = _mounts({os.path.dirname(state.path) for state in walked.files}, path)
    return walked


def mount_points_above(path: str) -> list[str]:
    """The mount points that a path lies under, the root of the file system left out."""
    points = []
    while (parent := os.path.dirname(path)) != path:
        if os.path.ismount(path):
            points.append(path)
        path = parent
    return points


def sort_missing(
    missing: Iterable[str], root: str, mounts: Iterable[str]
) -> tuple[list[str], dict[str, list[str]]]:
    """Tell pictures that were deleted from those that may lie on a disk that is not there.

    A picture may come back when the root that was indexed is gone, when the nearest folder that is left has
    nothing in it, as a mount point has without its disk, or when a mount point above it is none any more.

    Args:
        missing: paths under `root` where there is no file.
        mounts: mount points that pictures have been found under.

    Returns:
        The deleted ones; and the doubtful ones by the folder that makes them so.
    """
    unmounted = [point for point in mounts if not os.path.ismount(point)]
    deleted: list[str] = []
    doubtful: dict[str, list[str]] = {}
    empty: dict[str, bool] = {}
    for path in missing:
        place = next((point for point in unmounted if path.startswith(point + os.sep)), None)
        if place is None and not os.path.lexists(root):
            place = root
        if place is None:
            left = _nearest_folder(path)
            if left not in empty:
                empty[left] = _is_empty(left)
            place = left if empty[left] else None
        if place is None:
            deleted.append(path)
        else:
            doubtful.setdefault(place, []).append(path)
    return deleted, doubtful


def _add(path: str, walked: Walk, *, root: str) -> None:
    """Add a file as it is now."""
    try:
        status = os.stat(path)
    except OSError as error:
        if path == root and not os.path.lexists(path):
            return
        walked.errors.append((path, f"cannot be looked at ({error.strerror})"))
        walked.unread.append(path)
        return
    if stat.S_ISREG(status.st_mode):
        walked.files.append(FileState(path, status.st_size, status.st_mtime_ns))
    else:
        walked.errors.append((path, "this is not a regular file"))


def _mounts(folders: set[str], root: str) -> set[str]:
    """The mount points among folders and those above them, up to the root."""
    looked_at: set[str] = set()
    for lowest in folders:
        folder = lowest
        while folder not in looked_at and len(folder) > len(root):
            looked_at.add(folder)
            folder = os.path.dirname(folder)
    return {folder for folder in looked_at if os.path.ismount(folder)}


def _nearest_folder(path: str) -> str:
    """The lowest folder above a path that exists."""
    while not os.path.isdir(path := os.path.dirname(path)):
        pass
    return path


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return True

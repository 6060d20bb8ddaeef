"""Which pictures lie in a folder, and which of those known have gone for good."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from showtell.images import EXTENSIONS
from showtell.search.records import FileState

__all__ = ["Walk", "mount_points_above", "sort_missing", "walk"]


@dataclass(slots=True)
class Walk:
    """What lies under a path.

    Args:
        files: the pictures, sorted.
        errors: files and folders that cannot be looked at, and why.
        unread: folders whose pictures are not known for that reason.
        mounts: folders at which another disk begins.
    """

    files: list[FileState] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    mounts: list[str] = field(default_factory=list)


def walk(path: str) -> Walk:
    """The pictures in a folder and in the folders in it, or the one file.

    Of a folder, files that are named like pictures count; hidden files and links to folders are passed over.

    Args:
        path: absolute.
    """
    found = Walk()
    try:
        status = os.stat(path)
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            found.errors.append((path, f"cannot be looked at ({error.strerror})"))
            found.unread.append(path)
        return found
    if stat.S_ISDIR(status.st_mode):
        _walk_folder(path, status.st_dev, found)
    else:
        _add(path, status, found)
    return found


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


def _walk_folder(folder: str, device: int, found: Walk) -> None:
    """Add what lies in a folder on a device."""
    try:
        with os.scandir(folder) as scanned:
            entries = sorted(
                (entry for entry in scanned if entry.name[0] != "."), key=lambda entry: entry.name
            )
    except OSError as error:
        found.errors.append((folder, f"the folder cannot be read ({error.strerror})"))
        found.unread.append(folder)
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                own_device = entry.stat(follow_symlinks=False).st_dev
                if own_device != device:
                    found.mounts.append(entry.path)
                _walk_folder(entry.path, own_device, found)
            elif os.path.splitext(entry.name)[1].lower() in EXTENSIONS:
                _add(entry.path, entry.stat(), found)
        except OSError as error:
            found.errors.append((entry.path, f"cannot be looked at ({error.strerror})"))
            found.unread.append(entry.path)


def _add(path: str, status: os.stat_result, found: Walk) -> None:
    if stat.S_ISREG(status.st_mode):
        found.files.append(FileState(path, status.st_size, status.st_mtime_ns))
    elif not stat.S_ISDIR(status.st_mode):
        found.errors.append((path, "this is not a regular file"))


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

"""Pictures of one colour, which the tests' bundle can name."""

import os
from pathlib import Path

from PIL import Image
from tiny_bundle import COLOURS


def paint(path: Path, colour: str, size=(40, 30), **how) -> Path:
    """Write a picture of a colour of `tiny_bundle`; other sizes make other contents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, COLOURS[colour]).save(path, **how)
    return path


def paint_all(folder: Path) -> Path:
    """A folder with a picture of each colour, ``red.png`` and so on."""
    for colour in COLOURS:
        paint(folder / f"{colour}.png", colour)
    return folder


def touch(path: Path, seconds: float = 5) -> None:
    """Make a file look changed."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + int(seconds * 1e9)))


def names(found) -> list[str]:
    """The names of the pictures that were found."""
    return [Path(match.path).name for match in found]

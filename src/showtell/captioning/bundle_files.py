"""A bundle's files: read as the manifest describes them, and put in place as one."""

import ctypes
import hashlib
import os
import shutil
import stat
from pathlib import Path, PurePosixPath
from typing import Any

from showtell.errors import BadBundle

__all__ = ["MANIFEST", "Changed", "described", "inside", "put_in_place", "read_file"]

MANIFEST = "manifest.json"
_FILE_BYTES = 2**31  # protobuf holds no larger graph


class Changed(Exception):
    """A file that is missing, or is not what the manifest describes."""


def read_file(folder: Path, name: str, entry: Any) -> bytes:
    """One file's content. What is returned is what was verified: the file is read once."""
    path = inside(folder, name)
    size = entry.get("size") if isinstance(entry, dict) else None
    if not isinstance(size, int) or not 0 <= size <= _FILE_BYTES:
        raise BadBundle(f"{folder / MANIFEST}: the size of {name} must be a number of bytes, not {size!r}")
    try:
        status = path.stat()
        # A pipe may never end, and a file of holes costs nothing but to read it.
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            raise Changed(f"{path}: is not the file that the manifest describes")
        with path.open("rb") as file:
            content = file.read(size + 1)
    except OSError as error:
        raise Changed(f"{path}: cannot be read ({error.strerror})") from error
    if described(content) != entry:
        raise Changed(f"{path}: is not the file that the manifest describes")
    return content


def inside(folder: Path, name: str) -> Path:
    """The path of a file of the bundle.

    Raises:
        BadBundle: it would lead out of the folder.
    """
    plain = PurePosixPath(name)
    odd = "\\" in name or ":" in name or "\0" in name
    if odd or plain.is_absolute() or ".." in plain.parts or plain.name == "":
        raise BadBundle(f"{folder / MANIFEST}: {name!r} is not the name of a file in the bundle")
    path = folder / plain
    try:
        name.encode("utf-8")
    except ValueError:  # half a character
        raise BadBundle(f"{folder / MANIFEST}: {name!r} is not the name of a file in the bundle") from None
    # A link to itself ends where it stands, and is then what cannot be read.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise BadBundle(f"{path}: leads out of the bundle, so it is not read")
    return path


def described(content: bytes) -> dict[str, Any]:
    """What the manifest has of a file."""
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def put_in_place(part: Path, folder: Path) -> None:
    """Make a whole folder take the place of another, which `part` is afterwards, or of none.

    Linux can exchange the two in one step, so that there is a whole bundle at every moment. Elsewhere the old one
    steps aside first.
    """
    if not folder.exists():
        part.rename(folder)
        return
    if _exchange(part, folder):
        return
    aside = part.with_suffix(".old")
    folder.rename(aside)
    part.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change names, where the system can (``renameat2``)."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    here = -100  # paths are as they are
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), 2) == 0)

"""Words beside a picture: ``photo.txt`` next to ``photo.jpg``, as trainers of image generators use it."""

import os
from collections.abc import Callable
from pathlib import Path

from showtell.errors import ShowtellError

__all__ = ["save_sidecar", "sidecar_of"]


def sidecar_of(picture: Path, language: str, first: bool) -> Path:
    """The file beside a picture: ``photo.txt`` for the model's first language, ``photo.zh.txt`` for another."""
    return picture.with_suffix(".txt" if first else f".{language}.txt")


def save_sidecar(file: Path, words: str) -> Callable[[], None]:
    """Write a person's words, whole or not at all.

    Returns:
        What brings back what was there before.

    Raises:
        ShowtellError: the file cannot be written.
    """
    try:
        before = file.read_bytes() if file.exists() else None
        _write(file, f"{words}\n".encode())
    except OSError as error:
        raise ShowtellError(f"{file}: cannot be written ({error.strerror})") from error

    def undo() -> None:
        if before is None:
            file.unlink(missing_ok=True)
        else:
            _write(file, before)

    return undo


def _write(file: Path, content: bytes) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)

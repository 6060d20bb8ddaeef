"""Words beside a picture: ``photo.txt`` next to ``photo.jpg``, as trainers of image generators use it."""

from collections.abc import Callable
from pathlib import Path

from showtell.errors import ShowtellError

__all__ = ["save_sidecar", "sidecar_of"]


def sidecar_of(picture: Path, language: str, first: bool) -> Path:
    """The file beside a picture: ``photo.txt`` for the model's first language, ``photo.zh.txt`` for another."""
    return picture.with_suffix(".txt" if first else f".{language}.txt")


def save_sidecar(file: Path, words: str, *, model: str | None) -> Callable[[], None]:
    """Write words, whole or not at all.

    A person's words replace what is there. A model's never replace a person's, and are noted as a model's in the
    journal of `showtell.images.journal`, so that nobody takes them for a person's later.

    Args:
        file: from `sidecar_of`.
        words: what is written.
        model: the model that said them; None for a person.

    Returns:
        What brings back what was there before.

    Raises:
        ShowtellError: the file cannot be written, or has a person's words.
    """
    from showtell.images.edits import Edit
    from showtell.images.journal import Journal, replace_file

    new = f"{words}\n".encode()
    try:
        old = file.read_bytes() if file.exists() else None
        if model is None:
            replace_file(file, new)
        else:
            journal = Journal()
            if old is not None and old.strip() and journal.model_of(file, old) is None:
                raise ShowtellError(
                    f"{file.name}: has a person's words, which stay; write your own to replace them"
                )
            edits = [] if old is None else [Edit(0, len(old), new)]
            journal.write(file, new, old=old, edits=edits, kind="sidecar", model=model, text=words)
    except OSError as error:
        raise ShowtellError(f"{file}: cannot be written ({error.strerror})") from error

    def undo() -> None:
        if old is None:
            file.unlink(missing_ok=True)
        else:
            replace_file(file, old)

    return undo

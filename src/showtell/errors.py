"""Everything that input can make Showtell say no to.

::

    ShowtellError
    ├── BadImage        a picture that cannot be read, or should not be
    ├── BadCorpus       captions, split lists or score files that are broken
    ├── BadFeatures     a feature cache that is missing, broken or made in another way
    ├── BadBundle       a bundle (or network weights) that is broken, unsafe or of an unknown format
    ├── BadRecipe       a recipe with unknown, missing or contradicting settings
    ├── BadLibrary      a library of pictures that is missing, broken or of a later version
    ├── BadFeedback     a file of feedback that is broken, of a later version or cannot be written
    └── MissingExtra    an optional part of the package that is not installed

A caller who catches ``ShowtellError`` catches everything that input can cause; anything else is a bug.
Messages are one sentence: what is wrong, where, what to do.
"""

import os


def reason_of(error: BaseException) -> str:
    """An error's own words as part of a sentence: its first line, without a full stop, a file's name or a number."""
    words = getattr(error, "strerror", None) or ""
    if not words:
        words = str(error.args[0] if isinstance(error, KeyError) and error.args else error).strip()
    return words.splitlines()[0].rstrip(".")[:200] if words else type(error).__name__


class ShowtellError(Exception):
    """The root of every error that input can cause."""


class BadImage(ShowtellError):
    """A picture that cannot be read, or should not be.

    Args:
        path: the file or folder; None for a picture that is in none.
        reason: what is wrong and what to do; the path is not said again.
    """

    def __init__(self, path: str | os.PathLike[str] | None, reason: str) -> None:
        super().__init__(path, reason)  # as the arguments are, so that the error can be pickled
        self.path = None if path is None else os.fspath(path)
        self.reason = reason

    def __str__(self) -> str:
        if self.path is None:
            return f"the picture: {self.reason}"
        return f"{self.path}: {self.reason}" if self.path else self.reason


class BadCorpus(ShowtellError):
    """Captions, split lists or score files that are broken."""


class BadFeatures(ShowtellError):
    """A feature cache that is missing, broken or made in another way."""


class BadBundle(ShowtellError):
    """A bundle, or network weights, that are broken, unsafe or of an unknown format."""


class BadRecipe(ShowtellError):
    """A recipe with unknown, missing or contradicting settings."""


class BadLibrary(ShowtellError):
    """A library of pictures that is missing, broken or of a later version."""


class BadFeedback(ShowtellError):
    """A file of feedback that is broken, of a later version or cannot be written."""


class MissingExtra(ShowtellError):
    """An optional part of the package that is not installed."""

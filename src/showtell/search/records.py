"""What a library keeps of files and of what they hold, as plain values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Caption", "Contents", "FileState", "Floats", "Integers", "Known"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was found: compared with what is known, to see whether it has changed."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Known:
    """What a library knows of one file.

    Attributes:
        size, mtime_ns: as of the file when it was read; None when it must be read again.
        contents: id of its contents; None where they could not be read.
        error: why they could not.
        embedded: whether there is a vector of the model that was asked for.
        captioned: languages with a caption by the model that was asked for.
    """

    size: int | None
    mtime_ns: int | None
    contents: int | None
    error: str | None
    embedded: bool
    captioned: frozenset[str]


@dataclass(frozen=True, slots=True)
class Caption:
    """A sentence about a picture.

    Attributes:
        author: ``machine`` or ``person``.
        model: which captioner said it; None for a person.
    """

    text: str
    language: str
    author: str
    model: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What was found out about a file's contents; None and empty where it was known already.

    Attributes:
        hash: SHA-256.
        width, height: in pixels.
        taken: ISO 8601.
        vector: [E], of length one.
    """

    hash: bytes
    width: int | None = None
    height: int | None = None
    taken: str | None = None
    vector: Floats | None = None
    captions: tuple[Caption, ...] = ()

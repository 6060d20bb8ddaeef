"""What every format hands to the reader: the essential part of a file, and three ways to say no."""

from dataclasses import dataclass

__all__ = ["Broken", "Essential", "NoDecoder", "Unsupported"]


class Broken(Exception):
    """The file does not hold what its beginning promises; the message says what is missing."""


class Unsupported(Exception):
    """The file may be whole, but is of a kind that is not read; the message says which, with its article."""


class NoDecoder(Exception):
    """The format is read where another library is installed; the message says what it is and what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Essential:
    """A file without whatever the pixels do not need.

    Args:
        data: the same picture as a file of the same format; metadata, damaged or not, is left out.
        orientation: how to turn and flip the pixels, 1 to 8 as EXIF counts; None where the decoder knows.
        memory: the bytes that decoding needs beside the pixels.
        bits: for grey values deeper than 8 bits, how many bits there are.
        white_is_zero: deep grey values count from white to black.
    """

    data: bytes
    orientation: int | None = 1
    memory: int = 0
    bits: int = 16
    white_is_zero: bool = False

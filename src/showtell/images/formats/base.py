"""What every format hands to the reader: the essential part of a file, and three ways to say no."""

from dataclasses import dataclass

__all__ = ["USUAL", "Broken", "Deep", "Essential", "NoDecoder", "Unsupported"]


class Broken(Exception):
    """The file does not hold what its beginning promises; the message says what is missing."""


class Unsupported(Exception):
    """The file may be whole, but is of a kind that is not read; the message says which, with its article."""


class NoDecoder(Exception):
    """The format is read where another library is installed; the message says what it is and what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deep:
    """How grey values of more than 8 bits are to be understood.

    Attributes:
        bits: of 16, how many there are.
        white_is_zero: they count from white to black.
        unsigned: of 32, none is a sign.
    """

    bits: int = 16
    white_is_zero: bool = False
    unsigned: bool = False


USUAL = Deep()


@dataclass(frozen=True, slots=True, kw_only=True)
class Essential:
    """A file without whatever the pixels do not need.

    Attributes:
        data: the same picture as a file of the same format; metadata, damaged or not, is left out.
        orientation: how to turn and flip the pixels, 1 to 8 as EXIF counts; None where the decoder knows.
        memory: the bytes that decoding needs beside the pixels.
        deep: what grey values mean that have more than 8 bits.
    """

    data: bytes
    orientation: int | None = 1
    memory: int = 0
    deep: Deep = USUAL

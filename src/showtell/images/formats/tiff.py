"""TIFF: the first page's directory cut down to what the pixels need, and the kinds that would come out wrong.

A file is a header that says where the first directory is, and directories of entries: tag, type, number of
values, and the values or where they are. BigTIFF has wider numbers.
"""

import ctypes
import logging
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from showtell.images.formats.base import Broken, Deep, Essential, Unsupported
from showtell.images.formats.exif import xmp_orientation

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = [
    "LAYOUTS",
    "TYPE_SIZES",
    "Layout",
    "essential",
    "silence_libtiff",
    "unpacked_in_this_machines_order",
]

_BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 258, 259, 262, 274
_SAMPLES, _PLANAR, _PREDICTOR, _FORMAT, _SUBSAMPLING, _XMP = 277, 284, 317, 339, 530, 700
_NEEDED = {
    *(256, 257, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, 273, _SAMPLES, 278, 279, _PLANAR),
    *(292, 293, _PREDICTOR, 320),
    *(322, 323, 324, 325, 332, 338, _FORMAT, 347, 529, _SUBSAMPLING, 531, 532),  # tiles, inks, alpha, colours
    *(512, 513, 514, 515, 517, 518, 519, 520, 521),  # JPEG in TIFF as it was at first
}
TYPE_SIZES = {
    **dict.fromkeys((1, 2, 6, 7), 1),
    **dict.fromkeys((3, 8), 2),
    **dict.fromkeys((4, 9, 11, 13), 4),
    **dict.fromkeys((5, 10, 12, 16, 17, 18), 8),
}
"""TIFF's types -> bytes per value; 13 is a place, 16 to 18 are BigTIFF's."""
_INTEGERS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # types -> those of struct
_YCBCR = 6
_COMPRESSIONS = {34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG", 50001: "WebP", 50002: "JPEG XL"}
_PACKBITS = 32773
_NATIVE = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}  # PIL's names for orders of bytes
_NOWHERE = logging.NullHandler()
_MOST_VALUES = 8
"""No more values of a tag are looked at."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How numbers are written: with places of 32 bits, or of 64 in a BigTIFF.

    Attributes:
        order: ``<`` or ``>``.
        big: whether the file is a BigTIFF.
    """

    order: str
    big: bool

    def numbers(self, letters: str) -> struct.Struct:
        """A record: letters as `struct` has them, but P for a place and N for a count of entries."""
        place, count = ("Q", "Q") if self.big else ("I", "H")
        return struct.Struct(self.order + letters.replace("P", place).replace("N", count))

    @property
    def pointer(self) -> int:
        """Where the header says where the first directory is."""
        return 8 if self.big else 4


LAYOUTS = {
    b"II*\0": Layout("<", big=False),
    b"MM\0*": Layout(">", big=False),
    b"II+\0": Layout("<", big=True),
    b"MM\0+": Layout(">", big=True),
}
"""What a TIFF may begin with -> how its numbers are written."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of a directory, and the bytes of its values as far as they are there."""

    tag: int
    kind: int
    written: bytes
    value: bytes


def essential(data: bytes) -> Essential:
    """The first page of a TIFF.

    Raises:
        Unsupported: a kind whose pixels would come out wrong.
        Broken: it ends before its first directory.
    """
    if data.startswith(b"MM\0+"):
        raise Unsupported("a big-endian BigTIFF")
    layout = LAYOUTS[data[:4]]
    try:
        place, entries = _directory(data, layout)
    except (struct.error, OverflowError):
        raise Broken("there is no directory") from None
    tags = {entry.tag: _integers(entry, layout) for entry in entries}
    bits = tags.get(_BITS) or (1,)
    _refuse_what_comes_out_wrong(tags, bits)
    # PIL inverts values of up to 8 bits, and forgets deeper ones; without the tag nobody knows.
    deep = bits[0] > 8 and tags.get(_PHOTOMETRIC, (0,)) == (0,)
    inverted = deep and _PHOTOMETRIC in tags
    orientation = next(iter(tags.get(_ORIENTATION, ())), 0)
    if not orientation:
        xmp = b"".join(entry.value for entry in entries if entry.tag == _XMP)
        orientation = xmp_orientation(xmp) or 1
    view = memoryview(data)
    written = _written(entries, layout, black_is_zero=deep)
    return Essential(
        data=b"".join([view[:place], written, view[place + len(written) :]]),
        orientation=orientation if 1 <= orientation <= 8 else 1,
        deep=Deep(bits=bits[0], white_is_zero=inverted, unsigned=tags.get(_FORMAT, (1,)) == (1,)),
    )


def _directory(data: bytes, layout: Layout) -> tuple[int, list[_Entry]]:
    """Where the first directory is, and its entries as far as the file goes; struct.error if there is none."""
    offset, count_of_entries, head = layout.numbers("P"), layout.numbers("N"), layout.numbers("HHP")
    (place,) = offset.unpack_from(data, layout.pointer)
    (number,) = count_of_entries.unpack_from(data, place)
    entries = []
    size = head.size + offset.size
    begin = place + count_of_entries.size
    for at in range(begin, min(begin + size * number, len(data) - size + 1), size):
        tag, kind, count = head.unpack_from(data, at)
        length, inside = count * TYPE_SIZES.get(kind, 0), at + head.size
        start = inside if length <= offset.size else offset.unpack_from(data, inside)[0]
        entries.append(_Entry(tag, kind, data[at : at + size], data[start : start + length]))
    return place, entries


def _integers(entry: _Entry, layout: Layout) -> tuple[int, ...]:
    """The first values of an entry, if they are integers."""
    kind = _INTEGERS.get(entry.kind)
    if kind is None:
        return ()
    number = min(len(entry.value) // struct.calcsize(kind), _MOST_VALUES)
    return layout.numbers(f"{number}{kind}").unpack_from(entry.value)


def _refuse_what_comes_out_wrong(tags: dict[int, tuple[int, ...]], bits: tuple[int, ...]) -> None:
    """Raise Unsupported for what PIL does not unpack, or would show with other values than it has."""
    (samples,) = tags.get(_SAMPLES, ())[:1] or (1,)
    if tags.get(_PLANAR) == (2,) and samples > 1:
        if bits[0] > 8:
            raise Unsupported(f"a TIFF with {bits[0]} bits per sample in separate planes")
        if tags.get(_PHOTOMETRIC, (0,))[0] in (0, 1):
            raise Unsupported("a TIFF with grey and other values in separate planes")
    if bits[0] == 8 and 2 in tags.get(_FORMAT, ()):
        raise Unsupported("a TIFF with signed values of 8 bits")
    (compression,) = tags.get(_COMPRESSION, ())[:1] or (1,)
    if not _unpacks(compression):
        raise Unsupported(f"a TIFF with compression {_COMPRESSIONS.get(compression, compression)}")
    predictor = tags.get(_PREDICTOR, (1,))
    if predictor in ((2,), (3,)) and compression != 1 and bits[0] not in (8, 16, 24, 32, 64):
        raise Unsupported(f"a TIFF with a predictor for {bits[0]}-bit values")
    if predictor in ((2,), (3,)) and compression == _PACKBITS:
        raise Unsupported("a TIFF with a predictor and PackBits")  # libtiff would leave it out
    subsampling = tags.get(_SUBSAMPLING, (2, 2))
    if tags.get(_PHOTOMETRIC) == (_YCBCR,) and compression == 1 and subsampling != (1, 1):
        raise Unsupported("an uncompressed TIFF with subsampled colours")


def _written(entries: list[_Entry], layout: Layout, *, black_is_zero: bool) -> bytes:
    """A directory of the entries that the pixels need, and no other page behind it."""
    needed = {entry.tag: entry.written for entry in entries if entry.tag in _NEEDED}
    if black_is_zero:
        one = layout.numbers("HHPH").pack(_PHOTOMETRIC, 3, 1, 1)
        needed[_PHOTOMETRIC] = one.ljust(layout.numbers("HHPP").size, b"\0")
    count = layout.numbers("N").pack(len(needed))
    return b"".join([count, *needed.values(), bytes(layout.numbers("P").size)])


def unpacked_in_this_machines_order(image: "ImageFile") -> None:
    """Let PIL take what libtiff unpacks as libtiff gives it: of signed values and floats it forgets that."""
    image.tile = [
        tile._replace(args=(_NATIVE.get(tile.args[0], tile.args[0]), *tile.args[1:]))
        if tile.codec_name == "libtiff" and isinstance(tile.args, tuple)
        else tile
        for tile in image.tile
    ]


def silence_libtiff() -> None:
    """Keep libtiff from writing what it finds wrong to stderr, and PIL's log from doing so in its place."""
    logging.getLogger("PIL").addHandler(_NOWHERE)  # a second time does nothing
    _libtiff()


@cache
def _libtiff() -> ctypes.CDLL | None:
    """The library that PIL was linked with, silenced; None where PIL holds it inside itself and does not show it."""
    from PIL import _imaging

    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(_imaging.__file__)  # finds what the module itself was linked with
        for handler in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            handler(None)
        return library
    return None


def _unpacks(compression: int) -> bool:
    from PIL.TiffImagePlugin import COMPRESSION_INFO

    library = _libtiff()
    if compression not in COMPRESSION_INFO:
        return False
    return library is None or bool(library.TIFFIsCODECConfigured(compression))

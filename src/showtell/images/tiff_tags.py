"""Tags of a TIFF file, or of the small TIFF file that EXIF is, set without moving a byte of what is there.

A new first directory is written at the end and the header points to it: pictures, thumbnails and makers' notes
keep their places, since what they hold are places in the file.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from showtell.images.edits import Edit, apply
from showtell.images.formats.tiff import TYPE_SIZES

__all__ = ["ASCII", "BYTE", "LONG", "NEW_EXIF", "read_tags", "set_tags"]

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5

_MOST_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class _Form:
    """How numbers are written: 32-bit places, or 64-bit ones in a BigTIFF.

    Attributes:
        order: ``<`` or ``>``.
        big: whether the file is a BigTIFF.
    """

    order: str
    big: bool

    def numbers(self, letters: str) -> struct.Struct:
        """A record: H and I and Q as `struct` has them, P a place, N a count of entries."""
        place, count = ("Q", "Q") if self.big else ("I", "H")
        return struct.Struct(self.order + letters.replace("P", place).replace("N", count))

    @property
    def pointer(self) -> int:
        """Where the header says where the first directory is."""
        return 8 if self.big else 4


def read_tags(data: bytes) -> dict[int, bytes]:
    """The tags of the first directory, as the bytes of their values.

    Raises:
        ValueError: it is no TIFF, or its directory is broken.
    """
    form = _form(data)
    entries, _ = _directory(data, form)
    return {tag: _value(data, form, entry) for tag, entry in entries.items()}


def set_tags(data: bytes, tags: Mapping[int, tuple[int, bytes]]) -> list[Edit]:
    """The edits after which the first directory has these tags: for each, its type and the bytes of its value.

    Raises:
        ValueError: it is no TIFF, its directory is broken, or it would grow over its greatest size.
    """
    form = _form(data)
    entries, following = _directory(data, form)
    end = len(data) + len(data) % 2
    values = b""
    slot = form.numbers("P").size
    for tag, (kind, value) in tags.items():
        place = value.ljust(slot, b"\0")
        if len(value) > slot:
            place = form.numbers("P").pack(_fits(form, end + len(values)))
            values += value + b"\0" * (len(value) % 2)
        entries[tag] = form.numbers("HHP").pack(tag, kind, len(value) // TYPE_SIZES[kind]) + place
    start = _fits(form, end + len(values))
    directory = form.numbers("N").pack(len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    directory += form.numbers("P").pack(following)
    appended = b"\0" * (end - len(data)) + values + directory
    pointer = form.numbers("P").pack(start)
    return [Edit(form.pointer, len(pointer), pointer), Edit(len(data), 0, appended)]


def _fits(form: _Form, place: int) -> int:
    if not form.big and place >= 2**32:
        raise ValueError("the TIFF is too large for more metadata")
    return place


def _form(data: bytes) -> _Form:
    for order, mark in (("<", b"II"), (">", b"MM")):
        for version, big in ((42, False), (43, True)):
            if data.startswith(mark + struct.pack(order + "H", version)):
                return _Form(order, big)
    raise ValueError("the TIFF header is broken")


def _directory(data: bytes, form: _Form) -> tuple[dict[int, bytes], int]:
    """The first directory's entries by tag, as they are, and the place of the next directory."""
    try:
        [start] = form.numbers("P").unpack_from(data, form.pointer)
        [count] = form.numbers("N").unpack_from(data, start)
        if count > _MOST_ENTRIES:
            raise ValueError("the TIFF directory has too many entries")
        size = form.numbers("HHPP").size
        first = start + form.numbers("N").size
        entries = [data[first + size * index : first + size * (index + 1)] for index in range(count)]
        [following] = form.numbers("P").unpack_from(data, first + size * count)
    except (struct.error, OverflowError):
        raise ValueError("the TIFF directory is cut short") from None
    return {form.numbers("H").unpack_from(entry)[0]: entry for entry in entries}, following


def _value(data: bytes, form: _Form, entry: bytes) -> bytes:
    _, kind, count = form.numbers("HHP").unpack_from(entry)
    length = TYPE_SIZES.get(kind, 1) * count
    held = entry[form.numbers("HHP").size :]
    if length <= len(held):
        return held[:length]
    [place] = form.numbers("P").unpack(held)
    if place + length > len(data):
        raise ValueError("a TIFF tag reaches beyond the end")
    return data[place : place + length]


_NO_TAGS = b"II*\0\x08\0\0\0\0\0\0\0\0\0"
NEW_EXIF = apply(
    _NO_TAGS,
    set_tags(
        _NO_TAGS,
        {
            0x011A: (RATIONAL, struct.pack("<II", 72, 1)),  # of the width: what stands for "unknown"
            0x011B: (RATIONAL, struct.pack("<II", 72, 1)),  # of the height
            0x0128: (SHORT, struct.pack("<H", 2)),  # in pixels per inch
            0x0213: (SHORT, struct.pack("<H", 1)),  # where colours were sampled
        },
    ),
)
"""EXIF to begin with: the tags that a JPEG's must have, and nothing said in them."""

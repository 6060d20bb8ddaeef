"""Tags of a TIFF file, or of the small TIFF file that EXIF is, set without moving a byte of what is there.

A new first directory is written at the end and the header points to it: pictures, thumbnails and makers' notes
keep their places, since what they hold are places in the file.
"""

import struct
from collections.abc import Mapping

from showtell.images.edits import Edit, apply
from showtell.images.formats.tiff import LAYOUTS, TYPE_SIZES, Layout

__all__ = ["ASCII", "BYTE", "LONG", "NEW_EXIF", "read_tags", "set_tags"]

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5

_MOST_ENTRIES = 4096


def read_tags(data: bytes) -> dict[int, bytes]:
    """The tags of the first directory, as the bytes of their values.

    Raises:
        ValueError: it is no TIFF, or its directory is broken.
    """
    layout = _layout(data)
    entries, _ = _directory(data, layout)
    return {tag: _value(data, layout, entry) for tag, entry in entries.items()}


def set_tags(data: bytes, tags: Mapping[int, tuple[int, bytes]]) -> list[Edit]:
    """The edits after which the first directory has these tags: for each, its type and the bytes of its value.

    Raises:
        ValueError: it is no TIFF, its directory is broken, or it would grow over its greatest size.
    """
    layout = _layout(data)
    entries, following = _directory(data, layout)
    end = len(data) + len(data) % 2
    values = b""
    slot = layout.numbers("P").size
    for tag, (kind, value) in tags.items():
        place = value.ljust(slot, b"\0")
        if len(value) > slot:
            place = layout.numbers("P").pack(_fits(layout, end + len(values)))
            values += value + b"\0" * (len(value) % 2)
        entries[tag] = layout.numbers("HHP").pack(tag, kind, len(value) // TYPE_SIZES[kind]) + place
    start = _fits(layout, end + len(values))
    directory = layout.numbers("N").pack(len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    directory += layout.numbers("P").pack(following)
    appended = b"\0" * (end - len(data)) + values + directory
    pointer = layout.numbers("P").pack(start)
    return [Edit(layout.pointer, len(pointer), pointer), Edit(len(data), 0, appended)]


def _fits(layout: Layout, place: int) -> int:
    if not layout.big and place >= 2**32:
        raise ValueError("the TIFF is too large for more metadata")
    return place


def _layout(data: bytes) -> Layout:
    if data[:4] not in LAYOUTS:
        raise ValueError("the TIFF header is broken")
    return LAYOUTS[data[:4]]


def _directory(data: bytes, layout: Layout) -> tuple[dict[int, bytes], int]:
    """The first directory's entries by tag, as they are, and the place of the next directory."""
    try:
        [start] = layout.numbers("P").unpack_from(data, layout.pointer)
        [count] = layout.numbers("N").unpack_from(data, start)
        if count > _MOST_ENTRIES:
            raise ValueError("the TIFF directory has too many entries")
        size = layout.numbers("HHPP").size
        first = start + layout.numbers("N").size
        entries = [data[first + size * index : first + size * (index + 1)] for index in range(count)]
        [following] = layout.numbers("P").unpack_from(data, first + size * count)
    except (struct.error, OverflowError):
        raise ValueError("the TIFF directory is cut short") from None
    return {layout.numbers("H").unpack_from(entry)[0]: entry for entry in entries}, following


def _value(data: bytes, layout: Layout, entry: bytes) -> bytes:
    _, kind, count = layout.numbers("HHP").unpack_from(entry)
    length = TYPE_SIZES.get(kind, 1) * count
    held = entry[layout.numbers("HHP").size :]
    if length <= len(held):
        return held[:length]
    [place] = layout.numbers("P").unpack(held)
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

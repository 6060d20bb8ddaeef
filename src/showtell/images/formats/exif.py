"""The orientation, and nothing else, of EXIF and XMP that cameras, phones and editors have written."""

import re
import struct

__all__ = ["exif_orientation", "xmp_orientation"]

_ORIENTATION = 0x0112
_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}  # TIFF's types -> those of struct


def exif_orientation(exif: bytes) -> int | None:
    """1 to 8; None when there is no EXIF, no orientation in it, or none that makes sense.

    Only the entries of the first directory are looked at, one by one, so that damage elsewhere does no harm.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 10:
        return None
    (start,) = struct.unpack_from(order + "I", exif, 4)
    if start + 2 > len(exif):
        return None
    (entries,) = struct.unpack_from(order + "H", exif, start)
    for place in range(start + 2, min(start + 2 + 12 * entries, len(exif) - 11), 12):
        tag, kind, count = struct.unpack_from(order + "HHI", exif, place)
        if tag == _ORIENTATION and kind in _INTEGERS and count > 0:
            (value,) = struct.unpack_from(order + _INTEGERS[kind], exif, place + 8)
            return value if 1 <= value <= 8 else None
    return None


def xmp_orientation(xmp: bytes) -> int | None:
    """1 to 8, or None; some editors write the orientation in XMP alone."""
    found = re.search(rb"tiff:Orientation(?:\s*=\s*[\"']|>)\s*([1-8])\b", xmp)
    return int(found[1]) if found else None

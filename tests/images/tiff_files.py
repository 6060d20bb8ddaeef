"""Writes TIFF files of any kind, as the standard says and PIL cannot."""

import struct
import zlib

_TYPES = {"B": 1, "H": 3, "I": 4, "Q": 16}


def tiff_file(tags, pixels, *, order="<", big=False, extra=()):
    """A TIFF of one strip (or of several: a list of bytes), one page.

    Args:
        tags: tag -> integers, written as shorts where they fit, else as longs.
        pixels: the strip's bytes, or one per plane.
        order: "<" or ">".
        big: BigTIFF.
        extra: entries as (tag, type, count, bytes of the value), written as they are.
    """
    strips = [pixels] if isinstance(pixels, bytes) else pixels
    offset, entry, header = ("Q", "HHQ", 16) if big else ("I", "HHI", 8)
    wide = 8 if big else 4
    body, places = b"", []
    for strip in strips:
        places.append(header + len(body))
        body += strip + b"\0" * (len(strip) % 2)
    tags = {**tags, 273: places, 279: [len(strip) for strip in strips]}
    entries = []
    for tag, given in tags.items():
        values = list(given) if isinstance(given, (list, tuple)) else [given]
        kind = "H" if max(values) < 65536 else "I"
        entries.append((tag, _TYPES[kind], len(values), struct.pack(f"{order}{len(values)}{kind}", *values)))
    directory = b""
    entries += extra
    start = header + len(body)
    after = start + (8 if big else 2) + len(entries) * (4 + 2 * wide) + wide
    rest = b""
    for tag, kind, count, value in sorted(entries, key=lambda item: item[0]):
        written = value.ljust(wide, b"\0")
        if len(value) > wide:
            written = struct.pack(order + offset, after + len(rest))
            rest += value + b"\0" * (len(value) % 2)
        directory += struct.pack(order + entry, tag, kind, count) + written
    count = struct.pack(order + ("Q" if big else "H"), len(entries))
    magic = struct.pack(order + "HHH", 43, 8, 0) if big else struct.pack(order + "H", 42)
    sign = b"II" if order == "<" else b"MM"
    return b"".join(
        [sign, magic, struct.pack(order + offset, start), body, count, directory, bytes(wide), rest]
    )


def grey_tags(width, height, bits, *, photometric=1, **more):
    """The tags of a grey picture; more as tag_NUMBER."""
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 277: 1, 278: height}
    return tags | {int(key.removeprefix("tag_")): value for key, value in more.items()}


def packed(values, bits, order="<"):
    """Rows of values [H, W] as so many bits each, each row filled up to whole bytes."""
    if bits in (8, 16, 32):
        return values.astype(f"{order}u{bits // 8}").tobytes()
    rows = []
    for row in values:
        digits = "".join(f"{int(value):0{bits}b}" for value in row)
        digits += "0" * (-len(digits) % 8)
        rows.append(int(digits, 2).to_bytes(len(digits) // 8))
    return b"".join(rows)


def deflated(pixels):
    return zlib.compress(pixels)

"""WebP: its pixels and transparency, without any other chunk; of an animation, the first frame.

A file is a RIFF header and a row of chunks: name, length, content, a byte more where the length is odd.
"""

import struct
from collections.abc import Iterator

from showtell.images.formats.base import Broken, Essential
from showtell.images.formats.exif import exif_orientation, xmp_orientation

__all__ = ["chunk", "essential"]

_PROFILE, _EXIF, _XMP = 0x20, 0x08, 0x04  # flags of what is left out
_PIXELS = (b"VP8 ", b"VP8L", b"ANMF")
_NAMES = {*_PIXELS, b"VP8X", b"ALPH", b"ANIM", b"ICCP", b"EXIF", b"XMP "}


def essential(data: bytes) -> Essential:
    """The pixels of a WebP picture.

    Raises:
        Broken: there are none.
    """
    kept: list[bytes] = []
    found: set[bytes] = set()
    exif = xmp = None
    for name, content in _chunks(data):
        if name == b"EXIF":
            exif = exif or exif_orientation(content)
        elif name == b"XMP ":
            xmp = xmp or xmp_orientation(content)
        elif name in found or found.intersection(_PIXELS):
            continue
        elif name == b"VP8X" and content:
            kept.append(chunk(name, bytes([content[0] & ~(_PROFILE | _EXIF | _XMP)]) + content[1:]))
        elif name in (b"ANIM", b"ALPH", *_PIXELS):
            kept.append(chunk(name, content))
        found.add(name)
    if not found.intersection(_PIXELS):
        raise Broken("there are no pixels")
    if not found & {b"ANMF", b"ALPH"}:  # then the pixels themselves say all
        kept = kept[-1:]
    body = b"".join([b"WEBP", *kept])
    return Essential(
        data=b"".join([b"RIFF", struct.pack("<I", len(body)), body]), orientation=exif or xmp or 1
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents as far as the file goes, whatever length its header claims; the last may be cut."""
    place = 12
    while place + 8 <= len(data):
        name = data[place : place + 4]
        (length,) = struct.unpack_from("<I", data, place + 4)
        yield name, data[place + 8 : place + 8 + length]
        place += 8 + length
        # Some programs leave out the byte that makes the length even.
        place += length % 2 and data[place : place + 4] not in _NAMES


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk as a file holds it."""
    return b"".join([name, struct.pack("<I", len(content)), content, b"\0" * (len(content) % 2)])

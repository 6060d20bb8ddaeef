"""HEIC, HEIF and AVIF: which of them a file is, and the file with its metadata passed over."""

import re
from collections.abc import Iterator

from showtell.images.formats.base import Essential

__all__ = ["essential", "name"]

_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_AVIF = {b"avif", b"avis"}
_EITHER = {b"mif1", b"mif2", b"msf1", b"miaf"}

# Metadata are tied to a picture by a reference called cdsc. An entry of the list of items: version 2 or 3, flags,
# an id of 2 or 4 bytes, protection, and what it is.
_METADATA = re.compile(rb"(infe(?:\x02.{3}.{2}|\x03.{3}.{4}).{2})(?:Exif|mime)", re.DOTALL)


def name(head: bytes) -> str | None:
    """HEIC or AVIF, by the brands at a file's beginning; None for other files of this family, such as videos."""
    if head[4:8] != b"ftyp":
        return None
    size = int.from_bytes(head[:4])
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))]
    if brands[0] not in _HEIC | _AVIF | _EITHER:
        return None
    for brand in brands:
        if brand in _HEIC:
            return "HEIC"
        if brand in _AVIF:
            return "AVIF"
    return "HEIC"


def essential(data: bytes) -> Essential:
    """The file with its EXIF and XMP tied to no picture, and called something that no decoder looks at.

    Both say nothing of the pixels here: how they are turned is a property of the picture, which the decoder
    applies or reports. And damaged ones have made a decoder crash.
    """
    pieces = []
    for name, box in _boxes(data):
        pieces.append(box if name == b"mdat" else _METADATA.sub(rb"\1skip", box.replace(b"cdsc", b"skip")))
    return Essential(data=b"".join(pieces), orientation=None)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names of the boxes that a file consists of, and the boxes; what cannot be told apart is one box."""
    place = 0
    while place < len(data):
        size, name = int.from_bytes(data[place : place + 4]), data[place + 4 : place + 8]
        if size == 1:
            size = int.from_bytes(data[place + 8 : place + 16])
        if size < 8:  # 0: up to the end
            size = len(data) - place
        yield name, data[place : place + size]
        place += size

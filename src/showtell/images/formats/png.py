"""PNG: its pixels, palette and transparency, without any other chunk.

A file is a signature and a row of chunks: length, name, content, checksum.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from showtell.images.formats.base import Broken, Essential, Unsupported
from showtell.images.formats.exif import exif_orientation, xmp_orientation

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["chunk", "essential", "load"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type -> values a pixel
_TRANSPARENCY = {0: 2, 2: 6, 3: 1}  # colour type -> least number of bytes of a tRNS chunk
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_LETTERS = re.compile(rb"[A-Za-z]{4}")
_FOLLOWING = re.compile(b"PLTE|tRNS|IDAT")
_PIECE = 1 << 14  # which unpacks to 17 MB at most
_LONGEST_TEXT = 1 << 20
"""Bytes of unpacked text that are looked at for an orientation."""


def essential(data: bytes) -> Essential:
    """The pixels of a PNG: of an animation, those that programs without animation show.

    Raises:
        Unsupported: Apple's own variant, which is no PNG.
        Broken: there is no header, or there are no pixels.
    """
    header = palette = transparency = b""
    pixels: list[bytes] = []
    exif = xmp = None
    for name, content in _chunks(data):
        if name == b"CgBI":
            raise Unsupported("a PNG as Xcode packs it for iPhones")
        if name == b"IHDR":
            header = header or content[:13]
        elif name == b"PLTE":
            palette = palette or content[: min(768, len(content) // 3 * 3)]
        elif name == b"tRNS":
            transparency = transparency or content[:256]
        elif name == b"IDAT":
            pixels.append(content)
        elif name == b"eXIf":
            exif = exif or exif_orientation(content)
        elif name in (b"iTXt", b"zTXt", b"tEXt"):
            found = _text_orientation(name, content)
            exif, xmp = exif or found[0], xmp or found[1]
    if len(header) < 13:
        raise Broken("there is no header of the picture")
    if not any(pixels):
        raise Broken("there are no pixels")
    kind = header[9]
    chunks = [chunk(b"IHDR", header)]
    if palette and kind in (2, 3, 6):
        chunks.append(chunk(b"PLTE", palette))
    if kind in _TRANSPARENCY and len(transparency) >= _TRANSPARENCY[kind]:
        chunks.append(chunk(b"tRNS", transparency))
    chunks += [chunk(b"IDAT", b"".join(pixels)), chunk(b"IEND", b"")]
    return Essential(data=b"".join([_SIGNATURE, *chunks]), orientation=exif or xmp or 1)


def load(image: "Image", file: Essential, decoder: "Callable[[bytes], Image]") -> "Image":
    """Decode an opened PNG; that its packing ends badly does not matter if all rows can be unpacked.

    Raises:
        Broken: rows are missing, which PIL leaves black if their packing ends well; or whatever PIL raises.
    """
    try:
        image.load()
    except MemoryError:
        raise
    except Exception:
        mended = _packed_again(file.data)
        if mended is None:
            raise
        image = decoder(mended)
        image.load()
        return image
    last = image.crop((0, image.height - 1, image.width, image.height)).tobytes()
    if (image.info.get("interlace") or not any(last)) and not _has_all_rows(file.data):
        raise Broken("rows are missing")
    return image


def _packed_again(data: bytes) -> bytes | None:
    """An essential PNG with its rows packed again; None if they are not all there."""
    chunks = dict(_chunks(data))
    size = _unpacked_size(chunks[b"IHDR"])
    try:
        rows = _unpacker().decompress(memoryview(chunks[b"IDAT"])[2:], size)
    except zlib.error:
        return None
    if len(rows) < size:
        return None
    chunks[b"IDAT"] = zlib.compress(rows, 1)
    return b"".join([_SIGNATURE, *(chunk(*each) for each in chunks.items()), chunk(b"IEND", b"")])


def _has_all_rows(data: bytes) -> bool:
    chunks = dict(_chunks(data))
    missing, packed = _unpacked_size(chunks[b"IHDR"]), memoryview(chunks[b"IDAT"])[2:]
    unpacker = _unpacker()
    with suppress(zlib.error):
        for start in range(0, len(packed), _PIECE):
            missing -= len(unpacker.decompress(packed[start : start + _PIECE]))
            if missing <= 0:
                break
    return missing <= 0


def _unpacker() -> "zlib._Decompress":
    """What unpacks without a look at the checksum that stands at the end; the two bytes before are to be left out."""
    return zlib.decompressobj(-zlib.MAX_WBITS)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents up to the end chunk, or as far as the file goes; the last may be cut.

    Where the length of a chunk that is not needed leads to no other chunk, the next that is needed is sought.
    """
    place, sought = len(_SIGNATURE), True
    while place + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        name, begin = data[place + 4 : place + 8], place + 8
        if name == b"IEND":
            return
        place = begin + length + 4
        lies = name not in _NEEDED and _LETTERS.match(name) and not _LETTERS.match(data, place + 4)
        if lies and sought:
            found = _FOLLOWING.search(data, begin + 4)
            sought = found is not None  # a second search would find nothing either
            length, place = (0, found.start() - 4) if found else (length, place)
        yield name, data[begin : begin + length]


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk as a file holds it."""
    checksum = zlib.crc32(content, zlib.crc32(name))
    return b"".join([struct.pack(">I", len(content)), name, content, struct.pack(">I", checksum)])


def _text_orientation(name: bytes, content: bytes) -> tuple[int | None, int | None]:
    """The orientation that a text chunk gives as EXIF (as ImageMagick once wrote it), and as XMP."""
    keyword, _, text = content.partition(b"\0")
    if keyword not in (b"Raw profile type exif", b"Raw profile type APP1", b"XML:com.adobe.xmp"):
        return None, None
    packed = name == b"zTXt" or (name == b"iTXt" and text[:1] == b"\x01")
    if name == b"iTXt":
        text = text[2:].split(b"\0", 2)[-1]  # behind the packing, a language and a translated keyword
    elif packed:
        text = text[1:]
    if packed:
        try:
            text = zlib.decompressobj().decompress(text, _LONGEST_TEXT)
        except zlib.error:
            return None, None
    if keyword == b"XML:com.adobe.xmp":
        return None, xmp_orientation(text)
    # A line with the name, one with the number of bytes, and the bytes in hexadecimal digits.
    digits = b"".join(text.split()[2:])
    try:
        return exif_orientation(bytes.fromhex(digits.decode("ascii"))), None
    except ValueError:
        return None, None


def _unpacked_size(header: bytes) -> int:
    """The bytes of all rows, each with the byte that names its filter."""
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits, kind, interlaced = header[8], header[9], header[12]
    row = bits * _CHANNELS.get(kind, 4)
    if not interlaced:
        return height * (1 + (width * row + 7) // 8)
    total = 0
    for left, top, across, down in _PASSES:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * row + 7) // 8)
    return total

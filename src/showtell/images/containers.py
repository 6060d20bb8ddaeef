"""Where a picture's file keeps what is said of it: found, and replaced without touching the picture.

A container is read by `find`, which knows the file's format by its first bytes. What is decoded stays where it is
relative to its neighbours, byte for byte; only segments, chunks or blocks of metadata come, go or change.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from showtell.images import tiff_tags
from showtell.images.edits import Edit
from showtell.images.formats import HEAD, format_of, gif, png, webp
from showtell.images.iptc import IIM, resource, set_resource

__all__ = ["NAMES", "Contents", "find", "replace"]

NAMES = ("JPEG", "PNG", "WebP", "GIF", "TIFF")
"""The formats that can hold words."""

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_SEGMENT = 65_533  # bytes that fit into a JPEG segment besides its length
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_XMP = b"XML:com.adobe.xmp"
_GIF_XMP = b"\x21\xff\x0bXMP DataXMP"
_GIF_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_LARGEST_TEXT = 16 * 2**20  # of what is unpacked


@dataclass(slots=True)
class Contents:
    """What a file holds besides its picture.

    Attributes:
        format: one of `NAMES`.
        xmp, exif, iptc: the packet, the TIFF-formed tags, the IPTC record; None where there are none.
        notes: descriptions that stand in a form of the format's own.
        places: where each of them stands: (offset, length), or where it would come with length 0.
    """

    format: str
    xmp: bytes | None = None
    exif: bytes | None = None
    iptc: bytes | None = None
    notes: list[str] = field(default_factory=list)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)


def find(data: bytes) -> Contents | None:
    """What a file holds; None for a format that can hold nothing.

    Raises:
        ValueError: the file is broken, so that nothing should be written into it.
    """
    kind = format_of(data[:HEAD])
    if kind is None or kind.name not in NAMES:
        return None
    readers = (_find_jpeg, _find_png, _find_webp, _find_gif, _find_tiff)
    try:
        return readers[NAMES.index(kind.name)](data)
    except (struct.error, IndexError, OverflowError, zlib.error):  # OverflowError: a place of 64 bits
        raise ValueError("it is cut short or broken") from None


def replace(
    data: bytes, contents: Contents, *, xmp: bytes, exif: bytes | None, iptc: bytes | None
) -> list[Edit]:
    """The edits after which a file holds these; None leaves what is there.

    Raises:
        ValueError: they do not fit into the format.
    """
    writers = (_jpeg, _png, _webp, _gif, _tiff)
    return writers[NAMES.index(contents.format)](data, contents, xmp, exif, iptc)


# --- JPEG: a list of segments, then the picture ---


def _find_jpeg(data: bytes) -> Contents:
    contents = Contents("JPEG")
    photoshop = b""
    start = 2  # new segments come behind the start of the picture and JFIF's
    for marker, offset, length in _segments(data):
        body = data[offset + 4 : offset + length]
        if marker == 0xE0 and offset == start:
            start = offset + length
        elif marker == 0xE1 and body.startswith(_EXIF) and contents.exif is None:
            contents.exif = body[len(_EXIF) :]
            contents.places["exif"] = (offset, length)
        elif marker == 0xE1 and body.startswith(_XMP) and contents.xmp is None:
            contents.xmp = body[len(_XMP) :]
            contents.places["xmp"] = (offset, length)
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            photoshop += body[len(_PHOTOSHOP) :]
            if "iptc" in contents.places:  # one block in several segments: read, never written
                contents.places["iptc"] = (-1, 0)
            else:
                contents.places["iptc"] = (offset, length)
        elif marker == 0xE2 and body.startswith(b"MPF\0"):
            contents.places["several"] = (offset, length)
    contents.iptc = resource(photoshop, IIM)
    behind = sum(contents.places.get("exif", (start, 0)))
    for name, place in (("exif", start), ("xmp", behind), ("iptc", behind)):
        contents.places.setdefault(name, (place, 0))
    return contents


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each segment before the picture its marker, its offset and its whole length."""
    offset = 2
    while True:
        if data[offset] != 0xFF:
            raise ValueError("its segments are broken")
        while data[offset + 1] == 0xFF:  # filling
            offset += 1
        marker = data[offset + 1]
        if marker in (0xDA, 0xD9):
            return
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            offset += 2
            continue
        length = 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
        if length < 4 or offset + length > len(data):
            raise ValueError("its segments are cut short")
        yield marker, offset, length
        offset += length


def _jpeg(data: bytes, contents: Contents, xmp: bytes, exif: bytes | None, iptc: bytes | None) -> list[Edit]:
    edits: list[Edit] = []
    if exif is not None and len(_EXIF) + len(exif) <= _SEGMENT:
        edits.append(Edit(*contents.places["exif"], _segment(0xE1, _EXIF + exif)))
    edits.append(Edit(*contents.places["xmp"], _segment(0xE1, _XMP + xmp)))
    offset, length = contents.places["iptc"]
    if iptc is not None and offset >= 0:
        old = data[offset + 4 : offset + length][len(_PHOTOSHOP) :] if length else b""
        blocks = set_resource(old, iptc)
        if len(_PHOTOSHOP) + len(blocks) <= _SEGMENT:
            edits.append(Edit(offset, length, _segment(0xED, _PHOTOSHOP + blocks)))
    several = contents.places.get("several")
    return edits if several is None else [*edits, *_several_pictures(data, several, edits)]


def _segment(marker: int, body: bytes) -> bytes:
    if len(body) > _SEGMENT:
        raise ValueError("its metadata would be larger than a JPEG can hold")
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _several_pictures(data: bytes, place: tuple[int, int], edits: list[Edit]) -> list[Edit]:
    """A file of several pictures (MPF) lists their lengths, and their places as seen from the list."""
    offset, length = place
    if any(edit.offset > offset for edit in edits):
        raise ValueError("it holds several pictures in a form that cannot be kept")
    block = data[offset + 8 : offset + length]
    entries = tiff_tags.read_tags(block).get(0xB002, b"")
    start = block.find(entries) if len(entries) >= 16 else -1
    if start < 0:
        return []
    order = "<I" if block.startswith(b"II") else ">I"
    [size] = struct.unpack_from(order, entries, 4)
    grown = size + sum(len(edit.new) - edit.length for edit in edits)
    return [Edit(offset + 8 + start + 4, 4, struct.pack(order, grown))] if size else []


# --- PNG: chunks with checksums ---


def _find_png(data: bytes) -> Contents:
    contents = Contents("PNG")
    picture = 0
    for kind, offset, length in _png_chunks(data):
        body = data[offset + 8 : offset + 8 + length]
        if kind == b"IDAT" and not picture:
            picture = offset
        elif kind == b"eXIf" and contents.exif is None:
            contents.exif = body.removeprefix(_EXIF)
            contents.places["exif"] = (offset, length + 12)
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _png_text(kind, body)
            if kind == b"iTXt" and keyword == _PNG_XMP and contents.xmp is None:
                contents.xmp = text
                contents.places["xmp"] = (offset, length + 12)
            elif keyword == b"Description":
                contents.notes.append(text.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace"))
    if not picture:
        raise ValueError("there is no picture in it")
    for name in ("exif", "xmp"):
        contents.places.setdefault(name, (picture, 0))
    return contents


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Of each chunk its kind, its offset and the length of its body."""
    offset = len(_PNG)
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        if offset + 12 + length > len(data):
            raise ValueError("its chunks are cut short")
        yield kind, offset, length
        offset += 12 + length
        if kind == b"IEND":
            return


def _png_text(kind: bytes, body: bytes) -> tuple[bytes, bytes]:
    """The keyword of a text chunk, and the text."""
    keyword, _, rest = body.partition(b"\0")
    if kind == b"tEXt":
        return keyword, rest
    if kind == b"zTXt":
        return keyword, _unpacked(rest[1:])
    packed = rest[0]
    text = rest[2:].split(b"\0", 2)[2]
    return keyword, _unpacked(text) if packed else text


def _unpacked(data: bytes) -> bytes:
    """What zlib packed, if it is not a bomb."""
    machine = zlib.decompressobj()
    text = machine.decompress(data, _LARGEST_TEXT)
    if machine.unconsumed_tail:
        raise ValueError("a text in it is larger than any text")
    return text


def _png(data: bytes, contents: Contents, xmp: bytes, exif: bytes | None, iptc: bytes | None) -> list[Edit]:
    chunk = png.chunk(b"iTXt", _PNG_XMP + b"\0\0\0\0\0" + xmp)
    edits = [Edit(*contents.places["xmp"], chunk)]
    if exif is not None:
        edits.append(Edit(*contents.places["exif"], png.chunk(b"eXIf", exif)))
    return edits


# --- WebP: chunks in a RIFF file, with a list of what there is in the first ---

_WEBP_EXIF, _WEBP_XMP, _WEBP_ALPHA = 0x08, 0x04, 0x10


def _find_webp(data: bytes) -> Contents:
    contents = Contents("WebP")
    [size] = struct.unpack_from("<I", data, 4)
    end = min(len(data), 8 + size)
    if 8 + size > len(data) + 1:
        raise ValueError("it is cut short")
    offset = 12
    while offset + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, offset)
        whole = 8 + length + length % 2
        if offset + 8 + length > end:
            raise ValueError("its chunks are cut short")
        body = data[offset + 8 : offset + 8 + length]
        if kind in (b"VP8X", b"VP8 ", b"VP8L"):
            contents.places.setdefault(kind.decode(), (offset, length))
        elif kind == b"EXIF" and contents.exif is None:
            contents.exif = body.removeprefix(_EXIF)
            contents.places["exif"] = (offset, min(whole, len(data) - offset))
        elif kind == b"XMP " and contents.xmp is None:
            contents.xmp = body
            contents.places["xmp"] = (offset, min(whole, len(data) - offset))
        offset += whole
    for name in ("exif", "xmp"):
        contents.places.setdefault(name, (end, 0))
    return contents


def _webp(data: bytes, contents: Contents, xmp: bytes, exif: bytes | None, iptc: bytes | None) -> list[Edit]:
    parts = [("exif", b"EXIF", exif), ("xmp", b"XMP ", xmp)]  # in the order that the format asks for
    edits = [
        Edit(*contents.places[name], webp.chunk(kind, body)) for name, kind, body in parts if body is not None
    ]
    flags = _WEBP_XMP | (_WEBP_EXIF if exif is not None else 0)
    if "VP8X" in contents.places:
        offset, _ = contents.places["VP8X"]
        edits.append(Edit(offset + 8, 1, bytes([data[offset + 8] | flags])))
    else:
        edits.append(Edit(12, 0, _webp_head(data, contents, flags)))
    grown = sum(len(edit.new) - edit.length for edit in edits)
    [size] = struct.unpack_from("<I", data, 4)
    return [*edits, Edit(4, 4, struct.pack("<I", size + grown))]


def _webp_head(data: bytes, contents: Contents, flags: int) -> bytes:
    """The first chunk of a file with metadata, for a picture that stood alone."""
    if "VP8L" in contents.places:
        offset, _ = contents.places["VP8L"]
        [bits] = struct.unpack_from("<I", data, offset + 9)
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF  # each minus one
        flags |= _WEBP_ALPHA if bits >> 28 & 1 else 0
    elif "VP8 " in contents.places:
        offset, _ = contents.places["VP8 "]
        width, height = ((side & 0x3FFF) - 1 for side in struct.unpack_from("<HH", data, offset + 14))
    else:
        raise ValueError("there is no picture in it")
    body = struct.pack("<I", flags) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
    return webp.chunk(b"VP8X", body)


# --- GIF: blocks ---


def _find_gif(data: bytes) -> Contents:
    contents = Contents("GIF")
    offset = start = 13 + gif.palette(data[10:11])
    while data[offset] != 0x3B:
        if data[offset] == 0x21:
            end = gif.end_of_pieces(data, offset + 2)
            if data.startswith(_GIF_XMP, offset) and contents.xmp is None:
                contents.xmp = data[offset + len(_GIF_XMP) : end].removesuffix(_GIF_TRAILER)
                contents.places["xmp"] = (offset, end - offset)
        elif data[offset] == 0x2C:
            end = gif.end_of_pieces(data, offset + 10 + gif.palette(data[offset + 9 : offset + 10]) + 1)
        else:
            raise ValueError("its blocks are broken")
        offset = end
    contents.places.setdefault("xmp", (start, 0))
    return contents


def _gif(data: bytes, contents: Contents, xmp: bytes, exif: bytes | None, iptc: bytes | None) -> list[Edit]:
    if b"\0" in xmp:
        raise ValueError("its packet has a null character")
    block = Edit(*contents.places["xmp"], _GIF_XMP + xmp + _GIF_TRAILER)
    return [Edit(0, 6, b"GIF89a"), block]  # GIF87a knows no such blocks


# --- TIFF: tags ---

_TIFF_XMP, _TIFF_IPTC = 700, 33723


def _find_tiff(data: bytes) -> Contents:
    tags = tiff_tags.read_tags(data)
    return Contents("TIFF", xmp=tags.get(_TIFF_XMP), exif=data, iptc=tags.get(_TIFF_IPTC))


def _tiff(data: bytes, contents: Contents, xmp: bytes, exif: bytes | None, iptc: bytes | None) -> list[Edit]:
    """All tags at once, since the directory is written once. `exif` is the description alone."""
    tags = {_TIFF_XMP: (tiff_tags.BYTE, xmp)}
    if iptc is not None:
        tags[_TIFF_IPTC] = (tiff_tags.LONG, iptc + bytes(-len(iptc) % 4))
    if exif is not None:
        tags[0x010E] = (tiff_tags.ASCII, exif)
    return tiff_tags.set_tags(data, tags)

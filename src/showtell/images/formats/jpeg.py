"""JPEG: its tables and scans without metadata, and whether the scans hold every row.

A file is a row of segments, each begun by a marker (0xFF and a byte). After a start of scan come the coded
pixels up to the next marker; in them a byte 0xFF is followed by 0 or is a restart marker.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from showtell.images.formats.base import Broken, Essential, Unsupported
from showtell.images.formats.exif import exif_orientation, xmp_orientation

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["MAX_SCANS", "Jpeg", "essential", "lacks_rows"]

MAX_SCANS = 500
"""More scans are refused: each costs a pass over the whole picture, however few bytes it has."""

_START, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_ARITHMETIC = 0xCC  # tables of arithmetic coding
_TABLES = {0xC4, 0xDB, 0xDD}  # of Huffman codes and of quantisation, and the interval of restarts
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_MARKER = re.compile(rb"\xff\xff*([^\x00\xd0-\xd7\xff])")  # searched 20 times as fast as with "\xff+"
_SECTOR = 512
_NOISE = b"\x2d\x93\x5b\xa6\xe1\x4a\x97\x3c" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What a start of frame says; components are (id, horizontal factor, vertical factor)."""

    marker: int
    width: int
    height: int
    components: tuple[tuple[int, int, int], ...]

    @property
    def progressive(self) -> bool:
        return self.marker in (0xC2, 0xCA)

    @property
    def arithmetic(self) -> bool:
        return self.marker in (0xC9, 0xCA)

    def blocks(self, ids: bytes) -> int:
        """Blocks of 8 x 8 that a scan of these components has."""
        widest = max(h for _, h, _ in self.components)
        tallest = max(v for _, _, v in self.components)
        if len(ids) > 1:
            units = math.ceil(self.width / (8 * widest)) * math.ceil(self.height / (8 * tallest))
            return units * sum(h * v for name, h, v in self.components if name in ids)
        return sum(
            math.ceil(self.width * h / (8 * widest)) * math.ceil(self.height * v / (8 * tallest))
            for name, h, v in self.components
            if name in ids
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg(Essential):
    """A JPEG's essential part.

    Attributes:
        scans: where the file's coded pixels begin.
        doubtful: rows may be missing though all looks well.
    """

    scans: int = field(repr=False)
    doubtful: bool


def essential(data: bytes) -> Jpeg:
    """The tables and scans of a JPEG.

    Raises:
        Unsupported: lossless, hierarchical or 12-bit JPEG and other kinds that are not read.
        Broken: it ends before the pixels, or has fewer bits of them than there are blocks.
    """
    kept, frame, orientation, begin = _header(data)
    first = _scan_header(data, data.index(_SCAN, begin))
    single = not frame.progressive and len(first.ids) == len(frame.components)
    if not single:
        end, unfinished = _rest(data, begin, frame)
    elif data.endswith(_END):  # not sought: what stands behind an earlier end is not decoded anyway
        end, unfinished = len(data) - 2, False
    else:
        end, unfinished = data.find(_END, first.pixels), False
    ended = end >= 0
    if not ended:
        if unfinished:
            raise Broken("scans are missing")
        # What was downloaded in part is often filled up with zeros; and half a marker may be left.
        filled = len(data) - len(data.rstrip(b"\0"))
        end = max(first.pixels, len(data) - (filled - 1 if filled >= _SECTOR else 0))
        end -= data[begin:end].endswith(b"\xff")
    _refuse_too_few_bits(frame, first, end if single else min(end, next(_scans(data, begin)).end), ended)
    header = b"".join(kept)
    return Jpeg(
        data=b"".join([header, memoryview(data)[begin:end], _END]),
        orientation=orientation,
        memory=0 if single else 128 * frame.blocks(bytes(name for name, _, _ in frame.components)),
        scans=len(header),
        doubtful=not frame.arithmetic and (not ended or unfinished or not (single or frame.progressive)),
    )


def _refuse_too_few_bits(frame: _Frame, scan: "_Scan", end: int, ended: bool) -> None:
    """Raise Broken where the first scan has fewer bits than any coding of its blocks; so do bombs, before they cost."""
    if frame.arithmetic:
        # Its pixels may end in zeros that are not written: without an end it cannot be known what is missing.
        if not ended:
            raise Broken("there is no end")
    elif 8 * (end - scan.pixels) < frame.blocks(scan.ids) * (1 if frame.progressive else 2):
        raise Broken("the pixels end too early")


def lacks_rows(image: "Image", file: Jpeg, decoder: "Callable[[bytes], Image]") -> bool:
    """Whether the scans of a decoded JPEG end before its last row.

    A decoder then quietly fills the rest with the grey that stands for no coefficients at all. Where the last
    corner has it, or where the file has no end, the picture is decoded once more with noise behind each scan:
    a decoder that has all its blocks skips that, one that lacks some takes it for them.

    Args:
        image: as it was decoded.
        file: what it was decoded from.
        decoder: opens other bytes in the same way.
    """
    if not file.doubtful and not _ends_in_grey(image):
        return False
    pieces = [file.data[: file.scans]]
    for scan in _scans(file.data, file.scans):
        pieces += [file.data[scan.begin : scan.end], _NOISE]
    other = decoder(b"".join([*pieces, _END]))
    other.load()
    for top in range(0, image.height, 256):
        box = (0, top, image.width, min(top + 256, image.height))
        if image.crop(box).tobytes() != other.crop(box).tobytes():
            return True
    return False


def _ends_in_grey(image: "Image") -> bool:
    width, height = image.size
    corner = image.crop((max(0, width - 4), height - 1, width, height))
    values = set(corner.tobytes())
    return values <= {127, 128}  # 127 where the values are stored inverted


def _header(data: bytes) -> tuple[list[bytes], _Frame, int, int]:
    """The segments to keep, the frame, the orientation, and where the first scan begins."""
    kept, arithmetic, frame, begin = [_START], list[bytes](), None, len(_START)
    exif = xmp = None
    for marker, payload, end in _segments(data):
        begin = end
        if marker == 0xE1 and payload.startswith(_EXIF):
            exif = exif or exif_orientation(payload)
        elif marker == 0xE1 and payload.startswith(_XMP):
            xmp = xmp or xmp_orientation(payload)
        elif marker == 0xE0 and payload.startswith(b"JFIF\0") and len(payload) >= 14:
            kept.append(_JFIF)
        elif marker == 0xEE and payload.startswith(b"Adobe") and len(payload) >= 12:
            kept.append(b"\xff\xee\x00\x0e" + payload[:12])
        elif marker in _FRAMES | _TABLES:
            kept.append(_segment(marker, payload))
        elif marker == _ARITHMETIC:
            arithmetic.append(_segment(marker, payload))
        if marker in _FRAMES:
            frame = _frame(marker, payload)
    if frame is None:
        raise Broken("there is no header of the picture")
    return kept + (arithmetic if frame.arithmetic else []), frame, exif or xmp or 1, begin


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2) + payload


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and end of each segment before the first scan."""
    place = len(_START)
    while found := _MARKER.search(data, place):
        marker, place = found[1][0], found.end()
        if marker == 0xDA:
            return
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):
            continue
        length = int.from_bytes(data[place : place + 2])
        payload = data[place + 2 : place + length]
        if length < 2 and marker not in _FRAMES | _TABLES:
            continue  # metadata that are none; what follows is sought
        if length < 2 or len(payload) < length - 2:
            raise Broken("it ends in its tables")
        place += length
        yield marker, payload, place
    raise Broken("there are no pixels")


def _frame(marker: int, payload: bytes) -> _Frame:
    """A start of frame; Unsupported for what libjpeg, as it is built for 8 bits, does not decode."""
    if marker in (0xC3, 0xC7, 0xCB, 0xCF):
        raise Unsupported("a lossless JPEG")
    if marker not in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA):
        raise Unsupported("a hierarchical JPEG")
    if len(payload) < 6 or len(payload) < 6 + 3 * payload[5]:
        raise Broken("the header of the picture is cut")
    if payload[0] != 8:
        raise Unsupported(f"a JPEG with {payload[0]} bits per sample")
    height, width = int.from_bytes(payload[1:3]), int.from_bytes(payload[3:5])
    if not height:
        raise Unsupported("a JPEG whose height stands after its pixels")
    if payload[5] not in (1, 3, 4):
        raise Unsupported(f"a JPEG with {payload[5]} components")
    components = tuple(
        (payload[at], payload[at + 1] >> 4, payload[at + 1] & 15) for at in range(6, 6 + 3 * payload[5], 3)
    )
    if not width or any(not 1 <= factor <= 4 for _, *factors in components for factor in factors):
        raise Broken("the header of the picture makes no sense")
    return _Frame(marker=marker, width=width, height=height, components=components)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """A scan.

    Attributes:
        begin: where it begins, tables before it included.
        pixels, end: where its coded pixels begin and end.
        ids: its components.
        coefficients: those of each block that it brings.
        last: it brings their last bit.
    """

    begin: int
    pixels: int
    end: int
    ids: bytes
    coefficients: range
    last: bool


def _scan_header(data: bytes, place: int, begin: int = 0) -> _Scan:
    """The scan whose marker is at a place; its end is not known yet."""
    length = int.from_bytes(data[place + 2 : place + 4])
    payload = data[place + 4 : place + 2 + length]
    number = payload[0] if payload else 0
    if not number or len(payload) < 4 + 2 * number:
        raise Broken("there are no pixels")
    return _Scan(
        begin=begin,
        pixels=place + 2 + length,
        end=len(data),
        ids=payload[1 : 1 + 2 * number : 2],
        coefficients=range(payload[-3], min(payload[-2], 63) + 1),
        last=payload[-1] & 15 == 0,
    )


def _scans(data: bytes, begin: int) -> Iterator[_Scan]:
    """The scans from a place on, up to the end marker or the end of the file."""
    place = begin
    while (found := _MARKER.search(data, place)) and found[1] != b"\xd9":
        place = found.end()
        if found[1] == b"\xda":
            scan = _scan_header(data, place - 2, begin)
            after = _MARKER.search(data, scan.pixels)
            begin = place = after.start() if after else len(data)
            yield replace(scan, end=place)
        elif found[1] != b"\x01":
            place += int.from_bytes(data[place : place + 2])


def _rest(data: bytes, begin: int, frame: _Frame) -> tuple[int, bool]:
    """Where the end marker of a file of several scans stands, -1 if nowhere; and whether scans seem to be missing."""
    end = begin
    missing = {(name, coefficient) for name, _, _ in frame.components for coefficient in range(64)}
    for number, scan in enumerate(_scans(data, begin), 1):
        end = scan.end
        if number > MAX_SCANS:
            raise Unsupported(f"a JPEG with more than {MAX_SCANS} scans")
        if scan.last and frame.progressive:
            missing -= {(name, coefficient) for name in scan.ids for coefficient in scan.coefficients}
    unfinished = frame.progressive and bool(missing)
    while found := _MARKER.search(data, end):
        if found[1] == b"\xd9":
            return found.start(), unfinished
        end = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
    return -1, unfinished

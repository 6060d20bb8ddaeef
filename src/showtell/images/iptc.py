"""IPTC's older record (IIM): the caption in it, and the blocks of Photoshop's that it stands in."""

import hashlib
import struct
from collections.abc import Iterator

__all__ = ["caption_of", "resource", "set_resource", "with_caption"]

IIM, DIGEST = 0x0404, 0x0425
"""The numbers of Photoshop's blocks: the record, and the MD5 that says whether it was changed since."""

_CAPTION, _CHARSET = (2, 120), (1, 90)
_UTF8 = b"\x1b%G"
_LONGEST = 2000


def caption_of(record: bytes) -> str:
    """The caption in a record; "" where there is none.

    Raises:
        ValueError: the record is broken.
    """
    datasets = list(_datasets(record))
    utf8 = (_CHARSET, _UTF8) in datasets
    captions = [value for name, value in datasets if name == _CAPTION]
    if not captions:
        return ""
    try:
        return captions[0].decode("utf-8")
    except UnicodeDecodeError:
        return captions[0].decode("utf-8" if utf8 else "latin-1", "replace")


def with_caption(record: bytes, caption: str) -> bytes | None:
    """The record with this caption; None where it cannot hold it.

    It cannot when the caption is too long, or when it needs UTF-8 and other fields are in another encoding,
    which they would then be read in.

    Raises:
        ValueError: the record is broken.
    """
    datasets = list(_datasets(record))
    charset = [value for name, value in datasets if name == _CHARSET]
    text = caption.encode("utf-8")
    if len(text) > _LONGEST:
        return None
    others = [(name, value) for name, value in datasets if name not in (_CAPTION, _CHARSET)]
    foreign = any(not value.isascii() for name, value in others if name[0] == 2)
    if not caption.isascii() and charset != [_UTF8] and (charset or foreign):
        return None
    if not caption.isascii() or not datasets:
        charset = [_UTF8]
    first = [(name, value) for name, value in others if name[0] < 2]
    second = [(name, value) for name, value in others if name[0] == 2]
    if not any(name == (2, 0) for name, _ in second):
        second.insert(0, ((2, 0), b"\0\4"))  # the version of the record, which it must say
    last = [(name, value) for name, value in others if name[0] > 2]
    first += [(_CHARSET, value) for value in charset]
    return b"".join(_dataset(name, value) for name, value in [*first, *second, (_CAPTION, text), *last])


def _dataset(name: tuple[int, int], value: bytes) -> bytes:
    if len(value) < 0x8000:
        return struct.pack(">BBBH", 0x1C, *name, len(value)) + value
    return struct.pack(">BBBHI", 0x1C, *name, 0x8004, len(value)) + value


def _datasets(record: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    place = 0
    while place + 5 <= len(record) and record[place] == 0x1C:
        length = int.from_bytes(record[place + 3 : place + 5], "big")
        start = place + 5
        if length & 0x8000:  # the length of the length
            size = length & 0x7FFF
            length = int.from_bytes(record[start : start + size], "big")
            start += size
        if start + length > len(record):
            raise ValueError("the IPTC record is cut short")
        yield (record[place + 1], record[place + 2]), record[start : start + length]
        place = start + length
    if record[place:].strip(b"\0"):
        raise ValueError("the IPTC record is broken")


def resource(blocks: bytes, number: int) -> bytes | None:
    """The content of Photoshop's block of this number.

    Raises:
        ValueError: the blocks are broken.
    """
    return next((content for kind, content, _ in _blocks(blocks) if kind == number), None)


def set_resource(blocks: bytes, record: bytes) -> bytes:
    """The blocks with this IPTC record in them; a digest of the record that is there is kept true.

    Raises:
        ValueError: the blocks are broken.
    """
    parts: list[bytes] = []
    written = False
    for kind, _, whole in _blocks(blocks):
        if kind == IIM:
            if not written:
                parts.append(_block(IIM, record))
            written = True
        elif kind == DIGEST:
            parts.append(_block(DIGEST, hashlib.md5(record, usedforsecurity=False).digest()))
        else:
            parts.append(whole)
    if not written:
        parts.append(_block(IIM, record))
    return b"".join(parts)


def _block(number: int, content: bytes) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + padding


def _blocks(blocks: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Of each block its number, its content, and the whole of it."""
    place = 0
    while place + 12 <= len(blocks):
        if blocks[place : place + 4] not in (b"8BIM", b"PHUT", b"DCSR", b"AgHg", b"MeSa"):
            raise ValueError("Photoshop's blocks are broken")
        name = blocks[place + 6]
        start = place + 6 + name + 1 + (name + 1) % 2
        length = int.from_bytes(blocks[start : start + 4], "big")
        end = start + 4 + length
        if end > len(blocks):
            raise ValueError("Photoshop's blocks are cut short")
        whole_end = min(len(blocks), end + length % 2)
        yield (
            int.from_bytes(blocks[place + 4 : place + 6], "big"),
            blocks[start + 4 : end],
            blocks[place:whole_end],
        )
        place = whole_end

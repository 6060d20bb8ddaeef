"""Pictures made for tests, and pieces of picture files."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

TURNS = {  # EXIF's orientation -> how PIL turns a picture so that it has to be turned back
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quarters(width=60, height=40):
    """Red, green / blue, white: uint8 [H, W, 3]. Tells every turn, flip and mix-up of channels apart."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 255, 0)
    picture[height // 2 :, : width // 2] = (0, 0, 255)
    picture[height // 2 :, width // 2 :] = (255, 255, 255)
    return picture


def scene(width, height):
    """Smooth waves and a few edges, like a photograph: uint8 [H, W, 3]."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = np.stack([np.sin(9 * x + 5 * y), np.cos(7 * x * y + 2 * y), np.sin(11 * y - 3 * x)], -1)
    waves[int(height * 0.3) : int(height * 0.6), int(width * 0.2) : int(width * 0.5)] *= -0.6
    return np.rint(127 + 100 * waves).astype(np.uint8)


def grainy(width, height):
    """A scene with the grain of a photograph, so that every block of a JPEG has something in it."""
    grain = np.random.default_rng(1).normal(0, 8, (height, width, 3))
    return np.clip(scene(width, height) + grain, 0, 255).astype(np.uint8)


def stored(image, kind, **options):
    """A picture (an array or of PIL) as a file's bytes."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name, content, checksum=None):
    """A chunk of a PNG."""
    checksum = zlib.crc32(name + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def segment(marker, content):
    """A segment of a JPEG."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def riff(*chunks):
    """A WebP file of (name, content) chunks."""
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
        for name, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def exif(*entries, order="<"):
    """EXIF with entries of (tag, type, count, bytes of the value or offset)."""
    sign, magic = (b"II", b"*\0") if order == "<" else (b"MM", b"\0*")
    written = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in entries)
    return sign + magic + struct.pack(f"{order}IH", 8, len(entries)) + written + bytes(4)


def orientation(value, kind=3, order="<"):
    """An entry of EXIF that says how a picture is turned."""
    return (0x0112, kind, 1, struct.pack(order + {1: "B", 3: "H", 4: "I", 9: "i"}[kind], value))


ODD_ENTRIES = {
    "text as a number": (0x010F, 3, 1, b"\1\0"),
    "a number as text": (0x011A, 2, 4, b"abc\0"),
    "a unit of no type": (0x0128, 0, 1, b"\2"),
    "a type there is not": (0x0128, 99, 1, b"\2"),
    "undefined for a short": (0x0128, 7, 1, b"\2"),
    "two values for one": (0x0100, 3, 2, b"\1\0\2\0"),
    "no values": (0x0132, 2, 0, b""),
    "four thousand million values": (0x0132, 12, 0xFFFFFFFF, b"\xff\xff\xff\x7f"),
    "values behind the end": (0x011A, 5, 1, b"\xff\xff\xff\x7f"),
    "a rational over zero": (0x011A, 5, 1, b"\0\0\0\0"),
    "a folder that is itself": (0x8769, 4, 1, b"\x08\0\0\0"),
    "a folder behind the end": (0x8825, 4, 1, b"\xff\xff\xff\x7f"),
    "a folder of floats": (0x8769, 11, 1, b"\0\0\xc0\x7f"),
}

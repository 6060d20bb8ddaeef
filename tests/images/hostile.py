"""Makes picture files that mean harm, of a few kilobytes each, and damages good ones at random.

    python tests/images/hostile.py [--minutes 30] [--seed 1]

reads damaged files for so long and counts what comes out; anything but pixels and BadImage is kept in the folder
``findings`` and ends it. Each file is read in a process of its own, so that a decoder that crashes is found too.
"""

import argparse
import os
import random
import struct
import sys
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, features
from scenes import ODD_ENTRIES, chunk, exif, grainy, orientation, riff, segment, stored
from tiff_files import grey_tags, tiff_file

HEIC = Path(__file__).with_name("heic")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Names and contents of files that mean harm."""
    for makers in (_headers, _pngs, _jpegs, _gifs, _webps, _bmps, _tiffs, _heifs, _impostors):
        for name, content in makers():
            yield f"{makers.__name__[1:]}: {name}", content


def good_files() -> list[bytes]:
    """One small file of each kind that is read."""
    picture = Image.fromarray(grainy(40, 30))
    alpha = picture.copy()
    alpha.putalpha(picture.convert("L"))
    info = exif(orientation(6), *ODD_ENTRIES.values())
    deep = Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50)
    files = [
        stored(picture, "JPEG", exif=b"Exif\0\0" + info),
        stored(picture, "JPEG", progressive=True),
        stored(picture.convert("CMYK"), "JPEG"),
        stored(picture, "PNG", exif=info),
        stored(alpha, "PNG"),
        stored(deep, "PNG"),
        stored(picture.quantize(9), "PNG", transparency=3, bits=4),
        stored(picture, "PNG", save_all=True, append_images=[picture.rotate(180)]),
        stored(picture.quantize(9), "GIF", save_all=True, append_images=[picture.rotate(180).quantize(9)]),
        stored(alpha, "WEBP", exif=info),
        stored(picture, "WEBP", lossless=True),
        stored(picture, "WEBP", save_all=True, append_images=[picture.rotate(180)]),
        stored(picture, "BMP"),
        stored(picture.quantize(9), "BMP"),
        stored(picture, "TIFF"),
        stored(picture.convert("1"), "TIFF", compression="group4"),
        *(
            stored(picture, "TIFF", compression=name)
            for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
        ),
        stored(deep, "TIFF"),
        tiff_file(grey_tags(40, 30, 12, photometric=0), bytes(1800)),
        tiff_file(grey_tags(40, 30, 32, tag_339=3), bytes(4800), order=">"),
        tiff_file({256: 40, 257: 30, 258: [8] * 3, 259: 1, 262: 2, 277: 3, 278: 30}, bytes(3600), big=True),
        (HEIC / "quarters.heic").read_bytes(),
        (HEIC / "turned_6.heic").read_bytes(),
    ]
    return files + ([stored(picture, "AVIF", exif=exif(orientation(6)))] if features.check("avif") else [])


def damaged(data: bytes, generator: random.Random) -> bytes:
    """A copy in which bytes are changed, cut out, put in or doubled."""
    damaged = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 3, 8))):
        place = generator.randrange(min(len(damaged), generator.choice((64, 400, 1 << 30))) or 1)
        match generator.randrange(6):
            case 0 | 1:
                damaged[place : place + 1] = bytes((generator.randrange(256),))
            case 2:
                number = generator.choice(INTERESTING)
                length = generator.choice((1, 2, 4))
                order = generator.choice(("little", "big"))
                damaged[place : place + length] = (number & (256**length - 1)).to_bytes(length, order)
            case 3:
                del damaged[place : place + generator.randrange(1, 40)]
            case 4:
                damaged[place:place] = generator.randbytes(generator.randrange(1, 40))
            case 5:
                piece = damaged[place : place + generator.randrange(1, 200)]
                damaged[place:place] = piece * generator.choice((1, 2, 50))
    return bytes(damaged) or b"\0"


# --- what means harm ---


def _header(width: int, height: int, kind: int = 2, bits: int = 8, interlaced: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced))


def _headers() -> Iterator[tuple[str, bytes]]:
    """Beginnings alone."""
    for number, data in enumerate(good_files()):
        for length in (1, 2, 3, 4, 8, 12, 16, 33, 64):
            yield f"{length} bytes of {number}", data[:length]


def _pngs() -> Iterator[tuple[str, bytes]]:
    end = chunk(b"IEND", b"")
    pixels = chunk(b"IDAT", zlib.compress(bytes(4000)))
    for width, height in (
        (0, 9),
        (9, 0),
        (2**31, 1),
        (1, 2**31),
        (2**32 - 1, 2**32 - 1),
        (80_000_000, 1),
        (1, 10**7),
    ):
        yield f"{width} x {height}", SIGNATURE + _header(width, height) + pixels + end
    for kind in range(8):
        for bits in (0, 1, 2, 3, 8, 16, 255):
            yield f"type {kind}, {bits} bits", SIGNATURE + _header(9, 9, kind, bits) + pixels + end
    bomb = zlib.compress(bytes(50_000_000), 9)
    yield "a bomb of pixels", SIGNATURE + _header(9, 9) + chunk(b"IDAT", bomb) + end
    yield "a bomb of text", SIGNATURE + _header(9, 9) + chunk(b"zTXt", b"a\0\0" + bomb) + pixels + end
    text = b"Raw profile type exif\0\0" + bomb
    yield "a bomb of EXIF in text", SIGNATURE + _header(9, 9) + chunk(b"zTXt", text) + pixels + end
    yield "a bomb of a profile", SIGNATURE + _header(9, 9) + chunk(b"iCCP", b"a\0\0" + bomb) + pixels + end
    yield "interlaced, of too few bytes", SIGNATURE + _header(900, 900, interlaced=1) + pixels + end
    yield "a palette that is missing", SIGNATURE + _header(9, 9, 3) + pixels + end
    yield "an empty palette", SIGNATURE + _header(9, 9, 3) + chunk(b"PLTE", b"") + pixels + end
    yield "pixels before the header", SIGNATURE + pixels + _header(9, 9) + end
    yield "two headers", SIGNATURE + _header(9, 9) + _header(9000, 9000) + pixels + end
    yield "a chunk longer than the file", SIGNATURE + _header(9, 9) + b"\xff\xff\xff\xffIDAT" + pixels
    yield (
        "a hundred thousand empty chunks",
        SIGNATURE + _header(9, 9) + chunk(b"IDAT", b"") * 100_000 + pixels + end,
    )
    frames = chunk(b"acTL", struct.pack(">II", 2**31, 0)) + chunk(
        b"fcTL", struct.pack(">IIIIIHHBB", *[2**31 - 1] * 5, *[0] * 4)
    )
    yield "an animation of endless frames", SIGNATURE + _header(9, 9) + frames + pixels + end


def _jpegs() -> Iterator[tuple[str, bytes]]:
    data = stored(grainy(32, 32), "JPEG")
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for size in ((0, 0), (0xFFFF, 0xFFFF), (1, 0xFFFF), (0xFFFF, 1)):
        yield f"{size}", data[: frame + 5] + struct.pack(">HH", *size) + data[frame + 9 :]
    for marker in range(0xC0, 0xD0):
        yield f"frame {marker:x}", data[: frame + 1] + bytes((marker,)) + data[frame + 2 :]
    for factor in (0, 0x11, 0x44, 0x55, 0xFF):
        yield f"factors {factor:x}", data[: frame + 11] + bytes((factor,)) + data[frame + 12 :]
    yield "components without number", data[: frame + 9] + b"\xff" + data[frame + 10 :]
    yield "a header twice", data[:frame] + data[frame:scan] * 2 + data[scan:]
    yield "a picture in a picture", data[:scan] + data + data[scan:]
    yield "a million filling bytes", data[:scan] + b"\xff" * 1_000_000 + data[scan:]
    yield "twenty thousand tables", data[:scan] + segment(0xDB, b"\0" + b"\1" * 64) * 20_000 + data[scan:]
    yield (
        "a table of codes that is too long",
        data[:scan] + segment(0xC4, b"\0" + b"\xff" * 300) + data[scan:],
    )
    yield "tables alone", data[:frame] + b"\xff\xd9"
    yield "no scan", data[:scan] + b"\xff\xd9"
    yield "a scan of nothing", data[:scan] + segment(0xDA, b"\0") + b"\xff\xd9"
    yield (
        "a scan of a component there is not",
        data[:scan] + segment(0xDA, b"\1\x09\0\0\x3f\0") + data[scan + 14 :],
    )
    progressive = stored(grainy(32, 32), "JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    yield "thousands of scans", progressive[:-2] + progressive[last:-2] * 5000 + b"\xff\xd9"
    yield "scans without pixels", progressive[:-2] + progressive[last : last + 10] * 5000 + b"\xff\xd9"
    yield "restarts alone", data[: scan + 14] + b"\xff\xd0" * 5000 + b"\xff\xd9"


def _gifs() -> Iterator[tuple[str, bytes]]:
    data = stored(Image.fromarray(grainy(20, 20)).quantize(4), "GIF")
    for size in ((0, 0), (0xFFFF, 0xFFFF), (1, 0xFFFF)):
        yield f"a screen of {size}", data[:6] + struct.pack("<HH", *size) + data[10:]
    place = data.rindex(b",")
    for box in ((0, 0, 0xFFFF, 0xFFFF), (0xFFFF, 0xFFFF, 9, 9), (0, 0, 0, 0), (5, 5, 20, 20)):
        yield f"a frame at {box}", data[: place + 1] + struct.pack("<HHHH", *box) + data[place + 9 :]
    comment = b"!\xfe" + b"\xff" + b"a" * 255
    yield "a comment of megabytes", data[:place] + comment[:2] + comment[2:] * 20_000 + b"\0" + data[place:]
    yield "thousands of comments", data[:place] + (comment + b"\0") * 10_000 + data[place:]
    yield "a code size of 255", data[: place + 10] + b"\xff" + data[place + 11 :]
    yield "no frame", data[:place] + b";"


def _webps() -> Iterator[tuple[str, bytes]]:
    lossless, lossy = stored(grainy(20, 20), "WEBP", lossless=True)[20:], stored(grainy(20, 20), "WEBP")[20:]
    wide = b"\xff\xff\xff" * 2
    for flags in (0, 0x02, 0x10, 0xFF):
        yield (
            f"a canvas of 2^24 pixels a side, {flags}",
            riff((b"VP8X", bytes((flags, 0, 0, 0)) + wide), (b"VP8L", lossless)),
        )
    yield "pixels of the other kind", riff((b"VP8 ", lossless), (b"VP8L", lossy))
    yield "no pixels", riff((b"VP8X", bytes(10)))
    frame = (
        bytes(6)
        + b"\x13\0\0\x13\0\0"
        + b"\xff\xff\xff\0"
        + b"VP8L"
        + struct.pack("<I", len(lossless))
        + lossless
    )
    canvas = (b"VP8X", b"\x02\0\0\0\x13\0\0\x13\0\0")
    yield "twenty thousand frames", riff(canvas, (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * 20_000)
    yield "a frame outside", riff(canvas, (b"ANIM", bytes(6)), (b"ANMF", b"\xff" * 6 + frame[6:]))
    yield "a frame without pixels", riff(canvas, (b"ANIM", bytes(6)), (b"ANMF", frame[:16]))
    yield "transparency alone", riff((b"VP8X", b"\x10\0\0\0\x13\0\0\x13\0\0"), (b"ALPH", bytes(50)))


def _bmps() -> Iterator[tuple[str, bytes]]:
    data = stored(grainy(20, 20), "BMP")
    for place, length in ((10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (46, 4)):
        for number in INTERESTING:
            value = (number & (256**length - 1)).to_bytes(length, "little")
            yield f"{number:x} at {place}", data[:place] + value + data[place + length :]
    packed = struct.pack("<IiiHHIIiiII", 40, 5000, 5000, 1, 8, 1, 9, 0, 0, 2, 0)
    header = b"BM" + struct.pack("<IHHI", 999, 0, 0, 62) + packed + bytes(8)
    for codes in (b"\xff\0" * 9, b"\0\2\xff\xff" * 50_000, b"\0\0" * 50_000, b"\0\xff", b"\0\1"):
        yield f"packed rows {codes[:4]!r}", header + codes


def _tiffs() -> Iterator[tuple[str, bytes]]:
    base = grey_tags(20, 20, 8)
    for tag in (*base, 266, 284, 317, 320, 322, 323, 338, 339, 347, 530):
        for number in INTERESTING[1:]:
            yield f"tag {tag}: {number:x}", tiff_file(base | {tag: number}, bytes(400))
    for compression in (2, 3, 4, 5, 6, 7, 8, 32773, 34676, 34677, 34925, 50000, 50001):
        for content in (bytes(400), b"\xff" * 400, stored(grainy(20, 20), "JPEG")):
            yield (
                f"compression {compression} of {content[:2]!r}",
                tiff_file(base | {259: compression}, content),
            )
    data = tiff_file(base, bytes(400))
    (start,) = struct.unpack_from("<I", data, 4)
    for number in INTERESTING:
        yield f"a directory at {number:x}", data[:4] + struct.pack("<I", number) + data[8:]
        yield f"{number:x} entries", data[:start] + struct.pack("<H", number & 0xFFFF) + data[start + 2 :]
    yield "a strip a row, for ever", tiff_file(base | {278: 1, 257: 60_000}, [b"\1"] * 5000)
    yield "a bomb", tiff_file(grey_tags(30_000, 30_000, 8, tag_259=8), zlib.compress(bytes(30_000_000)))
    big = tiff_file(base, bytes(400), big=True)
    yield "endless values", big.replace(struct.pack("<HHQ", 273, 3, 1), struct.pack("<HHQ", 273, 16, 2**62))
    yield "a big directory at the end of the world", big[:8] + b"\xff" * 8 + big[16:]


def _heifs() -> Iterator[tuple[str, bytes]]:
    data = (HEIC / "turned_6.heic").read_bytes()
    for name in (
        b"meta",
        b"iloc",
        b"iinf",
        b"iprp",
        b"ipco",
        b"ipma",
        b"ispe",
        b"hvcC",
        b"irot",
        b"mdat",
        b"pitm",
        b"iref",
    ):
        place = data.find(name)
        for number in INTERESTING if place > 0 else ():
            yield (
                f"{name.decode()} of {number:x} bytes",
                data[: place - 4] + struct.pack(">I", number) + data[place:],
            )
    place = data.index(b"ispe") + 8
    for size in ((0, 0), (2**31, 2**31), (70_000, 70_000), (1, 2**32 - 1)):
        yield f"{size}", data[:place] + struct.pack(">II", *size) + data[place + 8 :]
    yield "nothing but brands", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    yield "brands of avif", data.replace(b"heic", b"avif")


def _impostors() -> Iterator[tuple[str, bytes]]:
    """One kind that begins like another, and what might start or fetch something."""
    good = good_files()
    for first in good:
        for second in (good[0], good[3], good[14], good[-1]):
            yield f"{first[:4]!r} before {second[:4]!r}", first[:16] + second[16:]
    yield "PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"
    yield (
        "SVG that fetches",
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    )
    yield "ImageMagick's script", b"push graphic-context\nimage over 0,0 0,0 'https://example.org/a.jpg'\n"
    yield "zeros", bytes(100_000)
    yield "ones", b"\xff" * 100_000


# --- by hand ---


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    generator, outcomes, good = random.Random(options.seed), Counter(), good_files()
    until = time.monotonic() + 60 * options.minutes
    while time.monotonic() < until:
        batch = [damaged(generator.choice(good), generator) for _ in range(100)]
        outcomes.update(_read_apart(batch))
        if set(outcomes) - {"pixels", "BadImage"}:
            break
    print(
        f"seed {options.seed}: " + ", ".join(f"{number:,} {name}" for name, number in outcomes.most_common())
    )
    sys.exit(bool(set(outcomes) - {"pixels", "BadImage"}))


def _read_apart(batch: list[bytes]) -> list[str]:
    """What became of each file; a process for all, and where it dies one for each."""
    outcomes = _in_a_child(batch)
    if len(outcomes) == len(batch):
        return outcomes
    found = [data for data in batch if not _in_a_child([data])]
    Path("findings").mkdir(exist_ok=True)
    for data in found or batch:
        (Path("findings") / f"{zlib.crc32(data):08x}").write_bytes(data)
    return ["findings"] * max(1, len(found))


def _in_a_child(batch: list[bytes]) -> list[str]:
    """What became of each file until the process died."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for data in batch:
                os.write(writer, b"p" if _pixels(data) else b"b")
        except BaseException:
            traceback.print_exc()
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        outcomes = file.read()
    os.waitpid(child, 0)
    return [{"p": "pixels", "b": "BadImage"}[chr(outcome)] for outcome in outcomes]


def _pixels(data: bytes) -> bool:
    from showtell.errors import BadImage
    from showtell.images import open_picture

    try:
        picture = open_picture(data, at_least=224)
    except BadImage:
        return False
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    return True


if __name__ == "__main__":
    main()

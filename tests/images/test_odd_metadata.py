"""Metadata never make a good picture broken: only what the pixels and the orientation need is looked at."""

import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from scenes import (
    ODD_ENTRIES,
    TURNS,
    chunk,
    exif,
    grainy,
    orientation,
    quarters,
    riff,
    scene,
    segment,
    stored,
)
from tiff_files import tiff_file

from showtell.images import open_picture

PNG = stored(quarters(), "PNG")
HEADER, BODY = PNG[:33], PNG[33:-12]
JPEG = stored(quarters(), "JPEG", quality=95, subsampling=0)
WEBP = stored(quarters(), "WEBP", lossless=True)
JUNK = os.urandom(300)


def near(data, expected, tolerance=3):
    seen = open_picture(data)
    return seen.shape == expected.shape and np.abs(seen.astype(int) - expected).mean() < tolerance


# --- PNG ---

PNG_CHUNKS = {
    "2 MB of text, packed to 2 kB": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 2_000_000)),
    "100 MB of text": chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b"a" * 100_000_000)),
    "plain text of 3 MB": chunk(b"tEXt", b"workflow\0" + b"{}" * 1_500_000),
    "text packed with errors": chunk(b"zTXt", b"Comment\0\0" + JUNK),
    "text packed in an unknown way": chunk(b"zTXt", b"Comment\0\x09" + JUNK),
    "text without a keyword": chunk(b"tEXt", b""),
    "text of no language": chunk(b"iTXt", b"a"),
    "text that is not UTF-8": chunk(b"iTXt", b"Title\0\0\0en\0\xff\xfe\0\xff"),
    "a profile of junk": chunk(b"iCCP", b"sRGB\0\0" + JUNK),
    "a profile of 10 MB": chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(bytes(10_000_000))),
    "a profile without a name": chunk(b"iCCP", b""),
    "EXIF of one byte": chunk(b"eXIf", b"I"),
    "EXIF that is none": chunk(b"eXIf", b"LoremIpsum"),
    "EXIF that ends early": chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff"),
    "EXIF that begins nowhere": chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff" + JUNK),
    "a size of the wrong length": chunk(b"pHYs", b"\0"),
    "a gamma of the wrong length": chunk(b"gAMA", b""),
    "a rendering of the wrong length": chunk(b"sRGB", b""),
    "chromaticities of the wrong length": chunk(b"cHRM", b"\0" * 5),
    "a time of the wrong length": chunk(b"tIME", b"\0"),
    "a wrong checksum": chunk(b"tEXt", b"Comment\0hello", checksum=1),
    "a private chunk": chunk(b"prVt", JUNK),
    "a chunk named in no letters": chunk(b"\x01\xff?!", JUNK),
    "an animation of no frames": chunk(b"acTL", bytes(8)),
    "half a control of an animation": chunk(b"acTL", b"\0"),
    "a frame out of order": chunk(b"fcTL", struct.pack(">IIIIIHHBB", 9, 999, 999, 5, 5, 0, 0, 9, 9)),
}


@pytest.mark.parametrize("odd", PNG_CHUNKS.values(), ids=PNG_CHUNKS)
@pytest.mark.parametrize("place", ["before", "after", "at the end"])
def test_odd_chunks_of_a_png(odd, place):
    data = {
        "before": HEADER + odd + BODY + PNG[-12:],
        "after": HEADER + BODY + odd + PNG[-12:],
        "at the end": PNG + odd,
    }[place]
    assert np.array_equal(open_picture(data), quarters())


def test_a_chunk_between_the_pixels_of_a_png():
    pixels = BODY[8:-4]
    pieces = [
        chunk(b"IDAT", pixels[:7]),
        chunk(b"tEXt", b"a\0b"),
        chunk(b"IDAT", b""),
        chunk(b"IDAT", pixels[7:]),
    ]
    assert np.array_equal(open_picture(HEADER + b"".join(pieces) + PNG[-12:]), quarters())


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 5, b"\0" * 300], ids=len)
def test_a_transparency_of_a_png_that_cannot_be_is_none(content):
    assert np.array_equal(open_picture(HEADER + chunk(b"tRNS", content) + BODY + PNG[-12:]), quarters()) or (
        len(content) >= 6  # then it names black, which the picture has not
    )


@pytest.mark.parametrize("kind", [b"tEXt", b"iCCP", b"eXIf", b"prVt"])
@pytest.mark.parametrize("length", [0, 3, 500, 0x7FFFFFFF, 0xFFFFFFFF])
def test_metadata_of_a_png_whose_length_is_wrong(kind, length):
    lie = struct.pack(">I", length) + kind + b"a\0some text\0\0\0\0"
    assert np.array_equal(open_picture(HEADER + lie + BODY + PNG[-12:]), quarters())
    assert np.array_equal(open_picture(HEADER + lie * 3 + BODY + lie), quarters())


def test_a_palette_of_a_true_colour_png_may_be_anything():
    assert np.array_equal(open_picture(HEADER + chunk(b"PLTE", b"\0" * 7) + BODY + PNG[-12:]), quarters())


# --- JPEG ---

JPEG_SEGMENTS = {
    "a header of JFIF that is cut": segment(0xE0, b"JFIF\0\1"),
    "a header of JFIF in inches of zero": segment(0xE0, b"JFIF\0\1\1\1\0\0\0\0\0\0"),
    "a header of JFXX": segment(0xE0, b"JFXX\0" + JUNK),
    "EXIF that is none": segment(0xE1, b"Exif\0\0LoremIpsum"),
    "EXIF of nothing": segment(0xE1, b"Exif\0\0"),
    "XMP of junk": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + JUNK),
    "a profile of junk": segment(0xE2, b"ICC_PROFILE\0\0\0" + JUNK),
    "half a profile": segment(0xE2, b"ICC_PROFILE\0\1\2" + JUNK) * 3,
    "an index of several pictures, of junk": segment(0xE2, b"MPF\0" + JUNK),
    "an index of several pictures, cut": segment(0xE2, b"MPF\0II*\0\x08\0\0\0\x03\0"),
    "FlashPix of junk": segment(0xE2, b"FPXR\0" + JUNK),
    "Photoshop's blocks, cut": segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\xff\xff"),
    "Photoshop's blocks of junk": segment(0xED, b"Photoshop 3.0\x008BIM" + JUNK),
    "Adobe's header, cut": segment(0xEE, b"Adobe\0"),
    "comments": segment(0xFE, b"\xff" * 65_000) * 20,
    "segments of no content": b"".join(segment(marker, b"") for marker in (*range(0xE0, 0xF0), 0xFE)),
    "bytes between": b"\xff\xff\xff",
    "segments whose length cannot be": b"\xff\xe1\0\0\xff\xed\0\1\xff\xfe\0\0",
    "a segment longer than it says": b"\xff\xed\0\x10Photoshop 3.0\0 and more",
    "markers that stand for nothing": segment(0xF0, JUNK) + segment(0x02, JUNK) + b"\xff\x01",
    "tables of another coding": segment(0xCC, b"\0\1"),
}


@pytest.mark.parametrize("odd", JPEG_SEGMENTS.values(), ids=JPEG_SEGMENTS)
@pytest.mark.parametrize("place", [2, 20], ids=["first", "after the header"])
def test_odd_segments_of_a_jpeg(odd, place):
    assert near(JPEG[:place] + odd + JPEG[place:], quarters())


@pytest.mark.parametrize("entry", ODD_ENTRIES.values(), ids=ODD_ENTRIES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_odd_entry_beside_the_orientation(entry, order, kind):
    picture = Image.fromarray(quarters()).transpose(TURNS[6])
    entries = (entry, orientation(6, order=order), entry)
    content = exif(*entries, order=order)
    if kind == "JPEG":
        data = stored(picture, "JPEG", quality=95, subsampling=0)
        data = data[:2] + segment(0xE1, b"Exif\0\0" + content) + data[2:]
    elif kind == "PNG":
        data = stored(picture, "PNG")
        data = data[:-12] + chunk(b"eXIf", content) + data[-12:]
    else:
        data = stored(picture, "WEBP", lossless=True)
        flags = b"\x08\0\0\0" + struct.pack("<I", 39)[:3] + struct.pack("<I", 59)[:3]
        data = riff((b"VP8X", flags), (b"VP8L", data[20:]), (b"EXIF", content))
    assert near(data, quarters())


@pytest.mark.parametrize(
    ("entry", "turned"),
    [
        (orientation(6, kind=1), True),
        (orientation(6, kind=4), True),
        (orientation(6, kind=9), True),
        (orientation(0), False),
        (orientation(9), False),
        (orientation(60_000), False),
        ((0x0112, 2, 2, b"6\0"), False),
        ((0x0112, 3, 0, b"\6\0"), False),
        ((0x0112, 12, 1, b"\6\0\0\0"), False),
    ],
    ids=str,
)
def test_an_orientation_of_another_type_counts_if_it_makes_sense(entry, turned):
    data = JPEG[:2] + segment(0xE1, b"Exif\0\0" + exif(entry)) + JPEG[2:]
    assert open_picture(data).shape == ((60, 40, 3) if turned else (40, 60, 3))


def test_the_first_orientation_that_makes_sense_counts():
    odd, right = exif(orientation(77)), exif(orientation(6))
    for contents in ([odd, right], [right, exif(orientation(3))], [b"LoremIpsum", right]):
        data = JPEG[:2] + b"".join(segment(0xE1, b"Exif\0\0" + content) for content in contents) + JPEG[2:]
        assert open_picture(data).shape == (60, 40, 3)


EIGHT = exif(orientation(8))
XMP = b"<x:xmpmeta><rdf:Description tiff:Orientation='8'/></x:xmpmeta>"


@pytest.mark.parametrize(
    "data",
    [
        JPEG[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP) + JPEG[2:],
        HEADER + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP) + PNG[33:],
        HEADER + chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP)) + PNG[33:],
        HEADER
        + chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 26\n" + EIGHT.hex().encode()))
        + PNG[33:],
        riff((b"VP8X", b"\x04\0\0\0\x3b\0\0\x27\0\0"), (b"VP8L", WEBP[20:]), (b"XMP ", XMP)),
    ],
    ids=["JPEG", "PNG", "PNG, packed", "PNG, as ImageMagick wrote it", "WebP"],
)  # fmt: skip
def test_an_orientation_in_xmp_or_text_alone_is_applied(data):
    assert open_picture(data).shape == (60, 40, 3)


# --- WebP ---

WEBP_CHUNKS = {
    "EXIF that is none": (b"EXIF", b"Exif\0\0LoremIpsum"),
    "EXIF of nothing": (b"EXIF", b""),
    "a profile of junk": (b"ICCP", JUNK),
    "XMP of junk": (b"XMP ", JUNK),
    "a chunk of another kind": (b"\0\xff?!", JUNK),
}


@pytest.mark.parametrize("odd", WEBP_CHUNKS.values(), ids=WEBP_CHUNKS)
@pytest.mark.parametrize("size", [None, 0, 0xFFFFFFFE])
def test_odd_chunks_of_a_webp(odd, size):
    flags = b"\x2c\0\0\0\x3b\0\0\x27\0\0"
    for order in (1, -1):
        data = riff((b"VP8X", flags), *((odd, (b"VP8L", WEBP[20:]))[::order]))
        if size is not None:
            data = data[:4] + struct.pack("<I", size) + data[8:]
        assert np.array_equal(open_picture(data), quarters())


def test_metadata_of_a_webp_whose_even_byte_is_missing():
    for name in (b"EXIF", b"XMP "):
        odd = name + struct.pack("<I", 3) + b"abc"
        assert np.array_equal(open_picture(WEBP[:12] + odd + odd + WEBP[12:]), quarters())


@pytest.mark.parametrize(
    "header", [b"", b"\0", b"\xff\0\0\0\x3b\0\0\x27\0\0", b"\x10\0\0\0\xff\xff\xff\xff\xff\xff"], ids=len
)
def test_what_a_webp_says_of_itself_may_be_wrong_where_the_pixels_say_it_too(header):
    for pixels in (b"VP8L", WEBP[20:]), (b"VP8 ", stored(quarters(), "WEBP", quality=95)[20:]):
        assert near(riff((b"VP8X", header), pixels), quarters(), 8)


# --- GIF ---

GIF = stored(Image.fromarray(quarters()).convert("P"), "GIF")
PALETTE = 13 + (3 << (GIF[10] & 7) + 1)
GIF_BLOCKS = {
    "a comment": b"!\xfe\x05hello\0",
    "a comment of nothing": b"!\xfe\0",
    "XMP with its odd end": b"!\xff\x0bXMP DataXMP" + b"<x>" * 99 + b"\1" + bytes(range(255, -1, -1)) + b"\0",
    "a profile of junk": b"!\xff\x0bICCRGBG1012" + (b"\xfa" + os.urandom(250)) * 40 + b"\0",
    "a loop without a number": b"!\xff\x0bNETSCAPE2.0\0",
    "a program without a name": b"!\xff\0",
    "a control of nothing": b"!\xf9\0",
    "a control that is too short": b"!\xf9\2ab\0",
    "a control that is too long": b"!\xf9\6abcdef\0",
    "plain text": b"!\1\x0c" + bytes(12) + b"\3abc\0",
    "an extension of another kind": b"!w\3abc\0",
    "bytes between": b"\0\0U",
}


@pytest.mark.parametrize("odd", GIF_BLOCKS.values(), ids=GIF_BLOCKS)
def test_odd_blocks_of_a_gif(odd):
    for data in (GIF[:PALETTE] + odd + GIF[PALETTE:], GIF[:-1] + odd + GIF[-1:], GIF[:-1] + odd):
        assert np.array_equal(open_picture(data), quarters())


def test_transparency_of_a_gif_counts_for_the_frame_behind_it():
    red = int(np.array(Image.open(io.BytesIO(GIF)))[0, 0])
    seen = open_picture(GIF[:PALETTE] + b"!\xf9\4\1\0\0" + bytes([red, 0]) + GIF[PALETTE:])
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(seen[20:], quarters()[20:])


# --- animations ---


def test_the_later_frames_of_an_animation_may_be_broken():
    frames = [Image.fromarray(picture) for picture in (scene(60, 40), grainy(60, 40), quarters())]
    for kind, options in (("WEBP", {"lossless": True}), ("PNG", {}), ("GIF", {})):
        data = stored(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        if kind == "GIF":
            assert np.array_equal(open_picture(data[: int(len(data) * 0.9)]), open_picture(data))
            continue
        assert np.array_equal(open_picture(data[: int(len(data) * 0.9)]), scene(60, 40))


# --- TIFF, BMP ---


@pytest.mark.parametrize("name", [name for name, entry in ODD_ENTRIES.items() if entry[0] > 0x0101])
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_an_odd_entry_of_a_tiff(name, order, big):
    entry = ODD_ENTRIES[name]
    tags = {256: 60, 257: 40, 258: [8, 8, 8], 259: 1, 262: 2, 274: 3, 277: 3, 278: 40}
    data = tiff_file(tags, quarters()[::-1, ::-1].tobytes(), order=order, big=big, extra=[entry])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(open_picture(data), quarters())


@pytest.mark.parametrize("following", [1, 8, 0x7FFFFFFF])
def test_a_next_page_of_a_tiff_that_is_nowhere(following):
    tags = {256: 60, 257: 40, 258: [8, 8, 8], 259: 1, 262: 2, 277: 3, 278: 40}
    data = bytearray(tiff_file(tags, quarters().tobytes()))
    (start,) = struct.unpack_from("<I", data, 4)
    place = start + 2 + 12 * 9
    data[place : place + 4] = struct.pack("<I", start if following == 8 else following)
    assert np.array_equal(open_picture(bytes(data)), quarters())


def test_a_bmp_whose_profile_is_nowhere():
    rows = quarters()[::-1, :, ::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 124, 60, 40, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16)
    header += b"DEBM" + bytes(36 + 12) + struct.pack("<IIII", 4, 0x7FFFFFFF, 0x7FFFFFFF, 0)
    data = b"BM" + struct.pack("<IHHI", 14 + 124 + len(rows), 0, 0, 14 + 124) + header + rows
    assert np.array_equal(open_picture(data), quarters())


def test_a_large_profile_takes_no_time():
    data = stored(grainy(64, 48), "JPEG")
    data = data[:2] + segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(65_000)) * 400 + data[2:]
    assert near(data, open_picture(stored(grainy(64, 48), "JPEG")), tolerance=0.01)

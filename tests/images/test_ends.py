"""How files end: a bad end does no harm while all rows are there; missing rows are noticed though an end is there."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from scenes import chunk, grainy, quarters, scene, segment, stored

from showtell.errors import BadImage
from showtell.images import open_picture

PICTURE = grainy(200, 150)
END = b"\xff\xd9"

JPEGS = {
    "baseline": stored(PICTURE, "JPEG"),
    "all colours": stored(PICTURE, "JPEG", subsampling=0),
    "optimised": stored(PICTURE, "JPEG", optimize=True),
    "progressive": stored(PICTURE, "JPEG", progressive=True),
    "restarts": stored(PICTURE, "JPEG", restart_marker_blocks=5),
    "grey": stored(Image.fromarray(PICTURE).convert("L"), "JPEG"),
    "four inks": stored(Image.fromarray(PICTURE).convert("CMYK"), "JPEG"),
    "its red, green and blue": stored(PICTURE, "JPEG", keep_rgb=True),
    "all of one grey": stored(np.full((150, 200, 3), 128, np.uint8), "JPEG"),
    "its lower half grey": stored(
        np.concatenate([PICTURE[:80], np.full((70, 200, 3), 128, np.uint8)]), "JPEG", progressive=True
    ),
}


def pixels_of(data):
    """Where the first scan begins, and where the pixels end."""
    return data.index(b"\xff\xda"), data.rindex(END)


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("at_least", [None, 20])
def test_a_jpeg_with_all_its_rows_may_end_in_any_way(name, at_least):
    data = JPEGS[name]
    _, end = pixels_of(data)
    expected = open_picture(data, at_least=at_least)
    for ending in (
        b"",
        b"\xff",
        b"\0" * 5000,
        END + b"\0" * 5000,
        b"\xff\xff\xff\xff" + END,
        END + b"\xff\xd8 something else \xff\xda" * 700,
        b"\0\0\0" + END,
        segment(0xFE, b"a comment") + END,
    ):
        assert np.array_equal(open_picture(data[:end] + ending, at_least=at_least), expected), ending[:20]


@pytest.mark.parametrize("name", [name for name in JPEGS if name != "all of one grey"])
@pytest.mark.parametrize("at_least", [None, 20])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5])
def test_a_jpeg_whose_lower_rows_are_missing_is_refused(name, at_least, share):
    data = JPEGS[name]
    begin, end = pixels_of(data)
    cut = data[: begin + int((end - begin) * share)]
    for ending in (b"", END, END + b"\0" * 999, b"\0" * (len(data) - len(cut)), b"\xff\xff" + END):
        with pytest.raises(BadImage, match="broken or cut short"):
            open_picture(cut + ending, at_least=at_least)


@pytest.mark.parametrize("share", [0.9, 0.97])
@pytest.mark.parametrize("name", ["baseline", "optimised", "grey", "four inks", "restarts"])
def test_a_few_missing_rows_are_noticed_too(name, share):
    begin, end = pixels_of(JPEGS[name])
    with pytest.raises(BadImage, match="rows are missing"):
        open_picture(JPEGS[name][: begin + int((end - begin) * share)] + END)


def test_a_progressive_jpeg_without_its_later_scans_shows_what_it_has():
    """Programs that load it over a slow line do the same."""
    data = JPEGS["progressive"]
    scans = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
    tables = data.rindex(b"\xff\xc4", 0, scans[2])  # which belong to the third scan
    whole, coarse = open_picture(data), open_picture(data[:tables] + END)
    assert 0 < np.abs(whole.astype(int) - coarse).mean() < 20


def test_a_scan_with_too_few_bits_is_refused_at_once():
    """65,500 x 65,500 pixels in a kilobyte: no coding has less than a bit for a block."""
    data = bytearray(stored(np.full((16, 16), 9, np.uint8), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    with pytest.raises(BadImage, match="too early"):
        open_picture(bytes(data), at_least=224)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_thousands_of_scans_is_refused(progressive):
    data = stored(grainy(64, 64), "JPEG", progressive=True)
    begin, end = pixels_of(data)
    last = data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda"))
    if not progressive:
        data = data.replace(b"\xff\xc2", b"\xff\xc0", 1)
        last = begin
    many = data[:end] + data[last:end] * 3000 + END
    with pytest.raises(BadImage, match=r"more than 500 scans|broken"):
        open_picture(many)
    if progressive:
        assert open_picture(data[:end] + data[last:end] * 400 + END).shape == (64, 64, 3)


# --- PNG ---

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 200, 150, 8, 2, 0, 0, 0))
PACKED = zlib.compress(b"".join(b"\0" + row.tobytes() for row in PICTURE))
IEND = chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        HEADER + chunk(b"IDAT", PACKED),
        HEADER + chunk(b"IDAT", PACKED) + b"\0" * 5000,
        HEADER + chunk(b"IDAT", PACKED) + IEND[:6],
        HEADER + chunk(b"IDAT", PACKED)[:-4],
        HEADER + chunk(b"IDAT", PACKED)[:-6],
        HEADER + chunk(b"IDAT", PACKED[:-4]) + IEND,
        HEADER + chunk(b"IDAT", PACKED[:-4] + b"\1\2\3\4") + IEND,
        HEADER + chunk(b"IDAT", PACKED + b"\0" * 300) + IEND,
        HEADER + chunk(b"IDAT", PACKED, checksum=0) + chunk(b"IEND", b"", checksum=0),
        HEADER[:-4] + b"\0\0\0\0" + chunk(b"IDAT", PACKED) + IEND,
        HEADER + b"".join(chunk(b"IDAT", PACKED[at : at + 1]) for at in range(len(PACKED))) + IEND,
        HEADER + chunk(b"IDAT", zlib.compress(zlib.decompress(PACKED) + b"\0" * 5000)) + IEND,
    ],
    ids=[
        "no end chunk",
        "zeros for it",
        "half of it",
        "no checksum of the chunk",
        "a cut checksum of the pixels",
        "no checksum of the pixels",
        "a wrong one",
        "more in the chunk",
        "wrong checksums of chunks",
        "a wrong checksum of the header",
        "a chunk a byte",
        "more rows than there are",
    ],
)
def test_a_png_with_all_its_rows_may_end_in_any_way(data):
    assert np.array_equal(open_picture(data), PICTURE)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_png_without_its_last_rows_is_refused(share):
    cut = PACKED[: int(len(PACKED) * share)]
    rows = zlib.decompress(PACKED)
    fewer = zlib.compress(rows[: int(len(rows) * share)])
    for data in (
        HEADER + chunk(b"IDAT", PACKED)[: int(len(PACKED) * share)],
        HEADER + chunk(b"IDAT", cut) + IEND,
        HEADER + chunk(b"IDAT", fewer) + IEND,
        HEADER + chunk(b"IDAT", cut + b"\0" * 9999) + IEND,
    ):
        with pytest.raises(BadImage, match="broken or cut short"):
            open_picture(data)


@pytest.mark.parametrize(
    ("bits", "kind", "depth"), [(1, 0, 1), (2, 3, 1), (4, 0, 1), (16, 0, 2), (8, 4, 2), (16, 6, 8)]
)
@pytest.mark.parametrize("interlaced", [0, 1])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 8), (3, 9)])
def test_the_size_of_rows_is_known_for_each_kind(bits, kind, depth, interlaced, size):
    """Whatever there is: a checksum that is wrong is passed over, a byte that is missing is not."""
    width, height = size
    channels = {0: 1, 3: 1, 4: 2, 6: 4}[kind]
    passes = [(width, height)]
    if interlaced:
        starts = (
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        )
        passes = [(len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in starts]
    rows = b"".join(bytes(1 + (w * channels * bits + 7) // 8) * h for w, h in passes if w and h)
    header = SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced))
    header += chunk(b"PLTE", bytes(12)) if kind == 3 else b""

    def data(rows):
        return header + chunk(b"IDAT", zlib.compress(rows)[:-4] + b"\1\2\3\4") + IEND

    assert open_picture(data(rows)).shape == (height, width, 3)
    with pytest.raises(BadImage):
        open_picture(data(rows[:-1]))


# --- others ---


def test_what_stands_behind_the_last_frame_does_no_harm():
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("BMP", {})):
        data = stored(Image.fromarray(quarters()).convert("P" if kind == "GIF" else "RGB"), kind, **options)
        for ending in (b"\0" * 999, b"\xff", data):
            assert np.array_equal(open_picture(data + ending), open_picture(data))


def test_a_gif_may_lack_its_trailer():
    data = stored(Image.fromarray(quarters()).convert("P"), "GIF")
    assert data.endswith(b";")
    assert np.array_equal(open_picture(data[:-1]), quarters())


def test_a_webp_whose_header_claims_another_length():
    data = stored(scene(90, 60), "WEBP", lossless=True)
    for size in (0, 8, len(data) * 2, 0xFFFFFFFF):
        assert np.array_equal(open_picture(data[:4] + struct.pack("<I", size) + data[8:]), scene(90, 60))

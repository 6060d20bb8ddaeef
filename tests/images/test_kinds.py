"""What is said of a file is true: broken, no picture, or a picture of a kind that is not read."""

import struct

import numpy as np
import pytest
from PIL import Image, features
from scenes import chunk, grainy, quarters, segment, stored

from showtell.errors import BadImage
from showtell.images import open_picture

JPEG = stored(grainy(64, 48), "JPEG", subsampling=0)
FRAME = JPEG.index(b"\xff\xc0")


def changed(data, place, *values):
    return data[:place] + bytes(values) + data[place + len(values) :]


def bitmap(width=4, height=4, bits=24, compression=0, header=40, pixels=bytes(64)):
    """A BMP with a header of that length."""
    body = struct.pack("<IiiHHIIiiII", header, width, height, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    body = body[:header].ljust(header, b"\0")
    return b"BM" + struct.pack("<IHHI", 14 + header + len(pixels), 0, 0, 14 + header) + body + pixels


WHOLE = {
    "12-bit JPEG": (
        changed(JPEG, FRAME + 4, 12),
        "is a JPEG with 12 bits per sample, a kind that is not read",
    ),
    "lossless JPEG": (changed(JPEG, FRAME + 1, 0xC3), "is a lossless JPEG, a kind that is not read"),
    "lossless JPEG, arithmetic": (changed(JPEG, FRAME + 1, 0xCB), "is a lossless JPEG"),
    "hierarchical JPEG": (changed(JPEG, FRAME + 1, 0xC5), "is a hierarchical JPEG"),
    "JPEG of two components": (
        JPEG[:FRAME] + segment(0xC0, b"\x08\0\x30\0\x40\2\1\x11\0\2\x11\1") + JPEG[FRAME + 19 :],
        "is a JPEG with 2 components",
    ),
    "JPEG whose height comes later": (changed(JPEG, FRAME + 5, 0, 0), "height stands after its pixels"),
    "PNG of Xcode": (
        stored(quarters(), "PNG")[:8] + chunk(b"CgBI", b"\x50\0\x20\6") + stored(quarters(), "PNG")[8:],
        "is a PNG as Xcode packs it for iPhones",
    ),
    "BMP of two bits": (bitmap(bits=2), "is a BMP file of a kind that is not read"),
    "BMP with a JPEG in it": (bitmap(bits=0, compression=4), "is a BMP file of a kind that is not read"),
    "BMP with another header": (bitmap(header=20), "is a BMP file of a kind that is not read"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_of_a_kind_that_is_not_read_is_not_called_broken(name):
    data, says = WHOLE[name]
    with pytest.raises(BadImage, match=says) as caught:
        open_picture(data)
    assert "broken" not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"\0\0\0\x0cjP  \r\n\x87\n", "is a JPEG 2000 picture, not a picture that can be read"),
        (b"\xff\x4f\xff\x51\0\x29", "is a JPEG 2000 picture"),
        (b"\xff\x0a\xfa\x1f", "is a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "is a JPEG XL picture"),
        (b"8BPS\0\1", "is a Photoshop document"),
        (b"\0\0\1\0\2\0", "is an icon"),
        (b"\0\0\0\x20ftypqt  ", "is a video"),
        (b"\0\0\0\x18ftypmp42", "is a video"),
        (b"\0\0\0\x18ftyp3gp5", "is a video"),
        (b"\0\0\0\x18ftypcrx ", "is a camera's raw file"),
        (b"\x1aE\xdf\xa3", "is a video"),
        (b"RIFF\0\0\0\0AVI LIST", "is a video"),
        (b"%PDF-1.7", "is a PDF document"),
        (b'<?xml version="1.0"?>\n<svg', "is an XML document"),
        (b"\n  <svg ", "is an SVG drawing"),
        (b"\xef\xbb\xbf<!DOCTYPE html>", "is a web page"),
        (b"<html><body>404", "is a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "is a pointer to a file that Git LFS has not fetched",
        ),
        (b"PK\3\4", "is a ZIP archive"),
        (b"hello", "is not a picture that can be read"),
    ],
)
def test_what_is_no_picture_is_called_what_it_is(tmp_path, head, says):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(head + bytes(200))
    with pytest.raises(BadImage, match=says) as caught:
        open_picture(path)
    assert "broken" not in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.jpg",
        "HTTP://example.org/a.jpg",
        "s3://bucket/a.jpg",
        "data:image/png;base64,iVBORw0KGgo=",
    ],
)
def test_an_address_is_told_from_a_missing_file(url):
    with pytest.raises(BadImage, match="Showtell works offline: save the picture first"):
        open_picture(url)


def test_a_file_may_be_named_like_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(quarters()).save("data:image.png")
    assert np.array_equal(open_picture("data:image.png"), quarters())


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
class TestAvif:
    def test_avif_is_read(self):
        data = stored(quarters(), "AVIF", quality=100, subsampling="4:4:4")
        assert np.abs(open_picture(data).astype(int) - quarters()).mean() < 3

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_it_is_turned_as_it_says(self, orientation):
        from scenes import TURNS

        picture = Image.fromarray(quarters())
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture = picture.transpose(TURNS[orientation]) if orientation > 1 else picture
        data = stored(picture, "AVIF", quality=100, subsampling="4:4:4", exif=exif)
        assert np.abs(open_picture(data).astype(int) - quarters()).mean() < 3

    def test_its_metadata_may_be_anything(self):
        good = Image.Exif()
        good[0x010F] = "A camera with a name that is long enough to be found"
        data = stored(quarters(), "AVIF", quality=100, subsampling="4:4:4", exif=good, xmp=b"x" * 99)
        place = data.index(b"II*\0" if b"II*\0" in data else b"MM\0*")
        odd = changed(data, place, *b"LoremIpsum")
        assert np.array_equal(open_picture(odd), open_picture(data))

    def test_transparency_is_white(self):
        picture = np.dstack([quarters(), np.full((40, 60), 255, np.uint8)])
        picture[:20, :30, 3] = 0
        data = stored(picture, "AVIF", quality=100, subsampling="4:4:4")
        assert open_picture(data)[5, 5].tolist() == [255, 255, 255]

    @pytest.mark.parametrize("share", [0.3, 0.9])
    def test_a_cut_file_is_refused(self, share):
        data = stored(grainy(200, 150), "AVIF")
        with pytest.raises(BadImage, match="broken or cut short"):
            open_picture(data[: int(len(data) * share)])

    def test_a_pillow_that_reads_none_says_so(self, monkeypatch):
        from showtell.images import formats

        monkeypatch.setattr(formats, "reads_avif", lambda: False)
        with pytest.raises(BadImage, match="is AVIF, which needs a newer Pillow"):
            open_picture(stored(quarters(), "AVIF"))

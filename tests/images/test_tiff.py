"""A TIFF shows its right values, or is refused as the kind that it is."""

from contextlib import suppress

import numpy as np
import pytest
from PIL import Image
from scenes import quarters, stored
from tiff_files import deflated, grey_tags, packed, tiff_file

from showtell.errors import BadImage
from showtell.images import open_picture

RAMP = np.linspace(0, 1, 64).reshape(4, 16)
COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 3))
COLOUR_TAGS = {256: 7, 257: 5, 259: 1, 262: 2, 277: 3, 278: 5}


def shown(data):
    return open_picture(data).astype(int)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16, 32])
@pytest.mark.parametrize("photometric", [0, 1], ids=["white is zero", "black is zero"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("big", [False, True])
def test_grey_of_so_many_bits(bits, photometric, order, compression, big):
    values = np.rint(RAMP * (2**bits - 1)).astype(np.int64)
    pixels = packed(values, bits, order)
    pixels = deflated(pixels) if compression == 8 else pixels
    tags = grey_tags(16, 4, bits, photometric=photometric, tag_259=compression)
    data = tiff_file(tags, pixels, order=order, big=big)
    if bits in (10, 14) or (order == ">" and (big or bits in (12, 32))):
        with pytest.raises(BadImage, match="kind that is not read"):
            open_picture(data)
        return
    expected = np.rint(values * 255 / (2**bits - 1))
    assert np.abs(shown(data)[..., 0] - (expected if photometric else 255 - expected)).max() <= 1


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("scale", [1, 257], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("planes", [False, True], ids=["together", "in planes"])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("alpha", [False, True])
def test_colours(order, scale, planes, compression, alpha):
    values = COLOURS * scale
    if alpha:
        values = np.concatenate([values, np.full((5, 7, 1), 255 * scale)], -1)
    bits = 8 if scale == 1 else 16
    parts = np.split(values, values.shape[2], axis=2) if planes else [values]
    pixels = [part.astype(f"{order}u{bits // 8}").tobytes() for part in parts]
    pixels = [deflated(part) for part in pixels] if compression == 8 else pixels
    tags = COLOUR_TAGS | {
        258: [bits] * values.shape[2],
        259: compression,
        277: values.shape[2],
        284: 2 if planes else 1,
    }
    data = tiff_file(tags | ({338: 2} if alpha else {}), pixels, order=order)
    if planes and bits == 16:
        with pytest.raises(BadImage, match="16 bits per sample in separate planes"):
            open_picture(data)
    else:
        assert np.abs(shown(data) - COLOURS).max() <= 1


@pytest.mark.parametrize("planes", [False, True], ids=["together", "in planes"])
def test_inks(planes):
    inks = np.concatenate([255 - COLOURS, np.zeros((5, 7, 1), int)], -1).astype(np.uint8)
    pixels = [part.tobytes() for part in np.split(inks, 4, axis=2)] if planes else inks.tobytes()
    tags = COLOUR_TAGS | {258: [8] * 4, 262: 5, 277: 4, 284: 2 if planes else 1}
    assert np.abs(shown(tiff_file(tags, pixels)) - COLOURS).max() <= 2


@pytest.mark.parametrize("dtype", ["<f4", ">f4"])
@pytest.mark.parametrize("photometric", [0, 1])
def test_floats(dtype, photometric):
    tags = grey_tags(7, 5, 32, photometric=photometric, tag_339=3)
    data = tiff_file(tags, (COLOURS[..., 0] / 255).astype(dtype).tobytes(), order=dtype[0])
    expected = COLOURS[..., 0] if photometric else 255 - COLOURS[..., 0]
    assert np.abs(shown(data)[..., 1] - expected).max() <= 1


@pytest.mark.parametrize("photometric", [0, 1])
def test_signed_values_are_stretched_and_white_may_be_zero(photometric):
    values = np.array([[-3000, 0, 3000]])
    data = tiff_file(grey_tags(3, 1, 16, photometric=photometric, tag_339=2), values.astype("<i2").tobytes())
    if photometric:
        assert shown(data)[0, :, 0].tolist() == [0, 128, 255]
    else:
        assert shown(data)[0, :, 0].tolist() == [255, 127, 0]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("dtype", "form"), [("i2", 2), ("i4", 2), ("f4", 3)])
def test_packed_signed_values_and_floats_are_those_of_the_unpacked(order, dtype, form):
    bits = 8 * np.dtype(dtype).itemsize
    values = (RAMP * 100 - 50).astype(f"{order}{dtype}")
    plain = tiff_file(grey_tags(16, 4, bits, tag_339=form), values.tobytes(), order=order)
    tags = grey_tags(16, 4, bits, tag_339=form, tag_259=8)
    assert np.array_equal(shown(tiff_file(tags, deflated(values.tobytes()), order=order)), shown(plain))
    assert np.ptp(shown(plain)) == 255


def test_grey_of_which_nobody_says_whether_white_is_zero():
    for order in "<>":
        tags = grey_tags(16, 4, 16)
        del tags[262]
        data = tiff_file(tags, packed(np.rint(RAMP * 65535).astype(int), 16, order), order=order)
        assert np.abs(shown(data)[..., 2] - RAMP * 255).max() <= 1


def test_bits_that_stand_the_other_way_round():
    mirrored = bytes(int(f"{value:08b}"[::-1], 2) for value in COLOURS[..., 0].astype(np.uint8).ravel())
    data = tiff_file(grey_tags(7, 5, 8, tag_266=2), mirrored)
    assert np.array_equal(shown(data)[..., 0], COLOURS[..., 0])


@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_grey_and_alpha(alpha):
    values = np.stack([COLOURS[..., 0], np.full((5, 7), 255)], -1).astype(np.uint8)
    tags = grey_tags(7, 5, [8, 8], tag_277=2, tag_338=alpha)
    assert np.array_equal(shown(tiff_file(tags, values.tobytes()))[..., 0], COLOURS[..., 0])
    planes = [values[..., 0].tobytes(), values[..., 1].tobytes()]
    with pytest.raises(BadImage, match="grey and other values in separate planes"):
        open_picture(tiff_file(tags | {284: 2}, planes))


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        (grey_tags(7, 5, 8, tag_339=2), "signed values"),
        (grey_tags(7, 5, 16, tag_339=3), "kind that is not read"),
        (grey_tags(7, 5, 64, tag_339=3), "kind that is not read"),
        (grey_tags(7, 5, 8, tag_259=50001), "compression WebP"),
        (grey_tags(7, 5, 8, tag_259=34712), "compression JPEG 2000"),
        (grey_tags(7, 5, 8, tag_259=34887), "compression LERC"),
        (grey_tags(7, 5, 8, tag_259=61234), "compression 61234"),
        (grey_tags(7, 5, 16, photometric=32803), "kind that is not read"),  # a camera's raw mosaic
        (grey_tags(7, 5, 16, photometric=3, tag_320=[0] * 3 * 65536), "kind that is not read"),
        (COLOUR_TAGS | {258: [32] * 3, 339: [3] * 3}, "kind that is not read"),
        (COLOUR_TAGS | {258: [12] * 3}, "kind that is not read"),
        (grey_tags(7, 5, 1, tag_259=8, tag_317=2), "a predictor for 1-bit values"),
        (grey_tags(7, 5, 8, tag_259=32773, tag_317=2), "a predictor and PackBits"),
        (COLOUR_TAGS | {258: [5, 6, 5]}, "kind that is not read"),
        (COLOUR_TAGS | {258: [8] * 3, 262: 6}, "subsampled"),
        (COLOUR_TAGS | {258: [8] * 3, 262: 9}, "kind that is not read"),
    ],
    ids=str,
)
def test_whole_files_of_kinds_that_are_not_read_are_not_called_broken(tags, kind):
    with pytest.raises(BadImage, match=kind) as caught:
        open_picture(tiff_file(tags, bytes(5 * 7 * 12)))
    assert "broken" not in str(caught.value)


def test_a_big_endian_bigtiff_is_called_one():
    data = tiff_file(grey_tags(7, 5, 8), bytes(35), order=">", big=True)
    with pytest.raises(BadImage, match="is a big-endian BigTIFF, a kind that is not read"):
        open_picture(data)


@pytest.mark.parametrize("orientation", [0, 1, 3, 8, 9])
def test_the_orientation_is_applied_once(orientation):
    tags = COLOUR_TAGS | {256: 60, 257: 40, 258: [8] * 3, 278: 40, 274: orientation}
    for compression in (1, 8):
        pixels = quarters().tobytes()
        pixels = deflated(pixels) if compression == 8 else pixels
        seen = open_picture(tiff_file(tags | {259: compression}, pixels))
        assert seen.shape == ((60, 40, 3) if orientation == 8 else (40, 60, 3))
        assert seen[0, 0].tolist() == (
            [255, 255, 255] if orientation == 3 else [0, 255, 0] if orientation == 8 else [255, 0, 0]
        )


def test_only_the_first_page_is_looked_at():
    pages = [Image.fromarray(quarters()), Image.new("F", (9, 9)), Image.new("RGB", (3000, 3000))]
    data = stored(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert np.array_equal(open_picture(data), quarters())


def test_libtiff_and_pil_write_nothing_to_stderr(capfd):
    cut = stored(quarters(), "TIFF", compression="tiff_lzw")
    for data in (
        cut[:200] + b"\xff" * 60 + cut[260:],
        tiff_file(COLOUR_TAGS | {258: [8] * 3, 259: 8}, b"no deflate"),
        tiff_file(grey_tags(7, 5, 1, tag_259=4), b"\xff" * 20),
        tiff_file(grey_tags(7, 5, 8, tag_277=65535), bytes(35)),
        tiff_file(COLOUR_TAGS | {258: [8] * 3, 259: 7}, b"\xff\xd8\xff\xd9"),
    ):
        with suppress(BadImage):
            open_picture(data)
    assert capfd.readouterr() == ("", "")

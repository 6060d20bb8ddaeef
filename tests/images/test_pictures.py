"""However a picture is stored, the same pixels come out; what is no picture is refused in plain words."""

import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from scenes import quarters, scene
from unprivileged import run_unprivileged

from showtell.errors import BadImage
from showtell.images import (
    MAX_PIXELS,
    Fit,
    Preprocessing,
    open_picture,
    preprocess,
    read_pixels,
)

LITE = Preprocessing(size=224, mean=(127, 127, 127), std=(128, 128, 128))


def stored(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


# --- every kind of file ---


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGB", "PNG", {}),
        ("P", "PNG", {}),
        ("RGBA", "PNG", {}),
        ("RGB", "BMP", {}),
        ("P", "BMP", {}),
        ("RGB", "TIFF", {}),
        ("RGB", "TIFF", {"compression": "tiff_lzw"}),
        ("CMYK", "TIFF", {}),
        ("P", "GIF", {}),
        ("RGB", "WEBP", {"lossless": True}),
        ("RGBA", "WEBP", {"lossless": True}),
    ],
)
def test_lossless_kinds_give_the_very_pixels(mode, kind, options):
    image = Image.fromarray(quarters()).convert(mode)
    assert np.array_equal(open_picture(stored(image, kind, **options)), quarters())


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_jpeg_gives_nearly_the_pixels(mode, options):
    data = stored(Image.fromarray(quarters()).convert(mode), "JPEG", quality=100, subsampling=0, **options)
    difference = open_picture(data).astype(int) - quarters()
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF"])
def test_grey_becomes_three_equal_channels(kind):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = open_picture(
        stored(Image.fromarray(grey), kind, **({"quality": 100} if kind == "JPEG" else {}))
    )
    assert picture.shape == (16, 16, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - grey[..., None]).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_cut_off(kind):
    deep = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    picture = open_picture(stored(Image.fromarray(deep), kind))
    assert np.array_equal(picture[..., 0].ravel(), np.arange(256))


def test_black_and_white_of_one_bit():
    bits = quarters()[..., 0] > 0
    assert np.array_equal(open_picture(stored(Image.fromarray(bits), "PNG"))[..., 1], bits * 255)


def test_floats_of_a_tiff_are_taken_from_zero_to_one():
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    assert np.array_equal(
        open_picture(stored(Image.fromarray(values), "TIFF"))[..., 2].ravel(), np.arange(256)
    )


@pytest.mark.parametrize("scale", [1, 257])
def test_whole_numbers_of_a_tiff_that_fit_8_or_16_bits_mean_that_range(scale):
    values = np.array([[0, 3, 200]], np.int32) * scale
    assert open_picture(stored(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 3, 200]


def test_floats_of_another_range_are_stretched():
    values = np.array([[-50, np.nan], [0, 150]], np.float32)
    picture = open_picture(stored(Image.fromarray(values), "TIFF"))
    assert picture[..., 0].tolist() == [[0, 64], [64, 255]]


@pytest.mark.parametrize("value", [np.float32(5), np.float32(-1), np.int32(70_000), np.int32(-3)], ids=str)
def test_a_tiff_of_one_value_outside_the_usual_ranges_is_grey(value):
    picture = open_picture(stored(Image.fromarray(np.full((4, 5), value)), "TIFF"))
    assert np.array_equal(picture, np.full((4, 5, 3), 128))


def test_floats_as_far_apart_as_can_be_are_stretched():
    values = np.array([[-3e38, 0, 3e38]], np.float32)
    assert open_picture(stored(Image.fromarray(values), "TIFF"))[0, :, 0].tolist() == [0, 128, 255]


def test_what_is_transparent_is_white():
    picture = np.dstack([quarters(), np.full((40, 60), 255, np.uint8)])
    picture[:20, :30, 3] = 0  # the red quarter
    picture[:20, 30:, 3] = 128  # the green one: half
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        seen = open_picture(stored(Image.fromarray(picture), kind, **options))
        assert seen[0, 0].tolist() == [255, 255, 255]
        assert np.abs(seen[0, 59].astype(int) - [127, 255, 127]).max() <= 1
        assert seen[39, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_transparent_colour_of_a_palette_is_white(kind):
    image = Image.fromarray(quarters()).quantize(4)
    red = image.getpixel((0, 0))
    seen = open_picture(stored(image, kind, transparency=red))
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[0, 59].tolist() == [0, 255, 0]


def test_a_transparent_colour_of_an_rgb_png_is_white():
    seen = open_picture(stored(Image.fromarray(quarters()), "PNG", transparency=(255, 0, 0)))
    assert seen[0, 0].tolist() == [255, 255, 255]


def test_a_transparent_value_of_a_deep_grey_png_is_white():
    deep = np.array([[0, 1000], [1001, 65535]], np.uint16)
    seen = open_picture(stored(Image.fromarray(deep), "PNG", transparency=1000))
    assert seen[..., 0].tolist() == [[0, 255], [4, 255]]


def test_grey_with_alpha():
    image = Image.merge("LA", [Image.new("L", (4, 4), 0), Image.new("L", (4, 4), 0)])
    assert open_picture(stored(image, "PNG")).min() == 255


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_shows_its_first_frame(kind):
    frames = [Image.fromarray(quarters()), Image.new("RGB", (60, 40), "black")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = stored(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)
    assert np.array_equal(open_picture(data), quarters())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_in_exif_is_applied(kind, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # PIL's numbers of the transposes that store it so
    image = Image.fromarray(quarters())
    if orientation > 1:
        image = image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    options |= {"lossless": True} if kind == "WEBP" else {}
    seen = open_picture(stored(image, kind, exif=exif, **options))
    assert seen.shape == (40, 60, 3)
    assert np.abs(seen.astype(int) - quarters()).mean() < 3


def test_broken_exif_does_no_harm():
    data = stored(Image.fromarray(quarters()), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f garbage")
    assert np.array_equal(open_picture(data), quarters())


# --- every kind of source ---


def test_path_text_bytes_image_and_array_are_the_same(tmp_path):
    path = tmp_path / "a picture.png"
    image = Image.fromarray(quarters())
    image.save(path)
    for source in (path, str(path), path.read_bytes(), image, Image.open(path), quarters()):
        assert np.array_equal(open_picture(source), quarters())


def test_what_a_file_is_called_does_not_matter(tmp_path):
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(stored(Image.fromarray(quarters()), "PNG"))
    assert np.array_equal(open_picture(path), quarters())


@pytest.mark.parametrize(
    "array",
    [
        quarters()[..., 0],
        quarters()[..., :1],
        quarters()[..., 0] / 255,
        quarters()[..., 0] > 0,
        quarters()[..., 0].astype(np.uint16) * 257,
        (quarters()[..., 0].astype(np.uint16) * 257).astype(">u2"),
        np.dstack([quarters()[..., [0, 0, 0]], np.full((40, 60), 255, np.uint8)]),
        np.asfortranarray(quarters()[..., [0, 0, 0]]),
    ],
    ids=["grey", "one channel", "floats", "bool", "uint16", "big-endian uint16", "alpha", "fortran order"],
)
def test_arrays_of_many_kinds(array):
    assert np.array_equal(open_picture(array), quarters()[..., [0, 0, 0]])


@pytest.mark.parametrize(
    ("array", "complaint"),
    [
        (np.zeros((3, 40, 60), np.uint8), "shape"),
        (np.zeros((5,), np.uint8), "shape"),
        (np.zeros((0, 40, 3), np.uint8), "no pixels"),
        (np.full((4, 4, 3), 200.0), "from 0 to 1"),
        (np.full((4, 4, 3), np.nan), "from 0 to 1"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.array([["a"]]), "values"),
    ],
)
def test_arrays_that_are_no_pictures(array, complaint):
    with pytest.raises(BadImage, match=re.escape(complaint)):
        open_picture(array)


def test_a_source_of_another_type_is_the_callers_mistake():
    with pytest.raises(TypeError, match="not int"):
        open_picture(3)


def test_the_callers_image_stays_as_it_is():
    image = Image.open(io.BytesIO(stored(Image.fromarray(scene(800, 600)), "JPEG")))
    open_picture(image, at_least=50)
    assert image.size == (800, 600)


def test_the_result_can_be_written_to(tmp_path):
    open_picture(quarters())[0, 0] = 7


# --- refusals ---


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (b"not a picture at all", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "broken or cut short|pip install"),
        (b"\xff\xd8\xff\xe0", "broken or cut short"),
        (b"\x89PNG\r\n\x1a\n", "broken or cut short"),
    ],
)
def test_what_is_no_picture(data, complaint):
    with pytest.raises(BadImage, match=complaint):
        open_picture(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(kind, share):
    data = stored(Image.fromarray(scene(200, 150)), kind)
    with pytest.raises(BadImage, match="broken or cut short"):
        open_picture(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"])
def test_damage_gives_a_picture_or_bad_image_and_nothing_else(kind):
    data = bytearray(stored(Image.fromarray(scene(80, 60)), kind))
    generator = np.random.default_rng(1)
    for _ in range(150):
        broken = bytearray(data)
        for place in generator.integers(0, min(len(broken), 400), 3):
            broken[place] = generator.integers(0, 256)
        try:
            picture = open_picture(bytes(broken))
        except BadImage:
            continue
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded():
    side = int(MAX_PIXELS**0.5) + 10
    bomb = stored(Image.new("1", (side, side)), "PNG")  # a few kilobytes
    with pytest.raises(BadImage, match="80,000,000"):
        open_picture(bomb)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_header_that_claims_a_huge_picture_is_refused():
    bomb = bytearray(stored(Image.new("RGB", (1, 1)), "BMP"))
    bomb[18:26] = (60_000).to_bytes(4, "little") * 2
    with pytest.raises(BadImage, match="80,000,000"):
        open_picture(bytes(bomb))


def test_a_folder_a_missing_file_and_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, complaint in (
        (tmp_path, "folder"),
        (tmp_path / "missing.jpg", "no such file"),
        (tmp_path / "pipe", "not a regular file"),
        ("a\0b.jpg", "cannot be read"),
        ("", "the picture's name is empty"),
        ("x" * 5000, "cannot be read"),
    ):
        with pytest.raises(BadImage, match=complaint):
            open_picture(path)


def test_a_file_that_may_not_be_read(tmp_path):
    for name, mode in (("secret.png", 0), ("public.png", 0o644)):
        (tmp_path / name).write_bytes(stored(Image.fromarray(quarters()), "PNG"))
        (tmp_path / name).chmod(mode)
    prepare = "from showtell.images import open_picture; print(open_picture('public.png').shape)"
    done = run_unprivileged(
        tmp_path, prepare, "print(open_picture('public.png').shape); open_picture('secret.png')"
    )
    assert done.stdout.split("\n") == ["(40, 60, 3)", "(40, 60, 3)", ""]
    assert done.stderr.splitlines()[-1] == "showtell.errors.BadImage: secret.png: reading it is not permitted"


def test_the_message_names_the_file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(BadImage, match=re.escape(str(path))):
        open_picture(path)


# --- reduced decoding ---


@pytest.mark.parametrize(("side", "decoded"), [(1600, 800), (880, 880), (4000, 500)])
def test_jpegs_are_decoded_no_larger_than_of_use(side, decoded):
    data = stored(Image.new("RGB", (side, side)), "JPEG")
    assert open_picture(data, at_least=224).shape[:2] == (decoded, decoded)
    assert open_picture(data).shape[:2] == (side, side)


def test_reduced_decoding_makes_no_difference_to_speak_of():
    data = stored(Image.fromarray(scene(2000, 1500)), "JPEG", quality=95)
    reduced, whole = read_pixels(data, LITE), preprocess(open_picture(data), LITE)
    assert np.abs(reduced - whole).mean() * 128 < 0.5  # grey levels of 255


def test_nearest_is_never_given_a_reduced_decoding():
    how = Preprocessing(size=32, resample="nearest", mean=(0, 0, 0), std=(1, 1, 1))
    data = stored(Image.fromarray(scene(640, 480)), "JPEG")
    assert np.array_equal(read_pixels(data, how), preprocess(open_picture(data), how))


def test_several_threads_read_at_once():
    small, large = (
        stored(Image.fromarray(scene(300, 200)), "JPEG"),
        stored(Image.new("L", (5000, 4100)), "PNG"),
    )
    with ThreadPoolExecutor(4) as pool:
        shapes = list(pool.map(lambda data: open_picture(data).shape, [small, large] * 4))
    assert shapes == [(200, 300, 3), (4100, 5000, 3)] * 4


# --- preprocessing ---


def test_the_values_are_those_of_efficientnet_lite():
    picture = scene(224, 224)
    expected = (picture.astype(np.float64) - 127) / 128
    pixels = preprocess(picture, LITE)
    assert pixels.dtype == np.float32
    assert pixels.flags.c_contiguous
    assert np.allclose(pixels, expected.transpose(2, 0, 1), atol=1e-6)


@pytest.mark.parametrize("resample", ["nearest", "bilinear", "bicubic"])
def test_squeeze_is_the_named_filter_of_pil(resample):
    picture = scene(300, 200)
    how = Preprocessing(size=64, resample=resample, mean=(0, 0, 0), std=(1, 1, 1))
    expected = Image.fromarray(picture).resize((64, 64), Image.Resampling[resample.upper()])
    assert np.array_equal(preprocess(picture, how), np.asarray(expected).transpose(2, 0, 1))


def test_mean_and_deviation_belong_to_the_channels_as_they_come_out():
    picture = np.full((8, 8, 3), (10, 20, 30), np.uint8)
    how = Preprocessing(size=8, channels="bgr", mean=(30, 0, 0), std=(1, 20, 5))
    assert preprocess(picture, how)[:, 0, 0].tolist() == [0, 1, 2]


def test_vgg_as_keras_has_it():
    how = Preprocessing(size=8, channels="bgr", mean=(103.939, 116.779, 123.68), std=(1, 1, 1))
    pixels = preprocess(np.full((8, 8, 3), (255, 0, 100), np.uint8), how)
    assert np.allclose(pixels[:, 3, 3], [100 - 103.939, -116.779, 255 - 123.68], atol=1e-5)


def test_crop_keeps_the_middle_square():
    picture = np.zeros((40, 100, 3), np.uint8)
    picture[:, 30:70] = 255
    how = Preprocessing(size=20, fit="crop", mean=(0, 0, 0), std=(255, 255, 255))
    for view in (picture, picture.transpose(1, 0, 2)):
        assert preprocess(np.ascontiguousarray(view), how).min() == 1


def test_pad_shows_everything_and_fills_with_zeros():
    how = Preprocessing(size=20, fit="pad", mean=(5, 5, 5), std=(250, 250, 250))
    for shape, inside in (((50, 100, 3), np.s_[:, 5:15, :]), ((100, 50, 3), np.s_[:, :, 5:15])):
        pixels = preprocess(np.full(shape, 255, np.uint8), how)
        assert pixels.shape == (3, 20, 20)
        assert (pixels[inside] == 1).all()
        assert pixels.sum() == 3 * 20 * 10


@pytest.mark.parametrize(
    ("shape", "inside"),
    [
        ((100, 100, 3), np.s_[:, :, :]),
        ((80, 120, 3), np.s_[:, :, :]),  # 3:2
        ((120, 90, 3), np.s_[:, :, :]),
        ((100, 300, 3), np.s_[:, 5:15, :]),  # 3:1: half of the square
        ((300, 100, 3), np.s_[:, :, 5:15]),
    ],
)
def test_limited_squeezes_by_three_to_two_at_most_and_fills_with_zeros(shape, inside):
    how = Preprocessing(size=20, fit="limited", mean=(5, 5, 5), std=(250, 250, 250))
    pixels = preprocess(np.full(shape, 255, np.uint8), how)
    assert pixels.shape == (3, 20, 20)
    assert (pixels[inside] == 1).all()
    assert pixels.sum() == pixels[inside].size


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 999, 3), (999, 1, 3), (224, 224, 3)])
def test_every_shape_becomes_a_square(fit, shape):
    how = Preprocessing(size=224, fit=fit, mean=(127, 127, 127), std=(128, 128, 128))
    assert preprocess(np.zeros(shape, np.uint8), how).shape == (3, 224, 224)


def test_settings_survive_json():
    settings = {
        "size": 224,
        "fit": "squeeze",
        "resample": "bilinear",
        "channels": "rgb",
        "mean": [127, 127, 127],
        "std": [128, 128, 128],
    }
    assert Preprocessing.from_dict(settings) == LITE
    assert LITE.to_dict() == settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", 0),
        ("size", "224"),
        ("size", 2.5),
        ("size", True),
        ("size", 10**9),
        ("fit", "stretch"),
        ("resample", "lanczos"),
        ("channels", "rgba"),
        ("mean", [1, 2]),
        ("mean", "abc"),
        ("mean", 127),
        ("mean", [float("nan"), 0, 0]),
        ("mean", [10**400, 0, 0]),
        ("std", [1, 0, 1]),
        ("std", [1, -1, 1]),
        ("std", None),
        ("colour", "yes"),
    ],
)
def test_a_bad_setting_is_named(key, value):
    with pytest.raises(ValueError, match=key):
        Preprocessing.from_dict(LITE.to_dict() | {key: value})


@pytest.mark.parametrize("key", ["size", "fit", "resample", "channels", "mean", "std"])
def test_a_missing_setting_is_named(key):
    settings = LITE.to_dict()
    del settings[key]
    with pytest.raises(ValueError, match=f"{key} is missing"):
        Preprocessing.from_dict(settings)


def test_settings_that_are_no_table():
    with pytest.raises(ValueError, match="table"):
        Preprocessing.from_dict([224])

"""Large pictures, odd shapes and what happens while a file is read: a row with an error at worst."""

import os
import struct
import subprocess
import sys
import threading
import zlib
from functools import cache
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from scenes import chunk, grainy, scene, stored
from tiff_files import deflated, grey_tags, tiff_file

from showtell.errors import BadImage
from showtell.images import Fit, Preprocessing, open_picture, preprocess, read_pixels, reading

HOW = Preprocessing(size=224, mean=(127, 127, 127), std=(128, 128, 128))
SIDE = 8900  # 79 megapixels


@cache
def png(width, height, *, kind=0, bits=8):
    """A PNG of one grey or colour, in a few kilobytes."""
    row = b"\0" + b"\x55" * ((width * {0: 1, 2: 3, 6: 4}[kind] * bits + 7) // 8)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    packer = zlib.compressobj(1)
    pixels = b"".join(
        [*(packer.compress(row * 64) for _ in range(height // 64)), packer.compress(row * (height % 64))]
    )
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", pixels + packer.flush()),
            chunk(b"IEND", b""),
        ]
    )


# --- what is decoded counts, not what there is ---


def test_a_jpeg_of_108_megapixels_is_read_at_a_reduced_scale():
    data = stored(Image.new("RGB", (12_000, 9000), "teal"), "JPEG")
    assert open_picture(data, at_least=224).shape == (1125, 1500, 3)
    assert read_pixels(data, HOW).shape == (3, 224, 224)
    with pytest.raises(BadImage, match="108,000,000 pixels; pictures of up to 80,000,000 are read"):
        open_picture(data)


def test_a_progressive_jpeg_counts_with_what_its_decoder_keeps():
    small = stored(np.full((16, 16, 3), 9, np.uint8), "JPEG", progressive=True, subsampling=0)
    place = small.index(b"\xff\xc2")
    large = small[: place + 5] + struct.pack(">HH", 16_000, 16_000) + small[place + 9 :]
    first = large.index(b"\xff\xda") + 14
    bomb = large[:first] + b"\0" * 2_000_000 + large[first:]
    with pytest.raises(BadImage, match="too large for the memory"):
        open_picture(bomb, at_least=224)


# --- odd shapes ---

SHAPES = {
    "a panorama": (20_000, 900),
    "a tall screenshot": (720, 30_000),
    "the longest panorama of a JPEG": (65_000, 320),
    "a line": (60_000, 1),
    "a column": (1, 60_000),
}


@cache
def odd(name, kind):
    """A black file, white in the right lower quarter."""
    width, height = SHAPES[name]
    picture = np.zeros((height, width, 3), np.uint8)
    picture[height // 2 :, width // 2 :] = 255
    return stored(picture, kind)


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_fit_works_for_odd_shapes(fit, name, kind):
    width, height = SHAPES[name]
    how = Preprocessing(size=64, fit=fit, mean=(0, 0, 0), std=(255, 255, 255))
    pixels = read_pixels(odd(name, kind), how)
    assert pixels.shape == (3, 64, 64)
    assert pixels[:, :31, :31].max() < 0.5
    assert pixels[:, 31:, 31:].max() > 0.45 or min(width, height) == 1
    if fit == "squeeze" and min(width, height) > 1:
        assert pixels.mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("size", [(1_000_000, 3), (3, 1_000_000)])
def test_sides_of_a_million_pixels(fit, resample, size):
    how = Preprocessing(size=32, fit=fit, resample=resample, mean=(0, 0, 0), std=(1, 1, 1))
    pixels = read_pixels(png(*size), how)
    inside = pixels[pixels > 0]
    assert inside.size
    assert inside == pytest.approx(0x55)


def test_the_longest_sides_are_averaged_as_the_filter_would_have():
    ramp = np.repeat(np.linspace(0, 255, 70_000, dtype=np.uint8)[None, :, None], 40, 0).repeat(3, 2)
    expected = np.linspace(0, 255, 224)
    for picture in (ramp, np.ascontiguousarray(ramp.transpose(1, 0, 2))):
        pixels = preprocess(picture, Preprocessing(size=224, mean=(0, 0, 0), std=(1, 1, 1)))
        along = pixels[0].mean(0 if picture is ramp else 1)
        assert np.abs(along - expected).max() < 1.5


@pytest.mark.parametrize("size", [(1, 80_000_000), (3, 25_000_000), (16, 5_000_000)])
def test_a_picture_of_too_many_rows_is_too_large_for_the_memory(size):
    with pytest.raises(BadImage, match="too large for the memory"):
        read_pixels(png(64, 1)[:16] + struct.pack(">II", *size) + png(64, 1)[24:], HOW)


# --- memory ---

MEASURE = """
import resource, sys
from showtell.errors import BadImage
from showtell.images import Preprocessing, read_pixels
how = Preprocessing(size=224, mean=(127, 127, 127), std=(128, 128, 128))
try:
    print(read_pixels(sys.argv[1], how).shape)
except BadImage as error:
    print(error.reason)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def measured(path):
    """What became of a file, and the megabytes that a process of its own needed."""
    done = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)
    said, memory = done.stdout.splitlines()
    return said, int(memory)


def large(kind):
    """A file of 79 megapixels."""
    row = np.arange(SIDE) % 251
    match kind:
        case "floats":
            pixels = np.tile((row / 255).astype("<f4"), SIDE).tobytes()
            return tiff_file(grey_tags(SIDE, SIDE, 32, tag_339=3), pixels)
        case "integers":
            pixels = np.tile((row * 70_000).astype("<i4"), SIDE).tobytes()
            return tiff_file(grey_tags(SIDE, SIDE, 32, tag_339=2, tag_259=8), deflated(pixels))
        case "transparent":
            return png(SIDE, SIDE, kind=6)
        case "webp":
            return stored(Image.new("RGB", (SIDE, SIDE), "teal"), "WEBP", quality=1, method=0)
    return stored(Image.new("RGB", (SIDE, SIDE), "teal"), "JPEG", progressive=True, subsampling=0)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="kilobytes are what Linux counts memory in")
@pytest.mark.parametrize("kind", ["floats", "integers", "transparent", "webp", "progressive"])
def test_79_megapixels_of_any_kind_take_less_than_a_gigabyte(tmp_path, kind):
    (tmp_path / "large").write_bytes(large(kind))
    said, memory = measured(tmp_path / "large")
    assert said in ("(3, 224, 224)", "8,900 x 8,900 pixels of this kind are too large for the memory")
    assert memory < 1000


@pytest.mark.parametrize("step", ["the file", "decoding", "resizing"])
def test_when_memory_runs_out_the_picture_is_refused(monkeypatch, tmp_path, step):
    (tmp_path / "a.png").write_bytes(stored(scene(60, 40)[..., 0], "PNG"))

    def fails(*_, **__):
        raise MemoryError

    with monkeypatch.context() as patch:
        if step == "the file":
            patch.setattr(reading, "_contents", fails)
        else:
            patch.setattr(Image.Image, "resize" if step == "resizing" else "convert", fails)
        with pytest.raises(BadImage, match="too large for the memory"):
            read_pixels(tmp_path / "a.png", HOW)
    assert read_pixels(tmp_path / "a.png", HOW).shape == (3, 224, 224)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_a_picture_that_does_not_fit_a_small_machine_costs_nothing_else(tmp_path):
    (tmp_path / "large.png").write_bytes(png(8000, 8000, kind=2))
    (tmp_path / "small.png").write_bytes(png(80, 80, kind=2))
    script = (
        "import resource, sys; from showtell.images import read_pixels; import PIL.PngImagePlugin\n"
        "least = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() + 150_000_000\n"
        "resource.setrlimit(resource.RLIMIT_AS, (least, least))\n"
        + MEASURE.replace("print(resource", "print(read_pixels(sys.argv[2], how).shape) #")
    )
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "large.png", tmp_path / "small.png"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.stdout == "is too large for the memory\n(3, 224, 224)\n", done.stderr


# --- while a file is read ---


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="there is no file whose reading fails")
def test_a_file_that_fails_while_it_is_read_is_refused():
    """As a bad sector does, or a share that is gone."""
    with pytest.raises(BadImage, match=r"/proc/self/mem: cannot be read \(Input/output error\)"):
        open_picture("/proc/self/mem")


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "group4"])
def test_a_tiff_that_is_cut_shorter_while_it_is_decoded_does_no_harm(tmp_path, monkeypatch, compression):
    """A decoder that maps the file into memory dies of a bus error."""
    path = tmp_path / "a.tif"
    image = Image.fromarray(grainy(600, 400)).convert("1" if compression == "group4" else "RGB")
    path.write_bytes(stored(image, "TIFF", compression=compression))
    expected = open_picture(path)
    opens = reading.format_of(b"II*\0").__class__.open

    def cuts_first(self, file):
        path.write_bytes(b"")
        return opens(self, file)

    monkeypatch.setattr(reading.format_of(b"II*\0").__class__, "open", cuts_first)
    assert np.array_equal(open_picture(path), expected)


def test_a_file_of_gigabytes_is_refused_by_its_size(tmp_path):
    with (tmp_path / "sparse.png").open("wb") as file:
        file.write(png(8, 8))
        file.truncate(5_000_000_000)
    with pytest.raises(BadImage, match="has 5,000,000,000 bytes; files of up to 350,000,000 are read"):
        open_picture(tmp_path / "sparse.png")


# --- threads and processes ---


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # which Python gives for a fork beside threads
def test_a_process_that_is_forked_while_a_large_picture_is_decoded_can_decode_one():
    data = png(6000, 5000, kind=2)
    begun, done = threading.Event(), threading.Event()

    def hold():
        with reading.opened(data, None):
            begun.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(0 if open_picture(data, at_least=224).shape == (5000, 6000, 3) else 1)
    waiter = threading.Timer(60, os.kill, (child, 9))
    waiter.start()
    status = os.waitpid(child, 0)[1]
    waiter.cancel()
    done.set()
    thread.join()
    assert status == 0


def test_only_one_large_picture_is_in_memory_at_a_time_until_it_is_resized(monkeypatch):
    data, at_once, most = png(5000, 4100), 0, 0
    resize = Image.Image.resize

    def counted(self, *arguments, **options):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        result = resize(self, *arguments, **options)
        at_once -= 1
        return result

    monkeypatch.setattr(Image.Image, "resize", counted)
    threads = [threading.Thread(target=read_pixels, args=(data, HOW)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_an_error_gives_the_turn_to_the_next_picture():
    broken = png(5000, 4100)[:-60] + b"\0" * 60
    for _ in range(2):
        with pytest.raises(BadImage):
            read_pixels(broken, HOW)
    assert read_pixels(png(5000, 4100), HOW).shape == (3, 224, 224)

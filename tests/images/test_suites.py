"""Public suites of picture files, fetched from packages that carry them and never kept: Pillow's own, and PngSuite's.

PngSuite is fetched in two parts, since no package carries it whole: the pictures that pypng has copied, and those
in the source of Go, which Debian packages.
"""

import re
import runpy
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path

import PIL
import pytest

from showtell.errors import BadImage
from showtell.images import open_picture
from showtell.images.formats import HEAD, format_of

pytestmark = pytest.mark.timeout(900)
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "reliability.md"

# Whole pictures of Pillow's that are refused, and the reason, which names their kind.
REFUSED = {
    "8bit.s.tif": "signed values of 8 bits",
    "bmp/g/rgb32bf.bmp": "kind that is not read .*bitfields",
    "bmp/q/pal2.bmp": "kind that is not read .*depth",
    "bmp/q/pal8os2v2-16.bmp": "kind that is not read .*header",
    "bmp/q/pal8oversizepal.bmp": "kind that is not read .*palette",
    "bmp/q/rgb16-231.bmp": "kind that is not read .*bitfields",
    "bmp/q/rgb24jpeg.bmp": "kind that is not read .*depth",
    "bmp/q/rgb24png.bmp": "kind that is not read .*depth",
    "bmp/q/rgb32-111110.bmp": "kind that is not read .*bitfields",
    "bmp/q/rgba16-4444.bmp": "kind that is not read .*bitfields",
    "bmp/q/rgba32abf.bmp": "kind that is not read .*compression",
    "hopper_unknown_pixel_mode.tif": "kind that is not read .*pixel mode",
    "hopper_webp.tif": "compression WebP",
    "separate_planar_extra_samples.tiff": "separate planes",
    "tiff_strip_planar_16bit_RGB.tiff": "16 bits per sample in separate planes",
    "tiff_strip_planar_16bit_RGBa.tiff": "16 bits per sample in separate planes",
    "tiff_tiled_planar_16bit_RGB.tiff": "16 bits per sample in separate planes",
    "tiff_tiled_planar_16bit_RGBa.tiff": "16 bits per sample in separate planes",
}

# Those that Pillow has because they are broken, claim a huge size or are cut.
BROKEN = """
apng/syntax_num_frames_zero.png bmp/b/badbitcount.bmp bmp/b/badheadersize.bmp bmp/b/badpalettesize.bmp
bmp/b/badwidth.bmp bmp/b/reallybig.bmp bmp/b/shortfile.bmp broken.png broken_data_stream.png decompression_bomb.gif
l2rgb_read.bmp libtiff_segfault.tif oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif seek_too_large.tif
tiff_overflow_rows_per_strip.tif tiff_tiled_jpeg_oob_read.tif timeout-6646305047838720 truncated_image.png ultrahdr.jpg
zero_width.gif
""".split()


def run(*command, folder):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    except OSError as error:
        pytest.skip(f"{command[0]}: {error.strerror}")
    if done.returncode:
        pytest.skip(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")


def source_of(package, folder):
    """The unpacked source distribution of a package."""
    run(sys.executable, "-m", "pip", "download", "--no-binary", ":all:", "--no-deps", package, folder=folder)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    [unpacked] = [path for path in folder.iterdir() if path.is_dir()]
    return unpacked


def reason(source):
    """Why a picture is refused; None if it is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            open_picture(source)
        except BadImage as error:
            return error.reason
    return None


def test_the_documentation_lists_what_is_refused():
    text = DOCUMENTATION.read_text(encoding="utf-8")
    table = text.split("These pictures of Pillow's are undamaged")[1].split("What is not promised")[0]
    assert set(re.findall(r"`([^`]+\.\w+)`", table)) == set(REFUSED)


@pytest.mark.slow
def test_pillows_own_pictures(tmp_path):
    folder = source_of(f"pillow=={PIL.__version__}", tmp_path) / "Tests" / "images"
    refused = {}
    number = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or format_of(path.read_bytes()[:HEAD]) is None:
            continue
        number += 1
        why = reason(path)
        if why is not None:
            refused[path.relative_to(folder).as_posix()] = why
    assert number > 400
    whole = {name: why for name, why in refused.items() if name not in BROKEN}
    unexpected = {
        name: why
        for name, why in whole.items()
        if name not in REFUSED or "broken" in why or not re.search(REFUSED[name], why)
    }
    assert unexpected == {}
    assert {name for name in REFUSED if (folder / name).exists()} == set(whole)


@pytest.mark.slow
def test_pngsuite_as_pypng_has_it(tmp_path):
    pictures = runpy.run_path(str(source_of("pypng", tmp_path) / "code" / "pngsuite.py"))["png"]
    assert len(pictures) >= 25
    assert {name: reason(data) for name, data in pictures.items() if reason(data)} == {}


@pytest.mark.slow
def test_pngsuite_as_go_has_it(tmp_path):
    run("apt-get", "download", "golang-1.19-src", folder=tmp_path)
    [package] = tmp_path.glob("*.deb")
    run("dpkg-deb", "-x", package.name, "files", folder=tmp_path)
    [folder] = Path(tmp_path, "files").rglob("pngsuite")
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) >= 30
    assert {path.name: reason(path) for path in pictures if reason(path)} == {}

"""Any source of a picture -> uint8 [H, W, 3]: its height, its width, and red, green, blue."""

from __future__ import annotations

import importlib
import math
import os
import stat
import threading
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadImage

if TYPE_CHECKING:
    from PIL.Image import Image

    Source: TypeAlias = str | os.PathLike[str] | bytes | Image | NDArray[Any]

__all__ = ["EXTENSIONS", "MAX_PIXELS", "open_image", "open_picture"]

MAX_PIXELS = 80_000_000
"""A picture of more pixels is refused before it is decoded: a few bytes can claim to be a huge picture."""

EXTENSIONS = frozenset({".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""The endings, in lower case, of the files that are taken for pictures where nobody has named them."""

# Formats that execute nothing and fetch nothing; PIL also knows some that start other programs.
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")
_KNOWN = "JPEG, PNG, GIF, WebP, BMP or TIFF"

# A picture of more pixels waits for its turn, so that memory does not grow with the number of threads.
_LARGE = 20_000_000
_one_large_picture = threading.Lock()


def open_picture(source: Source, *, at_least: int | None = None) -> NDArray[np.uint8]:
    """Read a picture as people see it: uint8 [H, W, 3], red, green, blue.

    The first frame of an animation; turned as its EXIF orientation says; transparency over white; 16-bit
    values scaled to 8.

    source: a file's path, a file's bytes, a PIL image, or an array [H, W], [H, W, 1], [H, W, 3] or
        [H, W, 4] (grey, colour, colour and alpha) of uint8, uint16, bool, or of floats from 0 to 1.
    at_least: the side in pixels that the picture will be resized to. A JPEG is then decoded at a half, a
        quarter or an eighth while both its sides stay at least twice as long: much quicker, and what the
        resizing filter would have averaged anyway.

    Raises BadImage for anything that is not a whole picture of at most `MAX_PIXELS` pixels.
    """
    return np.array(open_image(source, at_least))


def open_image(source: Source, at_least: int | None) -> Image:
    """The picture as a PIL image of mode RGB."""
    if isinstance(source, bytes):
        return _decode(BytesIO(source), None, at_least)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, (str, os.PathLike)):
        with _open_file(source) as file:
            return _decode(file, os.fspath(source), at_least)

    from PIL import Image

    if not isinstance(source, Image.Image):
        kind = type(source).__name__
        raise TypeError(f"a picture is a path, bytes, a PIL image or a numpy array, not {kind}")
    return _whole(source, None)


def _open_file(path: str | os.PathLike[str]) -> IO[bytes]:
    """Open a regular file for reading, or say in plain words why not."""
    try:
        if not os.fspath(path):  # which would otherwise mean the folder that we are in
            raise BadImage("", "the picture's name is empty")
        # A pipe or a device may never end, and opening a pipe may wait for ever.
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise BadImage(path, "this is a folder, not a picture")
        if not stat.S_ISREG(mode):
            raise BadImage(path, "this is not a regular file")
        return Path(path).open("rb")
    except FileNotFoundError:
        raise BadImage(path, "there is no such file") from None
    except PermissionError:
        raise BadImage(path, "reading it is not permitted") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise BadImage(path, f"cannot be opened ({_reason(error)})") from error


def _decode(file: IO[bytes], path: str | None, at_least: int | None) -> Image:
    """Decode a file's bytes; error messages name `path`."""
    from PIL import Image

    _load_readers()
    head = file.read(16)
    if not head:
        raise BadImage(path, "the file is empty")
    try:
        image = Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError:
        raise BadImage(path, f"has more than {MAX_PIXELS:,} pixels, the most that is read") from None
    except Exception as error:  # decoders fed broken headers raise every kind of error
        raise BadImage(path, _unknown(head)) from error
    _check_size(image.size, path)
    if at_least is not None:
        image.draft(image.mode, (2 * at_least, 2 * at_least))
    return _whole(image, path)


def _whole(image: Image, path: str | None) -> Image:
    """Load an opened image, and make it upright, opaque and RGB."""
    from PIL import ImageOps

    _check_size(image.size, path)
    with _turn(image.size):
        try:
            image.load()
            if image.getexif().get(0x0112, 1) != 1:  # the tag of the orientation
                image = ImageOps.exif_transpose(image)
            return _to_rgb(image)
        except Exception as error:  # decoders fed broken data raise every kind of error
            raise BadImage(path, f"is broken or cut short ({_reason(error)})") from error


def _to_rgb(image: Image) -> Image:
    """Any mode -> RGB, transparency over white."""
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        values = np.asarray(image)
        sixteen = image.mode.startswith("I;16")
        grey = _sixteen_to_eight_bits(values) if sixteen else _to_eight_bits(values)
        if "transparency" in image.info:  # the one of the 16-bit values that a PNG calls transparent
            grey[values == image.info["transparency"]] = 255
        image = Image.fromarray(grey)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _sixteen_to_eight_bits(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """0 to 65535 -> 0 to 255, rounded. PIL's own conversion cuts off whatever is above 255."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257


def _to_eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values of 32 bits -> uint8.

    Values that fit 8 or 16 bits (or, as floats, the range 0 to 1) are taken to mean that range; others are
    stretched from their least to their greatest, and are a middle grey where they are all the same.
    """
    whole = values.dtype.kind in "iu"
    # In double precision the distance of two floats of a picture is always a number.
    values = np.nan_to_num(values.astype(np.float64), copy=False, posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    for usual in (255.0, 65535.0) if whole else (1.0,):
        if low >= 0 and high <= usual:
            low, high = 0.0, usual
            break
    if low == high:
        return np.full(values.shape, 128, np.uint8)
    grey: NDArray[np.uint8] = np.rint((values - low) * (255 / (high - low))).astype(np.uint8)
    return grey


def _from_array(array: NDArray[Any]) -> Image:
    """A numpy array as an RGB image."""
    from PIL import Image

    grey = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    if not grey and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        shape = list(array.shape)
        raise BadImage(None, f"a picture has the shape [H, W], [H, W, 3] or [H, W, 4], not {shape}")
    if array.size == 0:
        raise BadImage(None, "the array has no pixels")
    _check_size((array.shape[1], array.shape[0]), None)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype.newbyteorder("=") == np.uint16:
        array = _sixteen_to_eight_bits(array)
    elif array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN is refused too
            raise BadImage(None, "floats must be from 0 to 1; make uint8 of values from 0 to 255")
        array = np.rint(array * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise BadImage(None, f"values must be uint8, uint16, bool or floats, not {array.dtype}")
    if grey:
        array = array.reshape(array.shape[:2])
    return _to_rgb(Image.fromarray(np.ascontiguousarray(array)))


def _check_size(size: tuple[int, int], path: str | None) -> None:
    """Refuse a picture of no pixels or of too many; size is (W, H)."""
    pixels = math.prod(size)
    if pixels == 0:
        raise BadImage(path, "the picture has no pixels")
    if pixels > MAX_PIXELS:
        raise BadImage(path, f"has {pixels:,} pixels; the most that is read is {MAX_PIXELS:,}")


def _turn(size: tuple[int, int]) -> AbstractContextManager[object]:
    """Wait, with a large picture, until no other one is being decoded."""
    return _one_large_picture if math.prod(size) > _LARGE else nullcontext()


def _unknown(head: bytes) -> str:
    """Say of a file that could not be opened what it seems to be, by its first bytes."""
    if head.startswith(_SIGNATURES):
        return "is broken or cut short"
    if head[4:8] == b"ftyp":
        return f"is HEIC, AVIF or a video, which is not read; save it as {_KNOWN}"
    return f"is not a picture that can be read ({_KNOWN})"


def _reason(error: Exception) -> str:
    """An error's own words, without the file's name and the operating system's number."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.splitlines()[0] if text else type(error).__name__


def _load_readers() -> None:
    """Let PIL load its readers of `_FORMATS`; left alone it would load all it has, which takes long."""
    for reader in ("Bmp", "Gif", "Jpeg", "Mpo", "Png", "Tiff", "WebP"):
        importlib.import_module(f"PIL.{reader}ImagePlugin")

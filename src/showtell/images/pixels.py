"""What a decoder gives, in any of PIL's modes -> RGB of 8 bits, upright, over white."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from showtell.images.formats import USUAL, Deep

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["sixteen_to_eight_bits", "to_rgb", "turned"]

_BAND = 4_000_000
"""Deep values are converted so many at a time, since each takes 16 bytes on the way."""


def turned(image: "Image", orientation: int) -> "Image":
    """The picture as people see it, by an orientation from 1 to 8 as EXIF counts."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def to_rgb(image: "Image", deep: Deep = USUAL) -> "Image":
    """Any mode -> RGB, transparency over white.

    Args:
        image: loaded.
        deep: what values of more than 8 bits mean.
    """
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _grey(image, deep).convert("RGB")
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode == "La":  # which PIL makes into nothing but LA
        image = image.convert("LA")
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def sixteen_to_eight_bits(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """0 to 65535 -> 0 to 255, rounded. PIL's own conversion cuts off whatever is above 255."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257


def _grey(image: "Image", deep: Deep) -> "Image":
    """Deep grey values -> mode L.

    Values that fit 8 or 16 bits (or, as floats, the range 0 to 1) are taken to mean that range; others are
    stretched from their least to their greatest, and are a middle grey where they are all the same.
    """
    from PIL import Image

    sixteen = image.mode.startswith("I;16")
    low, high = (0.0, float(2**deep.bits - 1)) if sixteen else _range(image, deep.unsigned)
    transparent = image.info.get("transparency")  # the one of the 16-bit values that a PNG calls so
    grey = np.empty((image.height, image.width), np.uint8)
    for top, values in _bands(image, deep.unsigned):
        band = grey[top : top + len(values)]
        if sixteen and deep.bits == 16:
            band[:] = sixteen_to_eight_bits(values)
        elif low == high:
            band[:] = 128
        else:
            finite = _finite(values)
            finite -= low
            finite *= 255 / (high - low)
            band[:] = np.rint(np.clip(finite, 0, 255, out=finite), out=finite)
        if deep.white_is_zero:
            np.subtract(255, band, out=band)
        if transparent is not None:
            band[values == transparent] = 255
    return Image.fromarray(grey)


def _range(image: "Image", unsigned: bool) -> tuple[float, float]:
    """What values stand for black and for white."""
    whole = image.mode != "F"
    low, high = np.inf, -np.inf
    for _, values in _bands(image, unsigned):
        finite = _finite(values)
        low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    for usual in (255.0, 65535.0) if whole else (1.0,):
        if low >= 0 and high <= usual:
            return 0.0, usual
    return low, high


def _bands(image: "Image", unsigned: bool) -> Iterator[tuple[int, NDArray[Any]]]:
    """The first row of each band, and its values [h, W]."""
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        values = np.asarray(image.crop(box))
        yield top, values.view(np.uint32) if unsigned and image.mode == "I" else values


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    # In double precision the distance of two floats of a picture is always a number.
    return np.nan_to_num(values.astype(np.float64), copy=False, posinf=0, neginf=0)

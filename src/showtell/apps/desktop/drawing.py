"""Pictures of the window, made in threads: thumbnails, the picture that is chosen, and what a word depends on."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from showtell.apps.gallery import Gallery
    from showtell.captioning.explain import Explanation

__all__ = ["blurred", "fitted", "found", "read", "shaded", "thumbnail_of"]

SOFTNESS = 0.6  # exponent under 1: cells with half the attention of the highest are well lit too
DARKEST = 215  # of 255, over what a word did not look at


def read(path: Path, side: int) -> "Image":
    """A picture with at least so many pixels a side, where it has them.

    Raises:
        BadImage: it is no picture.
    """
    from PIL import Image

    from showtell.images import open_picture

    image = Image.fromarray(open_picture(path, at_least=side))
    image.thumbnail((2 * side, 2 * side))
    return image


def fitted(image: "Image", width: int, height: int) -> "Image":
    """The picture as large as the room allows, and no larger than twice itself."""
    from PIL import Image

    share = min(width / image.width, height / image.height, 2.0)
    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    return image.resize(size, Image.Resampling.BILINEAR)


def thumbnail_of(image: "Image", side: int) -> "Image":
    """The picture in the middle of a square."""
    from PIL import Image

    small = image.copy()
    small.thumbnail((side, side))
    square = Image.new("RGB", (side, side), "white")
    square.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return square


def found(gallery: "Gallery", picture_id: str) -> "tuple[Image, bool]":
    """A small picture of a library, and whether it may be unsafe.

    Raises:
        NoSuchPicture: it is gone.
    """
    from PIL import Image

    thumbnail = gallery.thumbnail(picture_id)
    unsafe = thumbnail.safety is not None and thumbnail.safety.unsafe
    return Image.open(BytesIO(thumbnail.jpeg)), unsafe


def blurred(image: "Image") -> "Image":
    """The picture so that nothing can be made out."""
    from PIL import ImageFilter

    return image.filter(ImageFilter.GaussianBlur(max(image.size) / 12))


def shaded(image: "Image", explanation: "Explanation", word: int) -> "Image":
    """The picture, dark where a word did not look."""
    from PIL import Image

    cells = explanation.maps[word]
    dark = ((1 - (cells / cells.max()) ** SOFTNESS) * DARKEST).astype("uint8")
    left, top, right, bottom = explanation.area
    size = max(1, round((right - left) * image.width)), max(1, round((bottom - top) * image.height))
    cover = Image.fromarray(dark).resize(size, Image.Resampling.BICUBIC)
    mask = Image.new("L", image.size, DARKEST)
    mask.paste(cover, (round(left * image.width), round(top * image.height)))
    return Image.composite(Image.new("RGB", image.size, "black"), image, mask)

"""Small copies of pictures, for pages."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

from showtell.images.reading import open_picture

if TYPE_CHECKING:
    from showtell.images.reading import Source

__all__ = ["thumbnail", "thumbnail_url"]


def thumbnail(source: Source, side: int) -> bytes:
    """A picture as a small JPEG.

    Args:
        source: as `showtell.images.open_picture` takes it.
        side: pixels of the longer side, at most.

    Raises:
        BadImage: it is not a picture.
    """
    from PIL import Image

    image = Image.fromarray(open_picture(source, at_least=side))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


def thumbnail_url(source: Source, side: int) -> str:
    """The same as a ``data:`` URL, for a page that needs no other file."""
    return "data:image/jpeg;base64," + b64encode(thumbnail(source, side)).decode("ascii")

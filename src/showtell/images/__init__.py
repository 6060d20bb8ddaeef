"""The one door for pictures: any source -> uint8 [H, W, 3] -> a network's input, float32 [3, S, S].

H and W are a picture's height and width, S the side of the square that a network is fed.
"""

from typing import TYPE_CHECKING

from showtell.images.extensions import EXTENSIONS
from showtell.lazy import lazy_names

if TYPE_CHECKING:
    from showtell.images.folders import Found, find_pictures, passed_over_sentences
    from showtell.images.preprocessing import Channels, Fit, Preprocessing, Resample, preprocess, read_pixels
    from showtell.images.reading import MAX_PIXELS, open_picture
    from showtell.images.reading import Source as Source

__all__ = [
    "EXTENSIONS",
    "MAX_PIXELS",
    "Channels",
    "Fit",
    "Found",
    "Preprocessing",
    "Resample",
    "find_pictures",
    "open_picture",
    "passed_over_sentences",
    "preprocess",
    "read_pixels",
]

_HOMES = {
    **dict.fromkeys(("Found", "find_pictures", "passed_over_sentences"), "folders"),
    **dict.fromkeys(
        ("Channels", "Fit", "Preprocessing", "Resample", "preprocess", "read_pixels"), "preprocessing"
    ),
    **dict.fromkeys(("MAX_PIXELS", "Source", "open_picture"), "reading"),
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)

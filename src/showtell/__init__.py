"""Showtell looks at a picture and says what is in it.

::

    captioner = showtell.load()                      # the bundled model; or a folder
    caption = captioner.caption("photo.jpg")
    print(caption, caption.confidence)
"""

from typing import TYPE_CHECKING

from showtell.lazy import lazy_names

if TYPE_CHECKING:
    from showtell.captioning.base import Caption, Captioner, Result
    from showtell.captioning.hub import load
    from showtell.errors import (
        BadBundle,
        BadCorpus,
        BadFeatures,
        BadFeedback,
        BadImage,
        BadLibrary,
        BadRecipe,
        MissingExtra,
        ShowtellError,
    )
    from showtell.search import Library, open_library

__version__ = "0.1.0"

__all__ = [
    "BadBundle",
    "BadCorpus",
    "BadFeatures",
    "BadFeedback",
    "BadImage",
    "BadLibrary",
    "BadRecipe",
    "Caption",
    "Captioner",
    "Library",
    "MissingExtra",
    "Result",
    "ShowtellError",
    "load",
    "open_library",
]

_HOMES = {
    "Caption": "captioning.base",
    "Captioner": "captioning.base",
    "Library": "search",
    "Result": "captioning.base",
    "load": "captioning.hub",
    "open_library": "search",
}

__getattr__, __dir__ = lazy_names(__name__, {name: _HOMES.get(name, "errors") for name in __all__})

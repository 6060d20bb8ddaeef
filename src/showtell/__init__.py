"""Showtell looks at a picture and says what is in it.

::

    captioner = showtell.load()                      # the bundled model; or a folder
    caption = captioner.caption("photo.jpg")
    print(caption, caption.confidence)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from showtell.captioning.base import Caption, Captioner, Result
    from showtell.captioning.hub import load
    from showtell.errors import (
        BadBundle,
        BadCorpus,
        BadFeatures,
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


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import showtell`` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'showtell' has no attribute {name!r}")
    return getattr(importlib.import_module(f"showtell.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Showtell looks at a picture and says what is in it.

::

    captioner = showtell.load()                      # the bundled model; or a folder
    caption = captioner.caption("photo.jpg")
    print(caption, caption.confidence)
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from showtell.captioner import Caption, Captioner, Result
    from showtell.errors import (
        BadBundle,
        BadCorpus,
        BadFeatures,
        BadImage,
        BadRecipe,
        MissingExtra,
        ShowtellError,
    )
    from showtell.hub import load

__version__ = "0.1.0"

__all__ = [
    "BadBundle",
    "BadCorpus",
    "BadFeatures",
    "BadImage",
    "BadRecipe",
    "Caption",
    "Captioner",
    "MissingExtra",
    "Result",
    "ShowtellError",
    "load",
]

_HOMES = {"Caption": "captioner", "Captioner": "captioner", "Result": "captioner", "load": "hub"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import showtell`` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'showtell' has no attribute {name!r}")
    return getattr(importlib.import_module(f"showtell.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

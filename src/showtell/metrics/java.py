"""The two metrics that only their authors' Java programs compute: what is needed, and what is missing.

They come with the extra ``coco`` (the package pycocoevalcap). Nothing here imitates them: a METEOR that is
not METEOR 1.5 under METEOR's name is how results become incomparable.
"""

import importlib.util
import shutil
from pathlib import Path

from showtell.errors import MissingExtra


class Unavailable(MissingExtra):
    """Why a metric cannot be computed here, as a sentence for its row."""


def java() -> str:
    """The Java program.

    Raises:
        Unavailable: there is none.
    """
    found = shutil.which("java")
    if found is None:
        raise Unavailable("Java was not found; install a Java runtime")
    return found


def coco_folder(name: str) -> Path:
    """A folder of pycocoevalcap.

    Raises:
        Unavailable: the package is not installed.
    """
    package = importlib.util.find_spec("pycocoevalcap")
    if package is None or not package.submodule_search_locations:
        raise Unavailable("pycocoevalcap is not installed: pip install 'showtell[coco]'")
    return Path(package.submodule_search_locations[0]) / name


def only_english(metric: str, language: str) -> None:
    """Refuse a language that the metric was not made for.

    Raises:
        Unavailable: it is another than English.
    """
    if language != "en":
        raise Unavailable(f"{metric} is for English captions; these are in {language!r}")

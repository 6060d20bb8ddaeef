"""``showtell describe``: a person's words about a picture."""

from pathlib import Path
from typing import Annotated

import typer

from showtell.cli import options as option

__all__ = ["describe"]


def describe(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The picture.")],
    words: Annotated[str, typer.Argument(metavar="WORDS", help="What it shows, in your words.")],
    library: option.Library = None,
    language: Annotated[
        str | None, typer.Option(metavar="[en|zh]", help="Of the words; told by them unless given.")
    ] = None,
) -> None:
    """Keep your own words about a picture in the library.

    A picture whose description has all words of a query comes first. Indexing never overwrites your words; describing
    again does.
    """
    from showtell.search import open_library

    with open_library(library) as opened:
        opened.describe(path, words, language=language)

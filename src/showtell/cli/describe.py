"""``showtell describe``: a person's words about a picture."""

from pathlib import Path
from typing import Annotated

import typer

from showtell.cli import options as option
from showtell.cli.console import note
from showtell.errors import ShowtellError

__all__ = ["describe"]


def describe(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The picture.")],
    words: Annotated[
        str | None, typer.Argument(metavar="WORDS", help="What it shows, in your words.")
    ] = None,
    library: option.Library = None,
    language: Annotated[
        str | None, typer.Option(metavar="[en|zh]", help="Of the words; told by them unless given.")
    ] = None,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Take a person's words away again, in all languages or the one given."),
    ] = False,
) -> None:
    """Keep your own words about a picture in the library.

    A picture whose description has all words of a query comes first. Indexing never overwrites your words; describing
    again does.
    """
    from showtell.search import open_library

    if (words is None) != forget:
        raise ShowtellError("describe: give words, or --forget to take away those that are there")
    with open_library(library, create=not forget) as opened:
        if words is not None:
            opened.describe(path, words, language=language)
            return
        captions = [
            one
            for one in opened.captions(path)
            if one.author == "person" and language in (None, one.language)
        ]
        for caption in captions:
            opened.undescribe(path, caption.language)
            note(f"{path}: {caption.text!r} is forgotten")
        if not captions:
            note(f"{path}: there are no words of a person's in the library")

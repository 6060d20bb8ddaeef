"""``showtell explain``: what each word of a caption looked at."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from showtell.cli import options as option
from showtell.cli.console import note
from showtell.errors import ShowtellError

__all__ = ["explain"]


class Format(StrEnum):
    """What is printed."""

    text = "text"
    json = "json"


def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The picture.")],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw what each word looked at into this picture.")
    ] = None,
    model: option.Model = "base",
    language: Annotated[
        str | None, typer.Option(metavar="[en|zh]", help="The model's first language unless given.")
    ] = None,
    font: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A font's file, for Chinese where no usual font is installed."),
    ] = None,
    format: Annotated[  # noqa: A002
        Format, typer.Option(help="Print the caption, or JSON with a map for each word.")
    ] = Format.text,
) -> None:
    """Show what each word of a caption looked at.

    The picture is drawn once a word, bright where the word looked: where the model attended to while it said the
    word; for a model without attention, where covering the picture makes the word less probable.
    """
    from showtell.captioning.explain import draw_explanation
    from showtell.captioning.explain import explain as explained
    from showtell.captioning.hub import load

    if output is None and format is Format.text:
        raise ShowtellError("there is nothing to do: give --output FILE.png, or --format json")
    if output is not None and output.suffix.lower() != ".png":
        raise ShowtellError(f"{output}: the picture is a PNG; give a name that ends in .png")
    captioner = load(model)
    try:
        found = explained(captioner, image, language=language)
    except ValueError as error:
        raise ShowtellError(str(error)) from error
    if output is not None:
        draw_explanation(found, font=font).save(output, "PNG")
        note(f"drew what each word looked at into {output}")
    if format is Format.json:
        print(json.dumps({"path": str(image), **found.to_dict()}, ensure_ascii=False))
    else:
        print(found.caption)

"""``showtell explain``: which part of a picture each word of a caption depends on, or where given words are."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.cli.paths import refuse_addresses
from showtell.errors import ShowtellError
from showtell.files import written_whole
from showtell.text.printable import json_for_terminals

if TYPE_CHECKING:
    from showtell.captioning.explain import Explanation

__all__ = ["explain"]


def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="The picture.")],
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Draw into this picture; IMAGE_explained.png beside the picture unless given.",
        ),
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Show which regions match these words, in English or Chinese, instead of captioning.",
        ),
    ] = None,
    model: option.Model = "base",
    language: option.OneLanguage = None,
    font: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A font's file, for Chinese where no usual font is installed."),
    ] = None,
    format: Annotated[  # noqa: A002
        option.TextOrJson,
        typer.Option(
            help="Print the caption, or JSON with a map for each word, and then draw only on request."
        ),
    ] = "text",
) -> None:
    """Show which part of a picture each word of a caption is about.

    The picture is drawn once per word. Bright are the regions that the model attended to when it chose the word; for a
    model without attention, those whose covering makes the word less probable. With --words, bright are the regions
    that are similar to the word, and a frame marks where the words together fit best.
    """
    from PIL.PngImagePlugin import PngInfo

    from showtell.captioning.explain import draw_explanation
    from showtell.images.folders import EXPLAINED_BY, EXPLAINED_ENDING

    refuse_addresses([str(image)])
    if words is not None and language is not None:
        raise ShowtellError("--words has its own language; leave out --language")
    if output is not None and output.suffix.lower() != ".png":
        raise ShowtellError(f"{output}: the picture is a PNG; give a name that ends in .png")
    if output is None and format == "text":
        output = image.with_name(image.stem + EXPLAINED_ENDING)
    found = _explanation(image, model, words, language)
    if output is not None:
        with written_whole(output) as file:
            drawn_by = PngInfo()
            drawn_by.add_text("Software", EXPLAINED_BY)  # so that its folder is captioned without it
            draw_explanation(found, font=font).save(file, "PNG", pnginfo=drawn_by)
        what = "which part each word depends on" if words is None else "where each word belongs"
        console.note(f"drew {what} into {output}")
    if format == "json":
        print(json_for_terminals(json.dumps({"path": str(image), **found.to_dict()}, ensure_ascii=False)))
    else:
        print(found.text)


def _explanation(image: Path, model: str, words: str | None, language: str | None) -> "Explanation":
    """Of words that were given, or else of a caption."""
    from showtell.captioning.explain import explain as explained
    from showtell.search.alignment import explain_words

    captioner = console.load_model(model)
    if words is not None:
        return explain_words(captioner, image, words)
    try:
        return explained(captioner, image, language=language)
    except ValueError as error:
        raise ShowtellError(str(error)) from error

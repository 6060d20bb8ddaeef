"""Options that several commands share, so that they are called and explained alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Beam",
    "Candidates",
    "Language",
    "Library",
    "MaxLength",
    "MinLength",
    "Model",
    "Output",
    "Recursive",
    "Seed",
    "Temperature",
    "TopK",
    "TopP",
    "whole_number",
]


def whole_number(least: int) -> Callable[[str], int]:
    """What reads an option that is a whole number from `least`, and otherwise says so."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise typer.BadParameter(f"must be a whole number from {least}, not {text!r}")
        return number

    return read


Model = Annotated[
    str, typer.Option(metavar="MODEL", help="A model that ships with showtell, or a bundle's folder.")
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Look into the folders in folders too.")]
Language = Annotated[
    str | None, typer.Option(metavar="[en|zh|both]", help="The model's first language unless given.")
]
Beam = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number(1),
        help="Hypotheses followed at a time; 1 is greedy and quickest.",
    ),
]
Candidates = Annotated[
    int | None,
    typer.Option(
        metavar="N", parser=whole_number(1), help="Give so many captions for each picture, best first."
    ),
]
Library = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="SHOWTELL_LIBRARY",
        show_envvar=False,
        help="The library's folder, or what SHOWTELL_LIBRARY names; in your data folder unless given.",
    ),
]
MinLength = Annotated[
    int | None, typer.Option(metavar="N", parser=whole_number(0), help="Words a caption has at least.")
]
MaxLength = Annotated[
    int | None, typer.Option(metavar="N", parser=whole_number(1), help="Words a caption has at most.")
]
Temperature = Annotated[
    float | None,
    typer.Option(metavar="T", help="Draw the words by chance; under 1 keeps to the probable ones."),
]
TopK = Annotated[
    int | None,
    typer.Option(metavar="K", parser=whole_number(1), help="Draw among the K most probable words alone."),
]
TopP = Annotated[
    float | None,
    typer.Option(
        metavar="P", help="Draw among the fewest words that together reach this probability, 0 to 1."
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        parser=whole_number(0),
        help="Seed of the drawing: the same seed draws the same words.",
    ),
]
Output = Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead of stdout.")]

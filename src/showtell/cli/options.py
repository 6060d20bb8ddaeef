"""Options that several commands share, so that they are called and explained alike."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Beam",
    "Candidates",
    "Language",
    "MaxLength",
    "MinLength",
    "Model",
    "Output",
    "Recursive",
    "Seed",
    "Temperature",
    "TopK",
    "TopP",
]

Model = Annotated[str, typer.Option(help="A model that ships with showtell, or a bundle's folder.")]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Look into the folders in folders too.")]
Language = Annotated[
    str | None, typer.Option(metavar="[en|zh|both]", help="The model's first language unless given.")
]
Beam = Annotated[
    int | None, typer.Option(min=1, help="Hypotheses followed at a time; 1 is greedy and quickest.")
]
Candidates = Annotated[
    int | None, typer.Option(min=1, help="Give so many captions for each picture, best first.")
]
MinLength = Annotated[int | None, typer.Option(min=0, help="Words a caption has at least.")]
MaxLength = Annotated[int | None, typer.Option(min=1, help="Words a caption has at most.")]
Temperature = Annotated[
    float | None, typer.Option(help="Draw the words by chance; under 1 keeps to the probable ones.")
]
TopK = Annotated[int | None, typer.Option(min=1, help="Draw among the K most probable words alone.")]
TopP = Annotated[
    float | None, typer.Option(help="Draw among the fewest words that are together so probable, 0 to 1.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Of the drawing: the same seed draws the same words.")]
Output = Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")]

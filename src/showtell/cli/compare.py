"""``showtell compare``: training runs side by side."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from showtell.cli.console import note
from showtell.cli.training import reach
from showtell.errors import ShowtellError

__all__ = ["compare"]


Format = Literal["text", "markdown", "json", "csv", "latex"]


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    format: Annotated[Format, typer.Option(help="How the table is written.")] = "text",  # noqa: A002
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the training curves and the scores into this picture."),
    ] = None,
) -> None:
    """Compare training runs in one table, and in one picture.

    The table has model, size, time and dev figures. A run's dev figures are those of its best epoch, as training
    logged them. Captions per second, metrics with their intervals and hygiene are added where a run's folder holds
    `evaluation.json`, written by
    `showtell evaluate BUNDLE --data CORPUS --format json --output RUN/evaluation.json`.
    """
    if output is not None and output.suffix.lower() != ".png":
        raise ShowtellError(f"{output}: the picture is a PNG; give a name that ends in .png")
    with reach("runs") as module:
        found = module.read_runs(runs)
        print(getattr(module.tabulate(found), format)(), end="")
        if output is not None:
            module.draw_curves(found, output)
            note(f"drew the runs into {output}")

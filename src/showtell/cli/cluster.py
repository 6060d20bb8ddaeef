"""``caption --engine ray``: the same captions by several processes or machines, as a folder of Parquet files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from showtell.captioning.options import Options
from showtell.cli import console
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.images import Found

__all__ = ["Address", "Engine", "Workers", "caption_on_cluster"]

Engine = Annotated[
    Literal["local", "ray"],
    typer.Option(
        help="What captions: this process, or Ray, which writes a folder of Parquet files to --output."
    ),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Of a running Ray cluster; only this machine unless given."),
]
Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Captioners under Ray; one per core unless given.")
]


def caption_on_cluster(
    found: "Found",
    output: Path | None,
    model: str,
    options: Options,
    screen: str | None,
    *,
    address: str | None,
    workers: int | None,
) -> None:
    """Caption pictures into a folder; what it has already is not done again.

    Raises:
        ShowtellError: there is no ``--output``, pictures are to be screened too, or Ray cannot do it.
        Exit: some pictures failed, or there are none.
    """
    from showtell.apps.batch import caption_with_ray

    if screen is not None:
        raise ShowtellError("--screen is for --engine local; screen the pictures apart with showtell screen")
    pictures = [path for path in found.files if isinstance(path, str)]
    if not pictures:
        raise typer.Exit(2)
    if output is None:
        raise ShowtellError("--engine ray needs --output FOLDER, where it writes Parquet files")
    given = {name: value for name, value in options.items() if value is not None}
    captioned = failed = 0
    with console.progress(len(pictures), "Captioning") as advance:
        for counts in caption_with_ray(
            pictures, output, model=model, options=given, address=address, workers=workers
        ):
            captioned, failed = captioned + counts.captioned, failed + counts.failed
            advance(counts.captioned + counts.failed)
    there = len(pictures) - captioned - failed
    console.note(f"{captioned:,} captioned, {failed:,} failed, {there:,} already there")
    if failed or found.unreadable:
        raise typer.Exit(1)

"""``showtell caption``: pictures in, captions out."""

import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.cli.paths import pictures_named
from showtell.cli.rows import Format, rows
from showtell.cli.writing import Overwrite, Where, Writing, confirm
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.captioning.base import Captioner, Options, Result

__all__ = ["caption"]


def caption(  # noqa: PLR0913, PLR0917 (typer makes an option of each parameter)
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Pictures, and folders of pictures.")],
    model: option.Model = "base",
    recursive: option.Recursive = False,
    language: option.Language = None,
    beam: option.Beam = None,
    candidates: option.Candidates = None,
    min_length: option.MinLength = None,
    max_length: option.MaxLength = None,
    temperature: option.Temperature = None,
    top_k: option.TopK = None,
    top_p: option.TopP = None,
    seed: option.Seed = None,
    format: Annotated[Format, typer.Option(help="How captions are written.")] = Format.text,  # noqa: A002
    output: option.Output = None,
    write: Annotated[
        Where | None, typer.Option(help="Also write captions into files beside the pictures, or into theirs.")
    ] = None,
    overwrite: Annotated[
        Overwrite, typer.Option(help="What gives way: nothing, the machine's words, or all (which asks).")
    ] = Overwrite.none,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what --write would write.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --overwrite all.")] = False,
) -> None:
    """Say what is in pictures.

    One picture gives its caption, several give a line each: path, tab, caption. A picture that cannot be read
    gives a row with an error and stops nothing; the exit status is then 1.
    """
    from showtell.captioning.hub import load

    found = pictures_named(paths, recursive=recursive)
    pictures = found.files
    if not pictures:
        raise typer.Exit(2)  # why there are none has been said of each path
    options: Options = {
        "language": language,
        "beam": beam,
        "candidates": candidates,
        "min_length": min_length,
        "max_length": max_length,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
    }
    confirm(overwrite, yes=yes, dry_run=dry_run)
    captioner = load(model)
    results = _results(captioner, pictures, options)
    writing = None if write is None else Writing(write, captioner, overwrite, dry_run=dry_run)
    if writing is not None:
        results = writing.passing(results)
    well = _write(results, len(pictures), format, output, candidates=candidates is not None)
    if writing is not None:
        well = writing.end() and well
    if found.unreadable or not well:
        raise typer.Exit(1)


def _results(
    captioner: "Captioner", pictures: Sequence[str], options: "Options"
) -> "Generator[Result, None, None]":
    """The captioner's results; what it says of options that make no sense is meant for the user."""
    try:
        return captioner.caption_many(pictures, **options)
    except ValueError as error:
        raise ShowtellError(str(error)) from error


def _write(
    results: "Generator[Result, None, None]",
    pictures: int,
    format: Format,  # noqa: A002
    path: Path | None,
    *,
    candidates: bool,
) -> bool:
    """Write the results as they come; whether every picture could be captioned."""
    alone = pictures == 1
    well = True
    # Captions that run down a terminal are progress enough.
    hidden = path is None and sys.stdout.isatty()
    with (
        closing(results),
        console.output(path) as file,
        closing(rows(format, file, alone=alone, candidates=candidates)) as writer,
        console.progress(pictures, "Captioning", hidden=hidden) as advance,
    ):
        last = None
        for result in results:
            well = well and result.ok
            if alone and format is Format.text and not result.ok:
                # On stderr, so that nobody takes it for the caption.
                console.note(f"{result.path}: {result.error}" if result.path else str(result.error))
            else:
                writer.write(result)
            advance(0 if result.path == last else 1)  # a picture may give a result in each language
            last = result.path
    return well

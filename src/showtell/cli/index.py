"""``showtell index``: folders into a library."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli import console
from showtell.cli import options as option

if TYPE_CHECKING:
    from showtell.search import Indexed

__all__ = ["index"]


def index(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Folders, with the folders in them, and pictures.")
    ],
    library: option.Library = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="A model or a bundle's folder; the library's own unless given."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(metavar="[en|zh|both]", help="To caption in; all that the model has unless given."),
    ] = None,
    captions: Annotated[
        bool,
        typer.Option(
            "--captions/--no-captions", help="Caption the pictures too: slower, and found by words."
        ),
    ] = True,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try pictures again that could not be read and have not changed.")
    ] = False,
    forget_missing: Annotated[
        bool,
        typer.Option(
            "--forget-missing",
            help="Forget missing pictures without asking, even if their disk may only be away.",
        ),
    ] = False,
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="[memory|ADDRESS]",
            help="From now on, let the Qdrant server at this address rank the vectors (http://HOST:6333).",
        ),
    ] = None,
) -> None:
    """Take pictures into a library, for showtell find.

    Pictures that have not changed are skipped, and missing ones are forgotten. Where a whole folder is gone or empty,
    its disk may only be away, so you are asked first. A picture that cannot be read is noted, and tried again when
    it has changed. Stop at any time with Ctrl-C: the next run continues.
    """
    from showtell.search import open_library

    console.prepare_model(model or "base")
    with open_library(library, model=model) as opened:
        result = opened.index(
            paths,
            captions=captions,
            languages=None if language in (None, "both") else [language],
            retry=retry,
            progress=console.ON_STDERR,
            forget=lambda folder, pictures: forget_missing or _asked(folder, pictures),
        )
        if vectors is not None:
            opened.keep_vectors_on(None if vectors == "memory" else vectors)
    _report(result)
    if result.errors:
        raise typer.Exit(1)


def _asked(folder: Path, pictures: int) -> bool:
    """Whether to forget pictures that are missing; never, when nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm(f"{folder}: {pictures:,} pictures are not there any more. Forget them?", err=True)


def _report(result: "Indexed") -> None:
    """Say what was done."""
    from showtell.images import passed_over_sentences

    for sentence in passed_over_sentences(result.passed_over):
        console.note(sentence)
    for path, error in result.errors:
        console.note(f"{path}: {error}")
    for folder, pictures in result.kept.items():
        console.note(
            f"{folder}: {pictures:,} pictures are missing and were kept, since their disk may be away; forget them "
            "with --forget-missing"
        )
    counts = {
        "added": result.added,
        "moved": result.moved,
        "unchanged": result.unchanged,
        "removed": result.removed,
        "unreadable": len(result.errors) + result.unreadable,
    }
    summary = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing to do"
    rate = f", {result.added / result.seconds:.1f} per second" if result.added else ""
    console.note(f"{result.pictures:,} pictures: {summary} ({result.seconds:.1f} s{rate})")

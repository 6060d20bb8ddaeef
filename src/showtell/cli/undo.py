"""``showtell undo``: files that ``caption --write`` changed, as they were."""

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli import console
from showtell.cli.rows import on_stdout
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.images.journal import Entry

__all__ = ["undo"]


def undo(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH...]", help="Restore these files, and those in these folders, alone."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Take back every run, not only the last.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Only list the runs that can be taken back.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be restored.")] = False,
) -> None:
    """Take back what caption --write has written.

    Files are as they were before, to the last bit.

    Without a path, the last run is taken back. A file that another program has changed since is left as it is; the
    exit status is then 1.
    """
    from showtell.images.journal import Journal

    journal = Journal()
    entries = list(journal.entries())
    if list_:
        _list(entries)
        return
    chosen = _chosen(entries, [] if paths is None else paths, everything)
    if not chosen:
        raise ShowtellError(
            "there is nothing to take back; showtell undo --list shows the runs that there are"
        )
    well = True
    on_terminal = sys.stdout.isatty()
    with console.progress(len(chosen), "Restoring", hidden=on_terminal) as advance:
        for entry in reversed(chosen):
            undone = journal.undo(entry, dry_run=dry_run)
            well = well and undone.restored
            verb = f"would be: {undone.reason}" if dry_run else undone.reason
            print(f"{on_stdout(str(undone.path))}\t{verb if undone.restored else f'error: {undone.reason}'}")
            advance(1)
    if not well:
        raise typer.Exit(1)


def _list(entries: "list[Entry]") -> None:
    """A line for each run: its name, its files, and what was written."""
    counts = Counter(entry.run for entry in entries)
    kinds = {entry.run: f"{entry.kind} by {entry.model}" for entry in entries}
    for run, count in counts.items():
        print(f"{run}\t{count} {'file' if count == 1 else 'files'}\t{on_stdout(kinds[run])}")


def _chosen(entries: "list[Entry]", paths: list[str], everything: bool) -> "list[Entry]":
    """The changes that are meant, oldest first."""
    if paths:
        named = [Path(os.path.realpath(path)) for path in paths]
        return [entry for entry in entries if any(entry.path.is_relative_to(path) for path in named)]
    if everything or not entries:
        return entries
    return [entry for entry in entries if entry.run == entries[-1].run]

"""``caption --write``: captions that go into the pictures' files, or beside them, as they come."""

import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import typer

from showtell.cli import console
from showtell.errors import BadImage, ShowtellError

if TYPE_CHECKING:
    from showtell.captioning.base import Captioner, Result
    from showtell.images.metadata import Change

__all__ = ["Overwrite", "Where", "Writing", "confirm"]


Where = Literal["sidecar", "xmp-sidecar", "metadata"]
"""Where captions go."""

Overwrite = Literal["none", "machine", "all"]
"""What gives way to them."""


def confirm(overwrite: Overwrite, *, yes: bool, dry_run: bool) -> None:
    """Have the user type the word before a person's words are replaced.

    Raises:
        ShowtellError: they did not, or nobody is there to.
    """
    if overwrite != "all" or yes or dry_run:
        return
    if not sys.stdin.isatty():
        raise ShowtellError("--overwrite all replaces what people have written: add --yes if that is meant")
    answer = typer.prompt("This replaces what people have written. Type 'overwrite' to go on", err=True)
    if answer.strip() != "overwrite":
        raise ShowtellError("nothing was written, because the word was not typed")


class Writing:
    """Writes captions on their way to the rows, and counts.

    Args:
        where: they go.
        captioner: who says them.
        overwrite: what gives way to them.
        dry_run: only say what would be written.
        least: captions with a lower confidence are not written.
    """

    def __init__(
        self,
        where: Where,
        captioner: "Captioner",
        overwrite: Overwrite,
        *,
        dry_run: bool,
        least: float = 0.0,
    ) -> None:
        from showtell.images.metadata import WordsWriter

        said_by = " ".join(filter(None, (captioner.name, getattr(captioner, "version", ""))))
        self._writer = WordsWriter(where, model=said_by, overwrite=overwrite, dry_run=dry_run)
        self._dry_run = dry_run
        self._least = least
        self._counts: Counter[str] = Counter()

    def passing(self, results: "Generator[Result, None, None]") -> "Generator[Result, None, None]":
        """The same results, each after the captions of its picture are written in all languages."""
        with closing(results):
            for path, group in groupby(results, key=lambda result: result.path):
                ofone = list(group)
                captions = {
                    one.caption.language: one.caption.text
                    for one in ofone
                    if one.caption
                    and (one.caption.confidence is None or one.caption.confidence >= self._least)
                }
                if path is not None and captions:
                    self._write(str(path), captions)
                yield from ofone

    def _write(self, path: str, captions: dict[str, str]) -> None:
        try:
            change = self._writer.write(path, captions)
        except BadImage as error:
            console.note(str(error))
            self._counts["failed"] += 1
            return
        self._counts[change.action] += 1
        for line in self._told(path, change):
            console.note(line)

    def _told(self, path: str, change: "Change") -> Iterator[str]:
        """What the user is told of one picture: what is kept, and in a dry run what would be written."""
        if change.action == "kept":
            yield f"{path}: kept, because {change.reason}"
        elif self._dry_run:
            verb = {"written": "write", "renewed": "replace what is there by"}[change.action]
            for language, text in change.texts.items():
                yield f"{change.path}: would {verb} {text!r} ({language})"

    def end(self) -> bool:
        """Tell the user what was done, in one line; whether all of it could be done."""
        would = "would be " if self._dry_run else ""
        counts = [
            f"{self._counts[what]} {would}{what}" for what in ("written", "renewed") if self._counts[what]
        ]
        counts += [f"{self._counts[what]} {what}" for what in ("kept", "failed") if self._counts[what]]
        undo = "; showtell undo takes it back" if not self._dry_run and counts and self._done else ""
        console.note(f"captions: {', '.join(counts) or 'nothing to write'}{undo}")
        return not self._counts["failed"]

    @property
    def _done(self) -> int:
        return self._counts["written"] + self._counts["renewed"]

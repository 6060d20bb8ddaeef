"""Captions on their way to a file or to stdout, and the count of what became of the pictures."""

import itertools
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from showtell.cli import console, parquet
from showtell.cli.console import note
from showtell.cli.kept import Kept, read_kept
from showtell.cli.rows import Format, row_of, rows
from showtell.cli.screening import name_of
from showtell.errors import ShowtellError
from showtell.text.printable import counted

if TYPE_CHECKING:
    from showtell.captioning.base import Result

__all__ = ["Job", "Plan"]

Plan = Sequence[tuple[str | bytes, bool]]
"""Pictures, and whether the output has each already."""


@dataclass
class Job:
    """Rows of captions on their way to a file or to stdout.

    Attributes:
        format, output: how they are written, and where to.
        candidates: the rows have candidates.
        alone: one picture was named.
        least: captions with a lower confidence are left out.
        screened: pictures are screened too.
        unsafe: the scores of pictures that screening calls unsafe, by name; filled while results come.
    """

    format: Format
    output: Path | None
    candidates: bool
    alone: bool
    least: float
    screened: bool = False
    unsafe: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def kept(self, languages: tuple[str, ...]) -> Kept:
        """What the output file has already."""
        if self.output is None:
            raise ShowtellError("--continue needs --output FILE, which it continues")
        if self.format in ("html", "coco") or (
            self.format == "text" and (len(languages) > 1 or self.candidates)
        ):
            raise ShowtellError(
                "--continue reads json, jsonl, csv and parquet, and text with one caption per picture"
            )
        if self.format == "parquet":
            return read_kept(
                parquet.rows_file(self.output), "jsonl", languages, earlier=parquet.rows_in(self.output)
            )
        return read_kept(self.output, self.format, languages)

    def write(self, plan: "Plan", kept: Kept, results: "Generator[Result, None, None]", *, each: int) -> None:
        """Write rows in the order of the pictures, as they come.

        Args:
            plan: the pictures, and whether the output has each already.
            kept: what it has.
            results: of the others.
            each: how many of a picture that can be read.
        """
        # Captions that run down a terminal are progress enough.
        hidden = self.output is None and sys.stdout.isatty()
        opened = parquet.output if self.format == "parquet" else console.output
        with (
            closing(results),
            opened(self.output) as file,
            closing(
                rows(
                    self.format,
                    file,
                    alone=self.alone,
                    candidates=self.candidates,
                    screened=self.screened,
                    place=self.output,
                )
            ) as writer,
            console.progress(len(plan), "Captioning", hidden=hidden) as advance,
        ):
            try:
                for source, there in plan:
                    for row in kept.take(str(source)) if there else self._new(results, each):
                        writer.write(row)
                    self.counts["kept"] += there
                    advance(1)
            finally:  # after Ctrl-C too, nothing that was there is lost
                for row in kept.rest():
                    writer.write(row)
        for file_left in kept.leftovers:
            with suppress(OSError):
                file_left.unlink()

    def _new(self, results: "Generator[Result, None, None]", each: int) -> Iterator[dict[str, Any]]:
        """The rows of the next picture, as far as they are to be written."""
        first = next(results)
        score = self.unsafe.get(name_of(first))
        self.counts["captioned" if first.ok else "failed" if score is None else "withheld"] += 1
        self.counts["unsafe"] += first.ok and score is not None
        for result in (first, *itertools.islice(results, each - 1 if first.ok else 0)):
            confidence = None if result.caption is None else result.caption.confidence
            if confidence is not None and confidence < self.least:
                self.counts["left out"] += 1
                if self.alone:
                    note(f"the caption is left out, since its confidence is {confidence:.2f}")
            elif result.error is not None and self.alone and self.format == "text":
                # On stderr, so that nobody takes it for the caption.
                note(f"{result.path}: {result.error}" if result.path else str(result.error))
            else:
                row = row_of(result, candidates=self.candidates)
                yield row if score is None else row | {"unsafe": round(score, 4)}

    def summary(self, passed_over: int, others: Counter[str]) -> str:
        """What became of all the pictures, in a line."""
        counts = self.counts
        parts = [f"{counts['captioned']:,} captioned"]
        if low := counts["left out"]:
            parts.append(f"{low:,} of them left out, below a confidence of {self.least:g}")
        parts += [f"{counts['kept']:,} already there"] * bool(counts["kept"])
        parts += [f"{counts['failed']:,} failed"] * bool(counts["failed"])
        parts += [f"{counts['withheld']:,} withheld as unsafe"] * bool(counts["withheld"])
        parts += [f"{counts['unsafe']:,} marked as unsafe"] * bool(counts["unsafe"])
        parts += [f"{passed_over:,} passed over"] * bool(passed_over)
        for kind, number in others.items():
            noun = f"other {kind}" if kind == "file" else kind
            parts.append(
                f"{counted(number, noun)} not looked into" if "folder" in kind else counted(number, noun)
            )
        return ", ".join(parts)

"""``showtell screen``: is a picture fit to be shown to everybody."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.cli.paths import pictures_named
from showtell.cli.records import Record, RecordFormat, Records
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.safety import Screener, Screening

__all__ = ["screen"]


def screen(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Pictures, and folders of pictures.")],
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P", help="Call a picture unsafe from this probability, 0 to 1; 0.8 unless given."
        ),
    ] = None,
    detector: Annotated[
        bool,
        typer.Option("--detector", help="Also run NudeNet, which finds parts of bodies and where they are."),
    ] = False,
    class_threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=P",
            help="Call a picture unsafe from this score of a box of this class; may be given several times.",
        ),
    ] = None,
    recursive: option.Recursive = False,
    format: Annotated[RecordFormat, typer.Option(help="How verdicts are written.")] = "text",  # noqa: A002
    output: option.Output = None,
) -> None:
    """Say whether pictures are fit to be shown to everybody.

    A line each: path, tab, safe or unsafe, tab, the probability of pornography, and what was found. Nothing is
    deleted, moved or changed. A picture that cannot be read gives a row with an error; the exit status is then 1.
    An unsafe picture is no error.
    """
    found = pictures_named(paths, recursive=recursive)
    if not found.files:
        raise typer.Exit(2)  # why there are none has been said of each path
    results = _screener(threshold, detector, class_threshold or []).screen_many(found.files)
    well = True
    with (
        closing(results),
        console.output(output) as file,
        closing(Records(format, file, ["path", "unsafe", "score", "labels", "error"], _line)) as records,
        console.progress(len(found.files), "Screening") as advance,
    ):
        for result in results:
            well = well and result.ok
            records.write(_row(result))
            advance(1)
    if found.unreadable or not well:
        raise typer.Exit(1)


def _screener(threshold: float | None, detector: bool, class_thresholds: list[str]) -> "Screener":
    """The networks; what is said of thresholds that make no sense is meant for the user."""
    from showtell.safety import THRESHOLD, Screener

    try:
        return Screener(
            threshold=THRESHOLD if threshold is None else threshold,
            detector=detector,
            class_thresholds=dict(map(_class_threshold, class_thresholds)),
        )
    except ValueError as error:
        raise ShowtellError(str(error)) from error


def _class_threshold(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise ShowtellError(f"--class-threshold is CLASS=P, a number from 0 to 1, not {text!r}") from None


def _row(result: "Screening") -> dict[str, Any]:
    """A result as JSON has it."""
    if result.verdict is None:
        return {"path": str(result.path), "error": result.error}
    labels = [
        {
            "label": label.name,
            "score": round(label.score, 4),
            "box": None if label.box is None else list(label.box),
        }
        for label in result.verdict.labels
    ]
    score = round(result.verdict.score, 4)
    return {"path": str(result.path), "unsafe": result.verdict.unsafe, "score": score, "labels": labels}


def _line(row: Record) -> str:
    """A row as people read it."""
    path = row["path"].replace("\t", " ")
    if "error" in row:
        return f"{path}\terror: {row['error']}"
    labels = ", ".join(f"{label['label']} {label['score']:.2f}" for label in row["labels"] if label["box"])
    line = f"{path}\t{'unsafe' if row['unsafe'] else 'safe'}\t{row['score']:.4f}"
    return f"{line}\t{labels}" if labels else line

"""``showtell feedback``: what people said of captions, listed, carried to another machine, deleted."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from showtell.cli import Command
from showtell.cli.console import note, output
from showtell.cli.rows import on_stdout
from showtell.errors import ShowtellError
from showtell.text.printable import json_for_terminals

__all__ = ["feedback"]

feedback = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="List, export, import or delete people's feedback on captions.",
)

File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="The file of feedback; the user's own unless given."),
]


@feedback.command("list", cls=Command)
def list_(
    file: File = None,
    person: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person said.")] = None,
    picture: Annotated[
        str | None, typer.Option(metavar="HASH", help="Only feedback on the picture with this SHA-256.")
    ] = None,
    format: Annotated[  # noqa: A002
        Literal["text", "jsonl"], typer.Option(help="One row per line, or JSON lines.")
    ] = "text",
) -> None:
    """Print all feedback, oldest first."""
    from showtell.feedback import FeedbackStore

    with FeedbackStore(file) as store:
        for row in store.rows(person=person, picture=picture):
            if format == "jsonl":
                print(json_for_terminals(json.dumps(row.to_dict(), ensure_ascii=False)))
            else:
                judgements = {
                    "rating": f"{row.rating}/5",
                    "preference": f"{row.text!r} over {row.rejected!r}",
                }
                words = judgements.get(row.kind, repr(row.text))
                fields = (row.id, row.time, row.language, row.picture[:12], row.kind, row.machine, words)
                print("\t".join(on_stdout(" ".join(field.split())) for field in fields))


@feedback.command("export", cls=Command)
def export(
    target: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Write to this file instead of stdout.")
    ] = None,
    file: File = None,
) -> None:
    """Write all feedback as JSON lines, which `import` and `tune` read."""
    from showtell.feedback import FeedbackStore

    with FeedbackStore(file) as store, output(target) as out:
        for line in store.export():
            print(line, file=out)


@feedback.command("import", cls=Command)
def import_(
    sources: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Exports; - reads one from stdin.")
    ],
    file: File = None,
) -> None:
    """Merge exports into the feedback on this machine.

    A row that is here already is not added again.
    """
    from showtell.feedback import FeedbackStore

    with FeedbackStore(file) as store:
        for source in sources:
            try:
                text = sys.stdin.read() if str(source) == "-" else source.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise ShowtellError(f"{source}: is not an export of feedback (it is not UTF-8)") from error
            merged = store.import_lines(text.split("\n"), str(source))
            note(
                f"{source}: {merged.added} rows added, {merged.known} were here already, "
                f"{merged.deleted} stay deleted"
            )


@feedback.command("delete", cls=Command)
def delete(
    row: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Delete the row with this id.")
    ] = None,
    person: Annotated[str | None, typer.Option(metavar="NAME", help="Delete what this person said.")] = None,
    picture: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="Delete feedback on the picture with this SHA-256."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete all feedback.")] = False,
    file: File = None,
) -> None:
    """Delete feedback for good.

    Several options together narrow what is deleted. It is overwritten in the file, and an older export that is
    imported later does not bring it back.
    A correction that was kept in a library too stays there: `showtell describe PATH --forget` takes it away.
    """
    from showtell.feedback import FeedbackStore

    named = row is not None or person is not None or picture is not None
    if named == everything:
        raise ShowtellError("feedback delete: give --id, --person or --picture, or --all alone")
    with FeedbackStore(file) as store:
        gone = store.delete_all() if everything else store.delete(id=row, person=person, picture=picture)
    note(
        f"deleted {gone} rows of feedback; corrections that a library keeps too stay there until "
        "showtell describe PATH --forget"
    )

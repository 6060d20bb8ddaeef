"""``showtell find``: pictures by words, by a picture, or by both."""

import json
import os
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.cli.rows import on_stdout
from showtell.errors import BadImage, ShowtellError
from showtell.files import written_whole
from showtell.text.printable import json_for_terminals

if TYPE_CHECKING:
    from showtell.search import Duplicates, Found, Match

__all__ = ["find"]

_SHEET = "contact-sheet.html"


_Since = Annotated[
    str | None, typer.Option(metavar="DATE", help="Taken from then on: 2024, 2024-05 or 2024-05-31.")
]
_Until = Annotated[str | None, typer.Option(metavar="DATE", help="Taken until then, that time included.")]
_Duplicates = Annotated[
    bool, typer.Option("--duplicates", help="List pictures that are the same, or nearly, instead.")
]
_Rerank = Annotated[
    bool,
    typer.Option(
        "--rerank", help="Let the captioner rank the first 20 again: better, and half a second slower."
    ),
]
_Sheet = Annotated[bool, typer.Option("--open", help="Open what was found as a page with thumbnails.")]


Format = Literal["text", "jsonl", "paths0"]


def find(  # noqa: PLR0913, PLR0917 (typer makes an option of each parameter)
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY...", help="Words, in English or Chinese; a picture's file; or both."),
    ] = None,
    library: option.Library = None,
    without: Annotated[
        str | None, typer.Option("--not", metavar="TEXT", help="What the pictures must not show.")
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="So many pictures at most.")] = 20,
    folder: Annotated[Path | None, typer.Option(metavar="DIR", help="Only pictures in this folder.")] = None,
    since: _Since = None,
    until: _Until = None,
    safe: Annotated[
        bool, typer.Option("--safe", help="Only pictures that were screened and found fit.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Show the nearest pictures, however unlikely.")
    ] = False,
    rerank: _Rerank = False,
    duplicates: _Duplicates = False,
    sheet: _Sheet = False,
    format: Annotated[Format, typer.Option(help="How pictures are written.")] = "text",  # noqa: A002
) -> None:
    """Find pictures in a library by what they show.

    Each line has the picture, the probability that it is what you look for, its caption, and why it was found; the
    format paths0 has only the paths, each ended by a null character, for xargs -0. When nothing is likely, you are
    told so.
    """
    from showtell.search import open_library

    words, picture = _understood(query or [])
    if not duplicates and words is None and picture is None:
        raise typer.BadParameter("give words or a picture to look for")
    with open_library(library, create=False) as opened:
        if duplicates:
            if words or picture or sheet:
                raise typer.BadParameter("--duplicates goes with --library and --format alone")
            for group in opened.duplicates():
                _write_group(group, format)
            return
        found = opened.find(
            words,
            like=picture,
            without=without,
            top=top,
            folder=folder,
            since=since,
            until=until,
            safe=safe,
            anyway=anyway,
            rerank=rerank,
        )
        place = opened.folder
    for match in found:
        _write(match, format)
    _report(found, anyway=anyway)
    if sheet:
        _open(found, place / _SHEET, " ".join(query or []))


def _understood(query: Sequence[str]) -> tuple[str | None, str | None]:
    """What stands on the command line as words and a picture."""
    from showtell.images import EXTENSIONS

    pictures = [
        part for part in query if os.path.splitext(part)[1].lower() in EXTENSIONS or os.path.isfile(part)
    ]
    words = " ".join(part for part in query if part not in pictures)
    if len(pictures) > 1:
        raise ShowtellError(f"{pictures[1]}: one picture at a time can be asked with")
    if pictures and not os.path.isfile(pictures[0]):
        raise BadImage(pictures[0], "there is no such file")
    return words or None, pictures[0] if pictures else None


def _write(match: "Match", format: Format) -> None:  # noqa: A002
    if format == "paths0":
        sys.stdout.write(match.path + "\0")
    elif format == "jsonl":
        _write_json(
            {
                "path": match.path,
                "copies": list(match.copies),
                "probability": match.probability,
                "why": match.why,
                "words": list(match.words),
                "similarity": None if match.similarity is None else round(match.similarity, 4),
                "caption": match.caption,
                "language": match.language,
                "by_person": match.by_person,
            }
        )
    else:
        probability = "" if match.probability is None else f"{match.probability:.2f}"
        # A line is a row whatever a file is called.
        print(on_stdout(match.path), probability, on_stdout(match.caption or ""), match.reason, sep="\t")


def _write_group(group: "Duplicates", format: Format) -> None:  # noqa: A002
    """A group of duplicates; an empty line, or a second null character, ends it."""
    if format == "paths0":
        sys.stdout.write("".join(path + "\0" for path in group.paths) + "\0")
    elif format == "jsonl":
        _write_json({"paths": group.paths, "same": group.same, "similarity": round(group.similarity, 4)})
    else:
        print(*map(on_stdout, group.paths), "", sep="\n")


def _report(found: "Found", *, anyway: bool) -> None:
    """Say what the results do not."""
    if found.nothing:
        hint = "" if anyway else "; see the nearest with --anyway"
        console.note(f"nothing here looks like that{hint}")
    if found.without_vector:
        console.note(
            f"{found.without_vector:,} pictures were found by their captions alone, since they were indexed with "
            "another model; run showtell index"
        )


def _open(found: "Found", path: Path, title: str) -> None:
    """Write the contact sheet and show it."""
    from showtell.search.sheet import contact_sheet
    from showtell.search.words import language_of

    subtitle = "Nothing here looks like that." if found.nothing else f"Of {found.searched:,} pictures."
    page = contact_sheet(found.matches, title=title, subtitle=subtitle, language=language_of(title))
    with written_whole(path) as file:
        file.write_text(page, encoding="utf-8")
    if not webbrowser.open(path.resolve().as_uri()):
        console.note(f"{path}: open this page in a browser")


def _write_json(row: dict[str, object]) -> None:
    # Names of files that are not Unicode are written as JSON can hold them.
    print(json_for_terminals(json.dumps(row, ensure_ascii=False)))

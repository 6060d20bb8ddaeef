"""``showtell caption``: pictures in, captions out."""

import math
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Unpack

import typer

from showtell.captioning.options import Options
from showtell.cli import cluster, console
from showtell.cli import options as option
from showtell.cli.console import note
from showtell.cli.job import Job
from showtell.cli.kept import Kept
from showtell.cli.paths import names_in, names_or_picture, pictures_named
from showtell.cli.rows import Format, format_of_file
from showtell.cli.screening import Screen, screened
from showtell.cli.writing import Overwrite, Where, Writing, confirm
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.captioning.base import Result
    from showtell.captioning.captioner import BundleCaptioner

__all__ = ["caption"]

PAGE = "captions.html"

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH...", help="Pictures, and folders of pictures; - for a picture, or names, from stdin."
    ),
]
FilesFrom = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also the pictures and folders that this file names, one per line."),
]
Continue = Annotated[
    bool,
    typer.Option(
        "--continue", help="Caption only what the output file does not have yet, also after a kill."
    ),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(metavar="C", min=0, max=1, help="Leave out captions with a lower confidence, 0 to 1."),
]
Write = Annotated[
    Literal[Where, "html"] | None,
    typer.Option(
        help="Also write captions into files beside the pictures, or into the pictures' own; html makes a page for "
        f"review, {PAGE} or what --output names."
    ),
]
Overwriting = Annotated[
    Overwrite,
    typer.Option(help="What may be overwritten: nothing, the machine's words, or all (which asks)."),
]
Screening = Annotated[
    Screen | None,
    typer.Option(
        help="Screen each picture too: mark the captions of those that may be unfit to be shown, or withhold them."
    ),
]
OutputFormat = Annotated[
    Format | None,
    typer.Option(help="How captions are written; what the output file's ending says unless given, or text."),
]


@option.takes_options(
    "language",
    "beam",
    "candidates",
    "min_length",
    "max_length",
    "temperature",
    "top_k",
    "top_p",
    "seed",
)
def caption(  # noqa: PLR0913, PLR0917 (typer makes an option of each parameter)
    paths: Paths = None,
    model: option.Model = "base",
    recursive: option.Recursive = False,
    files_from: FilesFrom = None,
    format: OutputFormat = None,  # noqa: A002
    output: option.Output = None,
    resume: Continue = False,
    min_confidence: MinConfidence = None,
    write: Write = None,
    overwrite: Overwriting = "none",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what --write would write.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before --overwrite all.")] = False,
    screen: Screening = None,
    engine: cluster.Engine = "local",
    address: cluster.Address = None,
    workers: cluster.Workers = None,
    **options: Unpack[Options],
) -> None:
    """Say what is in pictures.

    One picture gives its caption, several give one line each: path, tab, caption. A picture that cannot be read gives a
    row with an error and stops nothing; the exit status is then 1. A summary of several ends on stderr.
    """
    format, output, where = _destination(format, output, write)  # noqa: A001
    named, picture = _named(paths or [], files_from)
    found = pictures_named(named, recursive=recursive)
    if engine == "ray":
        cluster.caption_on_cluster(found, output, model, options, screen, address=address, workers=workers)
        return
    sources: list[str | bytes] = [*found.files, *([] if picture is None else [picture])]
    if not sources:
        raise typer.Exit(2)  # why there are none has been said of each path
    confirm(overwrite, yes=yes, dry_run=dry_run)
    captioner = console.load_model(model)
    languages = _languages(captioner, options)
    job = Job(
        format=format or format_of_file(output),
        output=output,
        candidates=options.get("candidates") is not None,
        alone=len(sources) == 1 and (picture is not None or found.files == named),
        least=_least(captioner, min_confidence),
        screened=screen is not None,
    )
    _warn_of_useless_options(options)
    kept = job.kept(languages) if resume else Kept([], languages=languages)
    plan = [(source, source in kept) for source in sources]
    new = [source for source, there in plan if not there]
    results = screened(_results(captioner, new, options), new, screen, job.unsafe, each=len(languages))
    writing = where and Writing(where, captioner, overwrite, dry_run=dry_run, least=job.least)
    if writing:
        results = writing.passing(results)
    job.write(plan, kept, results, each=len(languages))
    if len(sources) > 1 or not job.alone:
        note(job.summary(sum(found.passed_over.values()), found.others))
    well = writing is None or writing.end()
    if found.unreadable or job.counts["failed"] or not well:
        raise typer.Exit(1)


def _destination(
    format: Format | None,  # noqa: A002
    output: Path | None,
    write: Literal[Where, "html"] | None,
) -> tuple[Format | None, Path | None, Where | None]:
    """Where rows go, as ``--format`` and ``--output`` would say, and where else captions are written.

    Raises:
        ShowtellError: a page would have another format, or take the place of one that nobody named.
    """
    if write != "html":
        return format, output, write
    if (format or (format_of_file(output) if output else "html")) != "html":
        raise ShowtellError("--write html makes a page: give it --output NAME.html, and no other --format")
    if output is None and Path(PAGE).exists():
        raise ShowtellError(f"{PAGE} is there already; name the page with --output")
    return "html", output or Path(PAGE), None


def _named(paths: Sequence[str], files_from: Path | None) -> tuple[list[str], bytes | None]:
    """The paths that are meant, and a picture that came through stdin."""
    names: list[str] = []
    picture = None
    for path in paths:
        if path != "-":
            names.append(path)
            continue
        given = names_or_picture()
        if isinstance(given, bytes):
            picture = given
        else:
            names += given
    if files_from is not None:
        names += names_in(files_from)
    if not names and picture is None:
        if files_from is not None:
            raise ShowtellError(f"{files_from}: names no pictures")
        raise typer.BadParameter("give pictures or folders of pictures, or --files-from FILE")
    return names, picture


def _warn_of_useless_options(options: Options) -> None:
    sampling = any(options.get(name) is not None for name in ("temperature", "top_k", "top_p"))
    if options.get("seed") is not None and not sampling:
        note("--seed changes nothing without --temperature, --top-k or --top-p")
    if options.get("beam") is not None and sampling:
        note("--beam changes nothing with --temperature, --top-k or --top-p")


def _languages(captioner: "BundleCaptioner", options: Options) -> tuple[str, ...]:
    asked = options.get("language") or captioner.languages[0]
    return captioner.languages if asked == "both" else (asked,)


def _least(captioner: "BundleCaptioner", least: float | None) -> float:
    if least is not None and not captioner.calibrated:
        raise ShowtellError(
            f"the model {captioner.name} gives no confidence; caption without --min-confidence"
        )
    if least is not None and math.isnan(least):
        raise ShowtellError("--min-confidence nan: give a number from 0 to 1")
    return least or 0.0


def _results(
    captioner: "BundleCaptioner", sources: Sequence[str | bytes], options: Options
) -> "Generator[Result, None, None]":
    """The captioner's results; what it says of options that make no sense is meant for the user."""
    try:
        return captioner.caption_many(sources, **options)
    except ValueError as error:
        raise ShowtellError(str(error)) from error

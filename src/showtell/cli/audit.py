"""``showtell audit``: pictures without an alternative text, bad texts, and better ones."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.cli.records import Record, RecordFormat, Records
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.captioning.base import Captioner, Result

__all__ = ["audit"]

_PAGES = frozenset({".html", ".htm", ".xhtml"})
_COLUMNS = ["page", "line", "path", "alt", "problem", "proposal", "confidence", "error"]


@dataclass(frozen=True, slots=True)
class _Finding:
    """A picture with a problem.

    Attributes:
        row: what is known before a caption is proposed.
        source: what a captioner can look at; None when that is on another machine.
        language: of the page, where it says one.
    """

    row: dict[str, Any]
    source: str | bytes | None
    language: str | None = None


def audit(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PAGE.html|FOLDER...", help="HTML pages, pictures, and folders of both."),
    ],
    model: option.Model = "base",
    recursive: option.Recursive = False,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="LANGUAGE", help="Of the proposals; the page's own, or the model's first, unless given."
        ),
    ] = None,
    proposals: Annotated[
        bool,
        typer.Option("--proposals/--no-proposals", help="Propose a text for each picture, or only list."),
    ] = True,
    format: Annotated[RecordFormat, typer.Option(help="How findings are written.")] = "text",  # noqa: A002
    output: option.Output = None,
) -> None:
    """List pictures without good alternative texts, with proposals.

    Missing texts and bad ones are listed. Of pages the alt attributes are judged, of pictures the words in their files
    and in XMP files beside them. Bad are file names, "image of …", words that say nothing, texts too long to listen
    to, and one text for several pictures. Nothing is changed. The exit status is 1 when something was found.
    """
    findings = list(_findings(paths, recursive))
    captioner = None
    if proposals and any(finding.source is not None for finding in findings):
        from showtell.captioning.hub import load

        captioner = load(model)
        if language is not None and language not in captioner.languages:
            there = " and ".join(captioner.languages)
            raise ShowtellError(
                f"the model {captioner.name} does not caption in {language!r}; it captions in {there}"
            )
    with (
        console.output(output) as file,
        closing(Records(format, file, _COLUMNS, _line)) as records,
        console.progress(len(findings), "Proposing") as advance,
    ):
        for finding, proposed in zip(findings, _proposals(captioner, findings, language), strict=True):
            records.write(finding.row | proposed)
            advance(1)
    if findings:
        raise typer.Exit(1)


def _findings(paths: list[str], recursive: bool) -> Iterator[_Finding]:
    """What is wrong in pages, then in the pictures that no page shows."""
    from showtell.images import find_pictures

    pages = [page for path in paths for page in _pages(Path(path), recursive)]
    others = [path for path in paths if Path(path).suffix.lower() not in _PAGES]
    pictures = find_pictures(others, recursive=recursive)
    for error in pictures.unreadable:
        console.note(str(error))
    if not pages and not pictures.files:
        raise ShowtellError(f"{', '.join(paths)}: there is no page and no picture here; try --recursive")
    shown: set[Path] = set()
    for page in pages:
        for finding, picture in _in_page(page):
            shown.add(picture)
            if finding is not None:
                yield finding
    for path in pictures.files:
        if isinstance(path, str) and Path(path).resolve() not in shown:
            yield from _in_picture(path)


def _pages(path: Path, recursive: bool) -> list[Path]:
    """The pages that a path means."""
    if path.is_dir():
        inside = path.rglob("*") if recursive else path.iterdir()
        return sorted(page for page in inside if page.suffix.lower() in _PAGES and page.is_file())
    return [path] if path.suffix.lower() in _PAGES else []


def _in_page(page: Path) -> Iterator[tuple[_Finding | None, Path]]:
    """Each picture of a page that lies on this machine, and what is wrong with it; then the others' findings."""
    from showtell.images.alt_text import language_of_page, pictures_in_page, problems_in_page

    try:
        text = page.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ShowtellError(f"{page}: cannot be read ({error.strerror})") from error
    pictures = pictures_in_page(text)
    problems = {id(picture): problem for picture, problem in problems_in_page(pictures)}
    for picture in pictures:
        source = picture.content(page)
        finding = None
        if id(picture) in problems:
            name = "data:…" if picture.source.startswith("data:") else picture.source
            row = {"page": str(page), "line": picture.line, "path": name, "alt": picture.alt}
            finding = _Finding(row | {"problem": problems[id(picture)]}, source, language_of_page(text))
        yield finding, Path(source).resolve() if isinstance(source, str) else Path()


def _in_picture(path: str) -> Iterator[_Finding]:
    """What is wrong with the words in a picture's file, and beside it."""
    from showtell.images.alt_text import problem_of
    from showtell.images.metadata import read_words

    row: dict[str, Any] = {"page": None, "line": None, "path": path}
    try:
        texts: list[str | None] = [*sorted({words.text for words in read_words(path)})]
    except (ValueError, OSError) as error:
        yield _Finding(row | {"alt": None, "problem": f"cannot be told ({error})"}, path)
        return
    for text in texts or [None]:
        problem = problem_of(text, path)
        if problem is not None:
            yield _Finding(row | {"alt": text, "problem": problem}, path)


def _proposals(
    captioner: "Captioner | None", findings: list[_Finding], language: str | None
) -> Iterator[dict[str, Any]]:
    """For each finding a caption, or why there is none."""
    for asked, group in groupby(findings, key=lambda finding: language or finding.language):
        several = list(group)
        if captioner is None:
            yield from ({} for _ in several)
            continue
        language = asked if asked in captioner.languages else None
        sources = [finding.source for finding in several if finding.source is not None]
        with closing(captioner.caption_many(sources, language=language)) as results:
            for finding in several:
                if finding.source is None:
                    yield {"error": "lies elsewhere, and Showtell is offline"}
                else:
                    yield _proposed(next(results))


def _proposed(result: "Result") -> dict[str, Any]:
    if result.caption is None:
        return {"error": result.error}
    confidence = result.caption.confidence
    return {
        "proposal": result.caption.text,
        "confidence": None if confidence is None else round(confidence, 4),
    }


def _line(row: Record) -> str:
    """A row as people read it."""
    where = row["path"] if row["page"] is None else f"{row['page']}:{row['line']}: {row['path']}"
    fields = [where, row["problem"], "" if row["alt"] is None else row["alt"]]
    fields.append(row.get("proposal") or (f"({row['error']})" if row.get("error") else ""))
    return "\t".join(" ".join(field.split()) for field in fields).rstrip("\t")

"""What a report says of single pictures: every picture's scores, and the worst ones to look at."""

import csv
import html
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from showtell.errors import ShowtellError
from showtell.metrics.report import Report
from showtell.metrics.tables import Found, reports_of, written
from showtell.text.printable import in_page, json_for_terminals, printable, spreadsheet_cell

PER_PICTURE_FORMATS = (".csv", ".json", ".jsonl")


@dataclass(frozen=True, slots=True)
class Worst:
    """One of the pictures whose caption scores lowest.

    Attributes:
        set: the name of the candidates, empty where there is one set.
        id: of the picture.
        metric: what was sorted by.
        value: the picture's own score, a percentage.
        caption: the candidate.
        references: what people wrote.
    """

    set: str
    id: str
    metric: str
    value: float
    caption: str
    references: tuple[str, ...]


def per_picture(found: Found, sets: Sequence[Mapping[str, str]], format: str) -> str:  # noqa: A002
    """Each picture's caption and scores, as the text of a file.

    Args:
        found: what `score`, `compare` or `rank` gave.
        sets: the candidates, in the order of the reports.
        format: one of PER_PICTURE_FORMATS.

    Raises:
        ShowtellError: another format.
    """
    if format not in PER_PICTURE_FORMATS:
        kinds = ", ".join(PER_PICTURE_FORMATS)
        raise ShowtellError(
            f"scores per picture go into a file that ends in one of {kinds}, not in {format!r}"
        )
    rows = [
        {**({"set": name} if len(sets) > 1 else {}), "id": picture, "caption": captions[picture], **scores}
        for (name, report), captions in zip(reports_of(found).items(), sets, strict=True)
        for picture, scores in _scores(report).items()
    ]
    if format == ".json":
        return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    if format == ".jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file = io.StringIO()
    table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow(
            {key: spreadsheet_cell(value) if isinstance(value, str) else value for key, value in row.items()}
        )
    return file.getvalue()


def worst(
    found: Found, sets: Sequence[Mapping[str, str]], references: Mapping[str, Sequence[str]], number: int
) -> list[Worst]:
    """The pictures of each set that score lowest, by CIDEr or else by the last metric of the report.

    Args:
        found: what `score`, `compare` or `rank` gave.
        sets: the candidates, in the order of the reports.
        references: what people wrote.
        number: of pictures for each set.
    """
    entries = []
    for (name, report), captions in zip(reports_of(found).items(), sets, strict=True):
        scores = _scores(report)
        names = list(next(iter(scores.values()), {}))
        if not names:
            continue
        metric = "CIDEr" if "CIDEr" in names else names[-1]
        lowest = sorted(scores, key=lambda picture: scores[picture][metric])[:number]
        entries += [
            Worst(name, one, metric, scores[one][metric], captions[one], tuple(references[one]))
            for one in lowest
        ]
    return entries


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown below the figures.

    Attributes:
        worst: of `worst`; none for the figures alone.
        files: picture files by id, for HTML.
        beside: where the page will lie; links to pictures are relative to it.
    """

    worst: Sequence[Worst] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    beside: Path | None = None


def written_with_worst(found: Found, shown: Shown, format: str) -> str:  # noqa: A002
    """The figures and the worst pictures in one of `showtell.metrics.tables.FORMATS`; HTML is a whole page.

    Raises:
        ShowtellError: the worst pictures in a format that has no place for them.
    """
    entries = shown.worst
    if format == "html":
        return _page(found, shown)
    if not entries:
        return written(found, format)
    if format == "json":
        content = {**found.to_dict(), "worst": [asdict(entry) for entry in entries]}
        return json_for_terminals(json.dumps(content, ensure_ascii=False, indent=2))
    if format in ("text", "markdown"):
        listed = "\n\n".join(map(_entry, entries))
        return f"{written(found, format)}\n\n" + (listed if format == "text" else f"```text\n{listed}\n```")
    raise ShowtellError(f"the worst pictures are shown as text, JSON, Markdown or HTML, not as {format}")


def _scores(report: Report) -> dict[str, dict[str, float]]:
    """Each picture's scores by the row's name."""
    rows = [(row.name, row.per_picture.tolist()) for row in report.rows if row.per_picture is not None]
    return {
        picture: {name: values[place] for name, values in rows} for place, picture in enumerate(report.ids)
    }


def _entry(entry: Worst) -> str:
    head = f"{entry.metric} {entry.value:.1f}  {entry.id}" + (f"  ({entry.set})" if entry.set else "")
    lines = [head, f"  caption    {entry.caption}", *(f"  reference  {one}" for one in entry.references)]
    return "\n".join(map(printable, lines))


_STYLE = """body { font: 16px/1.4 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .2em .8em; text-align: right }
td:first-child, th:first-child { text-align: left } code { font-size: .8em }
article { display: flex; gap: 1em; margin: 1.5em 0 } img { width: 16em; object-fit: contain }
h2, h3 { margin: 0 } ul { padding-left: 1.2em }"""


def _page(found: Found, shown: Shown) -> str:
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Scores</title>',
        f"<style>{_STYLE}</style></head><body><h1>Scores</h1>",
        written(found, "html"),
    ]
    if shown.worst:
        parts.append("<h2>Lowest scores</h2>")
    for entry in shown.worst:
        parts.append("<article>")
        if entry.id in shown.files:
            parts.append(f'<img src="{html.escape(_link(shown.files[entry.id], shown.beside))}" alt="">')
        title = f"{entry.metric} {entry.value:.1f}" + (f" ({entry.set})" if entry.set else "")
        references = "".join(f"<li>{in_page(one)}</li>" for one in entry.references)
        parts.append(
            f"<div><h3>{in_page(entry.caption)}</h3><p>{in_page(entry.id)}, {in_page(title)}</p>"
            f"<ul>{references}</ul></div></article>"
        )
    return "\n".join([*parts, "</body></html>"])


def _link(file: Path, beside: Path | None) -> str:
    """A relative link where that is possible: pages are moved together with their pictures."""
    if beside is None:
        return file.resolve().as_uri()
    try:
        return quote(os.path.relpath(file, beside).replace(os.sep, "/"))
    except ValueError:  # another drive
        return file.resolve().as_uri()

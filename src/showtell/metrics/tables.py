"""Reports, comparisons and rankings as text, JSON, CSV, Markdown, LaTeX or HTML."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from showtell.metrics.base import Score, Signature
from showtell.metrics.report import Report
from showtell.metrics.significance import Comparison, Difference, Ranking
from showtell.text.printable import in_page, json_for_terminals, printable, spreadsheet_cell
from showtell.text.tables import aligned, latex, markdown

FORMATS = ("text", "json", "csv", "markdown", "latex", "html")
SIGNIFICANT = 0.05

Table = list[list[str]]  # the first row is the header
Found = Report | Comparison | Ranking


def written(found: Found, format: str = "text") -> str:  # noqa: A002
    """The figures as one string without a line end.

    Args:
        found: what `score`, `compare` or `rank` gave.
        format: one of FORMATS.

    Raises:
        ValueError: another format.
    """
    if format not in FORMATS:
        raise ValueError(f"there is no format {format!r}; choose one of {', '.join(FORMATS)}")
    if format == "json":
        return json_for_terminals(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    if format == "csv":
        return _csv(found)
    notes = []
    if isinstance(found, Report):
        scores, rows = _scores(found), found.rows
    elif isinstance(found, Comparison):
        scores, rows = _differences(found), found.reports[0].rows
    else:
        scores, rows = _columns(found), next(iter(found.reports.values())).rows
        first = next(iter(found.reports))
        notes = [f"* differs from {printable(first)}: p < {SIGNIFICANT} (paired bootstrap)"]
    blocks = [_WRITERS[format](table) for table in (scores, _hygiene(found))]
    if notes:
        blocks.insert(1, _LINES[format](notes))
    return "\n\n".join([*blocks, _LINES[format](_signatures(rows))])


def numbers(found: Found) -> str:
    """The values alone: a line for each row, the sets of a comparison with tabs between."""
    reports = reports_of(found).values()
    return "\n".join(
        "\t".join(_number(row.value) for row in rows) for rows in zip(*(r.rows for r in reports), strict=True)
    )


def reports_of(found: Found) -> Mapping[str, Report]:
    """The reports by their sets' names; a single report has none."""
    if isinstance(found, Report):
        return {"": found}
    if isinstance(found, Comparison):
        return dict(zip(found.names, found.reports, strict=True))
    return found.reports


def _scores(report: Report) -> Table:
    table = [["metric", "value", "95 % interval"]]
    for row in report.rows:
        between = "" if row.low is None or row.high is None else f"{row.low:.1f} to {row.high:.1f}"
        table.append([row.name, _number(row.value), between if row.missing is None else row.missing])
    return table


def _differences(comparison: Comparison) -> Table:
    table = [["metric", *comparison.names, "difference", "95 % interval", "p"]]
    for row in comparison.rows:
        if row.low is None or row.high is None or row.p is None or row.difference is None:
            table.append([row.name, "-", "-", "-", row.missing or "", ""])
            continue
        between = f"{row.low:+.1f} to {row.high:+.1f}"
        values = [_number(row.first), _number(row.second), f"{row.difference:+.1f}"]
        table.append([row.name, *values, between, f"{row.p:.3f}"])
    return table


def _columns(ranking: Ranking) -> Table:
    """A column for each set; a star where it differs from the first."""
    table = [["metric", *ranking.reports]]
    for place, row in enumerate(next(iter(ranking.reports.values())).rows):
        cells = [row.name]
        for name, report in ranking.reports.items():
            tested = ranking.comparisons.get(name)
            p = None if tested is None else tested.rows[place].p
            star = "*" if p is not None and p < SIGNIFICANT else " "
            cells.append(f"{_number(report.rows[place].value)}{star}")
        table.append(cells)
    return table


_HYGIENE = {
    "distinct": ("distinct captions (%)", ".1f"),
    "vocabulary": ("vocabulary (words)", "d"),
    "mean_length": ("mean length (words)", ".1f"),
    "repeated": ("repeating themselves (%)", ".1f"),
    "unfinished": ("unfinished (%)", ".1f"),
    "in_training": ("verbatim in training (%)", ".1f"),
}


def _hygiene(found: Found) -> Table:
    reports = reports_of(found)
    table = [["hygiene", *reports]]
    table.append(["pictures", *(str(report.pictures) for report in reports.values())])
    sides = [report.hygiene.to_dict() for report in reports.values()]
    for name, (label, form) in _HYGIENE.items():
        values = [side[name] for side in sides]
        if None not in values:
            table.append([label, *(format(value, form) for value in values if value is not None)])
    return table


def _signatures(rows: Sequence[Score]) -> list[str]:
    """Each row's own settings, and what all rows share once."""
    found = [row.signature for row in rows if row.signature.settings]
    shared = _shared(found)
    if len(found) < 2 or not shared:
        return list(map(str, found))
    own = [str(Signature(one.metric, one.settings[: len(one.settings) - len(shared)])) for one in found]
    return [*own, "all: " + "|".join(f"{name}:{value}" for name, value in shared)]


def _shared(signatures: Sequence[Signature]) -> tuple[tuple[str, str], ...]:
    """The settings that all signatures end with."""
    if not signatures:
        return ()
    backwards = zip(*(reversed(one.settings) for one in signatures), strict=False)
    common = []
    for settings in backwards:
        if len(set(settings)) > 1:
            break
        common.append(settings[0])
    return tuple(reversed(common))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _csv(found: Found) -> str:
    """A line for each set and metric, with all digits."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    tested: dict[str, Sequence[Difference]] = {}
    if isinstance(found, Comparison):
        tested = {found.names[1]: found.rows}
    elif isinstance(found, Ranking):
        tested = {name: one.rows for name, one in found.comparisons.items()}
    columns = ["metric", "value", "low", "high", "signature", "missing"]
    differences = ["difference", "difference_low", "difference_high", "p"] if tested else []
    table.writerow([*(["set"] if tested else []), *columns, *differences])
    for name, report in reports_of(found).items():
        for place, row in enumerate(report.rows):
            cells = [row.name, row.value, row.low, row.high, str(row.signature), row.missing]
            other = tested[name][place] if name in tested else None
            test = [] if other is None else [other.difference, other.low, other.high, other.p]
            table.writerow(
                [*([spreadsheet_cell(name)] if tested else []), *cells, *(test or [None] * len(differences))]
            )
        for sign, value in report.hygiene.to_dict().items():
            cells = [sign, value, *([None] * (len(columns) - 2 + len(differences)))]
            table.writerow([*([spreadsheet_cell(name)] if tested else []), *cells])
    return file.getvalue().rstrip("\n")


def _right(table: Table) -> list[bool]:
    """Numbers stand right; the first column, intervals and reasons left."""
    return [place > 0 and "interval" not in head for place, head in enumerate(table[0])]


def _text(table: Table) -> str:
    return "\n".join(aligned([list(map(printable, row)) for row in table], _right(table)))


def _html(table: Table) -> str:
    head, *rows = table
    lines = ["<table>", f"<tr>{_cells('th', head)}</tr>", *(f"<tr>{_cells('td', row)}</tr>" for row in rows)]
    return "\n".join([*lines, "</table>"])


def _cells(kind: str, row: Iterable[str]) -> str:
    return "".join(f"<{kind}>{in_page(cell)}</{kind}>" for cell in row)


_WRITERS: dict[str, Callable[[Table], str]] = {
    "text": _text,
    "markdown": lambda table: markdown(table, _right(table)),
    "latex": lambda table: latex(table, _right(table)),
    "html": _html,
}

_LINES: dict[str, Callable[[Sequence[str]], str]] = {
    "text": "\n".join,
    "markdown": lambda lines: "\n".join(f"- `{line}`" for line in lines),
    "latex": lambda lines: "\n".join(f"% {line}" for line in lines),
    "html": lambda lines: "\n".join(f"<p><code>{in_page(line)}</code></p>" for line in lines),
}

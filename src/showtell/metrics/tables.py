"""A report or a comparison as text, JSON, Markdown or LaTeX."""

import json
from collections.abc import Callable, Sequence

from showtell.metrics.report import Report
from showtell.metrics.significance import Comparison

FORMATS = ("text", "json", "markdown", "latex")

Table = list[list[str]]  # the first row is the header


def written(found: Report | Comparison, format: str = "text") -> str:  # noqa: A002
    """The figures as one string without a line end; ValueError for a format that is none of FORMATS."""
    if format not in FORMATS:
        raise ValueError(f"there is no format {format!r}; choose one of {', '.join(FORMATS)}")
    if format == "json":
        return json.dumps(found.to_dict(), ensure_ascii=False, indent=2)
    scores = _scores(found) if isinstance(found, Report) else _differences(found)
    blocks = [_WRITERS[format](table) for table in (scores, _hygiene(found))]
    signatures = [str(row.signature) for row in found.rows if row.signature.settings]
    return "\n\n".join([*blocks, _SIGNATURES[format](signatures)])


def _scores(report: Report) -> Table:
    table = [["metric", "value", "95 % interval"]]
    for row in report.rows:
        between = "" if row.low is None or row.high is None else f"{row.low:.1f} to {row.high:.1f}"
        table.append([row.name, _number(row.value), between if row.missing is None else row.missing])
    return table


def _differences(comparison: Comparison) -> Table:
    table = [["metric", "first", "second", "difference", "95 % interval", "p"]]
    for row in comparison.rows:
        if row.low is None or row.high is None or row.p is None or row.difference is None:
            table.append([row.name, "-", "-", "-", row.missing or "", ""])
            continue
        between = f"{row.low:+.1f} to {row.high:+.1f}"
        numbers = [_number(row.first), _number(row.second), f"{row.difference:+.1f}"]
        table.append([row.name, *numbers, between, f"{row.p:.3f}"])
    return table


_HYGIENE = {
    "distinct": ("distinct captions (%)", ".1f"),
    "vocabulary": ("vocabulary (words)", "d"),
    "mean_length": ("mean length (words)", ".1f"),
    "repeated": ("repeating themselves (%)", ".1f"),
    "unfinished": ("unfinished (%)", ".1f"),
    "in_training": ("verbatim in training (%)", ".1f"),
}


def _hygiene(found: Report | Comparison) -> Table:
    if isinstance(found, Report):
        table, sides = [["hygiene", ""]], [found.hygiene.to_dict()]
    else:
        table, sides = [["hygiene", "first", "second"]], [side.to_dict() for side in found.hygiene]
    table.append(["pictures", *([str(found.pictures)] * len(sides))])
    for name, (label, form) in _HYGIENE.items():
        values = [side[name] for side in sides]
        if None not in values:
            table.append([label, *(format(value, form) for value in values if value is not None)])
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _text(table: Table) -> str:
    widths = [
        max(len(row[column]) for row in table[1:] if column < len(row)) for column in range(len(table[0]))
    ]
    widths = [max(width, len(head)) for width, head in zip(widths, table[0], strict=True)]
    lines = []
    for row in table:
        # Numbers stand right; the first column, intervals and reasons left.
        cells = [
            cell.rjust(width) if column > 0 and not _is_wide(table[0][column]) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _is_wide(head: str) -> bool:
    return "interval" in head


def _markdown(table: Table) -> str:
    head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in table]
    rule = ["---", *("---" if _is_wide(cell) else "---:" for cell in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


_LATEX_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "%_&#$"} | {"\\": "\\textbackslash{}"}
)


def _latex(table: Table) -> str:
    columns = "l" + "".join("l" if _is_wide(head) else "r" for head in table[0][1:])
    head, *rows = [" & ".join(cell.translate(_LATEX_SPECIAL) for cell in row) + r" \\" for row in table]
    return "\n".join(
        [rf"\begin{{tabular}}{{{columns}}}", r"\hline", head, r"\hline", *rows, r"\hline", r"\end{tabular}"]
    )


_WRITERS: dict[str, Callable[[Table], str]] = {"text": _text, "markdown": _markdown, "latex": _latex}

_SIGNATURES: dict[str, Callable[[Sequence[str]], str]] = {
    "text": "\n".join,
    "markdown": lambda lines: "\n".join(f"- `{line}`" for line in lines),
    "latex": lambda lines: "\n".join(f"% {line}" for line in lines),
}

"""Runs -> one table, as text for people, Markdown, JSON, CSV or LaTeX."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from showtell.comparison.runs import Interval, Run

__all__ = ["Column", "Table", "tabulate"]

Cell = str | int | float | Interval | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: its name in JSON and CSV, where numbers are whole.
        title: its name for people, for whom numbers are rounded.
        show: a cell as people read it.
        right: whether its cells stand to the right, as numbers do.
    """

    key: str
    title: str
    show: Callable[[Any], str] = str
    right: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows of cells in their order; a cell that nobody knows is None."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def text(self) -> str:
        """For a terminal: columns set apart by two spaces, however long the lines become."""
        shown = [[column.title for column in self.columns], *self._shown()]
        widths = [max(map(len, cells)) for cells in zip(*shown, strict=True)]
        shown.insert(1, ["-" * width for width in widths])
        return "".join(
            "  ".join(
                cell.rjust(width) if column.right else cell.ljust(width)
                for column, cell, width in zip(self.columns, row, widths, strict=True)
            ).rstrip()
            + "\n"
            for row in shown
        )

    def markdown(self) -> str:
        """A table of GitHub's Markdown."""
        titles = [column.title for column in self.columns]
        rules = ["---:" if column.right else "---" for column in self.columns]
        rows = [[cell.replace("|", "\\|") for cell in row] for row in self._shown()]
        return "".join(f"| {' | '.join(row)} |\n" for row in (titles, rules, *rows))

    def json(self) -> str:
        """A list of objects; an interval is ``{"value", "low", "high"}``."""
        keys = [column.key for column in self.columns]
        rows = [
            {
                key: {"value": cell.value, "low": cell.low, "high": cell.high}
                if isinstance(cell, Interval)
                else cell
                for key, cell in zip(keys, row, strict=True)
            }
            for row in self.rows
        ]
        return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"

    def csv(self) -> str:
        """Comma-separated, numbers in full; an interval gives its value alone."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow([column.key for column in self.columns])
        for row in self.rows:
            writer.writerow([cell.value if isinstance(cell, Interval) else cell for cell in row])
        return file.getvalue()

    def latex(self) -> str:
        """A ``tabular`` of the package booktabs."""
        places = "".join("r" if column.right else "l" for column in self.columns)
        lines = [[_escaped(column.title) for column in self.columns]]
        lines += [[_escaped(cell) for cell in row] for row in self._shown()]
        titles, *rows = (" & ".join(line) + r" \\" for line in lines)
        parts = [rf"\begin{{tabular}}{{{places}}}", r"\toprule", titles, r"\midrule", *rows]
        return "\n".join([*parts, r"\bottomrule", r"\end{tabular}"]) + "\n"

    def _shown(self) -> list[list[str]]:
        return [
            [
                "–" if cell is None else column.show(cell)
                for column, cell in zip(self.columns, row, strict=True)
            ]
            for row in self.rows
        ]


def tabulate(runs: Sequence[Run]) -> Table:
    """Runs as a table, a row each in the order given.

    Dev figures are those of the best pass, as training computed them; metrics of evaluations come after them, with
    their 95 % intervals, where at least one run has an evaluation.
    """
    columns = [
        Column("run", "run", right=False),
        Column("model", "model", right=False),
        Column("parameters", "parameters", lambda number: f"{number / 1e6:.1f} M"),
        Column("size", "size", lambda size: f"{size / 1e6:.1f} MB"),
        Column("passes", "passes"),
        Column("seconds", "training time", _duration),
        Column("best_pass", "best pass", lambda number: f"{number:.0f}"),
        Column("CIDEr", "dev CIDEr", _one_place),
        Column("BLEU-4", "dev BLEU-4", _one_place),
        Column("distinct", "distinct", lambda share: f"{share:.0f} %"),
        Column("length", "length", _one_place),
    ]
    names = list(dict.fromkeys(name for run in runs for name in run.metrics))
    columns += [Column(f"evaluation.{name}", name, _with_interval) for name in names]
    rows = [
        (
            run.name,
            run.model,
            run.parameters,
            run.size,
            run.passes,
            run.seconds,
            run.best.get("pass"),
            *(run.best.get(name) for name in ("CIDEr", "BLEU-4", "distinct", "length")),
            *(run.metrics.get(name) for name in names),
        )
        for run in runs
    ]
    return Table(tuple(columns), tuple(rows))


def _one_place(number: float) -> str:
    return f"{number:.1f}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def _with_interval(found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:.1f}"
    return f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"


def _escaped(text: str) -> str:
    """LaTeX's special characters as text."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--"}
    return "".join(special.get(letter, f"\\{letter}" if letter in "&%$#_{}" else letter) for letter in text)

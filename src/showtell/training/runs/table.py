"""Runs -> one table, as text for people, Markdown, JSON, CSV or LaTeX."""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from showtell.progress import duration
from showtell.text import tables
from showtell.training.runs.reading import Interval, RunSummary

__all__ = ["Column", "Table", "tabulate"]

Cell = str | int | float | Interval | None
HYGIENE = {  # of metrics.hygiene.Hygiene: titles, and how they are shown
    "distinct": ("distinct", "{:.0f} %"),
    "vocabulary": ("vocabulary", "{:.0f}"),
    "mean_length": ("length", "{:.1f}"),
    "repeated": ("repeating", "{:.1f} %"),
    "unfinished": ("unfinished", "{:.1f} %"),
    "in_training": ("in training", "{:.1f} %"),
}
DEV = {  # what training logs of dev: how it is shown, and its name in an evaluation
    "CIDEr": ("{:.1f}", "CIDEr"),
    "BLEU-4": ("{:.1f}", "BLEU-4"),
    "distinct": ("{:.0f} %", "distinct"),
    "length": ("{:.1f}", "mean_length"),
}
LESSER = ("BLEU-1", "BLEU-2", "BLEU-3")  # which papers print and nobody compares


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: its name in JSON and CSV, where numbers are whole.
        title: its name for people, for whom numbers are rounded.
        show: a cell as people read it.
        right: whether its cells stand to the right, as numbers do.
        machines: whether JSON and CSV alone have it.
    """

    key: str
    title: str
    show: Callable[[Any], str] = str
    right: bool = True
    machines: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows of cells in their order; a cell that nobody knows is None."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def text(self, width: int = 100) -> str:
        """For a terminal: a line per run; where lines would become too wide, a column per run."""
        (titles, *rows), right = self._for_people()
        lines = tables.underlined([titles, *rows], right)
        if len(lines[0]) <= width or len(rows) == 0:
            return "".join(f"{line}\n" for line in lines)
        blocks: list[list[str]] = []
        left = rows
        while left:
            count = len(left)
            while True:
                turned = [list(cells) for cells in zip(titles, *left[:count], strict=True)]
                lines = tables.underlined(turned, [False] + [True] * count)
                if count == 1 or max(map(len, lines)) <= width:
                    break
                count -= 1
            blocks.append(lines)
            left = left[count:]
        return "\n".join("".join(f"{line}\n" for line in lines) for lines in blocks)

    def markdown(self) -> str:
        """A table of GitHub's Markdown."""
        return f"{tables.markdown(*self._for_people())}\n"

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
        """Comma-separated, numbers in full; the ends of an interval have columns of their own, KEY.low and KEY.high."""
        spread = [any(isinstance(cell, Interval) for cell in cells) for cells in zip(*self.rows, strict=True)]
        file = io.StringIO()
        writer = csv.writer(file)
        heads = [
            [key, f"{key}.low", f"{key}.high"] if three else [key]
            for key, three in zip((column.key for column in self.columns), spread, strict=True)
        ]
        writer.writerow(itertools.chain.from_iterable(heads))
        for row in self.rows:
            cells = [
                (
                    [cell.value, cell.low, cell.high]
                    if isinstance(cell, Interval)
                    else [cell] * (3 if three else 1)
                )
                for cell, three in zip(row, spread, strict=True)
            ]
            writer.writerow(itertools.chain.from_iterable(cells))
        return file.getvalue()

    def latex(self) -> str:
        """A ``tabular``."""
        return f"{tables.latex(*self._for_people())}\n"

    def _for_people(self) -> tuple[list[list[str]], list[bool]]:
        """The titles and cells that people see, and which of the columns stand to the right."""
        shown = [column for column in self.columns if not column.machines]
        rows = [
            [
                "–" if cell is None else column.show(cell)
                for column, cell in zip(self.columns, row, strict=True)
                if not column.machines
            ]
            for row in self.rows
        ]
        return [[column.title for column in shown], *rows], [column.right for column in shown]


def tabulate(runs: Sequence[RunSummary]) -> Table:
    """Runs as a table, a row each in the order given.

    Dev figures are those of the best epoch, as training computed them. What evaluations say comes after them, where at
    least one run has an evaluation: captions per second, metrics with their 95 % intervals, hygiene. People are spared
    dev figures that every run's evaluation has too, and BLEU-1 to 3; JSON and CSV have all.
    """
    columns: list[tuple[Column, Callable[[RunSummary], Cell]]] = [
        (Column("run", "run", right=False), lambda run: run.name),
        (Column("model", "model", right=False), lambda run: run.model),
        (Column("features", "features", right=False), lambda run: run.features),
        (
            Column("parameters", "parameters", lambda number: f"{number / 1e6:.1f} M"),
            lambda run: run.parameters,
        ),
        (Column("size", "size", lambda size: f"{size / 1e6:.1f} MB"), lambda run: run.size),
        (Column("epochs", "epochs"), lambda run: run.epochs),
        (Column("seconds", "training time", duration), lambda run: run.seconds),
        (Column("best_epoch", "best epoch", "{:.0f}".format), lambda run: _whole(run.best.get("epoch"))),
        *(_dev(key, runs) for key in DEV),
        *_of_evaluations(runs),
    ]
    return Table(
        tuple(column for column, _ in columns),
        tuple(tuple(cell(run) for _, cell in columns) for run in runs),
    )


def _of_evaluations(runs: Sequence[RunSummary]) -> Iterator[tuple[Column, Callable[[RunSummary], Cell]]]:
    """Columns of what at least one run's evaluation knows."""
    found = [run.evaluation for run in runs]
    if any(evaluation.speed is not None for evaluation in found):
        speed = Column("evaluation.captions_per_second", "captions per second", "{:.1f}".format)
        yield speed, lambda run: run.evaluation.speed
    if any(evaluation.beam is not None for evaluation in found):
        beam = Column("evaluation.beam", "beam", "{:.0f}".format)
        yield beam, lambda run: _whole(run.evaluation.beam)
    for name in dict.fromkeys(name for evaluation in found for name in evaluation.metrics):
        metric = Column(f"evaluation.{name}", name, _with_interval, machines=name in LESSER)
        yield metric, _metric(name)
    for name, (title, form) in HYGIENE.items():
        if any(name in evaluation.hygiene for evaluation in found):
            share = Column(f"evaluation.{name}", title, form.format)
            yield share, _share(name)


def _dev(key: str, runs: Sequence[RunSummary]) -> tuple[Column, Callable[[RunSummary], Cell]]:
    """A column of what training logged, for machines alone where every run's evaluation says the same."""
    show, named = DEV[key]
    evaluated = all(named in run.evaluation.metrics or named in run.evaluation.hygiene for run in runs)
    return Column(key, f"dev {key}", show.format, machines=evaluated), lambda run: run.best.get(key)


def _metric(name: str) -> Callable[[RunSummary], Cell]:
    return lambda run: run.evaluation.metrics.get(name)


def _share(name: str) -> Callable[[RunSummary], Cell]:
    return lambda run: run.evaluation.hygiene.get(name)


def _whole(number: float | None) -> float | None:
    """1.0 -> 1: logs are read as decimals."""
    return int(number) if number is not None and number.is_integer() else number


def _with_interval(found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:.1f}"
    return f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"

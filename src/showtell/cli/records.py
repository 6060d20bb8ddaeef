"""Plain rows in the formats that every command has: for people, for JSON, for spreadsheets."""

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TextIO

from showtell.text.printable import json_for_terminals, printable, spreadsheet_cell

__all__ = ["Record", "RecordFormat", "Records"]

Record = Mapping[str, Any]


RecordFormat = Literal["text", "json", "jsonl", "csv"]


class Records:
    """Writes one row after the other, so that what is done is written whatever happens next.

    Args:
        format: how.
        file: where to.
        columns: the keys of the rows that CSV has, for its header; values that are not plain stand there as JSON.
        line: a row as people read it, without the end of the line.
    """

    def __init__(
        self,
        format: RecordFormat,  # noqa: A002
        file: TextIO,
        columns: Sequence[str],
        line: Callable[[Record], str],
    ) -> None:
        self._format, self._file, self._line = format, file, line
        self._terminal = file.isatty()
        self._written = 0
        # Rows of an earlier run may have more than is asked for now.
        self._csv = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
        if format == "csv":
            self._csv.writeheader()

    def write(self, row: Record) -> None:
        """Write a row."""
        if self._format == "csv":
            cells = {key: _cell(value) for key, value in row.items()}
            self._csv.writerow({key: self._shown(cell) for key, cell in cells.items()})
        elif self._format == "text":
            line = re.sub(r"[\r\n]", " ", self._line(row))
            self._file.write("\t".join(map(self._shown, line.split("\t"))) + "\n")
        else:
            # Names of files that are not Unicode are written as JSON can hold them.
            text = json_for_terminals(json.dumps(row, ensure_ascii=False))
            opening = ",\n  " if self._written else "[\n  "
            self._file.write(f"{opening}{text}" if self._format == "json" else f"{text}\n")
        self._file.flush()
        self._written += 1

    def _shown(self, value: Any) -> Any:
        """A value that a terminal, if that is where it goes, does not obey."""
        return printable(value) if self._terminal and isinstance(value, str) else value

    def close(self) -> None:
        """Write what must stand at the end."""
        if self._format == "json":
            self._file.write("\n]\n" if self._written else "[]\n")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return spreadsheet_cell(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value

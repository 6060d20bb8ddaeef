"""Captions as rows: for people, for JSON, for spreadsheets, as COCO results, as a page."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TextIO

from showtell.cli.console import note
from showtell.cli.page import Page
from showtell.cli.records import Records
from showtell.text.printable import printable

if TYPE_CHECKING:
    from showtell.captioning.base import Result

__all__ = ["Format", "Row", "Rows", "coco_id", "format_of_file", "one_line", "row_of", "rows"]

Format = Literal["text", "json", "jsonl", "csv", "html", "coco", "parquet"]

Row = Mapping[str, Any]
"""``path``, and ``caption``, ``language``, ``confidence`` (and ``candidates``) or ``error``; ``unsafe``, a score, where
screening found a picture unsafe."""

_ENDINGS: Mapping[str, Format] = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".html": "html",
    ".htm": "html",
    ".parquet": "parquet",
}
_COLUMNS = ("path", "caption", "language", "confidence", "error")


class Rows(Protocol):
    """Writes one row after the other, so that what is done is written whatever happens next."""

    def write(self, row: Row) -> None:
        """Write what became of one picture."""

    def close(self) -> None:
        """Write what must stand at the end."""


def format_of_file(path: Path | None) -> Format:
    """The format that a file's ending means; text where it means none."""
    return "text" if path is None else _ENDINGS.get(path.suffix.lower(), "text")


def row_of(result: "Result", *, candidates: bool) -> dict[str, Any]:
    """A result as a row.

    Args:
        candidates: the alternatives shall be in it too.
    """
    caption = result.caption
    path = "-" if result.path is None else str(result.path)  # bytes that came through stdin have none
    if caption is None:
        return {"path": path, "error": result.error}
    row: dict[str, Any] = {
        "path": path,
        "caption": caption.text,
        "language": caption.language,
        "confidence": None if caption.confidence is None else round(caption.confidence, 4),
    }
    if candidates:
        found = [(caption.text, caption.log_probability)]
        found += [(other.text, other.log_probability) for other in caption.alternatives]
        row["candidates"] = [
            {"caption": text, "log_probability": round(log_probability, 4)} for text, log_probability in found
        ]
    return row


def rows(
    format: Format,  # noqa: A002
    file: TextIO,
    *,
    alone: bool,
    candidates: bool,
    screened: bool = False,
    place: Path | None = None,
) -> Rows:
    """A writer.

    Args:
        file: where to.
        alone: one picture was asked about, so that text need not say which.
        candidates: the rows have candidates.
        screened: pictures are screened too.
        place: the file's name, which links in a page are relative to.
    """
    if format == "html":
        return Page(file, place)
    if format == "coco":
        return _Coco(file)
    if format == "text":
        return _Text(file, alone)
    if format == "parquet":
        format = "jsonl"  # noqa: A001 - on their way to the file: see parquet.py
    columns = [*_COLUMNS, *(["candidates"] if candidates else []), *(["unsafe"] if screened else [])]
    return Records(format, file, columns, str)


class _Text:
    """``path<TAB>caption``, or the caption of one picture alone; on a terminal with the confidence."""

    def __init__(self, file: TextIO, alone: bool) -> None:
        self._file, self._alone = file, alone
        self._terminal = file.isatty()

    def write(self, row: Row) -> None:
        if "error" in row:
            self._line(row, f"error: {row['error']}")
            return
        sure = row["confidence"] if self._terminal else None
        marks = [] if sure is None else [f"confidence {sure:.2f}"]
        marks += [f"unsafe {row['unsafe']:.2f}"] if "unsafe" in row else []
        self._line(row, row["caption"] + (f"  ({', '.join(marks)})" if marks else ""))
        for other in row.get("candidates", ())[1:]:
            self._line(row, other["caption"])

    def _line(self, row: Row, text: str) -> None:
        # A line is a row whatever a file is called, and a terminal obeys no file's name.
        path = printable(row["path"]) if self._terminal else one_line(row["path"])
        text = printable(text) if self._terminal else text
        print(text if self._alone else f"{path}\t{text}", file=self._file, flush=True)

    def close(self) -> None:
        pass


class _Coco:
    """COCO's results: ``[{"image_id", "caption", "file_name"}]``; what failed has no place in them."""

    def __init__(self, file: TextIO) -> None:
        self._records = Records("json", file, [], str)
        self._owners: dict[str | int, str] = {}

    def write(self, row: Row) -> None:
        path = row["path"]
        if "error" in row:
            note(f"{path}: {row['error']}")
            return
        name = coco_id(path)
        if self._owners.setdefault(name, path) != path:
            note(f"{path}: has the same image_id, {name!r}, as {self._owners[name]}")
        self._records.write({"image_id": name, "caption": row["caption"], "file_name": Path(path).name})

    def close(self) -> None:
        self._records.close()


def one_line(path: str) -> str:
    """A file's name as it stands in a row of text."""
    return re.sub(r"[\t\r\n]", " ", path)


def on_stdout(text: str) -> str:
    """A text as a line on stdout can hold it: written out where a terminal would obey it, on one line elsewhere."""
    return printable(text) if sys.stdout.isatty() else one_line(text)


def coco_id(path: str) -> str | int:
    """A picture's id: the number in a name like COCO's (``COCO_val2014_000000391895.jpg``), else the name's stem."""
    stem = Path(path).stem
    number = re.fullmatch(r"(?:COCO_\w+_)?(\d{12})", stem)
    return int(number[1]) if number else stem

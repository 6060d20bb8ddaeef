"""Captions as rows: for people, for JSON, for spreadsheets."""

import csv
import json
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from showtell.captioning.base import Result

__all__ = ["Format", "Rows", "rows"]


class Format(StrEnum):
    """How captions are written."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


class Rows(Protocol):
    """Writes one result after the other, so that what is done is written whatever happens next."""

    def write(self, result: "Result") -> None:
        """Write what became of one picture."""

    def close(self) -> None:
        """Write what must stand at the end."""


def rows(format: Format, file: TextIO, *, alone: bool, candidates: bool) -> Rows:  # noqa: A002
    """A writer.

    alone: only one picture was asked about, so that `text` need not say which.
    candidates: the alternatives shall be written too.
    """
    if format is Format.text:
        return _Text(file, alone, candidates)
    if format is Format.csv:
        return _Csv(file, candidates)
    return _Json(file, candidates, whole=format is Format.json)


class _Text:
    """``path<TAB>caption``, or the caption of one picture alone."""

    def __init__(self, file: TextIO, alone: bool, candidates: bool) -> None:
        self._file, self._alone, self._candidates = file, alone, candidates

    def write(self, result: "Result") -> None:
        if result.caption is None:
            self._line(result, f"error: {result.error}")
            return
        self._line(result, result.caption.text)
        for alternative in result.caption.alternatives if self._candidates else ():
            self._line(result, alternative.text)

    def _line(self, result: "Result", text: str) -> None:
        # A line is a row whatever a file is called.
        path = re.sub(r"[\t\r\n]", " ", str(result.path))
        print(text if self._alone else f"{path}\t{text}", file=self._file, flush=True)

    def close(self) -> None:
        pass


class _Json:
    """One object a row: in a list (`json`), or one a line (`jsonl`)."""

    def __init__(self, file: TextIO, candidates: bool, *, whole: bool) -> None:
        self._file, self._candidates, self._whole = file, candidates, whole
        self._separator = "["
        self._end = "[]\n"

    def write(self, result: "Result") -> None:
        # Names of files that are not Unicode are written as JSON can hold them.
        text = json.dumps(_row(result, self._candidates), ensure_ascii=False)
        text = re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):x}", text)
        self._file.write(f"{self._separator}\n  {text}" if self._whole else f"{text}\n")
        self._file.flush()
        self._separator, self._end = ",", "\n]\n"

    def close(self) -> None:
        if self._whole:
            self._file.write(self._end)


class _Csv:
    """A header, then one row a caption; the candidates as JSON in one column."""

    def __init__(self, file: TextIO, candidates: bool) -> None:
        self._file, self._candidates = file, candidates
        columns = [
            "path",
            "caption",
            "language",
            "confidence",
            "error",
            *(["candidates"] if candidates else []),
        ]
        self._writer = csv.DictWriter(file, columns, lineterminator="\n")
        self._writer.writeheader()

    def write(self, result: "Result") -> None:
        row = _row(result, self._candidates)
        if "candidates" in row:
            row["candidates"] = json.dumps(row["candidates"], ensure_ascii=False)
        self._writer.writerow(row)
        self._file.flush()

    def close(self) -> None:
        pass


def _row(result: "Result", candidates: bool) -> dict[str, Any]:
    """A result as JSON has it."""
    caption = result.caption
    if caption is None:
        return {"path": str(result.path), "error": result.error}
    row: dict[str, Any] = {
        "path": str(result.path),
        "caption": caption.text,
        "language": caption.language,
        "confidence": None if caption.confidence is None else round(caption.confidence, 4),
    }
    if candidates:
        said = [(caption.text, caption.log_probability)]
        said += [(other.text, other.log_probability) for other in caption.alternatives]
        row["candidates"] = [
            {"caption": text, "log_probability": round(log_probability, 4)} for text, log_probability in said
        ]
    return row

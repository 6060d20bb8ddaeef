"""What an output file has already, for ``--continue``: after Ctrl-C, after a kill, or because pictures were added."""

import csv
import json
import os
from collections.abc import Iterable, Iterator
from glob import escape, glob
from io import StringIO
from pathlib import Path
from typing import Any

from showtell.cli.rows import Format, one_line
from showtell.errors import ShowtellError

__all__ = ["Kept", "read_kept", "rows_of_json"]


class Kept:
    """Rows of an earlier run by picture, each to be written once more.

    Args:
        rows: those with captions; of several in the same language the last counts.
        languages: a picture with a caption in each of them is done.
        leftovers: files that a killed run has left, of no use once the new file is written.
    """

    def __init__(
        self, rows: Iterable[dict[str, Any]], *, languages: Iterable[str], leftovers: Iterable[Path] = ()
    ) -> None:
        """Take the rows."""
        self.leftovers = list(leftovers)
        self._rows: dict[str, dict[str, dict[str, Any]]] = {}
        for row in rows:
            if row.get("caption"):
                self._rows.setdefault(one_line(row["path"]), {})[row["language"]] = row
        wanted = set(languages)
        self._rows = {path: found for path, found in self._rows.items() if wanted <= found.keys()}

    def __contains__(self, source: str | bytes) -> bool:
        return isinstance(source, str) and one_line(source) in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, path: str) -> list[dict[str, Any]]:
        """A picture's rows, the first time; afterwards none."""
        return list(self._rows.pop(one_line(path), {}).values())

    def rest(self) -> Iterator[dict[str, Any]]:
        """The rows that nobody has taken."""
        for path in list(self._rows):
            yield from self.take(path)


def read_kept(
    path: Path,
    format: Format,  # noqa: A002
    languages: tuple[str, ...],
    *,
    earlier: Iterable[dict[str, Any]] = (),
) -> Kept:
    """The rows in a file of results, and in what a killed run has left beside it.

    Args:
        path: the file; it need not be there.
        format: ``text``, ``json``, ``jsonl`` or ``csv``.
        languages: those that are wanted now.
        earlier: rows that are known already.

    Raises:
        ShowtellError: it cannot be read, or is not such a file.
    """
    leftovers = [Path(part) for part in glob(escape(str(path.parent / f".{path.name}.")) + "*.part")]
    leftovers = [part for part in leftovers if not _is_being_written(part)]
    rows = list(earlier)
    for file in sorted(leftovers, key=lambda part: part.stat().st_mtime):
        rows += _rows_in(file, format, languages, whole=False)
    if path.exists():
        rows += _rows_in(path, format, languages, whole=True)
    return Kept(rows, languages=languages, leftovers=leftovers)


def _rows_in(path: Path, format: Format, languages: tuple[str, ...], *, whole: bool) -> list[dict[str, Any]]:  # noqa: A002
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ShowtellError(f"{path}: cannot be read ({error.strerror})") from error
    if not whole:  # the last line may be cut
        text = text[: text.rfind("\n") + 1]
    if format == "csv":
        rows = [_from_csv(row) for row in csv.DictReader(StringIO(text))]
    elif format == "text":
        pairs = (line.partition("\t") for line in text.splitlines())
        rows = [
            {"path": name, "caption": caption, "language": languages[0], "confidence": None}
            for name, tab, caption in pairs
            if tab and not caption.startswith("error: ")
        ]
    else:
        rows = rows_of_json(text)
    rows = [row for row in rows if isinstance(row, dict) and row.get("path")]
    if whole and text.strip() and not rows and format != "text":
        raise ShowtellError(f"{path}: has no rows of captions in the format {format}; name another file")
    return rows


def rows_of_json(text: str) -> list[dict[str, Any]]:
    """The rows of a list or of lines, however much of them there is."""
    try:
        rows = json.loads(text)
        return rows if isinstance(rows, list) else [rows]
    except ValueError:
        rows = []
        for line in text.splitlines():
            try:
                rows.append(json.loads(line.strip().removeprefix(",").removesuffix(",")))
            except ValueError:
                continue  # a bracket
        return rows


def _from_csv(row: dict[str, Any]) -> dict[str, Any]:
    confidence = row.get("confidence")
    found = {**row, "confidence": float(confidence) if confidence else None}
    for key in ("path", "caption"):  # where `spreadsheet_cell` has put an apostrophe
        if str(found.get(key, ""))[:2] in {"'=", "'+", "'-", "'@", "'\t", "'\r"}:
            found[key] = found[key][1:]
    if found.get("candidates"):
        found["candidates"] = json.loads(found["candidates"])
    return {key: value for key, value in found.items() if key != "error" or value}


def _is_being_written(part: Path) -> bool:
    """Whether the process that a file of results in the making is named after still runs."""
    number = part.name.rsplit(".", 2)[1]
    if os.name == "nt" or not number.isdigit():  # there, asking after a process would end it
        return not number.isdigit()
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return int(number) != os.getpid()

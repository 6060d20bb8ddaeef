"""CSV and TSV as people have them: with or without a header, quoted as CSV asks for it or not at all."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from showtell.corpora.base import broken_line, read_text
from showtell.errors import BadCorpus

NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}

_MOST_LINES = 100  # of a cell; what is longer has lost its closing quote
_ROW = r"(?:\d+|[^{0}]+\.(?:jpe?g|png|gif|bmp|webp|tiff?|heic|avif))"


def header_of(line: str, separator: str) -> list[str]:
    """The cells of a first line in lower case, without quotes."""
    return [cell.strip().strip('"').strip().lower() for cell in line.split(separator)]


def two_columns(path: Path, separator: str) -> Iterator[tuple[int, str, str]]:
    """Line number, first cell and the rest of each row, divided at the first separator.

    Some copies quote captions as CSV does, also over several lines; others leave quotes and commas as they were.
    A CSV reader would take the second kind apart wrongly, so the lines are read by hand.

    Raises:
        BadCorpus: a line without a separator, or with nothing before it.
    """
    lines = read_text(path).split("\n")
    next_row = re.compile(_ROW.format(separator) + re.escape(separator), re.IGNORECASE)
    number = 0
    while number < len(lines):
        line, number = lines[number].rstrip("\r"), number + 1
        if not line.strip():
            continue
        name, text = _divided(line, separator)
        if not name or text is None:
            what = f"is not an id, a {NAMES[separator]} and a caption: {line[:60]!r}"
            raise broken_line(path, number, what)
        first, more = number, 0
        if _opens(text):
            more = _lines_to_closing_quote(lines, number, next_row)
            text = "\n".join([text, *(line.rstrip("\r") for line in lines[number : number + more])])
        number += more
        yield first, name, without_csv_quotes(text.strip())


def _divided(line: str, separator: str) -> tuple[str, str | None]:
    """The first cell, which may be quoted to hold a separator, and the rest; None without a separator."""
    quoted = re.match(rf'\s*"((?:[^"]|"")+)"\s*{re.escape(separator)}', line)
    if quoted:
        return quoted[1].replace('""', '"').strip(), line[quoted.end() :]
    name, found, text = line.partition(separator)
    return name.strip().strip('"'), text if found else None


def _opens(text: str) -> bool:
    """Whether a cell begins with a quote that is not closed on its line, as far as CSV's rules go."""
    text = text.strip()
    return text.startswith('"') and '"' not in text[1:].replace('""', "")


def _lines_to_closing_quote(lines: list[str], start: int, next_row: re.Pattern[str]) -> int:
    """How many lines from `start` on belong to the cell before them; none if its quote is no CSV quote."""
    for count, line in enumerate(lines[start : start + _MOST_LINES], 1):
        rest = line.strip().replace('""', "")
        if next_row.match(line):
            return 0
        if '"' in rest:
            return count if rest.count('"') == 1 and rest.endswith('"') else 0
    return 0


def without_csv_quotes(text: str) -> str:
    """A cell without the quotes that CSV put around it; quotes that were not put there by CSV stay."""
    inner = text[1:-1]
    quoted = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in inner.replace('""', "")
    return inner.replace('""', '"') if quoted else text


def named_columns(path: Path, separator: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by the header's names, in lower case, of each row of a proper CSV file.

    Raises:
        BadCorpus: a row with another number of cells than the header, or what is no CSV.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=separator, strict=True)
    header: list[str] = []
    start = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row] if separator == "|" else row
            if not any(cell.strip() for cell in cells):
                pass
            elif not header:
                header = [cell.strip().lower() for cell in cells]
            elif len(cells) != len(header):
                what = f"has {len(cells)} cells where the header has {len(header)}"
                raise broken_line(path, start, what)
            else:
                yield start, dict(zip(header, cells, strict=True))
            start = reader.line_num + 1
    except csv.Error as error:
        raise broken_line(path, max(reader.line_num, 1), f"is not CSV ({error})") from None
    if not header:
        raise BadCorpus(f"{path} is empty; give a file of captions")

"""Captions as one Parquet file.

A Parquet file can be read only when its end is written. So rows are kept as JSON lines in ``FILE.parquet.rows`` while
they come, as they are for a ``.jsonl`` file, and become the Parquet file at the end; a kill loses none of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from showtell.cli import console
from showtell.cli.kept import rows_of_json
from showtell.errors import MissingExtra, ShowtellError, reason_of
from showtell.files import written_whole

__all__ = ["output", "rows_file", "rows_in"]


def rows_file(path: Path) -> Path:
    """Where the rows of a Parquet file are while they come."""
    return path.with_name(f"{path.name}.rows")


@contextmanager
def output(path: Path | None) -> Iterator[TextIO]:
    """Where rows are written as they come; the Parquet file is made at the end, after Ctrl-C too.

    Raises:
        MissingExtra: pyarrow is not installed.
        ShowtellError: there is no path, or the file cannot be written.
    """
    if path is None:
        raise ShowtellError("Parquet is written into a file; give --output FILE.parquet")
    arrow = _arrow()
    try:
        with console.output(rows_file(path)) as file:
            yield file
    finally:
        if rows_file(path).exists():
            _finish(path, arrow)


def _finish(path: Path, arrow: Any) -> None:
    """Make the Parquet file of the rows beside it, which go."""
    kept = rows_file(path)
    rows = rows_of_json(kept.read_text(encoding="utf-8"))  # a full disk may have cut the last
    columns: dict[str, Any] = {name: arrow.string() for name in ("path", "caption", "language")}
    columns |= {"confidence": arrow.float32(), "error": arrow.string()}
    if any("candidates" in row for row in rows):
        alternative = arrow.struct({"caption": arrow.string(), "log_probability": arrow.float64()})
        columns["candidates"] = arrow.list_(alternative)
    if any("unsafe" in row for row in rows):
        columns["unsafe"] = arrow.float32()
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    table = arrow.Table.from_pylist(plain, schema=arrow.schema(list(columns.items())))
    try:
        with written_whole(path) as temporary:
            arrow.parquet.write_table(table, temporary)
    except OSError as error:
        raise ShowtellError(
            f"{path}: cannot be written ({reason_of(error)}); the rows are in {kept}"
        ) from error
    kept.unlink()


def rows_in(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file; none where there is no file.

    Raises:
        MissingExtra: pyarrow is not installed.
        ShowtellError: it is no such file.
    """
    if not path.exists():
        return []
    arrow = _arrow()
    try:
        rows: list[dict[str, Any]] = arrow.parquet.read_table(path).to_pylist()
    except (OSError, arrow.ArrowException) as error:
        raise ShowtellError(f"{path}: cannot be read as Parquet ({reason_of(error)})") from error
    if rows and not {"path", "caption", "language"} <= rows[0].keys():
        raise ShowtellError(f"{path}: has other columns than captions have; choose another --output")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _arrow() -> Any:
    """pyarrow, with its module for Parquet.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise MissingExtra("Parquet files need pyarrow: pip install 'showtell[scale]'") from None
    return pyarrow


def _plain(value: Any) -> Any:
    """Parquet holds Unicode alone, and a file's name may be other bytes."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value

"""What people say of captions: corrections, ratings and preferences, kept so that a captioner can learn from them.

A row of feedback is immutable: it is written once, and either stays as it is or is deleted. Rows live in one SQLite
file, which survives a kill at any moment with every row that was reported as written. An export is JSON lines, one
row a line (`docs/feedback.md` describes the keys); exports of several machines merge, since each row has an id of its
own. What was deleted stays deleted: its id is remembered, so that an older export does not bring it back.
"""

import hashlib
import json
import math
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self, get_args

from showtell.database import Database, Migration
from showtell.errors import BadFeedback, ShowtellError

__all__ = ["Feedback", "FeedbackStore", "Kind", "Merged", "default_path", "picture_hash", "read_export"]

Kind = Literal["correction", "rating", "preference"]

LONGEST = 2_000  # characters of a text; nobody's caption is longer
MIGRATIONS = (
    Migration(
        "rows of feedback, and the ids of those deleted",
        (
            """CREATE TABLE feedback (
                id TEXT PRIMARY KEY,
                time TEXT NOT NULL,
                kind TEXT NOT NULL,
                picture TEXT NOT NULL,
                language TEXT NOT NULL,
                model TEXT NOT NULL,
                version TEXT NOT NULL,
                machine TEXT NOT NULL,
                text TEXT,
                rejected TEXT,
                rating INTEGER,
                seconds REAL,
                person TEXT
            ) WITHOUT ROWID""",
            "CREATE INDEX feedback_picture ON feedback (picture)",
            "CREATE INDEX feedback_time ON feedback (time)",
            "CREATE TRIGGER feedback_is_immutable BEFORE UPDATE ON feedback "
            "BEGIN SELECT RAISE(ABORT, 'rows of feedback are immutable'); END",
            "CREATE TABLE deleted (id TEXT PRIMARY KEY) WITHOUT ROWID",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that one person said of one caption.

    Attributes:
        kind: ``correction`` (`text` says it better), ``rating`` or ``preference`` (`text` is better than `rejected`).
        picture: SHA-256 of the picture file's bytes, in hexadecimal: see `picture_hash`.
        language: of the caption.
        model: name of the captioner.
        version: of the captioner.
        machine: what the captioner said.
        text: the person's words in a correction, the better caption in a preference, otherwise None.
        rejected: the other caption of a preference.
        rating: 1 (wrong) to 5 (nothing to add); a plain good is 5, a plain bad 1.
        seconds: how long the person took, where that is known.
        person: who it was, where they want to be named; what they said can be deleted by it.
        time: when, in UTC, as ISO 8601.
        id: of this row, the same wherever it is copied to.

    Raises:
        ShowtellError: something is missing, contradicts the kind or is out of range.
    """

    kind: Kind
    picture: str
    language: str
    model: str
    version: str
    machine: str
    text: str | None = None
    rejected: str | None = None
    rating: int | None = None
    seconds: float | None = None
    person: str | None = None
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        wrong = _wrong_form(self) or _wrong_for_kind(self)
        if wrong:
            raise ShowtellError(f"feedback: {wrong}")

    def to_dict(self) -> dict[str, Any]:
        """As a line of an export holds it: what is None is left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, row: object) -> Self:
        """The row that `to_dict` wrote.

        Raises:
            ShowtellError: it is no such row.
        """
        if not isinstance(row, dict):
            raise ShowtellError("feedback: a row is a JSON object")
        if unknown := sorted(row.keys() - set(_COLUMNS)):
            raise ShowtellError(f"feedback: there is no key {unknown[0]!r}; there are {', '.join(_COLUMNS)}")
        required = ("kind", "picture", "language", "model", "version", "machine", "time", "id")
        if missing := [name for name in required if row.get(name) is None]:
            raise ShowtellError(f"feedback: {missing[0]} is missing")
        return cls(**row)


_COLUMNS = tuple(one.name for one in fields(Feedback))


def _wrong_form(row: Feedback) -> str | None:
    """What is wrong with one of the values, whatever the kind."""
    texts = ("language", "model", "version", "machine", "text", "rejected", "person")
    for name in texts:
        value = getattr(row, name)
        if value is None and name in ("text", "rejected", "person"):
            continue
        if not isinstance(value, str) or len(value) > LONGEST or not _is_writable(value):
            return f"{name} must be text of at most {LONGEST} characters"
    if not isinstance(row.picture, str) or not re.fullmatch("[0-9a-f]{64}", row.picture):
        return "picture must be the SHA-256 of the picture, 64 hexadecimal digits"
    if not isinstance(row.id, str) or not re.fullmatch("[0-9a-f]{32}", row.id):
        return "id must be 32 hexadecimal digits"
    if row.kind not in get_args(Kind):
        return f"kind must be one of {', '.join(get_args(Kind))}, not {row.kind!r}"
    seconds = row.seconds
    if seconds is not None and not (_is_number(seconds) and math.isfinite(seconds) and seconds >= 0):
        return "seconds must be a number from 0"
    return None if _is_time(row.time) else "time must be an ISO 8601 time with its zone"


def _wrong_for_kind(row: Feedback) -> str | None:
    """What is missing for a kind of feedback, or does not belong to it."""
    needed = {"correction": ("text",), "rating": ("rating",), "preference": ("text", "rejected")}[row.kind]
    for name in ("text", "rejected", "rating"):
        value = getattr(row, name)
        if (value is not None) != (name in needed):
            return f"a {row.kind} has {' and '.join(needed)} and nothing else; see {name}"
        if isinstance(value, str) and not value.strip():
            return f"the {name} of a {row.kind} is empty"
    if row.rating is not None and (type(row.rating) is not int or not 1 <= row.rating <= 5):
        return "rating must be an integer from 1 to 5"
    if row.kind == "preference" and row.text == row.rejected:
        return "the two captions of a preference are the same"
    return None


def _is_writable(text: str) -> bool:
    """Whether text can be stored and exported: no half of a surrogate pair, no null character."""
    return "\0" not in text and not any(0xD800 <= ord(letter) < 0xE000 for letter in text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def picture_hash(picture: bytes) -> str:
    """What feedback calls a picture: the SHA-256 of its file's bytes, in hexadecimal."""
    return hashlib.sha256(picture).hexdigest()


def default_path() -> Path:
    """Where feedback is kept unless told otherwise: in the user's data folder, or where SHOWTELL_FEEDBACK says."""
    if named := os.environ.get("SHOWTELL_FEEDBACK"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("showtell", appauthor=False) / "feedback.sqlite"


def read_export(lines: Iterable[str], name: str) -> list[Feedback]:
    """The rows of an export.

    Args:
        name: what error messages call it.

    Raises:
        ShowtellError: a line is no row of feedback; the message names it.
    """
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(Feedback.from_dict(json.loads(line)))
        except (ShowtellError, ValueError, RecursionError) as error:
            reason = str(error).removeprefix("feedback: ").partition("\n")[0]
            raise ShowtellError(f"{name}, line {number}: is not a row of feedback ({reason})") from error
    return rows


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the rows of an import.

    Attributes:
        added: rows that are new here.
        known: rows that were here already.
        deleted: rows that were deleted here, and stay so.
    """

    added: int
    known: int
    deleted: int


class FeedbackStore:
    """A file of feedback; safe to use from several threads, and from several processes at a time."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, or make it.

        Args:
            path: the file; `default_path` unless given.

        Raises:
            BadFeedback: it is no file of feedback, or cannot be opened.
        """
        self.path = default_path() if path is None else path
        self._file = Database(
            self.path,
            called="a file of feedback",
            error=BadFeedback,
            migrations=MIGRATIONS,
            settings=("secure_delete = ON",),  # what a person has deleted is overwritten
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, row: Feedback) -> None:
        """Write one row; when this returns, it is on the disk. A row that is here already is left as it is."""
        self.merge([row])

    def merge(self, rows: Iterable[Feedback]) -> Merged:
        """Write rows, all of them or none, leaving out those that are here or were deleted here.

        Raises:
            ShowtellError: two rows have one id and say different things; no row is written.
        """
        added = known = deleted = 0
        marks = ", ".join("?" * len(_COLUMNS))
        with self._file.transaction() as run:
            for row in rows:
                if run("SELECT 1 FROM deleted WHERE id = ?", row.id):
                    deleted += 1
                    continue
                there = run(f"SELECT {', '.join(_COLUMNS)} FROM feedback WHERE id = ?", row.id)
                values = tuple(getattr(row, name) for name in _COLUMNS)
                if not there:
                    run(f"INSERT INTO feedback ({', '.join(_COLUMNS)}) VALUES ({marks})", *values)
                    added += 1
                elif there[0] == values:
                    known += 1
                else:
                    raise ShowtellError(f"feedback: row {row.id} is here already and says something else")
        return Merged(added, known, deleted)

    def rows(
        self, *, picture: str | None = None, person: str | None = None, kind: Kind | None = None
    ) -> list[Feedback]:
        """The rows in order of time, all of them or those of a picture, a person, a kind."""
        where, values = _where({"picture": picture, "person": person, "kind": kind})
        found = self._file.rows(
            f"SELECT {', '.join(_COLUMNS)} FROM feedback{where} ORDER BY time, id", *values
        )
        return [Feedback(**dict(zip(_COLUMNS, row, strict=True))) for row in found]

    def delete(
        self,
        *,
        id: str | None = None,  # noqa: A002
        picture: str | None = None,
        person: str | None = None,
    ) -> int:
        """Delete the rows that all of the arguments given point at, for good, and say how many there were.

        Raises:
            ShowtellError: no argument is given; `delete_all` deletes everything.
        """
        if id is None and picture is None and person is None:
            raise ShowtellError("feedback: name a row, a picture or a person whose feedback is deleted")
        return self._delete(*_where({"id": id, "picture": picture, "person": person}))

    def delete_all(self) -> int:
        """Delete every row for good, and say how many there were."""
        return self._delete("", ())

    def _delete(self, where: str, values: tuple[object, ...]) -> int:
        with self._file.transaction() as run:
            run(f"INSERT OR IGNORE INTO deleted SELECT id FROM feedback{where}", *values)
            gone = run(f"DELETE FROM feedback{where} RETURNING id", *values)
        # The journal still holds what was deleted until it is emptied into the file.
        self._file.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(gone)

    def __len__(self) -> int:
        return int(self._file.rows("SELECT count(*) FROM feedback")[0][0])

    def export(self) -> Iterator[str]:
        """The lines of an export, without their newlines."""
        for row in self.rows():
            yield json.dumps(row.to_dict(), ensure_ascii=False)

    def import_lines(self, lines: Iterable[str], name: str = "the export") -> Merged:
        """Merge an export; a broken line stops all of it. Arguments and errors as `read_export`."""
        return self.merge(read_export(lines, name))


def _where(conditions: dict[str, str | None]) -> tuple[str, tuple[object, ...]]:
    """A WHERE clause of the conditions that are given, and its values."""
    given = {name: value for name, value in conditions.items() if value is not None}
    clause = " AND ".join(f"{name} = ?" for name in given)
    return (f" WHERE {clause}" if clause else ""), tuple(given.values())

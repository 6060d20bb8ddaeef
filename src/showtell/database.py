"""SQLite files that people keep for years: opened, brought up to date, and changed whole or not at all.

Several processes and threads may work on one file: it is written ahead (WAL), and whoever writes waits for the
others. What a transaction wrote is on the disk when it has ended.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from showtell.errors import ShowtellError, reason_of

__all__ = ["Database", "Migration", "Run"]

_WAIT_SECONDS = 60.0

Run = Callable[..., list[Any]]
"""Executes a statement with its values, and returns its rows."""


class Migration(NamedTuple):
    """A step towards the present tables. One that has been released is never changed; a new need is a new step.

    Attributes:
        name: what it adds.
        statements: SQL, executed in order in one transaction.
    """

    name: str
    statements: tuple[str, ...]


class Database:
    """An open SQLite file. Safe from several threads.

    Attributes:
        path: the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        called: str,
        error: type[ShowtellError],
        migrations: Sequence[Migration],
        application: int = 0,
        settings: Sequence[str] = (),
    ) -> None:
        """Open a file, or make it and its folder, and take the migrations that it lacks.

        Args:
            path: the file.
            called: what it is, as messages say it.
            error: what is raised when it is something else, is of a later version, or cannot be used.
            migrations: from an empty file to the present tables; ``PRAGMA user_version`` counts those taken.
            application: a number that tells it from other SQLite files; 0 for none.
            settings: further pragmas, with their values.
        """
        self.path, self._called, self._error = path, called, error
        self._lock = threading.RLock()
        with self._plain_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            self._check(len(migrations), application)
            with self._plain_errors():
                self._write_ahead(application)
            self._migrate(migrations)
            # What was reported as written survives a power cut.
            for setting in ("synchronous = FULL", *settings):
                self.rows(f"PRAGMA {setting}")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        with self._lock:
            self._connection.close()

    def rows(self, statement: str, *values: object) -> list[Any]:
        """The rows that a statement gives."""
        with self._lock, self._plain_errors():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Run]:
        """All of a block's changes or none, by one thread at a time; yields what executes a statement."""
        with self._lock:
            self.rows("BEGIN IMMEDIATE")
            try:
                yield self.rows
            except BaseException:
                self.rows("ROLLBACK")
                raise
            self.rows("COMMIT")

    def _check(self, version: int, application: int) -> None:
        """Refuse a file that is something else, or is of a later version."""
        # In this order: another process that makes the file now writes its number before its tables.
        [[tables]] = self.rows("SELECT count(*) FROM sqlite_master")
        [[number]] = self.rows("PRAGMA application_id")
        [[taken]] = self.rows("PRAGMA user_version")
        if (number != application and (tables or number)) or (tables and not taken):
            raise self._error(
                f"{self.path}: is a database, but not {self._called} of showtell; name another place"
            )
        if taken > version:
            raise self._error(f"{self.path}: was made by a later version of showtell; install that version")

    def _write_ahead(self, application: int) -> None:
        """Turn write-ahead logging on, which SQLite does not wait for when another process is at it."""
        end = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                if application:
                    self._connection.execute(f"PRAGMA application_id = {application}")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        """Take the steps that are missing, all of them or none; another process may do so meanwhile."""
        if self.rows("PRAGMA user_version")[0][0] == len(migrations):
            return
        with self.transaction() as run:
            [[taken]] = run("PRAGMA user_version")
            for migration in migrations[taken:]:
                for statement in migration.statements:
                    run(statement)
            run(f"PRAGMA user_version = {len(migrations)}")

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """What SQLite and the file system complain of, as the error of this kind of file."""
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:  # damaged text is none
            raise self._error(
                f"{self.path}: cannot be used as {self._called} ({reason_of(error)})"
            ) from error

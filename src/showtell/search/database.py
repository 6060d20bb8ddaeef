"""The SQLite file of a library: opening it, and transactions.

Several processes and threads may work on one file: it is written ahead (WAL), and whoever writes waits for the
others.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from showtell.errors import BadLibrary, reason_of
from showtell.search import migrations

__all__ = ["Database", "Run"]

_FILE = "library.sqlite"
_APPLICATION = 0x53686F77  # tells a library from any other SQLite file
_WAIT_SECONDS = 60.0


class Database:
    """An open library file. Safe from several threads.

    Attributes:
        path: the SQLite file.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open the library in a folder; both are made where they are missing.

        Raises:
            BadLibrary: the file is not a library, is of a later version, or cannot be opened.
        """
        self.path = Path(folder) / _FILE
        self._lock = threading.RLock()
        with self._plain_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
        try:
            with self._plain_errors():
                self._check()
                self._write_ahead()
                migrations.migrate(self._connection)
                self._connection.execute("PRAGMA foreign_keys = ON")
                # A commit is on the disk when it returns: what was reported done survives a power cut too.
                self._connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the object is of no use afterwards."""
        with self._lock:
            self._connection.close()

    @staticmethod
    def exists(folder: str | Path) -> bool:
        """Whether there is a library in a folder."""
        return (Path(folder) / _FILE).is_file()

    def mark(self) -> object:
        """A value that is another one after every change, by whatever process."""
        return self.rows("PRAGMA data_version")[0][0], self._connection.total_changes

    def _check(self) -> None:
        """Refuse a file that is not a library, or is of a later version."""
        # In this order: another process that makes the library now writes its number before its tables.
        empty = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        number = self._connection.execute("PRAGMA application_id").fetchone()[0]
        if number != _APPLICATION and not (empty and number == 0):
            raise BadLibrary(
                f"{self.path}: is a database, but not a library of showtell; name another folder"
            )
        if migrations.version(self._connection) > len(migrations.MIGRATIONS):
            raise BadLibrary(f"{self.path}: was made by a later version of showtell; install that version")

    def _write_ahead(self) -> None:
        """Turn write-ahead logging on, which SQLite does not wait for when another process is at it."""
        end = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """What SQLite and the file system complain of, as BadLibrary."""
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:  # damaged text is none
            raise BadLibrary(f"{self.path}: cannot be used as a library ({reason_of(error)})") from error

    def rows(self, statement: str, *values: object) -> list[Any]:
        """The rows that a statement gives."""
        with self._lock, self._plain_errors():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator["Run"]:
        """A transaction; what it yields executes a statement and returns its rows."""
        with self._lock, self._plain_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield Run(self._connection)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def setting(self, name: str) -> str | None:
        """What is kept under a name."""
        rows = self.rows("SELECT value FROM settings WHERE name = ?", name)
        return rows[0][0] if rows else None

    def set(self, name: str, value: str | None) -> None:
        """Keep something under a name."""
        with self.transaction() as run:
            run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, value)

    def set_once(self, name: str, value: str) -> None:
        """Keep something under a name that nothing is kept under."""
        with self.transaction() as run:
            run("INSERT OR IGNORE INTO settings VALUES (?, ?)", name, value)


class Run:
    """Executes a statement inside a transaction and returns its rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __call__(self, statement: str, *values: object) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()

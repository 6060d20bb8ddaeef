"""The tables of a library, as numbered steps from an empty file to the present schema.

A step that has been released is never changed; a new need is a new step at the end. ``PRAGMA user_version``
holds the number of the last step taken.
"""

import sqlite3
from typing import NamedTuple

__all__ = ["MIGRATIONS", "Migration", "migrate", "version"]


class Migration(NamedTuple):
    """One step.

    Attributes:
        name: what it adds.
        statements: SQL, executed in order in one transaction.
    """

    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        "pictures, captions and vectors",
        (
            # What a file holds, whatever its name: a moved file and a copy have the same contents.
            """CREATE TABLE contents (
                id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice
                hash BLOB NOT NULL UNIQUE,             -- SHA-256 of the file
                width INTEGER, height INTEGER,         -- pixels, as people see the picture
                taken TEXT                             -- ISO 8601, local time of the camera
            )""",
            """CREATE TABLE pictures (
                path BLOB PRIMARY KEY,                 -- absolute, as the file system has it
                size INTEGER, mtime_ns INTEGER,        -- NULL: look again next time
                content_id INTEGER REFERENCES contents (id),
                error TEXT                             -- why it cannot be read
            ) WITHOUT ROWID""",
            "CREATE INDEX pictures_of_contents ON pictures (content_id)",
            """CREATE TABLE captions (
                content_id INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
                author TEXT NOT NULL CHECK (author IN ('machine', 'person')),
                language TEXT NOT NULL,
                text TEXT NOT NULL,
                model TEXT,                            -- NULL: a person's words
                confidence REAL,
                made TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
                PRIMARY KEY (content_id, author, language)
            ) WITHOUT ROWID""",
            """CREATE TABLE vectors (
                id INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows, so that what is new can be asked for
                content_id INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
                model TEXT NOT NULL,
                vector BLOB NOT NULL,                  -- float16, little-endian
                UNIQUE (content_id, model)
            )""",
            "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
            "CREATE TABLE mounts (path BLOB PRIMARY KEY) WITHOUT ROWID",
            # One row for each contents; Han characters have spaces between them (`words.spaced`).
            "CREATE VIRTUAL TABLE words USING fts5 (machine, person, tokenize = 'porter unicode61')",
        ),
    ),
    Migration(
        "safety scores",
        (
            """CREATE TABLE safety (
                content_id INTEGER PRIMARY KEY REFERENCES contents (id) ON DELETE CASCADE,
                score REAL NOT NULL CHECK (score BETWEEN 0 AND 1),  -- probability that it is unfit to be shown
                model TEXT NOT NULL
            )""",
        ),
    ),
)


def version(connection: sqlite3.Connection) -> int:
    """How many steps a library has taken."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def migrate(connection: sqlite3.Connection) -> None:
    """Take the steps that are missing, all of them or none.

    Args:
        connection: in autocommit mode. Another process may migrate the same file meanwhile.
    """
    if version(connection) >= len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[version(connection) :]:
            for statement in migration.statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")

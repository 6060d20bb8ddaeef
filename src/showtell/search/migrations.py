"""The tables of a library, as numbered steps from an empty file to the present schema."""

from showtell.database import Migration

__all__ = ["MIGRATIONS"]

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

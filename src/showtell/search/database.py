"""The SQLite file of a library: where it is, and the settings in it."""

from pathlib import Path

from showtell.database import Database
from showtell.errors import BadLibrary
from showtell.search import migrations

__all__ = ["LibraryFile"]

_FILE = "library.sqlite"
_APPLICATION = 0x53686F77  # tells a library from any other SQLite file


class LibraryFile(Database):
    """An open library file. Safe from several threads."""

    def __init__(self, folder: str | Path) -> None:
        """Open the library in a folder; both are made where they are missing.

        Raises:
            BadLibrary: the file is not a library, is of a later version, or cannot be opened.
        """
        super().__init__(
            Path(folder) / _FILE,
            called="a library",
            error=BadLibrary,
            migrations=migrations.MIGRATIONS,
            application=_APPLICATION,
            settings=("foreign_keys = ON",),
        )

    @staticmethod
    def exists(folder: str | Path) -> bool:
        """Whether there is a library in a folder."""
        return (Path(folder) / _FILE).is_file()

    def mark(self) -> object:
        """A value that is another one after every change, by whatever process."""
        return self.rows("PRAGMA data_version")[0][0], self._connection.total_changes

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

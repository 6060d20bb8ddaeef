"""What a library knows: SQL and nothing else.

::

    pictures (path, size, time) ──> contents (hash) ──> captions, vectors, safety, words (full text)

Everything known about a picture belongs to its contents, so that moved files and copies cost nothing. Each method
is one transaction.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from showtell.database import Run
from showtell.search.database import LibraryFile
from showtell.search.records import Caption, Contents, FileState, Floats, Integers, Known
from showtell.search.words import phrase, spaced

__all__ = ["Store"]

_AT_ONCE = 500  # parameters of one statement

# Whether contents have a vector of a model, and the languages that they have a model's captions in.
_HAS = """
    EXISTS (SELECT 1 FROM vectors v WHERE v.content_id = {0} AND v.model = ?),
    (SELECT group_concat(language) FROM captions c
        WHERE c.content_id = {0} AND c.author = 'machine' AND c.model = ?)"""


class Store(LibraryFile):
    """The tables of an open library file."""

    # Files and contents.

    def known(
        self, paths: Sequence[str], *, vectors: str | None = None, captions: str | None = None
    ) -> dict[str, Known]:
        """What is known of these files; paths that are not in the library are left out.

        Args:
            vectors: the model whose vectors count; none unless given.
            captions: the model whose captions count; none unless given.
        """
        found: dict[str, Known] = {}
        for start in range(0, len(paths), _AT_ONCE):
            part = [os.fsencode(path) for path in paths[start : start + _AT_ONCE]]
            rows = self.rows(
                f"SELECT size, mtime_ns, content_id, error, {_HAS.format('p.content_id')}, path "
                f"FROM pictures p WHERE path IN ({_marks(part)})",
                vectors,
                captions,
                *part,
            )
            found |= {os.fsdecode(path): _known(row) for *row, path in rows}
        return found

    def known_contents(
        self, digest: bytes, *, vectors: str | None = None, captions: str | None = None
    ) -> Known | None:
        """What is known of contents by their hash, whatever file they were seen in."""
        rows = self.rows(
            f"SELECT NULL, NULL, id, NULL, {_HAS.format('o.id')} FROM contents o WHERE hash = ?",
            vectors,
            captions,
            digest,
        )
        return _known(rows[0]) if rows else None

    def save(self, found: Iterable[tuple[FileState, Contents | str]], *, model: str | None = None) -> None:
        """Write down what a batch of files holds, or why it could not be read: all of it or nothing.

        Args:
            found: for each file its contents, or an error.
            model: of the vectors.
        """
        with self.transaction() as run:
            for state, contents in found:
                if isinstance(contents, str):
                    self._save_picture(run, state, None, contents)
                    continue
                place = self._save_contents(run, contents, model)
                self._carry_words(run, state.path, place)
                self._save_picture(run, state, place, None)

    def drop(self, paths: Sequence[str]) -> list[int]:
        """Forget files, and contents that no file has any more, except those that a person has described.

        Returns:
            The ids of the contents that are gone.
        """
        with self.transaction() as run:
            for path in paths:
                run("DELETE FROM pictures WHERE path = ?", os.fsencode(path))
            return self._prune(run)

    def under(self, folder: str) -> Iterator[str]:
        """The paths of the pictures known in a folder and the folders in it, or of the one file, sorted."""
        rows = self.rows(
            "SELECT path FROM pictures WHERE path = ? OR (path >= ? AND path < ?) ORDER BY path",
            os.fsencode(folder),
            *_span(folder),
        )
        return (os.fsdecode(path) for (path,) in rows)

    # A person's words, and safety.

    def describe(self, contents: int, text: str | None, language: str) -> str | None:
        """Put a person's words about contents, or none, in place of earlier ones in the language: returned."""
        with self.transaction() as run:
            earlier = run(
                "DELETE FROM captions WHERE content_id = ? AND author = 'person' AND language = ? RETURNING text",
                contents,
                language,
            )
            if text is not None:
                self._save_caption(run, contents, Caption(text, language, "person"))
            self._refresh_words(run, contents)
        return earlier[0][0] if earlier else None

    def save_safety(self, digest: bytes, score: float, model: str) -> bool:
        """Keep a safety score; False when no such contents are known."""
        with self.transaction() as run:
            rows = run("SELECT id FROM contents WHERE hash = ?", digest)
            if rows:
                run("INSERT OR REPLACE INTO safety VALUES (?, ?, ?)", rows[0][0], score, model)
            return bool(rows)

    # What is asked.

    def counts(self) -> dict[str, int]:
        """How many ``pictures``, ``contents``, ``captions``, ``errors``, ``described`` and ``screened`` there are."""
        rows = self.rows(
            """SELECT (SELECT count(*) FROM pictures WHERE error IS NULL), (SELECT count(*) FROM contents),
                (SELECT count(*) FROM captions), (SELECT count(*) FROM pictures WHERE error IS NOT NULL),
                (SELECT count(*) FROM captions WHERE author = 'person'), (SELECT count(*) FROM safety)"""
        )
        names = ("pictures", "contents", "captions", "errors", "described", "screened")
        return dict(zip(names, rows[0], strict=True))

    def matching(self, term: str, *, column: str | None = None) -> Integers:
        """The ids of contents with a caption that has the term, ascending.

        Args:
            term: an English word, found in any of its forms, or a Chinese word.
            column: ``machine`` or ``person``, for captions by one alone.
        """
        expression = phrase(term) if column is None else f"{column}: {phrase(term)}"
        rows = self.rows("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", expression)
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def listed(
        self,
        *,
        folder: str | None = None,
        since: str | None = None,
        until: str | None = None,
        safe_below: float | None = None,
    ) -> Integers:
        """The ids of the contents of all pictures, or of those that pass the filters, ascending.

        Args:
            folder: pictures in it, and in the folders in it.
            since, until: ISO 8601; compared with when the picture was taken or, where that is not known, with
                when the file was changed. `since` is included, `until` is not.
            safe_below: those with a lower safety score; pictures without one are left out.
        """
        conditions = ["p.content_id IS NOT NULL"]
        values: list[object] = []
        if folder is not None:
            conditions.append("(path >= ? AND path < ?)")
            values += [*_span(folder)]
        time_of = (
            "coalesce(taken, strftime('%Y-%m-%dT%H:%M:%S', mtime_ns / 1000000000, 'unixepoch', 'localtime'))"
        )
        for bound, comparison in ((since, ">="), (until, "<")):
            if bound is not None:
                conditions.append(f"{time_of} {comparison} ?")
                values.append(bound)
        joins = "JOIN contents c ON c.id = p.content_id" if since is not None or until is not None else ""
        if safe_below is not None:
            joins += " JOIN safety s ON s.content_id = p.content_id"
            conditions.append("s.score < ?")
            values.append(safe_below)
        rows = self.rows(
            f"SELECT DISTINCT p.content_id FROM pictures p {joins} WHERE {' AND '.join(conditions)} "
            "ORDER BY p.content_id",
            *values,
        )
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def vectors(self, model: str, *, after: int = 0) -> tuple[int, Integers, Floats]:
        """Vectors of a model that were added after the row `after`.

        Returns:
            The last row, the ids of contents [N], and the vectors [N, E].
        """
        rows = self.rows(
            "SELECT id, content_id, vector FROM vectors WHERE model = ? AND id > ? ORDER BY id", model, after
        )
        ids = np.fromiter((row[1] for row in rows), np.int64, len(rows))
        return (rows[-1][0] if rows else after), ids, _floats([row[2] for row in rows])

    def vectors_of(self, model: str, contents: Sequence[int]) -> tuple[Integers, Floats]:
        """Those of some contents that have a vector of a model, ascending [N], and the vectors [N, E]."""
        rows = sorted(self._by_contents("vector, model", "vectors", contents, order="id").items())
        found = [(place, vector) for place, of in rows for vector, maker in of if maker == model]
        return np.array([place for place, _ in found], np.int64), _floats([vector for _, vector in found])

    def sample_vectors(self, model: str, number: int) -> Floats:
        """Vectors of a model picked evenly [at most `number`, E]; always the same of the same library."""
        [[last]] = self.rows("SELECT coalesce(max(id), 0) FROM vectors")
        picked = np.unique(np.linspace(1, max(1, last), number).astype(np.int64)).tolist()
        parts = [picked[start : start + _AT_ONCE] for start in range(0, len(picked), _AT_ONCE)]
        query = "SELECT vector FROM vectors WHERE model = ? AND id IN ({})"
        rows = [row for part in parts for row in self.rows(query.format(_marks(part)), model, *part)]
        return _floats([row[0] for row in rows])

    def with_vectors(self, model: str) -> Integers:
        """The ids of the contents that have a vector of a model, ascending."""
        rows = self.rows("SELECT content_id FROM vectors WHERE model = ? ORDER BY content_id", model)
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def vector_count(self, model: str) -> int:
        """How many vectors of a model there are."""
        count: int = self.rows("SELECT count(*) FROM vectors WHERE model = ?", model)[0][0]
        return count

    def paths(self, contents: Sequence[int]) -> dict[int, list[str]]:
        """The files of these contents, sorted."""
        return {
            key: [os.fsdecode(path) for (path,) in rows]
            for key, rows in self._by_contents("path", "pictures", contents, order="path").items()
        }

    def captions(self, contents: Sequence[int]) -> dict[int, list[Caption]]:
        """The captions of these contents: a person's first."""
        columns = "text, language, author, model, confidence"
        found = self._by_contents(columns, "captions", contents, order="author DESC, language")
        return {key: [Caption(*row) for row in rows] for key, rows in found.items()}

    def copies(self) -> list[list[str]]:
        """Paths of the same contents, where there are several."""
        rows = self.rows(
            "SELECT content_id FROM pictures WHERE content_id IS NOT NULL GROUP BY content_id "
            "HAVING count(*) > 1 ORDER BY min(path)"
        )
        ids = [row[0] for row in rows]
        paths = self.paths(ids)
        return [paths[key] for key in ids]

    def errors(self) -> list[tuple[str, str]]:
        """The files that could not be read, and why."""
        rows = self.rows("SELECT path, error FROM pictures WHERE error IS NOT NULL ORDER BY path")
        return [(os.fsdecode(path), error) for path, error in rows]

    def mounts(self) -> list[str]:
        """The mount points that pictures have been found under."""
        return [os.fsdecode(path) for (path,) in self.rows("SELECT path FROM mounts ORDER BY path")]

    def add_mounts(self, paths: Iterable[str]) -> None:
        """Remember mount points."""
        with self.transaction() as run:
            for path in paths:
                run("INSERT OR IGNORE INTO mounts VALUES (?)", os.fsencode(path))

    # Helpers.

    def _by_contents(
        self, columns: str, table: str, contents: Sequence[int], *, order: str
    ) -> dict[int, list[Any]]:
        """Rows of a table by the contents that they belong to."""
        found: dict[int, list[Any]] = {}
        for start in range(0, len(contents), _AT_ONCE):
            part = [int(key) for key in contents[start : start + _AT_ONCE]]
            rows = self.rows(
                f"SELECT content_id, {columns} FROM {table} WHERE content_id IN ({_marks(part)}) ORDER BY {order}",
                *part,
            )
            for key, *row in rows:
                found.setdefault(key, []).append(row)
        return found

    def _save_picture(self, run: Run, state: FileState, place: int | None, error: str | None) -> None:
        run(
            "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?)",
            os.fsencode(state.path),
            state.size if state.size >= 0 else None,
            state.mtime_ns if state.size >= 0 else None,
            place,
            error,
        )

    def _save_contents(self, run: Run, contents: Contents, model: str | None) -> int:
        """The id of contents, with what is new about them written down."""
        run(
            "INSERT INTO contents (hash, width, height, taken) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE SET "
            "width = coalesce(excluded.width, width), height = coalesce(excluded.height, height), "
            "taken = coalesce(excluded.taken, taken)",
            contents.hash,
            contents.width,
            contents.height,
            contents.taken,
        )
        [[place]] = run("SELECT id FROM contents WHERE hash = ?", contents.hash)
        if contents.vector is not None and model is not None:
            # Vectors of other models are of no use beside those of the model in use.
            run("DELETE FROM vectors WHERE content_id = ? AND model <> ?", place, model)
            run(
                "INSERT OR IGNORE INTO vectors (content_id, model, vector) VALUES (?, ?, ?)",
                place,
                model,
                contents.vector.astype("<f2").tobytes(),
            )
        for caption in contents.captions:
            self._save_caption(run, place, caption)
        if contents.captions:
            self._refresh_words(run, place)
        return int(place)

    def _save_caption(self, run: Run, place: int, caption: Caption) -> None:
        run(
            "INSERT OR REPLACE INTO captions (content_id, author, language, text, model, confidence) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            place,
            caption.author,
            caption.language,
            caption.text,
            caption.model,
            caption.confidence,
        )

    def _carry_words(self, run: Run, path: str, place: int) -> None:
        """A person's words stay with a file that was edited: with its new contents, unless those have their own."""
        before = run(
            "SELECT content_id FROM pictures WHERE path = ? AND content_id <> ?", os.fsencode(path), place
        )
        for (old,) in before:
            carried = run(
                "INSERT OR IGNORE INTO captions SELECT ?, author, language, text, model, confidence, made "
                "FROM captions WHERE content_id = ? AND author = 'person' RETURNING 1",
                place,
                old,
            )
            if carried:
                self._refresh_words(run, place)

    def _refresh_words(self, run: Run, place: int) -> None:
        """Write the full-text row of contents anew. Where a person has spoken, the machine is not searched."""
        rows = run(
            "SELECT author, language, text FROM captions WHERE content_id = ? ORDER BY language", place
        )
        described = {language for author, language, _ in rows if author == "person"}
        text = {
            who: " . ".join(
                spaced(words)
                for author, language, words in rows
                if author == who and (who == "person" or language not in described)
            )
            for who in ("machine", "person")
        }
        run("DELETE FROM words WHERE rowid = ?", place)
        run("INSERT INTO words (rowid, machine, person) VALUES (?, ?, ?)", place, *text.values())

    def _prune(self, run: Run) -> list[int]:
        """Forget contents that no file has, but for those with a person's words."""
        gone = run(
            "DELETE FROM contents AS c WHERE NOT EXISTS (SELECT 1 FROM pictures WHERE content_id = c.id) "
            "AND NOT EXISTS (SELECT 1 FROM captions WHERE content_id = c.id AND author = 'person') RETURNING id"
        )
        for (place,) in gone:
            run("DELETE FROM words WHERE rowid = ?", place)
        return [place for (place,) in gone]


def _floats(halves: Sequence[bytes]) -> Floats:
    """Vectors in half precision, as they are stored [N] -> [N, E]."""
    width = len(halves[0]) // 2 if halves else 0
    return np.frombuffer(b"".join(halves), "<f2").reshape(len(halves), width).astype(np.float32)


def _known(row: Sequence[Any]) -> Known:
    size, mtime_ns, contents, error, embedded, languages = row
    captioned = frozenset[str](languages.split(",")) if languages else frozenset[str]()
    return Known(size, mtime_ns, contents, error, bool(embedded), captioned)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _span(folder: str) -> tuple[bytes, bytes]:
    """The first path in a folder and the first after it, in the order of bytes."""
    inside = os.fsencode(folder.rstrip(os.sep) + os.sep)
    return inside, inside[:-1] + bytes([inside[-1] + 1])

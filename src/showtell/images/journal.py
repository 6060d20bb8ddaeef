"""Files written whole or not at all, and a journal by which every change can be taken back to the last bit.

A run is a file of JSON lines in the journal's folder. A line is written, and is on the disk, before the file that
it tells of is changed::

    {"path", "kind", "model", "text", "before", "after", "edits": [[offset, length, base64], …], "mtime_ns"}
    {"undone": path, "after": …}

``before`` and ``after`` are SHA-256 of the whole file, ``before`` null for a file that was made; ``edits`` lead
back from ``after`` to ``before``.
"""

import base64
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from showtell.errors import ShowtellError
from showtell.files import umask
from showtell.images.edits import Edit, apply, inverse

__all__ = ["Entry", "Journal", "Undone", "journal_folder", "replace_file"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one file.

    Attributes:
        run: the name of the run.
        path: the file.
        kind: what was written: ``sidecar``, ``xmp-sidecar`` or ``metadata``.
        model, text: who said it, and what.
        before, after: SHA-256 of the file; `before` is None for a file that was made.
        edits: lead from `after` back to `before`.
        mtime_ns: when the file had been changed before.
    """

    run: str
    path: Path
    kind: str
    model: str
    text: str
    before: str | None
    after: str
    edits: tuple[Edit, ...]
    mtime_ns: int | None


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of a change that was to be taken back.

    Attributes:
        path: the file.
        restored: whether it is as it was.
        reason: why not, or how.
    """

    path: Path
    restored: bool
    reason: str


def journal_folder() -> Path:
    """Where journals are kept: the user's own folder for what programs note, or ``SHOWTELL_JOURNAL``."""
    if named := os.environ.get("SHOWTELL_JOURNAL"):
        return Path(named)
    from platformdirs import user_state_path

    return user_state_path("showtell", appauthor=False) / "journal"


class Journal:
    """The journal of one user.

    Args:
        folder: where it is; `journal_folder` unless given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or journal_folder()
        self._run = self.folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.jsonl"
        self._machine: dict[Path, dict[str, str]] | None = None

    def write(
        self, path: Path, new: bytes, *, old: bytes | None, edits: Sequence[Edit], **entry: str
    ) -> None:
        """Note a change, then make it.

        Args:
            path: the file.
            new, old: its bytes afterwards and before; `old` is None for a file that is made.
            edits: lead from `old` to `new`; empty for a file that is made.
            entry: `kind`, `model` and `text` as in `Entry`.

        Raises:
            OSError: the journal or the file cannot be written; the file is then as it was.
        """
        path = Path(os.path.realpath(path))
        back = [] if old is None else inverse(old, edits)
        after = _digest(new)
        line = {
            "path": os.fspath(path),
            **entry,
            "before": None if old is None else _digest(old),
            "after": after,
            "edits": [[edit.offset, edit.length, base64.b64encode(edit.new).decode()] for edit in back],
            "mtime_ns": None if old is None else path.stat().st_mtime_ns,
        }
        self._note(self._run, line)
        replace_file(path, new)
        if self._machine is not None:
            self._machine.setdefault(path, {})[after] = entry["model"]

    def model_of(self, path: Path, data: bytes) -> str | None:
        """The model that wrote a file as it is; None when a person has, or has changed it."""
        if self._machine is None:
            self._machine = {}
            for entry in self.entries():
                self._machine.setdefault(entry.path, {})[entry.after] = entry.model
        return self._machine.get(Path(os.path.realpath(path)), {}).get(_digest(data))

    def runs(self) -> list[str]:
        """The names of the runs, oldest first."""
        return sorted(path.stem for path in self.folder.glob("*.jsonl"))

    def entries(self) -> Iterator[Entry]:
        """Every change that is not taken back, oldest first.

        Raises:
            ShowtellError: a journal cannot be read.
        """
        for run in self.runs():
            path = self.folder / f"{run}.jsonl"
            try:
                lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
            except OSError as error:
                raise ShowtellError(f"{path}: cannot be read ({error.strerror})") from error
            # A last line without an end was being written when the program was killed: its file is unchanged.
            rows = [_row(path, number, line) for number, line in enumerate(lines[:-1], 1)]
            undone = {(row["undone"], row["after"]) for row in rows if "undone" in row}
            yield from (
                _entry(run, row)
                for row in rows
                if "undone" not in row and (row["path"], row["after"]) not in undone
            )

    def undo(self, entry: Entry, *, dry_run: bool = False) -> Undone:
        """Take one change back, if the file is still as it was left.

        Args:
            entry: the change.
            dry_run: only say what would be done.
        """
        try:
            state = self._undo(entry, dry_run)
        except OSError as error:
            return Undone(entry.path, False, f"cannot be restored ({error.strerror})")
        if state.restored and not dry_run:
            note = {"undone": os.fspath(entry.path), "after": entry.after}
            self._note(self.folder / f"{entry.run}.jsonl", note)
        return state

    def _undo(self, entry: Entry, dry_run: bool) -> Undone:
        if not entry.path.exists():
            gone = "is gone" if entry.before else "is gone already"
            return Undone(entry.path, entry.before is None, gone)
        data = entry.path.read_bytes()
        digest = _digest(data)
        if digest == entry.before:
            return Undone(entry.path, True, "is as it was")
        if digest != entry.after:
            return Undone(entry.path, False, "was changed since by another program, so it is left as it is")
        if entry.before is None:
            if not dry_run:
                entry.path.unlink()
            return Undone(entry.path, True, "removed")
        old = apply(data, entry.edits)
        if _digest(old) != entry.before:
            return Undone(entry.path, False, "cannot be restored, because its journal is damaged")
        if not dry_run:
            replace_file(entry.path, old, mtime_ns=entry.mtime_ns)
        return Undone(entry.path, True, "restored")

    def _note(self, path: Path, line: dict[str, Any]) -> None:
        """Add a line, and wait until it is on the disk."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab+") as file:
            _drop_half_line(file)
            file.write(json.dumps(line).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())


def replace_file(path: Path, data: bytes, *, mtime_ns: int | None = None) -> None:
    """Give a file new content: at any moment it is the old one or the new one, whole.

    Its rights, and its owner where that is permitted, stay. A link stays a link to the file that is written. Not
    `showtell.files.written_whole`, since names of pictures may be as long as names can be, and threads may write the
    same file.

    Raises:
        OSError: it cannot be written; PermissionError too for a file that is there and protected.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "writing it is not permitted", os.fspath(path))
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copystat(path, part)
            _keep_owner(path, part)
            if mtime_ns is None:
                os.utime(part)
            else:
                os.utime(part, ns=(mtime_ns, mtime_ns))
        else:
            part.chmod(0o666 & ~umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _drop_half_line(file: BinaryIO) -> None:
    """Cut off the line that was being written when the program was killed: what it tells of was not done."""
    end = place = file.seek(0, os.SEEK_END)
    while place:
        size = min(place, 2**16)
        file.seek(place - size)
        found = file.read(size).rfind(b"\n")
        if found >= 0:
            place += found + 1 - size
            break
        place -= size
    if place < end:
        file.truncate(place)


def _keep_owner(path: Path, part: Path) -> None:
    if not hasattr(os, "chown"):
        return
    status = path.stat()
    if (status.st_uid, status.st_gid) != (part.stat().st_uid, part.stat().st_gid):
        with suppress(PermissionError):
            os.chown(part, status.st_uid, status.st_gid)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not {"after"} < row.keys():
        raise ShowtellError(f"{path}: line {number} is damaged; move this file away to go on without it")
    return row


def _entry(run: str, row: dict[str, Any]) -> Entry:
    edits = tuple(Edit(offset, length, base64.b64decode(new)) for offset, length, new in row["edits"])
    return Entry(
        run=run,
        path=Path(row["path"]),
        kind=row["kind"],
        model=row["model"],
        text=row["text"],
        before=row["before"],
        after=row["after"],
        edits=edits,
        mtime_ns=row["mtime_ns"],
    )

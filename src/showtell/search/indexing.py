"""Folders into a library: what is new is encoded, captioned and written down, a batch at a time.

::

    walk ──> what has changed ──> read, hash ──> encode ──> describe ──> one transaction
             (size and time)      (in threads; contents that are known cost no encoding)
"""

import hashlib
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from showtell.captioning.batches import in_threads
from showtell.captioning.onnx import default_threads
from showtell.errors import BadImage
from showtell.progress import Advance, Progress
from showtell.search.records import Caption, Contents, FileState, Known
from showtell.search.store import Store
from showtell.search.walking import Walk, mount_points_above, sort_missing, walk

if TYPE_CHECKING:
    from showtell.captioning.base import Captioner, Encoded

__all__ = ["Forget", "Indexed", "Indexer", "content_hash"]

BATCH = 8
"""Pictures that are written down together: a kill loses no more of each thread's work."""

MAX_BYTES = 2**29
"""A larger file is no picture."""

Forget = Callable[[Path, int], bool]
"""Asked, with a folder and how many known pictures cannot be found there, whether to forget them."""


@dataclass(slots=True)
class Indexed:
    """What an index run did.

    Attributes:
        pictures: files that were found.
        unchanged: those known already, as they are.
        added: those encoded or captioned now.
        moved: those whose contents were known under another name.
        removed: files that are gone and were forgotten.
        kept: files that are gone, perhaps only for now, and were not forgotten; by folder.
        errors: files and folders that could not be read this time, and why.
        unreadable: files that could not be read earlier and have not changed.
        passed_over: how many files of each kind that looks like a picture are not read here.
        seconds: how long it took.
    """

    pictures: int = 0
    unchanged: int = 0
    added: int = 0
    moved: int = 0
    removed: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)
    unreadable: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def content_hash(content: bytes) -> bytes:
    """What tells a file's contents from others: SHA-256."""
    return hashlib.sha256(content).digest()


class Indexer:
    """Keeps a library up to date with folders."""

    def __init__(
        self,
        store: Store,
        captioner: "Captioner",
        *,
        space: str | None,
        captions_by: str,
        languages: Sequence[str],
        retry: bool = False,
    ) -> None:
        """Set up a run.

        Args:
            captioner: encodes and describes.
            space: the name of its vectors' space; None when it makes none.
            captions_by: the name that its captions are kept under.
            languages: to caption in; none for no captions.
            retry: try pictures again that could not be read.
        """
        self._store, self._captioner = store, captioner
        self._space, self._captions_by, self._languages = space, captions_by, tuple(languages)
        self._retry = retry

    def run(
        self, roots: Sequence[str], *, progress: Progress = Progress(), forget: Forget | None = None
    ) -> Indexed:
        """Index folders and files.

        Args:
            roots: absolute paths.
            forget: decides about pictures that may be on a disk that is not there; without it they are kept.
        """
        began = time.monotonic()
        result = Indexed()
        walks = [(root, walk(root)) for root in roots]
        for root, found in walks:
            result.errors += found.errors
            result.passed_over += found.passed_over
            if not os.path.lexists(root) and next(self._store.under(root), None) is None:
                result.errors.append((root, "there is no such file or folder"))
            if found.mounts or found.files:
                self._store.add_mounts([*found.mounts, *mount_points_above(root)])
        states = list({state.path: state for _, found in walks for state in found.files}.values())
        result.pictures = len(states)
        changed = self._changed(states, result)
        if changed:
            with progress.bar(len(changed), "Indexing") as advance:
                self._encode(changed, result, advance)
        for root, found in walks:
            self._drop_missing(root, found, result, forget)
        self._store.drop([])  # contents that no file has any more, after edits
        result.seconds = time.monotonic() - began
        return result

    def _changed(self, states: Sequence[FileState], result: Indexed) -> list[FileState]:
        """The files that there is something to do about."""
        changed = []
        known = self._known([state.path for state in states])
        for state in states:
            before = known.get(state.path)
            if before is None or not self._is_done(state, before):
                changed.append(state)
            elif before.error is not None:
                result.unreadable += 1
            else:
                result.unchanged += 1
        return changed

    def _is_done(self, state: FileState, known: Known) -> bool:
        """Whether there is nothing to do about a file."""
        if (known.size, known.mtime_ns) != (state.size, state.mtime_ns):
            return False
        return not self._retry if known.error is not None else not self._wanting(known)

    def _known(self, paths: Sequence[str]) -> dict[str, Known]:
        return self._store.known(paths, vectors=self._space, captions=self._captions_by)

    def _wanting(self, known: Known) -> bool:
        """Whether contents lack a vector or a caption."""
        return (self._space is not None and not known.embedded) or bool(self._uncaptioned(known))

    def _uncaptioned(self, known: Known | None) -> list[str]:
        """The languages that a caption is missing in."""
        captioned = known.captioned if known is not None else frozenset()
        return [language for language in self._languages if language not in captioned]

    def _encode(self, states: Sequence[FileState], result: Indexed, advance: Advance) -> None:
        """Read, encode and write down files, while as many batches as there are threads are worked on ahead."""
        threads = default_threads()
        looked_at = in_threads(lambda part, stop: [self._look_at(part, stop)], states, threads, batch=BATCH)
        with closing(looked_at):  # after Ctrl-C nobody waits for pictures that will not be written down
            for outcomes in looked_at:
                self._write(outcomes, result)
                advance(len(outcomes))

    def _look_at(self, batch: Sequence[FileState], stop: Event) -> "list[_Outcome]":
        """What a batch of files holds. Runs in a thread."""
        meanwhile = self._known([state.path for state in batch])
        outcomes = []
        for state in batch:
            if stop.is_set():
                return []
            known = meanwhile.get(state.path)
            # Another indexer may have been here.
            outcomes.append(_Outcome(state) if known and self._is_done(state, known) else self._read(state))
        for language in self._languages:
            self._describe([outcome for outcome in outcomes if language in outcome.uncaptioned], language)
        return outcomes

    def _read(self, state: FileState) -> "_Outcome":
        """One file: its hash and, where its contents are not known, what the encoder makes of it."""
        try:
            content = _content(state)
            digest = content_hash(content)
            known = self._store.known_contents(digest, vectors=self._space, captions=self._captions_by)
            if known is not None and not self._wanting(known):
                return _Outcome(state, hash=digest)
            encoded = self._captioner.encode(content)
        except OSError as error:  # which may pass without a change of the file
            return _Outcome(FileState(state.path, -1, -1), error=f"cannot be read ({error.strerror})")
        except BadImage as error:
            return _Outcome(state, error=error.reason)
        return _Outcome(
            state, hash=digest, facts=_facts(content), encoded=encoded, uncaptioned=self._uncaptioned(known)
        )

    def _describe(self, outcomes: "Sequence[_Outcome]", language: str) -> None:
        """Caption what was encoded."""
        encoded = [outcome.encoded for outcome in outcomes if outcome.encoded is not None]
        if not encoded:
            return
        for outcome, caption in zip(
            outcomes, self._captioner.describe(encoded, language=language), strict=True
        ):
            outcome.captions.append(
                Caption(caption.text, language, "machine", self._captions_by, caption.confidence)
            )

    def _write(self, outcomes: "Sequence[_Outcome]", result: Indexed) -> None:
        """Write a batch down, and then count it."""
        found = [(outcome.state, outcome.contents()) for outcome in outcomes if outcome.found]
        self._store.save(found, model=self._space)
        for outcome in outcomes:
            if not outcome.found:
                result.unchanged += 1
            elif outcome.error is not None:
                result.errors.append((outcome.state.path, outcome.error))
            elif outcome.encoded is not None:
                result.added += 1
            else:
                result.moved += 1

    def _drop_missing(self, root: str, found: Walk, result: Indexed, forget: Forget | None) -> None:
        """Forget the files under a root that are gone, but none that may come back without asking."""
        there = {state.path for state in found.files}
        unread = tuple(folder + os.sep for folder in found.unread)
        missing = [
            path
            for path in self._store.under(root)
            if path not in there
            and path not in found.unread
            and not path.startswith(unread)
            and not os.path.lexists(path)
        ]
        gone, doubtful = sort_missing(missing, root, self._store.mounts())
        for folder, paths in doubtful.items():
            if forget is not None and forget(Path(folder), len(paths)):
                gone += paths
            else:
                result.kept[folder] = len(paths)
        self._store.drop(gone)
        result.removed += len(gone)


@dataclass(slots=True)
class _Outcome:
    """What became of one file; nothing but its state where another indexer has seen to it.

    Attributes:
        uncaptioned: languages that a caption is wanted in.
    """

    state: FileState
    hash: bytes | None = None
    error: str | None = None
    facts: "_Facts | None" = None
    encoded: "Encoded | None" = None
    uncaptioned: Sequence[str] = ()
    captions: list[Caption] = field(default_factory=list)

    @property
    def found(self) -> bool:
        """Whether there is something to write down."""
        return self.hash is not None or self.error is not None

    def contents(self) -> Contents | str:
        """As the store takes it."""
        if self.hash is None:
            return str(self.error)
        facts = self.facts or _Facts()
        vector = None if self.encoded is None else self.encoded.embedding
        return Contents(self.hash, facts.width, facts.height, facts.taken, vector, tuple(self.captions))


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a file says of its picture."""

    width: int | None = None
    height: int | None = None
    taken: str | None = None


def _content(state: FileState) -> bytes:
    """A file's bytes."""
    if state.size > MAX_BYTES:
        raise BadImage(state.path, f"is larger than any picture that is read ({MAX_BYTES // 2**20} MB)")
    return Path(state.path).read_bytes()


def _facts(content: bytes) -> _Facts:
    """Size and time of a picture that has been decoded already."""
    from PIL import Image

    try:
        with Image.open(BytesIO(content)) as image:
            tags = image.getexif()
            width, height = image.size
            if tags.get(_ORIENTATION, 1) >= 5:  # it lies on its side
                width, height = height, width
            taken = tags.get_ifd(_EXIF).get(_TIME_ORIGINAL) or tags.get(_TIME)
    except Exception:  # what a file says of itself may be broken in every way
        return _Facts()
    match = _EXIF_TIME.match(str(taken or ""))
    return _Facts(width, height, "{}-{}-{}T{}".format(*match.groups()) if match else None)


# Tags of EXIF, and its form of a time.
_ORIENTATION, _EXIF, _TIME_ORIGINAL, _TIME = 0x0112, 0x8769, 0x9003, 0x0132
_EXIF_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")

"""A library as its users see it: answers with thumbnails, and ids in place of paths.

An id is drawn by chance when a picture is first shown, and means nothing to anybody else: whoever asks by id can reach
what an answer has shown, and nothing more.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from showtell.errors import BadImage, ShowtellError
from showtell.images.thumbnails import thumbnail
from showtell.safety import Screener, Verdict
from showtell.search import Found, Library, Match
from showtell.search.duplicates import NEARLY_SAME

__all__ = ["Answer", "Gallery", "Hit", "NoSuchPicture", "Thumbnail"]

REMEMBERED = 20_000  # pictures that were shown and can be asked about
GONE = "the picture is gone or cannot be read any longer"
OFFERED = 100  # pictures that look nearly the same
UNDONE = 1_000  # corrections that can be taken back
THUMBNAIL = 320  # pixels of the longer side


class NoSuchPicture(ShowtellError):
    """No answer has shown a picture with this id, or it is gone."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture that was found.

    Attributes:
        id: by which it can be asked about.
        name: of its file, without the folders.
        path: of its file; not for those who ask over HTTP.
        match: why it was found, and its best caption.
    """

    id: str
    name: str
    path: Path
    match: Match


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    Attributes:
        hits: the pictures, the most probable first.
        nothing: whether nothing in the library is likely to be what was asked for.
        nearest: whether ``anyway`` would show the nearest all the same.
    """

    hits: tuple[Hit, ...]
    nothing: bool
    nearest: bool


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture.

    Attributes:
        jpeg: its bytes.
        safety: whether it is fit to be shown, where that can be said.
    """

    jpeg: bytes
    safety: Verdict | None


@dataclass(frozen=True, slots=True)
class _Change:
    """A person's words that were kept, and theirs that stood there before."""

    path: str
    language: str
    words: str
    before: str | None


class Gallery:
    """A library, searched; safe from several threads."""

    def __init__(self, library: Library, screener: Screener | None = None) -> None:
        """Show a library.

        Args:
            library: it; closed by `close`.
            screener: what says whether a picture is fit to be shown.
        """
        self.library = library
        self._screener = screener
        self._lock = threading.Lock()
        self._paths: OrderedDict[str, str] = OrderedDict()  # id -> path, the latest shown last
        self._ids: dict[str, str] = {}
        self._verdicts: OrderedDict[tuple[str, int], Verdict] = OrderedDict()
        self._changes: OrderedDict[str, list[_Change]] = OrderedDict()  # by the correction they belong to

    def close(self) -> None:
        """Close the library."""
        self.library.close()

    def find(self, query: str, *, without: str | None = None, top: int = 24, anyway: bool = False) -> Answer:
        """Find pictures by words.

        Args:
            query: what they show, in English or Chinese.
            without: what they must not show.
            top: how many at most.
            anyway: also what is not likely.

        Raises:
            ShowtellError: the words make no sense.
        """
        return self._answer(self.library.find(query, without=without, top=top, anyway=anyway))

    def alike(self, picture_id: str, *, top: int = 24) -> Answer:
        """Find pictures that look like one that was shown.

        Raises:
            NoSuchPicture: no answer has shown it, or its file is gone or no picture any longer.
        """
        try:
            return self.alike_picture(self.path(picture_id), top=top)
        except (BadImage, OSError) as error:
            raise NoSuchPicture(GONE) from error

    def alike_picture(self, source: Path | bytes, *, top: int = 24) -> Answer:
        """Find the pictures that look most like any picture.

        Raises:
            BadImage: it is no picture.
        """
        return self._answer(self.library.find(like=source, top=top, anyway=True))

    def path(self, picture_id: str) -> Path:
        """The file of a picture that was shown.

        Raises:
            NoSuchPicture: no answer has shown it.
        """
        with self._lock:
            found = self._paths.get(picture_id)
        if found is None:
            raise NoSuchPicture("there is no such picture; search again")
        return Path(found)

    def thumbnail(self, picture_id: str) -> Thumbnail:
        """A small JPEG of a picture that was shown.

        Raises:
            NoSuchPicture: no answer has shown it, or its file is gone or no picture any longer.
        """
        path = self.path(picture_id)
        try:
            return Thumbnail(thumbnail(path, THUMBNAIL), self._verdict(path))
        except (BadImage, OSError) as error:
            raise NoSuchPicture(GONE) from error

    def describe(
        self, picture_ids: Sequence[str], words: str, language: str, *, correction: str | None = None
    ) -> int:
        """Keep a person's words about pictures that were shown, and say how many there were.

        Args:
            picture_ids: of the pictures.
            words: what the person says.
            language: of the words.
            correction: the feedback they are spread from, with which they are taken back: see `take_back`.

        Raises:
            NoSuchPicture: no answer has shown one of them, or its file is gone; then nothing is kept.
            ShowtellError: there are no words.
        """
        if not words.strip():
            raise ShowtellError("text: there are no words in it")
        paths = [self.path(picture_id) for picture_id in picture_ids]
        if not all(path.is_file() for path in paths):
            raise NoSuchPicture(GONE)
        try:
            for path in paths:
                self._keep(str(path), words, language, correction)
        except BadImage as error:
            raise NoSuchPicture(GONE) from error
        return len(paths)

    def learn(
        self, digest: str, words: str, language: str, *, correction: str | None = None
    ) -> tuple[Hit, ...]:
        """Keep a person's words about the picture with these contents, where the library has it.

        Args:
            digest: SHA-256 of the picture's file.
            words: what the person says.
            language: of the words.
            correction: as for `describe`.

        Returns:
            Pictures that look nearly the same and have no person's words yet: they may be offered the same words.
        """
        files = [file for file in self.library.files_of(digest) if Path(file).is_file()]
        if not files:
            return ()
        try:
            self._keep(files[0], words, language, correction)
            found = self.library.find(like=files[0], top=OFFERED, anyway=True)
        except BadImage:  # the file has just gone
            return ()
        own = {*files}
        return tuple(
            self._hit(match)
            for match in found
            if match.path not in own
            and match.similarity is not None
            and match.similarity >= NEARLY_SAME
            and not match.by_person
        )

    def take_back(self, correction: str) -> None:
        """Put back what stood in the library before a correction, wherever nothing was written since."""
        with self._lock:
            changes = self._changes.pop(correction, [])
        for change in reversed(changes):
            now = [
                one.text
                for one in self.library.captions(change.path)
                if (one.author, one.language) == ("person", change.language)
            ]
            if now != [change.words]:
                continue
            if change.before is None:
                self.library.undescribe(change.path, change.language)
            elif Path(change.path).is_file():
                self.library.describe(change.path, change.before, language=change.language)

    def _keep(self, path: str, words: str, language: str, correction: str | None) -> None:
        """Keep words in the library, and remember what they replace."""
        before = self.library.describe(path, words, language=language)
        if correction is None:
            return
        with self._lock:
            change = _Change(path, language, " ".join(words.split()), before)
            self._changes.setdefault(correction, []).append(change)
            if len(self._changes) > UNDONE:
                self._changes.popitem(last=False)

    def _verdict(self, path: Path) -> Verdict | None:
        """Whether a picture is fit to be shown, from memory where its file has not changed."""
        if self._screener is None:
            return None
        key = (str(path), path.stat().st_mtime_ns)
        with self._lock:
            known = self._verdicts.get(key)
        verdict = known or self._screener.screen(path)
        with self._lock:
            self._verdicts[key] = verdict
            if len(self._verdicts) > REMEMBERED:
                self._verdicts.popitem(last=False)
        return verdict

    def _answer(self, found: Found) -> Answer:
        hits = tuple(self._hit(match) for match in found)
        return Answer(hits, found.nothing, nearest=found.searched > 0)

    def _hit(self, match: Match) -> Hit:
        return Hit(self._id(match.path), Path(match.path).name, Path(match.path), match)

    def _id(self, path: str) -> str:
        """The id by which a path may be asked about from now on."""
        with self._lock:
            name = self._ids.get(path)
            if name is None:
                name = self._ids[path] = secrets.token_urlsafe(12)
            self._paths[name] = path
            self._paths.move_to_end(name)
            if len(self._paths) > REMEMBERED:
                _, oldest = self._paths.popitem(last=False)
                del self._ids[oldest]
            return name

"""The pictures that wait to be described, a few at a time, so that stopping is quick and the chosen one comes first."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from showtell.apps.desktop.listing import Listing, Picture
from showtell.apps.desktop.texts import Texts
from showtell.apps.desktop.work import Work

if TYPE_CHECKING:
    from showtell.apps.service import Described, Service

__all__ = ["AT_ONCE", "Describing"]

AT_ONCE = 3  # pictures that are described at a time


class Describing:
    """A queue of pictures of the list.

    Attributes:
        service: what describes them; nothing begins while it is None.
        done, total: pictures since the queue was last empty.
        stopped: whether what is described now is the rest of what was stopped.
    """

    def __init__(
        self, listing: Listing, work: Work, texts: Texts, changed: Callable[[str | None], None]
    ) -> None:
        """Wait for pictures.

        Args:
            listing: the pictures.
            work: where they are described.
            texts: what the window says.
            changed: called with the key of a picture that is done, and with None when the count has changed.
        """
        self.service: Service | None = None
        self.done = self.total = 0
        self.stopped = False
        self._listing = listing
        self._work = work
        self._texts = texts
        self._changed = changed
        self._queue: deque[str] = deque()
        self._running: set[str] = set()

    @property
    def busy(self) -> bool:
        """Whether pictures wait or are being described."""
        return bool(self._queue or self._running)

    def add(self, keys: Iterable[str]) -> None:
        """Describe pictures after those that wait."""
        keys = list(keys)
        self.stopped = False
        self._queue.extend(keys)
        self.total += len(keys)
        self.go_on()

    def first(self, key: str) -> None:
        """Describe a picture before those that wait."""
        if key in self._running:
            return
        self.stopped = False
        if key in self._queue:
            self._queue.remove(key)
        else:
            self.total += 1
        self._queue.appendleft(key)
        self.go_on()

    def stop(self) -> None:
        """Describe no more pictures; those that are begun are finished."""
        self.stopped = True
        for key in self._queue:
            if key in self._listing.pictures:
                self._listing.pictures[key].line = ""
                self._listing.refresh(key)
        self.total -= len(self._queue)
        self._queue.clear()
        self.go_on()

    def rename(self, keys: Mapping[str, str]) -> None:
        """Go on with the same pictures after the list has given them other keys; others are left out."""
        left = [*self._running, *self._queue]
        self._queue = deque(keys[key] for key in left if key in keys)
        self._running.clear()
        self.total = self.done + len(self._queue)
        self.go_on()

    def go_on(self) -> None:
        """Begin with the next pictures, as many as are described at a time."""
        while self.service is not None and self._queue and len(self._running) < AT_ONCE:
            key = self._queue.popleft()
            picture = self._listing.pictures.get(key)
            if picture is None or picture.described is not None or key in self._running:
                self.done += 1
                continue
            self._begin(key, picture, self.service)
        self._changed(None)
        if not self.busy:
            self.done = self.total = 0

    def _begin(self, key: str, picture: Picture, service: "Service") -> None:
        self._running.add(key)
        if not picture.line or picture.line == self._texts("waiting"):
            picture.line = self._texts("looking")
            self._listing.refresh(key)

        def described(result: "Described") -> None:
            picture.described = result
            self._finished(key)

        def failed(error: Exception) -> None:
            picture.error = self._texts("failed", reason=getattr(error, "reason", str(error)))
            self._finished(key)

        screen = service.screener is not None
        self._work.start(
            lambda: service.caption(picture.path, language="both", screen=screen), described, failed
        )

    def _finished(self, key: str) -> None:
        if key in self._running:
            self._running.discard(key)
            self.done += 1
        self._listing.refresh(key)
        self._changed(key)
        self.go_on()

"""Work that is asked for one piece at a time by many threads, and done in batches by a few."""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

from showtell.errors import ShowtellError

__all__ = ["Batcher", "Busy", "Closed", "Turns"]

Item = TypeVar("Item")
Result = TypeVar("Result")


TOO_MUCH = "too much is being asked for at once; try again in a moment"


class Busy(ShowtellError):
    """More was asked for than may wait; ask again a little later."""


class Closed(ShowtellError):
    """The service has ended."""


@dataclass(slots=True)
class _Job(Generic[Item, Result]):
    """One piece of work, and where its result goes."""

    item: Item
    key: Hashable
    future: Future[Result] = field(default_factory=Future)


class Batcher(Generic[Item, Result]):
    """A bounded queue, and threads that take batches out of it.

    A thread that is free takes what waits, and begins at once when nothing else is being worked on: someone alone
    does not wait for company. While other threads work, it waits a moment for a batch to fill. Items of one batch
    have the same key.
    """

    def __init__(
        self,
        work: Callable[[Hashable, Sequence[Item]], Sequence[Result | Exception]],
        *,
        workers: int,
        size: int,
        wait: float,
        room: int,
    ) -> None:
        """Start the threads.

        Args:
            work: gets a key and items that share it, and returns a result or an exception for each, in order.
            workers: threads.
            size: items of a batch at most.
            wait: seconds that a batch may wait for more items while other threads work.
            room: items that may wait; more are refused.
        """
        self._work = work
        self._size = size
        self._wait = wait
        self._room = room
        self._waiting: deque[_Job[Item, Result]] = deque()
        self._changed = threading.Condition()
        self._busy = 0
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"showtell-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, items: Sequence[tuple[Hashable, Item]]) -> list[Future[Result]]:
        """Ask for work on all of the items, each beside its key, or on none.

        Raises:
            Busy: so many do not fit into the queue now.
            Closed: after `close`.
        """
        jobs: list[_Job[Item, Result]] = [_Job(item, key) for key, item in items]
        with self._changed:
            if self._closed:
                raise Closed("the service has ended")
            if len(self._waiting) + len(jobs) > self._room:
                raise Busy(TOO_MUCH)
            self._waiting.extend(jobs)
            self._changed.notify_all()
        return [job.future for job in jobs]

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return len(self._waiting)

    def close(self) -> None:
        """Finish what was asked for, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._do(batch)
            finally:
                with self._changed:
                    self._busy -= 1

    def _do(self, batch: Sequence[_Job[Item, Result]]) -> None:
        """Work on a batch and hand out what came of it."""
        wanted = [job for job in batch if job.future.set_running_or_notify_cancel()]
        if not wanted:
            return
        try:
            results = self._work(wanted[0].key, [job.item for job in wanted])
        except Exception as error:  # whoever asked is told; the thread goes on
            results = [error] * len(wanted)
        for job, result in zip(wanted, results, strict=True):
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    def _next(self) -> list[_Job[Item, Result]]:
        """Wait for the next batch; an empty one means the end."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            until = time.monotonic() + self._wait
            while self._busy and len(self._waiting) < self._size and not self._closed:
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            if not self._waiting:  # another thread was quicker
                return self._next()
            self._busy += 1
            return self._taken()

    def _taken(self) -> list[_Job[Item, Result]]:
        """The first item and those behind it with the same key, out of the queue."""
        key = self._waiting[0].key
        batch: list[_Job[Item, Result]] = []
        left: deque[_Job[Item, Result]] = deque()
        while self._waiting and len(batch) < self._size:
            job = self._waiting.popleft()
            (batch if job.key == key else left).append(job)
        self._waiting.extendleft(reversed(left))
        return batch


class Turns:
    """Lets a few threads at a time work, and some wait; more are refused. A context manager for each of them."""

    def __init__(self, workers: int, *, room: int) -> None:
        """Nobody is at work.

        Args:
            workers: threads that work at a time.
            room: threads that may wait.
        """
        self._places = threading.BoundedSemaphore(workers + room)
        self._working = threading.BoundedSemaphore(workers)

    def __enter__(self) -> Self:
        """Wait for one's turn.

        Raises:
            Busy: too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise Busy(TOO_MUCH)
        self._working.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._working.release()
        self._places.release()

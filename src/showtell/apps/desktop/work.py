"""What takes a while: done in threads that touch no widget, and told to the window by the main thread alone."""

import queue
import time
import tkinter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

__all__ = ["Work"]

Result = TypeVar("Result")

EVERY = 20  # milliseconds between looks at what is done
AT_MOST = 0.012  # seconds that results may keep the window from drawing


class Work:
    """Threads for a window.

    Attributes:
        closed: whether the window has ended.
    """

    def __init__(self, root: tkinter.Misc, threads: int = 4) -> None:
        """Begin to look for results.

        Args:
            root: the window.
            threads: pieces of work that are done at a time.
        """
        self._root = root
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="showtell-window")
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.closed = False
        self._again = ""
        self._poll()

    def start(
        self,
        do: Callable[[], Result],
        then: Callable[[Result], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do something in a thread; then call one of two functions in the main thread."""

        def run() -> None:
            try:
                result = do()
            except Exception as error:  # the window tells the user
                self._done.put(partial(failed, error))
            else:
                self._done.put(partial(then, result))

        self._pool.submit(run)

    def close(self) -> None:
        """Give up what has not begun; what is being done ends unheard."""
        self.closed = True
        self._root.after_cancel(self._again)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _poll(self) -> None:
        until = time.monotonic() + AT_MOST
        while not self.closed and time.monotonic() < until:
            try:
                tell = self._done.get_nowait()
            except queue.Empty:
                break
            tell()
        if not self.closed:
            self._again = self._root.after(EVERY, self._poll)

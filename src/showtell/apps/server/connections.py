"""Connections that say nothing are given up, so that they cannot keep others out."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Patient"]


class Patient(H11Protocol):
    """HTTP/1.1 as uvicorn has it, which waits for the head of a request for a while and no longer.

    Attributes:
        seconds: that a connection may take to send the head of a request, its first or a later one.
    """

    seconds: ClassVar[float] = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch a connection."""
        super().connection_made(transport)
        self._silent_since = self.loop.time()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch it no longer."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _watch(self) -> None:
        self._timer = self.loop.call_later(self.seconds / 5, self._look)

    def _look(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:  # a request is being answered
            self._silent_since = self.loop.time()
        elif self.loop.time() - self._silent_since > self.seconds:
            self.transport.close()
            return
        self._watch()

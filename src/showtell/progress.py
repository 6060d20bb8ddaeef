"""How long work reports to its caller: a bar, and short messages."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

Advance = Callable[[int], None]
"""Called with the number of steps done since its last call."""

Bar = Callable[[int | None, str], AbstractContextManager[Advance]]
"""Total and description -> a context whose value is an ``Advance``."""


def no_bar(_total: int | None, _description: str) -> AbstractContextManager[Advance]:
    """A bar that shows nothing."""
    return nullcontext(lambda _steps: None)


@dataclass(frozen=True)
class Progress:
    """Silent unless the caller gives it a bar and a place for messages."""

    bar: Bar = no_bar
    note: Callable[[str], None] = lambda _message: None


def duration(seconds: float) -> str:
    """Seconds as people say them: ``40 s``, ``12 min``, ``2 h 05 min``."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"

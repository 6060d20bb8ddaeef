"""How the training wing speaks to whoever called it: a bar for long work, and short messages."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

# total, description -> a context whose value is called with the number of steps done
Bar = Callable[[int | None, str], AbstractContextManager[Callable[[int], None]]]


def no_bar(_total: int | None, _description: str) -> AbstractContextManager[Callable[[int], None]]:
    """A bar that shows nothing."""
    return nullcontext(lambda _steps: None)


@dataclass(frozen=True)
class Reporter:
    """Silent unless the caller gives it a bar and a voice."""

    bar: Bar = no_bar
    note: Callable[[str], None] = lambda _message: None


def advancing(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """A progress that is told how many are done, over a bar that is told how many more."""
    before = 0

    def move(done: int, _total: int) -> None:
        nonlocal before
        advance(done - before)
        before = done

    return move

"""``showtell caption --screen``: captions of pictures that may be unfit to be shown are marked, or withheld."""

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from showtell.captioning.base import Result
    from showtell.safety import Screening

__all__ = ["Screen", "name_of", "screened"]

Screen = Literal["mark", "withhold"]


def screened(
    results: "Generator[Result, None, None]",
    sources: Sequence[str | bytes],
    how: Screen | None,
    unsafe: dict[str, float],
    *,
    each: int,
) -> "Generator[Result, None, None]":
    """Results of pictures that are screened on the way, or the same results for None.

    Args:
        results: of the sources, in their order.
        how: whether an unsafe picture keeps its captions, or gets one result that says why it has none.
        unsafe: gets the score of each unsafe picture, by its name.
        each: how many results a picture has that can be read.

    Raises:
        MissingExtra: what screens is not installed.
    """
    if how is None:
        return results
    from showtell.safety import Screener

    return _screened(results, Screener().screen_many(sources), how, unsafe, each)


def _screened(
    results: "Generator[Result, None, None]",
    screenings: "Generator[Screening, None, None]",
    how: Screen,
    unsafe: dict[str, float],
    each: int,
) -> "Generator[Result, None, None]":
    from showtell.captioning.base import Result

    with closing(results), closing(screenings):
        for first, screening in zip(results, screenings, strict=True):
            own = [first, *islice(results, each - 1 if first.ok else 0)]
            verdict = screening.verdict
            if verdict is not None and verdict.unsafe:
                unsafe[name_of(first)] = verdict.score
                if how == "withhold":
                    reason = (
                        f"withheld, since it may not be fit to be shown to everybody ({verdict.score:.2f})"
                    )
                    own = [Result(first.path, error=reason)]
            yield from own


def name_of(result: "Result") -> str:
    """What rows call a picture."""
    return "-" if result.path is None else str(result.path)

"""What a search gives."""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Duplicates", "Found", "Match"]


@dataclass(frozen=True, slots=True)
class Match:
    """A picture that was found.

    Attributes:
        path: the picture; the first of its files where it has several.
        copies: its other files, with the same contents.
        probability: that it answers the query, 0 to 1; None where the bundle has no calibration for the search.
        why: ``words``, ``vector`` or ``both``; where the query is a picture always ``vector``.
        words: those of the query that are in its captions.
        similarity: cosine of the query's vector and the picture's; None without vectors.
        caption, language: the best caption there is, a person's before the machine's; None without any.
        by_person: whether that caption is a person's.
    """

    path: str
    probability: float | None
    why: str
    words: tuple[str, ...] = ()
    similarity: float | None = None
    caption: str | None = None
    language: str | None = None
    by_person: bool = False
    copies: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why it matched, in words."""
        parts = []
        if self.words:
            whose = "your words say" if self.by_person else "the caption says"
            parts.append(f"{whose} {', '.join(self.words)}")
        if self.why != "words" and self.similarity is not None:
            parts.append(f"it looks like it ({self.similarity:.2f})")
        return " and ".join(parts) or "it is among the nearest"


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query. Iterating over it gives the matches.

    Attributes:
        matches: what is likely, the best first; with ``anyway`` also what is not.
        nothing: whether nothing in the library is likely to be what was asked for.
        searched: how many pictures came into question after the filters.
        without_vector: how many of the library's pictures have no vector of the model in use, so that words alone find
            them.
    """

    matches: tuple[Match, ...]
    nothing: bool
    searched: int
    without_vector: int = 0

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)

    def __len__(self) -> int:
        return len(self.matches)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Pictures that are the same or nearly the same.

    Attributes:
        paths: sorted.
        same: whether the files are the same to the byte.
        similarity: the least cosine that joined them; 1 where they are the same.
    """

    paths: tuple[str, ...]
    same: bool
    similarity: float

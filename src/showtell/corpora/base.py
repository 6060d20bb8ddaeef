"""What every corpus comes down to: pictures with references, and plain sentences about its flaws."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from showtell.errors import BadCorpus


@dataclass(frozen=True, slots=True)
class Reference:
    """One caption that came with a picture.

    Attributes:
        text: the caption as it was written.
        language: ``en`` or ``zh``.
        source: ``people``, or who translated it (``baidu``).
    """

    text: str
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Example:
    """A picture and its references.

    Attributes:
        id: the file name without its last extension.
        path: where the picture lies.
        references: the captions, in the order of the corpus; at least one.
        split: ``train``, ``dev`` or ``test``, or None for a picture in no list.
    """

    id: str
    path: Path
    references: tuple[Reference, ...]
    split: str | None


@dataclass(frozen=True)
class Corpus:
    """Examples in a fixed order (that of their file names), however the captions were ordered.

    Attributes:
        name: what the corpus is called in messages and tables.
        examples: every picture that is there and has a reference.
        warnings: known flaws, a plain sentence each.
        missing: names in the caption files that have no picture.
        orphans: pictures that have no caption.
    """

    name: str
    examples: tuple[Example, ...]
    warnings: list[str] = field(default_factory=list)
    missing: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that hold a picture, in the order train, dev, test, others."""
        order = {"train": 0, "dev": 1, "test": 2}
        found = {example.split for example in self.examples if example.split is not None}
        return tuple(sorted(found, key=lambda name: (order.get(name, len(order)), name)))

    def split(self, name: str | None) -> tuple[Example, ...]:
        """The examples of one split, in the order of the corpus; ``None`` for those in no list.

        Raises:
            BadCorpus: the corpus has no split of this name.
        """
        if name is not None and name not in self.splits:
            there = ", ".join(self.splits) or "no splits at all, for want of split lists"
            raise BadCorpus(f"the corpus {self.name} has no split {name!r}; it has {there}")
        return tuple(example for example in self.examples if example.split == name)


def references_of(corpus: Corpus, examples: Iterable[Example], language: str) -> dict[str, list[str]]:
    """What captions in a language are compared with, by the picture's id; pictures without any are left out.

    Translated captions count only where people wrote none at all.

    Raises:
        BadCorpus: nothing is left.
    """
    spoken = {
        example.id: [reference for reference in example.references if reference.language == language]
        for example in examples
    }
    by_people = any(reference.source == "people" for found in spoken.values() for reference in found)
    texts = {
        name: [reference.text for reference in found if reference.source == "people" or not by_people]
        for name, found in spoken.items()
    }
    chosen = {name: found for name, found in texts.items() if found}
    if not chosen:
        raise BadCorpus(f"the corpus {corpus.name} has no captions in {language!r} for these pictures")
    return chosen


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not blank, each with its number from 1, without line ends.

    Raises:
        BadCorpus: the file cannot be read or a line is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadCorpus(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise broken_line(path, line, "is not UTF-8 text") from None
    for number, written in enumerate(text.split("\n"), 1):
        if written.strip():
            yield number, written.rstrip("\r")


def broken_line(path: Path, number: int, what: str) -> BadCorpus:
    """The error for one line: ``FILE, line N: the line WHAT``."""
    return BadCorpus(f"{path}, line {number}: the line {what}")


def counted(number: int, one: str, many: str) -> str:
    """``1 caption says`` or ``3,000 captions say``."""
    return f"{number:,} {one if number == 1 else many}"

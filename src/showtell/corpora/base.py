"""What every corpus comes down to: pictures with references, and plain sentences about its flaws."""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from showtell.errors import BadCorpus, reason_of
from showtell.text.printable import shown

PEOPLE = "people"
"""The source of captions that people wrote while they looked at the picture."""

MODEL = "model"
"""The source of captions that a model wrote: trained on, never scored against."""

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Reference:
    """One caption that came with a picture.

    Attributes:
        text: the caption as it was written.
        language: ``en`` or ``zh``.
        source: who wrote it: ``people``, a translator's name (``baidu``), or ``model``.
    """

    text: str
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Example:
    """A picture and all its captions.

    Figures are never made with ``references`` as they stand here, for some may be a model's; see
    `Corpus.scoring_references`.

    Attributes:
        id: the file name without its last extension; with the folder's or the corpus's name before it where
            two pictures would have the same id.
        path: where the picture lies.
        references: the captions, in the order of the corpus; at least one.
        split: ``train``, ``dev`` or ``test``, or None for a picture in no list.
        corpus: the name of the corpus that it comes from, one of `Corpus.parts`.
    """

    id: str
    path: Path
    references: tuple[Reference, ...]
    split: str | None
    corpus: str = ""


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
    def parts(self) -> tuple[str, ...]:
        """The names of the corpora that this one is joined from, in order; one name for a single corpus."""
        return tuple(dict.fromkeys(example.corpus for example in self.examples))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the captions, in the order of the corpus."""
        return tuple(dict.fromkeys(ref.language for example in self for ref in example.references))

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
            there = shown(", ".join(self.splits)) or "no splits at all, for want of split lists"
            raise BadCorpus(f"the corpus {self.name} has no split {name!r}; it has {there}")
        return tuple(example for example in self.examples if example.split == name)

    @property
    def training_examples(self) -> tuple[Example, ...]:
        """What is trained on: the train split and the pictures that stand in no split."""
        return tuple(example for example in self.examples if example.split in ("train", None))

    def scoring_references(self, examples: Iterable[Example], language: str) -> dict[str, list[str]]:
        """What captions in a language are scored against, by the picture's id.

        Captions that a model wrote never count; translated ones count only where people wrote none for any of
        these pictures. Pictures that are left without any are left out.

        Raises:
            BadCorpus: nothing is left.
        """
        examples = tuple(examples)
        own = {
            example.id: [
                ref for ref in example.references if ref.language == language and ref.source != MODEL
            ]
            for example in examples
        }
        by_people = any(ref.source == PEOPLE for found in own.values() for ref in found)
        texts = {
            name: [ref.text for ref in found if ref.source == PEOPLE or not by_people]
            for name, found in own.items()
        }
        chosen = {name: found for name, found in texts.items() if found}
        if not chosen:
            modelled = any(ref.language == language for one in examples for ref in one.references)
            but = " but those of a model, which are never scored against" if modelled else ""
            raise BadCorpus(f"the corpus {self.name} has no captions in {language!r} for these pictures{but}")
        return chosen

    def training_documents(self, language: str) -> dict[str, list[str]]:
        """What CIDEr's document frequencies are counted in, by the picture's id: one document a picture.

        The pictures are those of the train splits, or all of a part that has no splits. A picture's document is
        what people said of it, or all that is said of it where people said nothing.

        Raises:
            BadCorpus: there is no train picture with a caption in this language.
        """
        divided = {example.corpus for example in self if example.split is not None}
        documents = {
            example.id: _by_people_if_any(example, language)
            for example in self
            if example.split == "train" or (example.split is None and example.corpus not in divided)
        }
        documents = {name: texts for name, texts in documents.items() if texts}
        if not documents:
            raise BadCorpus(f"the corpus {self.name} has no captions in {language!r} for its train pictures")
        return documents

    def fingerprint(self, languages: Collection[str] | None = None) -> str:
        """A hash of what is trained and validated on: ids, splits and captions in order, never where files lie.

        The test split is left out, and so are captions in other languages than those asked for (all unless
        given) and what the pictures show.
        """
        digest = hashlib.sha256()
        for example in self:
            found = [
                (ref.language, ref.source, ref.text)
                for ref in example.references
                if languages is None or ref.language in languages
            ]
            if found and example.split != "test":
                digest.update(json.dumps([example.id, example.split, found]).encode() + b"\n")
        return digest.hexdigest()


def _by_people_if_any(example: Example, language: str) -> list[str]:
    own = [ref for ref in example.references if ref.language == language]
    by_people = any(ref.source == PEOPLE for ref in own)
    return [ref.text for ref in own if ref.source == PEOPLE or not by_people]


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not blank, each with its number from 1, without line ends.

    Raises:
        BadCorpus: the file cannot be read or a line is not UTF-8.
    """
    for number, written in enumerate(read_text(path).split("\n"), 1):
        if written.strip():
            yield number, written.rstrip("\r")


def read_text(path: Path) -> str:
    """A whole file of UTF-8 text, without a byte order mark.

    Raises:
        BadCorpus: the file cannot be read or a line is not UTF-8.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadCorpus(f"{path} cannot be read: {reason_of(error)}") from error
    return decoded(content, path)


def decoded(content: bytes, path: Path) -> str:
    """The text of a file's bytes, without a byte order mark.

    Raises:
        BadCorpus: a line is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise broken_line(path, line, "is not UTF-8 text") from None


def broken_line(path: Path, number: int, what: str) -> BadCorpus:
    """The error for one line: ``FILE, line N: the line WHAT``."""
    return BadCorpus(f"{path}, line {number}: the line {what}")

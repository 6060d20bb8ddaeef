"""How many pictures an n-gram describes: counted once from the train split, kept in a JSON file.

CIDEr weights n-grams by these counts. Taken from a small scored set they mean nothing, so they can come from
a file instead. N-grams of one picture alone are left out: CIDEr treats them as it treats unknown ones.

The file: ``{"format": 1, "pictures": 6000, "language": "en", "tokeniser": "ptb", "ngrams": {"a dog": 812}}``
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from showtell.errors import BadCorpus, reason_of
from showtell.files import write_json
from showtell.metrics.ngrams import MAXIMUM_ORDER, Integers, NgramIndex, Words
from showtell.text.tokenisers import tokeniser_named

FORMAT = 1
_MOST_PICTURES = 10**12


@dataclass(frozen=True, slots=True)
class DocumentFrequencies:
    """Of `pictures` pictures, how many have a reference with each n-gram (1 to 4 words, a space between)."""

    counts: Mapping[str, int] = field(repr=False)
    pictures: int
    language: str
    tokeniser: str

    @classmethod
    def build(
        cls,
        references: Iterable[Sequence[str]],
        *,
        language: str = "en",
        tokeniser: str | None = None,
    ) -> "DocumentFrequencies":
        """Count the captions of each picture; take the train split only, or the test leaks into the score.

        Args:
            references: the captions of each picture.
            language: ``en`` or ``zh``; decides the tokeniser unless that is named.
            tokeniser: one of `showtell.text.tokenisers.TOKENISERS`.

        Raises:
            ShowtellError: an unknown language or tokeniser.
        """
        chosen = tokeniser_named(tokeniser, language)
        counts: Counter[str] = Counter()
        pictures = 0
        for captions in references:
            counts.update({gram for caption in captions for gram in _grams(chosen(caption).split())})
            pictures += 1
        several = {gram: number for gram, number in sorted(counts.items()) if number > 1}
        return cls(several, pictures, language, chosen.name)

    @property
    def source(self) -> str:
        """A name for signatures: the number of pictures and a checksum of the counts."""
        import hashlib

        text = json.dumps(sorted(self.counts.items()), ensure_ascii=False)
        return f"file-{self.pictures}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"

    def of(self, index: NgramIndex) -> Integers:
        """The counts in order of the index's ids, zero where these pictures have none: [index.known]."""
        grams = index.grams(Words.of(list(self.counts)))
        whole = (grams.order == grams.lengths[grams.caption] - 1) & (grams.gram < index.known)
        values = np.fromiter(self.counts.values(), np.int64, len(self.counts))
        frequency = np.zeros(index.known, np.int64)
        frequency[grams.gram[whole]] = values[grams.caption[whole]]
        return frequency

    def save(self, path: str | Path) -> None:
        """Write the JSON file, whole or not at all.

        Raises:
            BadCorpus: an n-gram holds half a character, which no file can hold.
            OSError: the file cannot be written.
        """
        content = {
            "format": FORMAT,
            "pictures": self.pictures,
            "language": self.language,
            "tokeniser": self.tokeniser,
            "ngrams": dict(self.counts),
        }
        try:
            write_json(Path(path), content, indent=0)
        except UnicodeEncodeError:
            raise BadCorpus(f"{path} cannot be written: a caption holds half a character") from None

    @classmethod
    def load(cls, path: str | Path) -> "DocumentFrequencies":
        """Read the JSON file.

        Raises:
            BadCorpus: it cannot be read, or holds anything but document frequencies.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise BadCorpus(
                f"the document frequencies {path} cannot be read ({reason_of(error)}); "
                "make them with `showtell data SPEC --idf FILE`"
            ) from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise BadCorpus(
                f"{path} holds no document frequencies of format {FORMAT}; "
                "make them with `showtell data SPEC --idf FILE`"
            )
        counts, pictures = content.get("ngrams"), content.get("pictures")
        if not isinstance(pictures, int) or not isinstance(counts, dict) or not _sound(counts, pictures):
            raise BadCorpus(
                f"the document frequencies {path} need a number of pictures, and for each n-gram a count "
                "between 1 and that number; make them again"
            )
        return cls(counts, pictures, str(content.get("language")), str(content.get("tokeniser")))


def _grams(words: Sequence[str]) -> Iterable[str]:
    for order in range(1, MAXIMUM_ORDER + 1):
        for start in range(len(words) - order + 1):
            yield " ".join(words[start : start + order])


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _sound(counts: Mapping[str, object], pictures: int) -> bool:
    """Whether n-grams are text that can be encoded, and counts numbers that can be."""
    if not _is_count(pictures, _MOST_PICTURES):
        return False
    try:
        "".join(counts).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return all(_is_count(number, pictures) for number in counts.values())

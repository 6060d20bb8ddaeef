"""A captioner on a corpus: what it says of each picture of a split, and how good that is."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from showtell.captioner import Captioner, Options
from showtell.corpora import Corpus, Example
from showtell.errors import BadCorpus, BadImage
from showtell.metrics import Report, score

__all__ = ["Evaluation", "evaluate", "references_of"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    language: of the captions.
    captions: what was said, by the picture's id.
    report: how good it is.
    seconds: what captioning took, from files to sentences; loading the captioner and scoring are not in it.
    """

    language: str
    captions: dict[str, str]
    report: Report
    seconds: float

    @property
    def captions_a_second(self) -> float:
        """How fast it captioned, on this machine and with these options."""
        return len(self.captions) / max(self.seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: the report, its language and the speed."""
        return {
            **self.report.to_dict(),
            "language": self.language,
            "captions_a_second": round(self.captions_a_second, 2),
        }


def evaluate(
    captioner: Captioner,
    corpus: Corpus,
    *,
    split: str = "dev",
    progress: Callable[[int], None] = lambda steps: None,
    **options: Unpack[Options],
) -> Evaluation:
    """Caption every picture of a split and score the captions against what people said.

    Where people wrote nothing in the language, its translated captions stand in. `progress` is called with the
    number of pictures done since its last call; `options` are those of `Captioner.caption_many`.

    Raises BadCorpus when there is nothing to compare with, BadImage when a picture cannot be read (a figure
    without it would be another figure), ValueError for options that make no sense.
    """
    language = options.get("language") or captioner.languages[0]
    if language == "both":
        raise ValueError("one evaluation is of one language; ask for en or zh")
    options["language"] = language
    examples = corpus.split(split)
    references = references_of(corpus, examples, language)
    seen = [example for example in examples if example.id in references]
    captions: dict[str, str] = {}
    began = time.monotonic()
    for example, result in zip(
        seen, captioner.caption_many([example.path for example in seen], **options), strict=True
    ):
        if result.caption is None:
            raise BadImage(f"{example.path}: {result.error}")
        captions[example.id] = result.caption.text
        progress(1)
    seconds = time.monotonic() - began
    return Evaluation(language, captions, score(captions, references, language=language), seconds)


def references_of(corpus: Corpus, examples: Sequence[Example], language: str) -> dict[str, list[str]]:
    """What captions in a language are compared with, by the picture's id; pictures without any are left out.

    Translated captions count only where people wrote none at all. Raises BadCorpus when nothing is left.
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

"""A captioner on a corpus: what it says of each picture of a split, and how good that is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Unpack

from showtell.captioner import Captioner, Options
from showtell.corpora import Corpus, references_of
from showtell.errors import BadImage
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

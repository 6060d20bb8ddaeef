"""A captioner on a corpus: what it says of each picture of a split, and how good that is."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from showtell.captioning.base import Caption, Options
from showtell.captioning.captioner import BundleCaptioner
from showtell.corpora import Corpus
from showtell.errors import BadImage
from showtell.metrics import Report, score

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    language: of the captions.
    found: the captions, by the picture's id.
    report: how good it is.
    made_with: what the figures are of: model, corpus, split, beam and length exponent.
    seconds: what captioning took, from files to sentences; loading the captioner and scoring are not in it.
    """

    language: str
    found: Mapping[str, Caption]
    report: Report
    made_with: Mapping[str, Any]
    seconds: float

    @property
    def captions(self) -> dict[str, str]:
        """What was said, by the picture's id."""
        return {name: caption.text for name, caption in self.found.items()}

    @property
    def captions_per_second(self) -> float:
        """How fast it captioned, on this machine and with these options."""
        return len(self.found) / max(self.seconds, 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """As JSON: the report, what it is of, and the speed."""
        return {
            **self.report.to_dict(),
            **self.made_with,
            "language": self.language,
            "captions_per_second": round(self.captions_per_second, 2),
        }


def evaluate(
    captioner: BundleCaptioner,
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
    references = corpus.scoring_references(examples, language)
    seen = [example for example in examples if example.id in references]
    found: dict[str, Caption] = {}
    began = time.monotonic()
    for example, result in zip(
        seen, captioner.caption_many([example.path for example in seen], **options), strict=True
    ):
        if result.caption is None:
            raise BadImage(example.path, str(result.error))
        found[example.id] = result.caption
        progress(1)
    seconds = time.monotonic() - began
    captions = {name: caption.text for name, caption in found.items()}
    report = score(captions, references, language=language, training=_learnt_from(corpus, language))
    made_with = {
        "model": f"{captioner.name} {captioner.version}",
        "corpus": corpus.name,
        "split": split,
        "beam": options.get("beam") or captioner.decoding.beam,
        "length_exponent": captioner.decoding.length_exponent,
    }
    return Evaluation(language, found, report, made_with, seconds)


def _learnt_from(corpus: Corpus, language: str) -> list[str] | None:
    """The captions in a language that a captioner may have learnt by heart; None when there are none."""
    captions = [
        reference.text
        for example in corpus.training_examples
        for reference in example.references
        if reference.language == language
    ]
    return captions or None

"""A captioner on a corpus: its caption of each picture of a split, and how good they are."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from showtell.captioning.base import Caption, Captioner, Options
from showtell.captioning.captioner import BundleCaptioner
from showtell.corpora import Corpus, Example
from showtell.corpora.base import MODEL
from showtell.errors import BadImage
from showtell.metrics import Report, score
from showtell.progress import Progress

__all__ = ["Evaluation", "evaluate", "evaluate_all", "scored_languages"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    Attributes:
        language: of the captions.
        found: the captions, by the picture's id.
        report: how good they are.
        made_with: what the figures are of: model, corpus, split, beam and length exponent.
        seconds: what captioning took, from files to sentences; loading the captioner and scoring are not in it.
            For a part of a joined corpus, its share of the whole.
    """

    language: str
    found: Mapping[str, Caption]
    report: Report
    made_with: Mapping[str, Any]
    seconds: float

    @property
    def captions(self) -> dict[str, str]:
        """The captions' texts, by the picture's id."""
        return {name: caption.text for name, caption in self.found.items()}

    @property
    def corpus(self) -> str:
        """The name of the corpus, or of the part of a joined one."""
        return str(self.made_with["corpus"])

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
    captioner: Captioner,
    corpus: Corpus,
    *,
    split: str = "dev",
    progress: Progress = Progress(),
    **options: Unpack[Options],
) -> Evaluation:
    """Caption every picture of a split and score the captions against what people wrote.

    Where people wrote nothing in the language, its translated captions stand in; captions that a model wrote never
    do.

    Args:
        progress: shows a bar over the captions.
        **options: those of `showtell.Captioner.caption_many`; one language, the captioner's first unless given.

    Raises:
        BadCorpus: there is nothing to compare with.
        BadImage: a picture cannot be read (a figure without it would be another figure).
        ValueError: the options make no sense.
    """
    return _evaluations(captioner, corpus, split, progress, options)[0]


def evaluate_all(
    captioner: Captioner,
    corpus: Corpus,
    *,
    split: str = "dev",
    progress: Progress = Progress(),
    **options: Unpack[Options],
) -> list[Evaluation]:
    """Evaluate every language of the captioner that the corpus can be scored in, and each part of a joined corpus.

    Args:
        progress: shows a bar over the captions.
        **options: as `evaluate` takes them; a language restricts it to that one.

    Returns:
        The captioner's first language first; for each language the whole corpus, then its parts where there are
        several.

    Raises:
        BadCorpus, BadImage, ValueError: as `evaluate`.
    """
    languages = scored_languages(captioner, corpus, split)
    if options.get("language") or not languages:
        return _evaluations(captioner, corpus, split, progress, options)
    each: list[Options] = [{**options, "language": language} for language in languages]
    return [one for given in each for one in _evaluations(captioner, corpus, split, progress, given)]


def scored_languages(captioner: Captioner, corpus: Corpus, split: str) -> tuple[str, ...]:
    """The captioner's languages that a split has captions in, but those of a model."""
    there = {
        reference.language
        for example in corpus.split(split)
        for reference in example.references
        if reference.source != MODEL
    }
    return tuple(language for language in captioner.languages if language in there)


def _evaluations(
    captioner: Captioner, corpus: Corpus, split: str, progress: Progress, options: Options
) -> list[Evaluation]:
    """In one language: of the whole corpus, then of its parts where there are several."""
    language = options.get("language") or captioner.languages[0]
    if language == "both":
        raise ValueError("one evaluation is of one language; ask for en or zh")
    examples = corpus.split(split)
    references = corpus.scoring_references(examples, language)
    examples = tuple(example for example in examples if example.id in references)
    title = f"Captioning {corpus.name}, {language}"
    began = time.monotonic()
    captions = _captions(captioner, examples, title, progress, {**options, "language": language})
    seconds = time.monotonic() - began
    training = _training_captions(corpus, language)

    def scored(name: str, among: Sequence[Example], against: Mapping[str, list[str]]) -> Evaluation:
        own = {example.id: captions[example.id] for example in among if example.id in against}
        report = score(
            {name: caption.text for name, caption in own.items()},
            {name: against[name] for name in own},
            language=language,
            training=training,
        )
        made_with: dict[str, Any] = {
            "model": f"{captioner.name} {captioner.version}",
            "corpus": name,
            "split": split,
        }
        if isinstance(captioner, BundleCaptioner):
            made_with["beam"] = options.get("beam") or captioner.decoding.beam
            made_with["length_exponent"] = captioner.decoding.length_exponent
        return Evaluation(language, own, report, made_with, seconds * len(own) / len(captions))

    parts: dict[str, list[Example]] = {}
    for example in examples:
        parts.setdefault(example.corpus, []).append(example)
    found = [scored(corpus.name, examples, references)]
    if len(parts) > 1:
        # Whether translations stand in for people's captions is decided for each part by itself.
        found += [scored(name, own, corpus.scoring_references(own, language)) for name, own in parts.items()]
    return found


def _captions(
    captioner: Captioner, examples: Sequence[Example], title: str, progress: Progress, options: Options
) -> dict[str, Caption]:
    """The caption of each example by its id."""
    captions: dict[str, Caption] = {}
    results = captioner.caption_many([example.path for example in examples], **options)
    with progress.bar(len(examples), title) as advance:
        for example, result in zip(examples, results, strict=True):
            if result.caption is None:
                raise BadImage(example.path, str(result.error))
            captions[example.id] = result.caption
            advance(1)
    return captions


def _training_captions(corpus: Corpus, language: str) -> list[str] | None:
    """The captions in a language that a captioner may have learnt by heart; None when there are none."""
    captions = [
        reference.text
        for example in corpus.training_examples
        for reference in example.references
        if reference.language == language
    ]
    return captions or None

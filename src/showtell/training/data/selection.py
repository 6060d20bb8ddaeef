"""corpus -> what is trained on and what is validated on: the one place that decides either.

Trained on are the pictures of the train split and those in no split, with their captions in the recipe's languages.
Validated on are the dev split's captions by people, each corpus and language apart, since a mean over all would hide
which of them got worse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from showtell.corpora import Corpus, Example
from showtell.corpora.base import PEOPLE
from showtell.errors import BadCorpus
from showtell.text.cleaning import words
from showtell.text.printable import counted
from showtell.text.vocabulary import Vocabulary
from showtell.training.settings import Text

SMALLEST_SHARE = 0.25  # of a dev split's pictures that need captions in a language before it is validated


@dataclass(frozen=True, slots=True)
class TrainingCaption:
    """A caption taken apart.

    Attributes:
        language, source: as in ``Reference``.
        words: cleaned.
        weight: in the loss.
    """

    language: str
    source: str
    words: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class TrainingPicture:
    """A picture that is trained on, with at least one caption."""

    id: str
    path: Path
    captions: tuple[TrainingCaption, ...]


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """The dev pictures of one corpus with people's captions in one language.

    Attributes:
        name: ``flickr8k/en``.
        language: of the captions.
        corpus: the dev split of that corpus alone.
        references: the captions of each picture, by its id.
    """

    name: str
    language: str
    corpus: Corpus
    references: dict[str, list[str]]

    @property
    def ids(self) -> list[str]:
        """The pictures, in the corpus's order."""
        return list(self.references)

    @property
    def examples(self) -> list[Example]:
        """The same as examples."""
        return [example for example in self.corpus if example.id in self.references]


@dataclass(frozen=True)
class Selection:
    """What a run learns from and is chosen by.

    Attributes:
        fingerprint: a hash of all of it.
        train: the pictures that are trained on.
        validation: at least one set.
        pictures: id and path of every picture that is not in the test split, in the corpus's order: what is encoded.
        warnings: the corpus's.
    """

    fingerprint: str
    train: tuple[TrainingPicture, ...]
    validation: tuple[ValidationSet, ...]
    pictures: tuple[tuple[str, Path], ...]
    warnings: tuple[str, ...]

    def captions(self) -> Iterator[TrainingCaption]:
        """All captions that are trained on."""
        for picture in self.train:
            yield from picture.captions

    @property
    def dev_ids(self) -> list[str]:
        """The pictures that are validated on, each once."""
        return list(dict.fromkeys(name for one in self.validation for name in one.ids))


def select(corpus: Corpus, text: Text, *, batch: int = 1) -> Selection:
    """What is trained and validated on.

    Args:
        batch: pictures that a step takes.

    Raises:
        BadCorpus: there is too little to train on or to choose by.
        MissingExtra: Chinese is to be cut into words, and what cuts it is not installed.
    """
    validation = validation_sets(corpus, text.languages)
    examples = corpus.training_examples
    captions_of_each = [training_captions(example, text) for example in examples]
    train = tuple(
        TrainingPicture(example.id, example.path, captions)
        for example, captions in zip(examples, captions_of_each, strict=True)
        if captions
    )
    if len(train) < batch:
        raise BadCorpus(
            f"{corpus.name} has {counted(len(train), 'train picture', 'train pictures')} with a caption of "
            f"{counted(text.minimum_length, 'word', 'words')} or more, and a batch takes {batch}; "
            "give more, or a recipe with a smaller training.batch"
        )
    return Selection(
        fingerprint=corpus.fingerprint(text.languages),
        train=train,
        validation=validation,
        pictures=tuple((example.id, example.path) for example in corpus if example.split != "test"),
        warnings=(*corpus.warnings, *_weights_of_nothing(corpus, text)),
    )


def training_captions(example: Example, text: Text) -> tuple[TrainingCaption, ...]:
    """The captions of a picture that are trained on; short ones and those of no weight are left out."""
    found = []
    for reference in example.references:
        weight = text.source_weights.get(reference.source, 1.0) * text.corpus_weights.get(example.corpus, 1.0)
        if reference.language not in text.languages or not weight:
            continue
        found_words = words(reference.text, reference.language, cleaning=text.cleaning)
        if len(found_words) >= text.minimum_length:
            found.append(TrainingCaption(reference.language, reference.source, tuple(found_words), weight))
    return tuple(found)


def validation_sets(corpus: Corpus, languages: Sequence[str]) -> tuple[ValidationSet, ...]:
    """The dev sets of each corpus and language, in that order.

    Raises:
        BadCorpus: there is none for one of the languages.
    """
    dev = corpus.split("dev")
    found = []
    for part in corpus.parts:
        examples = tuple(example for example in dev if example.corpus == part)
        alone = Corpus(part, examples)
        for language in languages:
            try:
                references = alone.scoring_references(examples, language)
            except BadCorpus:
                continue
            if len(references) >= SMALLEST_SHARE * len(examples):
                found.append(ValidationSet(f"{part}/{language}", language, alone, references))
    for language in languages:
        if language not in {one.language for one in found}:
            raise BadCorpus(
                f"the corpus {corpus.name} has no captions by people in {language!r} in its dev split; training needs "
                "some there to choose by"
            )
    return tuple(found)


def build_vocabulary(selection: Selection, text: Text) -> Vocabulary:
    """The words that a run knows: those of the captions that it is trained on.

    With ``text.sources``, a start token for each language and source but people stands at the end, so that an export
    can cut them off (``without_sources``).
    """
    if text.vocabulary:
        return without_sources(Vocabulary.load(text.vocabulary))
    vocabulary = Vocabulary.build(
        (caption.words for caption in selection.captions()),
        languages=text.languages,
        minimum_count=text.minimum_count,
    )
    if not text.sources:
        return vocabulary
    written = sorted({(one.language, one.source) for one in selection.captions() if one.source != PEOPLE})
    return Vocabulary([*vocabulary.tokens, *(f"<start:{language}:{source}>" for language, source in written)])


def start_id(vocabulary: Vocabulary, caption: TrainingCaption) -> int:
    """The token that a caption begins with: its language's, or that of its language and source if there is one."""
    starts = vocabulary.start_ids
    return starts.get(f"{caption.language}:{caption.source}", starts[caption.language])


def without_sources(vocabulary: Vocabulary) -> Vocabulary:
    """The same vocabulary without the start tokens that training alone knows."""
    kept = len(vocabulary) - sum(":" in name for name in vocabulary.start_ids)
    return Vocabulary(vocabulary.tokens[:kept])


def _weights_of_nothing(corpus: Corpus, text: Text) -> Iterator[str]:
    """Sentences about weights for what is not there: a mistyped name would change nothing and say nothing."""
    sources = {reference.source for example in corpus for reference in example.references}
    for setting, weights, known in (
        ("source_weights", text.source_weights, sources),
        ("corpus_weights", text.corpus_weights, set(corpus.parts)),
    ):
        for name in weights:
            if name not in known:
                there = ", ".join(sorted(known))
                yield f"text.{setting} weighs {name!r}, which {corpus.name} does not have; it has {there}"

"""Training a model of alignment (``models/alignment.py``): sentences and pictures that find each other.

It learns from the features and captions of a run like a captioner does, and is validated by retrieval on dev. Chinese
is cut into words of the vocabulary, as queries are, since who searches has no other dictionary.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from showtell.search.words import query_words
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.selection import TrainingCaption, TrainingPicture, ValidationSet
from showtell.training.engine.alignment import ContrastiveLoss, RankingLoss, RetrievalValidation
from showtell.training.engine.loop import Loss, Parts
from showtell.training.features.cache import FeatureCache
from showtell.training.runs.run import Run

LOSSES: dict[str, Callable[[Vocabulary], Loss]] = {"devsa": RankingLoss, "dual_encoder": ContrastiveLoss}


def alignment_parts(run: Run, cache: FeatureCache) -> Parts:
    """What the recipe's model of alignment is trained with, of what a cache holds."""
    vocabulary = run.vocabulary
    train = [_as_queries(picture, vocabulary) for picture in run.selection.train]
    dev = [(one, *_sentences(one, vocabulary)) for one in run.selection.validation]
    return Parts(
        run.batches(train, cache, batch=run.recipe.training.batch),
        LOSSES[run.recipe.model.name](vocabulary),
        RetrievalValidation(dev, cache, vocabulary),
    )


def _as_queries(picture: TrainingPicture, vocabulary: Vocabulary) -> TrainingPicture:
    """A picture whose captions are cut as queries are."""
    return replace(picture, captions=tuple(_as_query(caption, vocabulary) for caption in picture.captions))


def _as_query(caption: TrainingCaption, vocabulary: Vocabulary) -> TrainingCaption:
    if caption.language != "zh":
        return caption
    return replace(caption, words=tuple(query_words("".join(caption.words), vocabulary)))


def _sentences(one: ValidationSet, vocabulary: Vocabulary) -> tuple[Sequence[list[int]], list[int]]:
    """Token ids of a dev set's captions, and the place of the picture of each."""
    tokens, owner = [], []
    for place, texts in enumerate(one.references.values()):
        for text in texts:
            tokens.append(vocabulary.encode(query_words(text, vocabulary)) or [vocabulary.unknown_id])
            owner.append(place)
    return tokens, owner

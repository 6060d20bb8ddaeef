"""Training a model of alignment (``models/alignment.py``): sentences and pictures that find each other.

It learns from the features and captions of a run like a captioner does, and is validated by retrieval on dev. Chinese
is cut into words of the vocabulary, as queries are, since who searches has no other dictionary.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from showtell.search.words import query_words
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import CaptionBatches
from showtell.training.data.selection import TrainingCaption, TrainingPicture, ValidationSet
from showtell.training.engine.alignment import ContrastiveLoss, RankingLoss, RetrievalValidation
from showtell.training.engine.loop import fit
from showtell.training.features.cache import FeatureCache
from showtell.training.runs.run import Run, build

LOSSES = {"devsa": RankingLoss, "dual_encoder": ContrastiveLoss}


def train_alignment(run: Run, cache: FeatureCache) -> None:
    """Train the recipe's model of alignment on what a cache holds."""
    recipe, vocabulary = run.recipe, run.vocabulary
    torch.manual_seed(recipe.seed)
    regions, width = cache.features.shape[1:]
    model = build(recipe, vocabulary, regions=regions, region_width=width)
    position = fit(
        model,
        CaptionBatches(
            [_as_queries(picture, vocabulary) for picture in run.selection.train],
            cache,
            vocabulary,
            batch=recipe.training.batch,
            maximum_length=recipe.text.maximum_length,
            seed=recipe.seed,
        ),
        loss=LOSSES[recipe.model.name](vocabulary),
        validate=RetrievalValidation(
            [(one, *_sentences(one, vocabulary)) for one in run.selection.validation],
            cache,
            vocabulary,
        ),
        schedule=recipe.training.schedule,
        folder=run.output,
        device=run.device,
        progress=run.progress,
        title=f"Training {run.output.name}",
    )
    run.progress.note(
        f"{run.output}: the best epoch is {position.best_epoch}, with a dev recall at 1 of {position.best_score:.1f}"
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

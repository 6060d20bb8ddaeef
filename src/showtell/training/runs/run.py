"""What every stage of a run shares: its settings, what it learns from, its folder, and encoding pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from showtell.errors import BadBundle
from showtell.progress import Progress
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import CaptionBatches
from showtell.training.data.selection import Selection, TrainingPicture
from showtell.training.data.word_vectors import Embeddings
from showtell.training.engine.checkpoint import load_average
from showtell.training.engine.devices import wait
from showtell.training.features.cache import FeatureCache, open_features
from showtell.training.features.encode import encode_maps, encode_pictures
from showtell.training.features.network import PictureNetwork
from showtell.training.models import build_model
from showtell.training.models.embedding import GivenEmbedding
from showtell.training.settings import Recipe

EMBEDDING = "embedding."  # what every model calls the layer that holds its words
CAPTIONER = "captioner."  # what one that was trained together with its encoder is called in its checkpoint


def build(recipe: Recipe, vocabulary: Vocabulary, *, regions: int, region_width: int) -> nn.Module:
    """A recipe's model, with fresh weights."""
    return build_model(
        recipe.model.name,
        vocabulary=len(vocabulary),
        regions=regions,
        region_width=region_width,
        settings=recipe.model.settings,
    )


def load_trained(
    run: Path, recipe: Recipe, vocabulary: Vocabulary, *, regions: int, region_width: int
) -> nn.Module:
    """The model of a run with its best averaged weights.

    Args:
        vocabulary: the run's.

    Raises:
        BadBundle: it is not trained yet, or its checkpoint is of another model.
    """
    model = build(recipe, vocabulary, regions=regions, region_width=region_width)
    path = run / "checkpoints" / "best.safetensors"
    weights = load_average(path)
    if any(name.startswith(CAPTIONER) for name in weights):
        weights = {
            name.removeprefix(CAPTIONER): weight
            for name, weight in weights.items()
            if name.startswith(CAPTIONER)
        }
    if f"{EMBEDDING}given" in weights:
        model.embedding = GivenEmbedding.of_shape(weights, EMBEDDING)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise BadBundle(f"{path} is of another model: {error}") from None
    if isinstance(model.embedding, GivenEmbedding):
        model.embedding = model.embedding.finished()
    return model.eval()


@dataclass(frozen=True)
class Run:
    """A run that is under way.

    Attributes:
        recipe: its settings.
        selection: what it learns from and is validated on.
        vocabulary: the words that it knows.
        embeddings: vectors that these words start from, if the recipe names a file.
        output: its folder.
        features: where its features are kept.
        teachers: finished runs that it learns from too.
        device: what it is trained on.
        first: whether this process encodes pictures and writes files; without ``torchrun`` it does.
        progress: where it tells how far it is; silent in the other processes.
    """

    recipe: Recipe
    selection: Selection
    vocabulary: Vocabulary
    embeddings: Embeddings | None
    output: Path
    features: Path
    teachers: tuple[Path, ...]
    device: torch.device
    first: bool
    progress: Progress

    def batches(
        self, pictures: Sequence[TrainingPicture], cache: FeatureCache, *, batch: int
    ) -> CaptionBatches:
        """Pictures with captions, which are cut off as the recipe says, and features; ``batch`` pictures in each."""
        return CaptionBatches(
            pictures,
            cache,
            self.vocabulary,
            batch=batch,
            maximum_length=self.recipe.text.maximum_length,
            seed=self.recipe.seed,
        )

    def encode(
        self, network: PictureNetwork, folder: Path, title: str, *, late: PictureNetwork | None = None
    ) -> FeatureCache:
        """The features of all pictures: encoded by the first process, opened by the others when it is done.

        Args:
            network: the whole network.
            late: its late stages, which are enough where the run keeps early maps.
        """
        if self.first:
            maps = self.output / "early_maps"
            if late is not None and maps.exists():
                encode_maps(
                    open_features(maps),
                    late,
                    folder,
                    network.described(),
                    progress=self.progress,
                    title=title,
                )
            else:
                encode_pictures(
                    self.selection.pictures,
                    network,
                    folder,
                    augmentations=self.recipe.training.augmentations,
                    progress=self.progress,
                    title=title,
                )
        wait()
        return open_features(folder, made_by=network.described())

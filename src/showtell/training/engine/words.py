"""Tuning an encoder to see what people mention: its last stages learn to predict the words of the captions.

ImageNet's classes know 120 breeds of dog and no "smiling"; captions are made of "running", "snow", "blue". The
early stages stay as they are and their maps are kept on disk, so that a pass over Flickr8k costs minutes on a CPU.
After H. Fang et al., *From Captions to Visual Concepts and Back*, CVPR 2015, section 3, with the mean over regions
in the place of the noisy-or.

Axes: B pictures, R regions, C channels of the early map, D width of a region, W words.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.data.augmentation import drawn_for_pass
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.engine.checkpoint import load_average
from showtell.training.engine.loop import Batch
from showtell.training.features.cache import FeatureCache
from showtell.training.settings import check_ranges

# Words that say nothing of a picture.
STOP_WORDS = frozenset(
    (
        "a an the and or of to in on at by for with from into onto is are was be being been it its his her their he "
        "she they this that these those there as while who which what where when has have having do does some other "
        "one two"
    ).split()
)


@dataclass(frozen=True, kw_only=True)
class WordSettings:
    """How the encoder is tuned.

    Attributes:
        minimum_count: mentions that a word needs in all captions.
        zoom: the smallest side of a random crop of the maps, as a share of the whole; 1 leaves them whole.
        dropout: on the mean of the regions.
        batch: pictures a step.
        kept: how far the tuned weights are moved back to ImageNet's afterwards, as a share of the way.
    """

    minimum_count: int = 12
    zoom: float = 0.7
    dropout: float = 0.2
    batch: int = 32
    kept: float = 0.0

    def __post_init__(self) -> None:
        check_ranges(
            self,
            minimum_count=(1, math.inf),
            zoom=(0.1, 1),
            dropout=(0, 0.99),
            batch=(1, math.inf),
            kept=(0, 1),
        )


class EarlyMaps(nn.Module):
    """The stages that stay as they are: pixels [B, 3, S, S] -> cells of the early map [B, R, C]."""

    def __init__(self, encoder: EfficientNetLite):
        super().__init__()
        self.encoder = encoder

    def forward(self, pixels: Tensor) -> Tensor:
        return self.encoder.early(pixels).flatten(2).transpose(1, 2)  # [B, R, C]


class WordPredictor(nn.Module):
    """The stages that are tuned, and a linear layer over the mean of their regions.

    Batch normalisation keeps its ImageNet statistics: those of batches of 32 pictures are worse.

    Args:
        frequencies: the mean target of each word [W], where its prediction starts.
    """

    def __init__(self, encoder: EfficientNetLite, frequencies: Tensor, *, dropout: float, zoom: float):
        super().__init__()
        self.side = encoder.early_side
        self.late_blocks = encoder.late_blocks
        self.head = encoder.head
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(encoder.width, len(frequencies))
        # From the start each word is as likely as it is; learning that first would disturb the tuned stages.
        nn.init.zeros_(self.classifier.weight)
        self.classifier.bias.data.copy_(torch.logit(frequencies, eps=1e-6))
        self.zoom = zoom
        _channels_last(self)  # halves the time of a step on a CPU

    def train(self, mode: bool = True) -> "WordPredictor":
        super().train(mode)
        for module in (*self.late_blocks.modules(), *self.head.modules()):
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def load_best(self, folder: Path) -> None:
        """Take over the best averaged weights of a run of the loop."""
        self.load_state_dict(load_average(folder / "checkpoints" / "best.safetensors"))

    def forward(self, cells: Tensor) -> Tensor:
        """Early cells [B, R, C] -> logits of the words [B, W]."""
        maps = cells.unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)  # [B, C, H, H], channels last
        if self.training and self.zoom < 1:
            maps = _random_crops(maps, self.zoom)
        # On a CPU, depthwise convolutions in bfloat16 take half as long again as in single precision.
        with torch.autocast("cpu", enabled=False):
            regions = self.head(self.late_blocks(maps)).flatten(2)  # [B, D, R]
        return self.classifier(self.dropout(regions.mean(dim=2)))


class WordBatches:
    """Early maps and the words of their captions, pictures in an order that seed and pass decide.

    Yields cells float32 [B, R, C] and targets [B, W]: 0.5 for a word of one caption, 1 for one of two or more.

    Args:
        targets: of the pictures as they are and of their mirrored views, each [pictures, W].
    """

    def __init__(
        self,
        cache: FeatureCache,
        ids: Sequence[str],
        targets: NDArray[np.float32],
        mirrored_targets: NDArray[np.float32],
        *,
        batch: int,
        seed: int,
    ):
        self._cache = cache
        self._rows = cache.rows(ids)
        self._targets = targets
        self._mirrored_targets = mirrored_targets
        self._batch = batch
        self._seed = seed

    def __len__(self) -> int:
        return len(self._rows) // self._batch

    def of_pass(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[Batch]:
        """The batches of one pass; of each picture one view is drawn."""
        order, views = drawn_for_pass(
            self._seed, number, pictures=len(self._rows), views=len(self._cache.views)
        )
        for batch in range(start, len(self)):
            chosen = order[batch * self._batch : (batch + 1) * self._batch][rank::ranks]
            cells = np.stack([self._cache.of(self._rows[place], views[place]) for place in chosen])
            targets = [
                (self._mirrored_targets if self._cache.is_mirrored(row, view) else self._targets)[place]
                for place, row, view in zip(chosen, self._rows[chosen], views[chosen], strict=True)
            ]
            yield torch.from_numpy(cells).float(), torch.from_numpy(np.stack(targets))


class WordEvaluation:
    """The word loss on dev pictures, negated, since the loop keeps what scores highest."""

    def __init__(
        self, cache: FeatureCache, ids: Sequence[str], targets: NDArray[np.float32], *, batch: int = 50
    ):
        self._cache = cache
        self._rows = cache.rows(ids)
        self._targets = targets
        self._batch = batch

    def __call__(self, model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        total = 0.0
        for start in range(0, len(self._rows), self._batch):
            cells = torch.from_numpy(self._cache.features[self._rows[start : start + self._batch]])
            targets = torch.from_numpy(self._targets[start : start + self._batch])
            total += float(word_loss(model, (cells.float().to(device), targets.to(device)))) * len(cells)
        return {"minus_loss": -total / len(self._rows)}


def word_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Binary cross entropy, summed over words, mean over pictures."""
    cells, targets = batch
    return F.binary_cross_entropy_with_logits(model(cells), targets, reduction="sum") / len(cells)


def choose_words(captions: Sequence[Sequence[list[str]]], minimum_count: int) -> list[str]:
    """The words worth predicting, most frequent first; ``captions`` are the cleaned captions of each picture."""
    counts = Counter(word for picture in captions for caption in picture for word in caption)
    chosen = [
        (word, count) for word, count in counts.items() if count >= minimum_count and word not in STOP_WORDS
    ]
    return [word for word, _ in sorted(chosen, key=lambda item: (-item[1], item[0]))]


def word_targets(captions: Sequence[Sequence[list[str]]], words: Sequence[str]) -> NDArray[np.float32]:
    """Targets [pictures, W]: 0.5 where one caption mentions the word, 1 where two or more do."""
    places = {word: place for place, word in enumerate(words)}
    targets = np.zeros((len(captions), len(words)), dtype=np.float32)
    for row, picture in zip(targets, captions, strict=True):
        mentions = Counter(word for caption in picture for word in set(caption) if word in places)
        for word, count in mentions.items():
            row[places[word]] = 0.5 if count == 1 else 1.0
    return targets


@torch.no_grad()
def move_back(tuned: nn.Module, untouched: nn.Module, kept: float) -> None:
    """Move a tuned network's weights towards those it started from, in place.

    The tuned stages know the pictures that they were tuned on too well; in between they see new ones better.
    M. Wortsman et al., *Robust Fine-Tuning of Zero-Shot Models*, CVPR 2022, section 3.
    """
    for weight, start in zip(tuned.parameters(), untouched.parameters(), strict=True):
        weight.lerp_(start, kept)


def _channels_last(network: nn.Module) -> None:
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.to(memory_format=torch.channels_last)


def _random_crops(maps: Tensor, smallest: float) -> Tensor:
    """A square crop of each map, of a random side and place, brought back to the map's size; [B, C, H, H]."""
    count = len(maps)
    side = torch.empty(count, device=maps.device).uniform_(smallest, 1.0)
    shift = (torch.rand(count, 2, device=maps.device) * 2 - 1) * (1 - side)[:, None]
    affine = torch.zeros(count, 2, 3, device=maps.device)
    affine[:, 0, 0] = affine[:, 1, 1] = side
    affine[:, :, 2] = shift
    grid = F.affine_grid(affine, list(maps.shape), align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)

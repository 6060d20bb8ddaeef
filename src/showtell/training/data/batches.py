"""Captions and features -> the batches that a captioner is trained on.

Axes: B pictures, C captions of the batch (several per picture), T tokens, R regions, D width of a region.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from showtell.text.vocabulary import Vocabulary, padded
from showtell.training.data.augmentation import drawn_for_epoch, mirrored_words
from showtell.training.data.selection import TrainingCaption, TrainingPicture, start_id
from showtell.training.features.cache import FeatureCache


@dataclass(frozen=True)
class Movable:
    """A batch: tensors, and what else belongs to them."""

    def to(self, device: torch.device) -> Self:
        """The same on a device; what is kept in half precision is in single precision there."""
        moved: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, Movable):
                moved[name] = value.to(device)
            elif isinstance(value, Tensor):
                there = on_device(value, device)
                moved[name] = there.float() if there.dtype == torch.float16 else there
        return replace(self, **moved)


@dataclass(frozen=True)
class Batch(Movable):
    """Pictures and all their captions.

    Attributes:
        ids: the B pictures.
        regions: [B, R, D], float16 as they are read; float32 once ``to`` a device.
        tokens: int64 [C, T + 1], from the start token to the end token and padding.
        pictures: int64 [C], the row of each caption's picture.
        weights: float32 [C], of the captions in the loss.
        mirrored: bool [B], the pictures that are shown mirrored.
    """

    ids: tuple[str, ...]
    regions: Tensor
    tokens: Tensor
    pictures: Tensor
    weights: Tensor
    mirrored: Tensor


AnyBatch = TypeVar("AnyBatch")


class EpochBatches(ABC, Generic[AnyBatch]):
    """Batches of pictures in an order that seed and epoch decide; of each picture one augmentation is drawn.

    Args:
        ids: of the pictures.
        batch: pictures in each.
    """

    def __init__(self, cache: FeatureCache, ids: Sequence[str], *, batch: int, seed: int):
        self._cache = cache
        self._ids = np.array(list(ids))
        self._rows = cache.rows(ids)
        self._batch = batch
        self._seed = seed

    def __len__(self) -> int:
        return len(self._rows) // self._batch

    def of_epoch(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[AnyBatch]:
        """The batches of one epoch from the ``start``-th on; the pictures left over wait for another epoch."""
        order, augmentations = drawn_for_epoch(
            self._seed, number, pictures=len(self._rows), augmentations=len(self._cache.augmentations)
        )
        for batch in range(start, len(self)):
            chosen = order[batch * self._batch : (batch + 1) * self._batch][rank::ranks]
            yield self._gather(chosen, augmentations[chosen])

    @abstractmethod
    def _gather(self, chosen: NDArray[np.int64], augmentations: NDArray[np.int64]) -> AnyBatch:
        """The batch of pictures [B], each with one of its augmentations [B]."""


class CaptionBatches(EpochBatches[Batch]):
    """Pictures with their captions; with a mirrored picture, "left" and "right" are swapped in them.

    Args:
        pictures: with their captions.
        batch: pictures in each.
        maximum_length: words after which a caption is cut off (without an end token).
    """

    def __init__(
        self,
        pictures: Sequence[TrainingPicture],
        cache: FeatureCache,
        vocabulary: Vocabulary,
        *,
        batch: int,
        maximum_length: int,
        seed: int,
    ):
        super().__init__(cache, [picture.id for picture in pictures], batch=batch, seed=seed)
        counts = [len(picture.captions) for picture in pictures]
        self._ends = np.cumsum(counts)
        self._counts = np.array(counts)
        captions = [caption for picture in pictures for caption in picture.captions]
        self._weights = torch.tensor([caption.weight for caption in captions])
        plain, turned = (
            [_tokens(vocabulary, caption, mirrored)[: maximum_length + 1] for caption in captions]
            for mirrored in (False, True)
        )
        self._lengths = np.array(list(map(len, plain)))
        both = [padded(rows, vocabulary.pad_id) for rows in (plain, turned)]
        self._tokens = torch.from_numpy(np.stack(both))  # [2, all captions, longest]

    @property
    def pictures(self) -> int:
        """How many there are in all."""
        return len(self._rows)

    def plain(self, chosen: NDArray[np.int64]) -> Batch:
        """The batch of some pictures by their numbers [B], as they are."""
        return self._gather(chosen, np.zeros_like(chosen))

    def _gather(self, chosen: NDArray[np.int64], augmentations: NDArray[np.int64]) -> Batch:
        rows, counts = self._rows[chosen], self._counts[chosen]
        captions = np.concatenate(
            [np.arange(self._ends[one] - self._counts[one], self._ends[one]) for one in chosen]
        )
        pictures = np.repeat(np.arange(len(chosen)), counts)  # [C]
        turned = self._cache.is_mirrored(rows, augmentations)  # [B]
        longest = int(self._lengths[captions].max())
        return Batch(
            ids=tuple(self._ids[chosen]),
            regions=torch.from_numpy(self._cache.read(rows, augmentations)),
            tokens=self._tokens[turned[pictures].astype(np.int64), captions, :longest],
            pictures=torch.from_numpy(pictures),
            weights=self._weights[captions],
            mirrored=torch.from_numpy(turned),
        )


def _tokens(vocabulary: Vocabulary, caption: TrainingCaption, mirrored: bool) -> list[int]:
    """A caption from its start token to the end token."""
    words = mirrored_words(caption.words) if mirrored else caption.words
    return [start_id(vocabulary, caption), *vocabulary.encode(words), vocabulary.end_id]


def on_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device, through pinned memory where that lets the copy run beside the work."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)

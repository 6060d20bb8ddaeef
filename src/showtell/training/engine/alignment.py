"""What models of alignment are trained to make small, and how they are validated: by finding each other's partners.

Axes: B pictures, C sentences, of which each belongs to one of the pictures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from showtell.metrics.ranks import Retrieval, retrieval
from showtell.text.vocabulary import Vocabulary, padded
from showtell.training.data.batches import Batch
from showtell.training.data.selection import ValidationSet
from showtell.training.features.cache import FeatureCache
from showtell.training.models.alignment import DeVSA, DualEncoder

Alignment = DeVSA | DualEncoder

BATCH = 50
SENTENCES = 500  # that are scored at a time
MOST_SCALE = 100.0  # of the learnt temperature, as in CLIP


def sentences(batch: Batch, *, end: int, pad: int) -> Tensor:
    """The captions of a batch without start and end tokens: [C, T]."""
    tokens = batch.tokens[:, 1:]
    tokens = tokens.masked_fill(tokens == end, pad)
    return tokens[:, : max(1, int((tokens != pad).sum(dim=1).max()))]


@dataclass(frozen=True)
class RankingLoss:
    """A picture's own sentences shall fit better than others, and a sentence's own picture, by a margin of 1.

        Σ_k Σ_l max(0, S_kl - S_kk + 1) + max(0, S_lk - S_kk + 1)         (Karpathy & Fei-Fei, equation 9)

    The mean over the pairs in place of the sum, so that the batch's size changes no rate.

    Attributes:
        vocabulary: whose end and padding are left out of sentences.
    """

    vocabulary: Vocabulary

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a batch: []."""
        scores, owns = _scores(model, batch, self.vocabulary)
        own = scores[batch.pictures, torch.arange(scores.shape[1], device=scores.device)]  # [C]
        other_pictures = (scores - own[None] + 1).clamp(min=0).masked_fill(owns, 0)  # [B, C]
        rows = scores[batch.pictures]  # [C, C]: how the picture of sentence k fits sentence l
        other_sentences = (rows - own[:, None] + 1).clamp(min=0).masked_fill(owns[batch.pictures], 0)
        return other_pictures.mean() + other_sentences.mean()


@dataclass(frozen=True)
class ContrastiveLoss:
    """InfoNCE in both directions: A. van den Oord et al., 2018; A. Radford et al., *CLIP*, ICML 2021, section 2.3.

    Each sentence chooses its picture among the batch's; each picture any of its own sentences among all. The
    temperature is learnt with the model (``log_scale``).

    Attributes:
        vocabulary: whose end and padding are left out of sentences.
    """

    vocabulary: Vocabulary

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a batch: []."""
        scores, owns = _scores(model, batch, self.vocabulary)
        scaled = scores * cast(Tensor, model.log_scale).exp().clamp(max=MOST_SCALE)
        to_picture = -(scaled.log_softmax(dim=0) * owns).sum() / owns.sum()
        to_sentence = -scaled.log_softmax(dim=1).masked_fill(~owns, -math.inf).logsumexp(dim=1).mean()
        return to_picture + to_sentence


def _scores(model: nn.Module, batch: Batch, vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """Scores [B, C], and which sentence belongs to which picture [B, C]."""
    tokens = sentences(batch, end=vocabulary.end_id, pad=vocabulary.pad_id)
    scores = cast(Alignment, model).scores(batch.regions, tokens).float()
    return scores, torch.arange(len(scores), device=scores.device)[:, None] == batch.pictures[None]


class RetrievalValidation:
    """Called with a model, gives the mean recall at 1 of all dev sets and both directions, and each set's figures."""

    def __init__(
        self,
        sets: Sequence[tuple[ValidationSet, Sequence[Sequence[int]], Sequence[int]]],
        cache: FeatureCache,
        vocabulary: Vocabulary,
    ):
        """Take the dev sets.

        Args:
            sets: each with its sentences as token ids, and for each sentence the place of its picture.
            cache: that has their features.
            vocabulary: whose ids they are.
        """
        self._sets = [
            (
                one.name,
                cache.rows(one.ids),
                torch.from_numpy(padded(tokens, vocabulary.pad_id)),
                np.array(owner),
            )
            for one, tokens, owner in sets
        ]
        self._cache = cache

    def __call__(self, model: nn.Module) -> tuple[float, dict[str, float]]:
        """Score and figures."""
        figures: dict[str, float] = {}
        recalls: list[float] = []
        for name, rows, tokens, owner in self._sets:
            found = retrieval(self._similarity(model, rows, tokens), owner)
            figures |= {f"{name} {key}": value for key, value in named(found).items()}
            recalls += [found.caption_to_picture.recall_at_1, found.picture_to_caption.recall_at_1]
        return fmean(recalls), {"recall at 1": fmean(recalls)} | figures

    def _similarity(self, model: nn.Module, rows: NDArray[np.int64], tokens: Tensor) -> NDArray[np.float32]:
        """[sentences, pictures]."""
        device = next(model.parameters()).device
        found = []
        for start in range(0, len(rows), BATCH):
            part = self._cache.features[rows[start : start + BATCH]].astype(np.float32)
            regions = torch.from_numpy(part).to(device)
            columns = [
                cast(Alignment, model)
                .scores(regions, tokens[first : first + SENTENCES].to(device))
                .float()
                .cpu()
                for first in range(0, len(tokens), SENTENCES)
            ]
            found.append(torch.cat(columns, dim=1))  # [pictures of the part, sentences]
        return torch.cat(found).T.numpy()


def named(found: Retrieval) -> dict[str, float]:
    """The figures of a retrieval by name, as papers print them."""
    figures: dict[str, float] = {}
    directions = {"text to picture": found.caption_to_picture, "picture to text": found.picture_to_caption}
    for direction, ranks in directions.items():
        figures |= {
            f"{direction} R@1": ranks.recall_at_1,
            f"{direction} R@5": ranks.recall_at_5,
            f"{direction} R@10": ranks.recall_at_10,
            f"{direction} median rank": ranks.median_rank,
        }
    return figures

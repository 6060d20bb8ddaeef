"""Judgements of captions -> a loss, and batches that carry some in each step.

R. Rafailov et al., *Direct Preference Optimization: Your Language Model is Secretly a Reward Model*, NeurIPS 2023.
Of two captions of a picture x, people prefer w to l. With p the captioner and q the captioner that it started from,

    m = β (log p(w|x) - log q(w|x)) - β (log p(l|x) - log q(l|x))
    L = -log σ(m)                                                             equation 7

No reward is fitted and nothing is sampled, which a handful of judgements would not carry. The gradient is σ(-m): it
fades where the captioner has moved far enough from its start. A rating judges one caption alone; the other term of m
is then zero, as if the other caption had stayed as likely as it was.

Axes: J judgements, R regions, D width of a region, T tokens.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.text.vocabulary import Vocabulary, padded
from showtell.training.data.batches import Batch, CaptionBatches, Movable
from showtell.training.data.criticism import Criticism, Judgement
from showtell.training.engine.loop import Batches
from showtell.training.features.cache import FeatureCache
from showtell.training.models import Captioner

AT_A_TIME = 64  # judgements that are weighed at a time where no gradient is needed


@dataclass(frozen=True)
class Judged(Movable):
    """Judgements as tensors.

    Attributes:
        regions: [J, R, D], float16 as they are read; float32 once ``to`` a device.
        tokens: int64 [J, 2, T + 1], the better and the worse caption, from start to end token and padding; nothing but
            padding where a judgement is of one caption.
        start: float32 [J, 2], their log-probabilities by the captioner that is tuned.
        weights: float32 [J].
    """

    regions: Tensor
    tokens: Tensor
    start: Tensor
    weights: Tensor


@dataclass(frozen=True)
class CriticisedBatch(Movable):
    """What one step learns from: train pictures, judgements, and the corrections among these, if there are any."""

    ordinary: Batch
    judged: Judged
    corrected: Batch | None


class Judgements:
    """All judgements, as they are read in steps and weighed as a whole.

    Args:
        cache: features of the judged pictures.
        start: the captioner that is tuned, as it is before.
        maximum_length: words after which a caption is cut off.
        beta: how soon a judgement fades; the smaller, the farther it moves the captioner from its start.
    """

    def __init__(
        self,
        criticism: Criticism,
        cache: FeatureCache,
        vocabulary: Vocabulary,
        start: nn.Module,
        *,
        maximum_length: int,
        beta: float,
    ):
        self._cache, self._beta = cache, beta
        self._ignored = (vocabulary.pad_id, vocabulary.unknown_id)
        self._rows = cache.rows([one.picture for one in criticism.judgements])
        self._weights = torch.tensor([one.weight for one in criticism.judgements])
        captions = [
            _tokens(vocabulary, one, caption, maximum_length)
            for one in criticism.judgements
            for caption in (one.better, one.worse)
        ]
        self._tokens = torch.from_numpy(padded(captions, vocabulary.pad_id)).view(len(self._rows), 2, -1)
        self._start = torch.zeros(len(self._rows), 2)
        device = next(start.parameters()).device
        with torch.no_grad():
            parts = [log_probabilities(start, part.to(device), self._ignored).cpu() for part in self._parts()]
        self._start = torch.cat(parts)

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, chosen: NDArray[np.int64]) -> Judged:
        """Some of them, by their numbers [J]."""
        rows = self._rows[chosen]
        return Judged(
            regions=torch.from_numpy(self._cache.read(rows, np.zeros_like(rows))),
            tokens=self._tokens[chosen],
            start=self._start[chosen],
            weights=self._weights[chosen],
        )

    def loss(self, model: nn.Module, judged: Judged) -> Tensor:
        """-log σ(m), the mean over judgements by their weights: []."""
        losses = F.softplus(-self._margins(model, judged))
        return (losses * judged.weights).sum() / judged.weights.sum()

    @torch.no_grad()
    def agreement(self, model: nn.Module) -> float:
        """The mean of σ(m) over all judgements in percent: 50 for the captioner that is tuned, 100 at most."""
        device = next(model.parameters()).device
        parts = [self._margins(model, part.to(device)).sigmoid().cpu() for part in self._parts()]
        return 100 * float((torch.cat(parts) * self._weights).sum() / self._weights.sum())

    def _margins(self, model: nn.Module, judged: Judged) -> Tensor:
        """m of each judgement: [J]."""
        better, worse = (log_probabilities(model, judged, self._ignored) - judged.start).unbind(dim=1)
        return self._beta * (better - worse)

    def _parts(self) -> Iterator[Judged]:
        for first in range(0, len(self), AT_A_TIME):
            yield self.read(np.arange(first, min(first + AT_A_TIME, len(self)), dtype=np.int64))


class CriticisedBatches:
    """Batches of train pictures, each with some judgements and corrections; seed and epoch decide the order of all.

    Args:
        corrected: the judged pictures that have corrections, if any have.
        number: judgements, and pictures with corrections, of each step.
    """

    def __init__(
        self,
        ordinary: Batches,
        judgements: Judgements,
        corrected: CaptionBatches | None,
        *,
        number: int,
        seed: int,
    ):
        self._ordinary, self._judgements, self._corrected = ordinary, judgements, corrected
        self._number = number
        self._seed = seed

    def __len__(self) -> int:
        return len(self._ordinary)

    def of_epoch(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[CriticisedBatch]:
        """The batches of one epoch; the judgements of a step, which are few, are those of every rank."""
        generator = np.random.default_rng((self._seed, number, 1))
        judged = generator.permutation(len(self._judgements))
        corrected = generator.permutation(0 if self._corrected is None else self._corrected.pictures)
        batches = self._ordinary.of_epoch(number, start=start, rank=rank, ranks=ranks)
        for step, batch in enumerate(batches, start=start):
            yield CriticisedBatch(
                batch,
                self._judgements.read(self._turn(judged, step)),
                None if self._corrected is None else self._corrected.plain(self._turn(corrected, step)),
            )

    def _turn(self, order: NDArray[np.int64], step: int) -> NDArray[np.int64]:
        """Whose turn it is in a step: the next in the order, round and round, none of them twice in a step."""
        number = min(self._number, len(order))
        return order[np.arange(step * number, (step + 1) * number) % len(order)]


class CriticisedLoss:
    """The loss of a captioner on train pictures and on corrections, plus that of the judgements.

    Args:
        captions: the loss of pictures and their captions.
        weight: of the judgements.
    """

    def __init__(self, captions: Callable[[nn.Module, Batch], Tensor], judgements: Judgements, weight: float):
        self._captions, self._judgements, self._weight = captions, judgements, weight

    def __call__(self, model: nn.Module, batch: CriticisedBatch) -> Tensor:
        """The loss of a step: []."""
        loss = self._captions(model, batch.ordinary)
        if batch.corrected is not None:
            loss = loss + self._captions(model, batch.corrected)
        return loss + self._weight * self._judgements.loss(model, batch.judged)


def log_probabilities(model: nn.Module, judged: Judged, ignored: tuple[int, int]) -> Tensor:
    """Log-probabilities of both captions of each judgement, summed over their tokens but the ignored: [J, 2]."""
    captioner = cast(Captioner, model)
    tokens = judged.tokens.flatten(0, 1)  # [2 J, T + 1]
    state = tuple(tensor.repeat_interleave(2, dim=0) for tensor in captioner.begin(judged.regions))
    logits, _, _ = captioner.step(tokens[:, :-1], state)  # [2 J, T, V]
    wanted = tokens[:, 1:]
    found = logits.float().log_softmax(dim=-1).gather(2, wanted[..., None])[..., 0]  # [2 J, T]
    counted = torch.isin(wanted, torch.tensor(ignored, device=wanted.device), invert=True)
    return (found * counted).sum(dim=1).view(-1, 2)


def _tokens(
    vocabulary: Vocabulary, judgement: Judgement, caption: tuple[str, ...] | None, maximum_length: int
) -> list[int]:
    """A caption from its start to its end token; no tokens where there is no caption."""
    if caption is None:
        return []
    start = vocabulary.start_ids[judgement.language]
    return [start, *vocabulary.encode(caption), vocabulary.end_id][: maximum_length + 1]

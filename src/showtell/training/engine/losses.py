"""What a captioner is trained to make small."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.data.batches import Batch
from showtell.training.models import Captioner

LENGTH_GROUPS = 3


@dataclass(frozen=True)
class CrossEntropy:
    """Mean negative log-probability of the next word, with label smoothing (C. Szegedy et al., CVPR 2016, section 7).

    Attributes:
        pad: id of the padding token, which counts for nothing.
        smoothing: share of the target that is spread over the whole vocabulary.
        doubly_stochastic: weight of a term that asks that each region's weights sum to one over a caption
            (K. Xu et al., ICML 2015, equation 14): ``uneven_attention``, mean over captions.
        teachers: trained captioners of the same regions and vocabulary, in evaluation mode; the mean of their
            distributions is a target too (G. Hinton, O. Vinyals, J. Dean, *Distilling the Knowledge in a Neural
            Network*, 2015, section 2, at temperature 1).
        taught: share of the target that is the teachers'.
    """

    pad: int
    smoothing: float = 0.1
    doubly_stochastic: float = 0.0
    teachers: Sequence[nn.Module] = ()
    taught: float = 0.0

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a batch: the mean over words, each with the weight of its caption."""
        captioner, tokens = cast(Captioner, model), batch.tokens
        begun = captioner.begin(batch.regions)  # once per picture; its captions share what was computed
        teachers = Teachers(self.teachers, batch) if self.teachers else None
        lengths = (tokens[:, 1:] != self.pad).sum(dim=1)  # [C]
        total = uneven = tokens.new_zeros((), dtype=torch.float32)
        # Captions of like length go together, since padding costs as much time as words do.
        for group in lengths.argsort().tensor_split(LENGTH_GROUPS):
            if len(group) == 0:
                continue
            state = tuple(tensor.index_select(0, batch.pictures[group]) for tensor in begun)
            wanted = tokens[group, : int(lengths[group].max()) + 1]  # [G, t + 1]
            logits, attention, _ = captioner.step(wanted[:, :-1], state)  # [G, t, V], [G, t, R]
            losses = F.cross_entropy(
                logits.flatten(0, 1).float(),
                wanted[:, 1:].flatten(),
                ignore_index=self.pad,
                label_smoothing=self.smoothing,
                reduction="none",
            )
            if teachers is not None:
                targets = teachers.probabilities(wanted[:, :-1], group).flatten(0, 1)  # [G·t, V]
                taught = F.cross_entropy(logits.flatten(0, 1).float(), targets, reduction="none")
                taught = taught * (wanted[:, 1:].flatten() != self.pad)
                losses = (1 - self.taught) * losses + self.taught * taught
            total = total + (losses.view(len(group), -1).sum(dim=1) * batch.weights[group]).sum()
            if self.doubly_stochastic:
                uneven = uneven + uneven_attention(attention.float(), wanted[:, 1:] != self.pad)
        return total / (lengths * batch.weights).sum() + self.doubly_stochastic * uneven / len(lengths)


class Teachers:
    """Trained captioners, and what they make of the pictures of a batch."""

    @torch.no_grad()
    def __init__(self, captioners: Sequence[nn.Module], batch: Batch):
        self._captioners = [cast(Captioner, captioner) for captioner in captioners]
        self._begun = [captioner.begin(batch.regions) for captioner in self._captioners]
        self._pictures = batch.pictures

    @torch.no_grad()
    def probabilities(self, tokens: Tensor, captions: Tensor) -> Tensor:
        """The mean of their distributions of the next word: tokens [G, t] of captions [G] -> [G, t, V]."""
        total = torch.zeros((), device=tokens.device)
        for captioner, begun in zip(self._captioners, self._begun, strict=True):
            state = tuple(tensor.index_select(0, self._pictures[captions]) for tensor in begun)
            logits, _, _ = captioner.step(tokens, state)
            total = total + logits.float().softmax(dim=-1)
        return total / len(self._captioners)


def uneven_attention(attention: Tensor, words: Tensor) -> Tensor:
    """Σ_r (1 - Σ_t alpha_tr)², summed over captions: attention [C, T, R], which tokens are words [C, T] -> []."""
    sums = (attention * words[..., None]).sum(dim=1)  # [C, R]
    return (1 - sums).square().sum()

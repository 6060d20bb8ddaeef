"""An embedding that starts from vectors that others have trained, in the place of a model's own.

The vectors keep their width and are projected to the model's: E = X P. The models use E twice, to read words and to
score them (O. Press, L. Wolf, EACL 2017), so both sides start from what the vectors know.

Axes: V vocabulary, F words that have vectors, D width of a vector, W width of the model.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GivenEmbedding(nn.Module):
    """What a model's ``nn.Embedding`` is replaced by.

    Args:
        vectors: float32 [V, D]; at random where nothing is known.
        known: bool [V], the rows that are.
        width: W.
        frozen: leave the known vectors as they are; the others and the projection are learnt all the same.
    """

    order: Tensor

    def __init__(self, vectors: Tensor, known: Tensor, width: int, *, frozen: bool = False):
        super().__init__()
        self.embedding_dim = width
        self.given = nn.Parameter(vectors[known], requires_grad=not frozen)  # [F, D]
        self.learnt = nn.Parameter(vectors[~known])  # [V - F, D]
        words = torch.cat((known.nonzero(), (~known).nonzero()))[:, 0]  # [V]: whose the rows of both are
        self.register_buffer("order", words.argsort())  # [V]: where each word's row is
        self.project = nn.Linear(vectors.shape[1], width, bias=False)
        # So that E begins with the spread that the models give their own embeddings: 1 / sqrt(W).
        spread = vectors.square().sum(dim=1).mean().sqrt() * width**0.5
        nn.init.normal_(self.project.weight, std=1 / float(spread))

    @classmethod
    def of_shape(cls, weights: Mapping[str, Tensor], prefix: str) -> Self:
        """One that the saved ``weights`` under a prefix fit, with numbers of no meaning."""
        order, given = weights[f"{prefix}order"], weights[f"{prefix}given"]
        vectors = torch.ones(len(order), given.shape[1])
        return cls(vectors, order < len(given), len(weights[f"{prefix}project.weight"]))

    @property
    def weight(self) -> Tensor:
        """E [V, W]."""
        return self.project(torch.cat((self.given, self.learnt))[self.order])

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B, T] -> [B, T, W]."""
        return F.embedding(tokens, self.weight)

    def finished(self) -> nn.Embedding:
        """The same words as a plain embedding, which is quicker and smaller."""
        return nn.Embedding.from_pretrained(self.weight.detach())

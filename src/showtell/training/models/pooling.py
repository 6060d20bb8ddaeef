"""What the captioners share that see the mean of the regions alone: ``nic.py`` and ``merge.py``.

Axes: B captions, T tokens, R regions, D width of a region, W width of the model, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PooledCaptioner(nn.Module):
    """A picture in one vector, an LSTM over the words, and an output layer that shares the embedding's weights.

    Where it looks is the same for each word: at all regions alike.

    Args:
        vocabulary: V, special tokens included.
        regions: R, cells of a picture; only their mean is used.
        region_width: D.
        width: W, of all layers.
        dropout: on the picture, the embeddings and before the output.
        region_dropout: share of a picture's feature channels that training drops.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        regions: int,
        region_width: int,
        width: int = 512,
        dropout: float = 0.4,
        region_dropout: float = 0.1,
    ):
        super().__init__()
        self.regions = regions
        self.region_dropout = nn.Dropout(region_dropout)
        self.project = nn.Sequential(nn.Linear(region_width, width), nn.LayerNorm(width))
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.add_layers(width)

    def add_layers(self, width: int) -> None:
        """Make the layers that one of the models has for itself."""
        raise NotImplementedError

    def picture(self, regions: Tensor) -> Tensor:
        """Regions [B, R, D] -> the picture [B, W]."""
        return self.dropout(self.project(self.region_dropout(regions.mean(dim=1))))

    def words(self, tokens: Tensor) -> Tensor:
        """Tokens [B, T] -> their embeddings [B, T, W]."""
        return self.dropout(self.embedding(tokens) * self.embedding.embedding_dim**0.5)

    def logits(self, hidden: Tensor) -> Tensor:
        """[B, T, W] -> logits [B, T, V]."""
        return F.linear(self.dropout(hidden), self.embedding.weight, self.bias)

    def everywhere(self, tokens: Tensor) -> Tensor:
        """Uniform attention: tokens [B, T] -> 1 / R in each of [B, T, R]."""
        alike = torch.full_like(tokens, 1 / self.regions, dtype=torch.float32)  # [B, T]
        return alike[..., None].expand(-1, -1, self.regions)

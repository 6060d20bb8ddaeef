"""Multi-head attention with keys and values that are computed once and used at every step.

A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, equation 1 and section 3.2.2.

Axes: B pictures or captions, T tokens, R attended places (regions or tokens), H heads, W width of
all heads together.
"""

import math

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Queries [B, T, W] look at places [B, R, W]."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"the width {width} is no multiple of heads = {heads}")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def keys_values(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """Places [B, R, W] -> keys and values, each [B, H, R, W/H]."""
        keys, values = self.key_value(places).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def forward(
        self, queries: Tensor, keys: Tensor, values: Tensor, *, causal: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Attend.

        Args:
            queries: [B, T, W].
            keys, values: [B, H, R, W/H].
            causal: the queries stand at the last T of the R places and see none that comes after them.

        Returns:
            What was gathered [B, T, W], and the weights, mean over heads [B, T, R].
        """
        scores = self._split(self.query(queries)) @ keys.transpose(-2, -1)  # [B, H, T, R]
        scores = scores / math.sqrt(keys.shape[-1])
        if causal and queries.shape[1] > 1:
            length, places = scores.shape[-2:]
            allowed = torch.ones(length, places, dtype=torch.bool, device=scores.device).tril(places - length)
            scores = scores.masked_fill(~allowed, float("-inf"))
        weights = scores.softmax(dim=-1)
        gathered = (self.dropout(weights) @ values).transpose(1, 2).flatten(2)  # [B, T, W]
        return self.output(gathered), weights.mean(dim=1)

    def _split(self, wide: Tensor) -> Tensor:
        """[B, T, W] -> [B, H, T, W/H]."""
        return wide.unflatten(-1, (self.heads, -1)).transpose(1, 2)

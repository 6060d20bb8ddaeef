"""Show and Tell: the picture is the first input of an LSTM, the words follow.

O. Vinyals, A. Toshev, S. Bengio, D. Erhan, *Show and Tell: A Neural Image Caption Generator* (NIC), CVPR 2015,
equations 10 to 12:

    x_-1     = CNN(I)                                      here W_v · mean_r a_r, the picture, as the first input
    h_-1     = LSTM(x_-1, 0)
    h_t      = LSTM(E y_t, h_t-1)
    p(y_t+1) = softmax(E h_t + b)                          the next word

After that first input the picture lives in the LSTM's memory alone, which therefore has to carry both the picture and
the words so far. Added to the paper's form: layer norms on the picture and before the output, dropout of whole
feature channels, and an output layer that shares the embedding's weights (O. Press, L. Wolf, EACL 2017).

Axes: B captions, T tokens, R regions, D width of a region, W width of the model, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.models.pooling import everywhere
from showtell.training.models.state import State


class NIC(nn.Module):
    """The captioner of the recipe ``nic``.

    Args:
        vocabulary: V, special tokens included.
        regions: R, cells of a picture; only their mean is used.
        region_width: D.
        width: W, of embeddings and LSTM.
        dropout: on the picture, the embeddings and before the output.
        region_dropout: share of a picture's feature channels that training drops.
    """

    state_names = ("hidden", "cell")
    fixed: frozenset[int] = frozenset()
    pooled = True  # it gets the mean of the regions, and its attention is uniform

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
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D] -> hidden and cell state [B, W] of the LSTM after the picture."""
        pooled = self.region_dropout(regions.mean(dim=1))  # [B, D]
        picture = self.dropout(self.project(pooled))  # [B, W]
        silent = torch.zeros_like(picture)[None]  # [1, B, W]
        _, (hidden, cell) = self.lstm(picture[:, None], (silent, silent))
        return hidden[0], cell[0]

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, T] -> logits [B, T, V], attention [B, T, R] (uniform), next state."""
        hidden, cell = state
        words = self.dropout(self.embedding(tokens) * self.embedding.embedding_dim**0.5)  # [B, T, W]
        hidden_states, (hidden, cell) = self.lstm(words, (hidden[None], cell[None]))  # [B, T, W]
        output = self.dropout(self.norm(hidden_states))
        logits = F.linear(output, self.embedding.weight, self.bias)  # [B, T, V]
        return logits, everywhere(tokens, self.regions), (hidden[0], cell[0])

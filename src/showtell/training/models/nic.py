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

from showtell.training.models.pooling import PooledCaptioner
from showtell.training.models.state import State


class NIC(PooledCaptioner):
    """The captioner of the recipe ``nic``."""

    state_names = ("hidden", "cell")
    fixed: frozenset[int] = frozenset()

    def add_layers(self, width: int) -> None:
        """The layer norm before the output."""
        self.norm = nn.LayerNorm(width)

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D] -> hidden and cell state [B, W] of the LSTM after the picture."""
        picture = self.picture(regions)
        silent = torch.zeros_like(picture)[None]  # [1, B, W]
        _, (hidden, cell) = self.lstm(picture[:, None], (silent, silent))
        return hidden[0], cell[0]

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, T] -> logits [B, T, V], attention [B, T, R] (uniform), next state."""
        hidden, cell = state
        outputs, (hidden, cell) = self.lstm(self.words(tokens), (hidden[None], cell[None]))  # [B, T, W]
        return self.logits(self.norm(outputs)), self.everywhere(tokens), (hidden[0], cell[0])

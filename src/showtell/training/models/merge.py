"""A CNN and an LSTM that meet late: features of the picture and of the sentence so far are added to find the next word.

M. Tanti, A. Gatt, K. P. Camilleri, *What is the Role of Recurrent Neural Networks (RNNs) in an Image Caption
Generator?*, INLG 2017, and *Where to put the Image in an Image Caption Generator*, Natural Language Engineering 24
(2018): the LSTM knows language alone and never gets the picture. The papers concatenate the two; Keras tutorials
made their sum popular:

    v       = relu(W_v · mean_r a_r + b_v)                 the picture, once
    h_t     = LSTM(E y_t, h_t-1)                           the words so far
    d_t     = relu(W_d (v + h_t) + b_d)                    merged: added, then a dense layer
    p(y_t+1) = softmax(E d_t + b)                          the next word

The tutorials train on pairs of (picture, prefix) and next word, one row for each prefix of a caption. An LSTM reads
all prefixes of a caption on its way through it, so that one call of ``step`` with the whole caption learns from the
same pairs at a fraction of the work. Added to the tutorials' form: a layer norm on the picture, dropout of whole
feature channels, and an output layer that shares the embedding's weights (O. Press, L. Wolf, EACL 2017).

Axes: B captions, T tokens, R regions, D width of a region, W width of the model, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.models.pooling import PooledCaptioner
from showtell.training.models.state import State


class Merge(PooledCaptioner):
    """The captioner of the recipe ``merge``."""

    state_names = ("picture", "hidden", "cell")
    fixed = frozenset({0})

    def add_layers(self, width: int) -> None:
        """The picture's ReLU, and the dense layer."""
        self.project.append(nn.ReLU())
        self.dense = nn.Linear(width, width)

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D] -> the picture [B, W], and the LSTM's first state, twice [B, W]."""
        picture = self.picture(regions)
        return picture, torch.zeros_like(picture), torch.zeros_like(picture)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, T] -> logits [B, T, V], attention [B, T, R] (uniform), next state."""
        picture, hidden, cell = state
        outputs, (hidden, cell) = self.lstm(self.words(tokens), (hidden[None], cell[None]))  # [B, T, W]
        logits = self.logits(self.merged(picture, outputs))  # [B, T, V]
        return logits, self.everywhere(tokens), (picture, hidden[0], cell[0])

    def merged(self, picture: Tensor, outputs: Tensor) -> Tensor:
        """The picture [B, W] and the LSTM's outputs [B, T, W] -> their sum, through the dense layer [B, T, W]."""
        return F.relu(self.dense(picture[:, None] + outputs))

"""Two LSTMs with attention over the regions between them.

The first LSTM follows the sentence and gives the query, attention gathers what the regions hold for it, and the second
LSTM gives the next word. After P. Anderson et al., *Bottom-Up and Top-Down Attention for Image Captioning and Visual
Question Answering*, CVPR 2018, section 3.2:

    Attention(x, s) = softmax(q kᵀ / √(W/H)) v             q from x, k and v from s
    h1_t     = LSTM_1(E y_t, h1_t-1)                       the attention LSTM: follows the sentence
    g_t      = Attention(h1_t, a)                          what it gathers from the regions a
    h2_t     = LSTM_2([h1_t, g_t], h2_t-1)                 the language LSTM
    p(y_t+1) = softmax(E (h2_t + g_t) + b)                 the next word

Two things differ from the paper: the first LSTM does not read the second one's state, so that in training all tokens
attend at once; and attention has several heads. Added are regions that are projected to the model's width and know
their position, layer norms on them and before the output, dropout of whole feature channels, the sum with g_t, and an
output layer that shares the embedding's weights (O. Press, L. Wolf, EACL 2017).

Axes: B captions, T tokens, R regions, D width of a region, W width of the model, H heads, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.models.attention import Attention
from showtell.training.models.state import State


class TwoLSTM(nn.Module):
    """The captioner of the recipe ``base``.

    Args:
        vocabulary: V, special tokens included.
        regions: R, cells of a picture.
        region_width: D.
        width: W, of embeddings, LSTMs and attention.
        heads: of the attention.
        dropout: on embeddings, between the LSTMs and before the output.
        region_dropout: share of a picture's feature channels that training drops in all its regions at once.
    """

    state_names = ("keys", "values", "hidden1", "cell1", "hidden2", "cell2")
    fixed = frozenset({0, 1})

    def __init__(
        self,
        *,
        vocabulary: int,
        regions: int,
        region_width: int,
        width: int = 384,
        heads: int = 4,
        dropout: float = 0.4,
        region_dropout: float = 0.1,
    ):
        super().__init__()
        self.region_dropout = region_dropout
        self.project = nn.Sequential(nn.Linear(region_width, width), nn.LayerNorm(width))
        self.positions = nn.Parameter(torch.zeros(regions, width))  # where in the picture a region lies
        self.first_state = nn.Linear(width, 2 * width)
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.attention_lstm = nn.LSTM(width, width, batch_first=True)
        self.attention = Attention(width, heads, dropout=0.0)
        self.language_lstm = nn.LSTM(2 * width, width, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D] -> keys and values [B, H, R, W/H], hidden and cell states of both LSTMs [B, W]."""
        whole_channels = F.dropout1d(regions.transpose(1, 2), self.region_dropout, self.training)  # [B, D, R]
        projected = self.project(whole_channels.transpose(1, 2)) + self.positions  # [B, R, W]
        hidden, cell = torch.tanh(self.first_state(projected.mean(dim=1))).chunk(2, dim=-1)  # each [B, W]
        zero = torch.zeros_like(hidden)
        return (*self.attention.keys_values(projected), hidden, cell, zero, zero)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, T] -> logits [B, T, V], attention [B, T, R], next state."""
        keys, values, hidden1, cell1, hidden2, cell2 = state
        words = self.dropout(self.embedding(tokens) * self.embedding.embedding_dim**0.5)  # [B, T, W]
        queries, (hidden1, cell1) = self.attention_lstm(words, (hidden1[None], cell1[None]))
        gathered, weights = self.attention(queries, keys, values)
        both = self.dropout(torch.cat((queries, gathered), dim=-1))  # [B, T, 2W]
        hidden, (hidden2, cell2) = self.language_lstm(both, (hidden2[None], cell2[None]))
        output = self.dropout(self.norm(hidden + gathered))
        logits = F.linear(output, self.embedding.weight, self.bias)  # [B, T, V]
        return logits, weights, (keys, values, hidden1[0], cell1[0], hidden2[0], cell2[0])

"""Show, Attend and Tell: an LSTM attends to the regions before each word; with a sentinel it need not.

K. Xu et al., *Show, Attend and Tell: Neural Image Caption Generation with Visual Attention*, ICML 2015, the soft
attention of sections 3.1 and 4.2:

    e_tr     = w · tanh(W_a a_r + W_h h_t-1)               the score of region r
    alpha_t  = softmax_r(e_tr)
    z_t      = beta_t Σ_r alpha_tr a_r                     with the gate beta_t = σ(W_b h_t-1)
    h_t      = LSTM([E y_t, z_t], h_t-1)
    p(y_t+1) = softmax(E L(y_t, h_t, z_t) + b)             L: one dense layer (equation 7's deep output)

The doubly stochastic term that the paper adds to the loss stands in ``losses.CrossEntropy``.

With ``sentinel``, J. Lu, C. Xiong, D. Parikh, R. Socher, *Knowing When to Look: Adaptive Attention via a Visual
Sentinel for Image Captioning*, CVPR 2017, equations 6 to 13. The LSTM reads the last word first, so that the word
has a part in the attention, and its memory is one more thing to attend to:

    x_t      = [E y_t, mean_r a_r]
    h_t, c_t = LSTM(x_t, h_t-1)
    s_t      = σ(W_x x_t + W_s h_t-1) · tanh(c_t)          the sentinel: what the memory holds
    e_tr     = w · tanh(W_a a_r + W_h h_t)                 as above, but from h_t
    e_ts     = w · tanh(W_a' s_t + W_h h_t)
    beta_t   = softmax([e_t, e_ts])_R+1                    the attention to the sentinel
    z_t      = beta_t s_t + (1 - beta_t) Σ_r alpha_tr a_r

and the output as above, where the paper has softmax(W_p (z_t + h_t)).

Both attend once per word, one word after another; everything that does not wait for the word before (the regions'
part of e, the words' part of the LSTM, the output layer) is computed for all at once. Added to the papers: regions that
are projected to the model's width and know their position, layer norms on them and before the output, dropout of whole
feature channels, and an output layer that shares the embedding's weights (O. Press, L. Wolf, EACL 2017).

Axes: B captions, T tokens, R regions, D width of a region, W width of the model, A width of the attention, G gates,
V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.models.state import State


class SoftAttention(nn.Module):
    """The captioner of the recipes ``soft_attention`` and ``adaptive_attention``.

    Args:
        vocabulary: V, special tokens included.
        regions: R, cells of a picture.
        region_width: D.
        width: W, of embeddings and LSTM.
        attention_width: A.
        sentinel: whether it may look away.
        dropout: on regions, embeddings, and before and after the output's dense layer.
        region_dropout: share of a picture's feature channels that training drops in all its regions at once.
    """

    state_names = ("keys", "regions", "hidden", "cell")
    fixed = frozenset({0, 1})

    def __init__(
        self,
        *,
        vocabulary: int,
        regions: int,
        region_width: int,
        width: int = 384,
        attention_width: int = 256,
        sentinel: bool = False,
        dropout: float = 0.4,
        region_dropout: float = 0.1,
    ):
        super().__init__()
        self.sentinel = sentinel
        self.region_dropout = region_dropout
        self.project = nn.Sequential(nn.Linear(region_width, width), nn.LayerNorm(width))
        self.positions = nn.Parameter(torch.zeros(regions, width))  # where in the picture a region lies
        self.first_state = nn.Linear(width, 2 * width)
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.attention = AdditiveAttention(width, attention_width, sentinel=sentinel)
        if not sentinel:
            self.gate = nn.Linear(width, 1)
        # The LSTM's four gates, and the sentinel's, which is made of the same things.
        self.gates = 5 if sentinel else 4
        self.gates_from_word = nn.Linear(width, self.gates * width)
        self.gates_from_picture = nn.Linear(width, self.gates * width, bias=False)
        self.gates_from_hidden = nn.Linear(width, self.gates * width, bias=False)
        self.deep = nn.Linear(3 * width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D] -> their keys [B, R, A] and themselves [B, R, W], hidden and cell state [B, W]."""
        whole_channels = F.dropout1d(regions.transpose(1, 2), self.region_dropout, self.training)  # [B, D, R]
        projected = self.dropout(self.project(whole_channels.transpose(1, 2)) + self.positions)  # [B, R, W]
        hidden, cell = torch.tanh(self.first_state(projected.mean(dim=1))).chunk(2, dim=-1)  # each [B, W]
        return self.attention.keys(projected), projected, hidden, cell

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, T] -> logits [B, T, V], attention over the regions [B, T, R], next state."""
        keys, projected, hidden, cell = state
        words = self.dropout(self.embedding(tokens) * self.embedding.embedding_dim**0.5)  # [B, T, W]
        gates = self.gates_from_word(words)  # [B, T, G W]
        if self.sentinel:
            gates = gates + self.gates_from_picture(projected.mean(dim=1))[:, None]
        steps = []
        for word in gates.unbind(dim=1):  # [B, G W]
            if self.sentinel:
                hidden, cell, known = self._lstm(word, hidden, cell)
                context, weights = self.attention(hidden, keys, projected, known)
            else:
                context, weights = self.attention(hidden, keys, projected)
                context = torch.sigmoid(self.gate(hidden)) * context  # [B, W]
                hidden, cell, _ = self._lstm(word + self.gates_from_picture(context), hidden, cell)
            steps.append((hidden, context, weights))
        hidden_states, contexts, attention = (torch.stack(each, dim=1) for each in zip(*steps, strict=True))
        deep = self.deep(self.dropout(torch.cat((words, hidden_states, contexts), dim=-1)))  # [B, T, W]
        logits = F.linear(self.dropout(self.norm(deep)), self.embedding.weight, self.bias)  # [B, T, V]
        return logits, attention, (keys, projected, hidden, cell)

    def _lstm(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """One step of the LSTM: the input's part of its gates [B, G W] and the state [B, W] -> the next state [B, W].

        With a sentinel, also the sentinel: what the memory holds [B, W].
        """
        gates = (inputs + self.gates_from_hidden(hidden)).chunk(self.gates, dim=-1)  # G of [B, W]
        cell = torch.sigmoid(gates[1]) * cell + torch.sigmoid(gates[0]) * torch.tanh(gates[2])
        memory = torch.tanh(cell)
        known = torch.sigmoid(gates[4]) * memory if self.sentinel else None
        return torch.sigmoid(gates[3]) * memory, cell, known


class AdditiveAttention(nn.Module):
    """A small network scores each region against a query (D. Bahdanau, K. Cho, Y. Bengio, ICLR 2015).

    Args:
        width: W, of queries and regions.
        attention_width: A.
        sentinel: whether there is one more thing to attend to.
    """

    def __init__(self, width: int, attention_width: int, *, sentinel: bool):
        super().__init__()
        self.keys = nn.Linear(width, attention_width)
        self.query = nn.Linear(width, attention_width, bias=False)
        self.score = nn.Linear(attention_width, 1, bias=False)
        if sentinel:
            self.sentinel_key = nn.Linear(width, attention_width)

    def forward(
        self, query: Tensor, keys: Tensor, regions: Tensor, sentinel: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The weighted mean of the regions.

        Args:
            query: [B, W].
            keys, regions: of the regions, [B, R, A] and [B, R, W].
            sentinel: [B, W].

        Returns:
            What was gathered [B, W], and the weights of the regions [B, R], which sum to 1 with a sentinel too.
        """
        asked = self.query(query)[:, None]  # [B, 1, A]
        scores = self.score(torch.tanh(keys + asked))[..., 0]  # [B, R]
        weights = scores.softmax(dim=-1)
        context = (weights[:, None] @ regions)[:, 0]  # [B, W]
        if sentinel is None:
            return context, weights
        away = self.score(torch.tanh(self.sentinel_key(sentinel)[:, None] + asked))[..., 0]  # [B, 1]
        share = torch.cat((scores, away), dim=-1).softmax(dim=-1)[:, -1:]  # [B, 1]
        return share * sentinel + (1 - share) * context, weights

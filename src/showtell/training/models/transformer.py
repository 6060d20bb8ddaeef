"""A compact encoder–decoder Transformer over the regions of a picture.

A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, with the norms before the sublayers (R. Xiong et al.,
ICML 2020):

    Attention(x, s) = softmax(q kᵀ / √(W/H)) v             q from x, k and v from s
    a        = a + Attention(a, a);      a   = a + FFN(a)  an encoder layer: self-attention of the regions
    x_t      = E y_t + P_t                                 a word and its position in the sentence
    x_t      = x_t + Attention(x_t, x_≤t)                  a decoder layer: self-attention to the words so far,
    x_t      = x_t + Attention(x_t, a);  x_t = x_t + FFN(x_t)              cross-attention to the regions
    p(y_t+1) = softmax(E W_o x_t + b)                      the next word

Keys and values over the regions are computed once per picture, those over the words so far are kept from step to step.
Added to the papers: regions that are projected to the model's width, with a layer norm, and know their position;
dropout of whole feature channels; and W_o, without which each word would at first predict itself, since the residuals
carry its embedding to the output. Positions are learnt vectors, FFN has a GELU, and the output layer shares the
embedding's weights, as in the first paper (its section 3.4; O. Press, L. Wolf, EACL 2017).

Axes: B captions, T tokens, R regions, D width of a region, W width of the model, H heads, V vocabulary.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.errors import BadRecipe
from showtell.training.models.attention import Attention
from showtell.training.models.state import State


class Transformer(nn.Module):
    """The captioner of the recipe ``transformer``.

    Args:
        vocabulary: V, special tokens included.
        regions: R, cells of a picture.
        region_width: D.
        width: W.
        heads: H.
        encoder_layers, decoder_layers: how many.
        dropout: on embeddings, attention and sublayers.
        region_dropout: share of a picture's feature channels that training drops in all its regions at once.
        maximum_length: tokens of the longest caption, the start token included.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        regions: int,
        region_width: int,
        width: int = 384,
        heads: int = 6,
        encoder_layers: int = 1,
        decoder_layers: int = 3,
        dropout: float = 0.3,
        region_dropout: float = 0.1,
        maximum_length: int = 64,
    ):
        super().__init__()
        self.heads, self.layers = heads, decoder_layers
        # Per layer: keys and values over the regions (fixed), then keys and values over the words (growing).
        self.state_names = tuple(
            f"{kind}{layer}"
            for kind in ("region_keys", "region_values", "word_keys", "word_values")
            for layer in range(decoder_layers)
        )
        self.fixed = frozenset(range(2 * decoder_layers))
        self.region_dropout = region_dropout
        self.project = nn.Sequential(nn.Linear(region_width, width), nn.LayerNorm(width))
        self.region_positions = nn.Parameter(
            torch.zeros(regions, width)
        )  # where in the picture a region lies
        self.encoder = nn.ModuleList(EncoderLayer(width, heads, dropout) for _ in range(encoder_layers))
        self.encoder_norm = nn.LayerNorm(width)
        self.embedding = nn.Embedding(vocabulary, width)
        self.word_positions = nn.Embedding(maximum_length, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        nn.init.normal_(
            self.word_positions.weight, std=0.5
        )  # to matter beside words, whose numbers spread by 1
        self.decoder = nn.ModuleList(DecoderLayer(width, heads, dropout) for _ in range(decoder_layers))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D] -> a layer's keys and values over regions [B, H, R, W/H] and no words [B, H, 0, W/H]."""
        whole_channels = F.dropout1d(regions.transpose(1, 2), self.region_dropout, self.training)  # [B, D, R]
        encoded = self.dropout(
            self.project(whole_channels.transpose(1, 2)) + self.region_positions
        )  # [B, R, W]
        for layer in self.encoder:
            encoded = layer(encoded)
        encoded = self.encoder_norm(encoded)
        keys, values = zip(
            *(cast(DecoderLayer, layer).cross_attention.keys_values(encoded) for layer in self.decoder),
            strict=True,
        )
        nothing = tuple(tensor[:, :, :0] for tensor in keys)  # [B, H, 0, W/H]
        return (*keys, *values, *nothing, *nothing)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, T] -> logits [B, T, V], attention of the last layer [B, T, R], next state.

        Raises:
            BadRecipe: the caption has more tokens than ``maximum_length``.
        """
        count = self.layers
        region_keys, region_values = state[:count], state[count : 2 * count]
        word_keys, word_values = list(state[2 * count : 3 * count]), list(state[3 * count :])
        length_before = word_keys[0].shape[2]
        length = length_before + tokens.shape[1]
        if length > self.word_positions.num_embeddings:
            raise BadRecipe(
                f"a Transformer with a maximum_length of {self.word_positions.num_embeddings} is given {length} "
                "tokens; give it a larger one in [model.settings] of the recipe, or shorter captions"
            )
        positions = torch.arange(tokens.shape[1], device=tokens.device) + length_before  # [T]
        words = self.embedding(tokens) * self.embedding.embedding_dim**0.5 + self.word_positions(positions)
        words = self.dropout(words)  # [B, T, W]
        weights = words
        for number, layer in enumerate(self.decoder):
            words, weights, word_keys[number], word_values[number] = layer(
                words, word_keys[number], word_values[number], region_keys[number], region_values[number]
            )
        output = self.output(self.dropout(self.norm(words)))  # [B, T, W]
        logits = F.linear(output, self.embedding.weight, self.bias)  # [B, T, V]
        return logits, weights, (*region_keys, *region_values, *word_keys, *word_values)


class EncoderLayer(nn.Module):
    """Self-attention of the regions [B, R, W], then the feed-forward layer."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.attention = Attention(width, heads, dropout)
        self.feed_forward = feed_forward(width, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, regions: Tensor) -> Tensor:
        normal = self.norms[0](regions)
        gathered, _ = self.attention(normal, *self.attention.keys_values(normal))
        regions = regions + self.dropout(gathered)
        return regions + self.dropout(self.feed_forward(self.norms[1](regions)))


class DecoderLayer(nn.Module):
    """Words [B, T, W] attend to those before them, then to the regions."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.self_attention = Attention(width, heads, dropout)
        self.cross_attention = Attention(width, heads, dropout)
        self.feed_forward = feed_forward(width, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        words: Tensor,
        word_keys: Tensor,
        word_values: Tensor,
        region_keys: Tensor,
        region_values: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns words [B, T, W], weights over the regions [B, T, R], and the word keys and values, longer by T."""
        normal = self.norms[0](words)
        keys, values = self.self_attention.keys_values(normal)
        word_keys = torch.cat((word_keys, keys), dim=2)  # [B, H, t + T, W/H]
        word_values = torch.cat((word_values, values), dim=2)
        attended, _ = self.self_attention(normal, word_keys, word_values, causal=True)
        words = words + self.dropout(attended)
        gathered, weights = self.cross_attention(self.norms[1](words), region_keys, region_values)
        words = words + self.dropout(gathered)
        words = words + self.dropout(self.feed_forward(self.norms[2](words)))
        return words, weights, word_keys, word_values


def feed_forward(width: int, dropout: float) -> nn.Sequential:
    """Section 3.3: four times wider in the middle."""
    return nn.Sequential(
        nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
    )

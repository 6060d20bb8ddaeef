"""Text decoders of Hugging Face's captioners, rewritten to take one token at a time.

`transformers` runs them over whole sentences with caches that are Python objects, which no ONNX graph can hold. Here
is the same arithmetic, on the same weights, as a Showtell captioner's ``begin`` and ``step``
(``showtell.training.models``): keys and values are tensors of the state.

::

    cross  [B, 2L, H, R, d]   keys and values of what is attended to of the picture, computed once
    cache  [B, 2L, H, T, d]   keys and values of the T tokens so far, which grows with each step

Axes: B pictures or hypotheses, L layers, H heads, d width of a head, D = H d, R regions, T tokens, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from showtell.training.models.state import State


class Attention(nn.Module):
    """Multi-head attention with keys and values that are kept.

    Args:
        query, key, value, output: the linear maps D -> D (keys and values from the width of what is attended to).
        heads: H.
    """

    def __init__(self, query: nn.Module, key: nn.Module, value: nn.Module, output: nn.Module, heads: int):
        super().__init__()
        self.query, self.key, self.value, self.output = query, key, value, output
        self.heads = heads

    def keys_and_values(self, hidden: Tensor) -> Tensor:
        """What is attended to [B, S, D'] -> [B, 2, H, S, d]."""
        return torch.stack((self._split(self.key(hidden)), self._split(self.value(hidden))), dim=1)

    def forward(self, hidden: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden [B, T, D] and keys and values [B, 2, H, S, d] -> context [B, T, D], weights [B, H, T, S]."""
        query = self._split(self.query(hidden))  # [B, H, T, d]
        keys, values = kept[:, 0], kept[:, 1]
        weights = (query @ keys.transpose(2, 3) / query.shape[-1] ** 0.5).softmax(dim=-1)
        context = (weights @ values).transpose(1, 2).flatten(2)
        return self.output(context), weights

    def _split(self, hidden: Tensor) -> Tensor:
        """[B, S, D] -> [B, H, S, d]."""
        return hidden.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Layer(nn.Module):
    """One layer of a decoder: attention to the tokens so far, to the picture, and a network for each token.

    Args:
        own: attention to tokens.
        cross: attention to the picture; None where tokens and picture are attended to at once (GIT).
        network: D -> D.
        norms: of the three parts in that order, or of two.
        first: whether a part's input is normalised (GPT-2), or the sum after it (BERT).
    """

    def __init__(
        self,
        own: Attention,
        cross: Attention | None,
        network: nn.Module,
        norms: Sequence[nn.Module],
        *,
        first: bool,
    ):
        super().__init__()
        self.own, self.cross, self.network = own, cross, network
        self.norms = nn.ModuleList(norms)
        self.first = first

    def of_picture(self, hidden: Tensor) -> Tensor:
        """Keys and values of the picture [B, R, D'] that this layer attends to: [B, 2, H, R, d]."""
        return (self.own if self.cross is None else self.cross).keys_and_values(hidden)

    def forward(self, hidden: Tensor, cache: Tensor, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step.

        Args:
            hidden: [B, 1, D].
            cache: keys and values of the tokens before [B, 2, H, T, d].
            picture: those of the picture [B, 2, H, R, d].

        Returns:
            hidden [B, 1, D], the cache with this token [B, 2, H, T + 1, d], attention to the picture [B, 1, R].
        """
        norms = iter(self.norms)
        norm = next(norms)
        given = norm(hidden) if self.first else hidden
        cache = torch.cat((cache, self.own.keys_and_values(given)), dim=3)
        kept = cache if self.cross is not None else torch.cat((picture, cache), dim=3)
        found, weights = self.own(given, kept)
        hidden = self._added(hidden, found, norm)
        if self.cross is not None:
            norm = next(norms)
            found, weights = self.cross(norm(hidden) if self.first else hidden, picture)
            hidden = self._added(hidden, found, norm)
        norm = next(norms)
        hidden = self._added(hidden, self.network(norm(hidden) if self.first else hidden), norm)
        return hidden, cache, weights[..., : picture.shape[3]].mean(dim=1)

    def _added(self, hidden: Tensor, found: Tensor, norm: nn.Module) -> Tensor:
        """The residual sum, normalised where norms come last."""
        return hidden + found if self.first else norm(hidden + found)

    def encode(self, hidden: Tensor) -> Tensor:
        """The same layer over tokens of the picture alone, which all see one another: [B, R, D] -> [B, R, D]."""
        norm, last = self.norms
        hidden = norm(hidden + self.own(hidden, self.own.keys_and_values(hidden))[0])
        return last(hidden + self.network(hidden))


class CachedDecoder(nn.Module):
    """A captioner of ``showtell.training.models`` from a decoder's parts.

    Args:
        embed: tokens [B, 1] and their places [B, 1] -> hidden [B, 1, D].
        layers: L of them.
        head: hidden [B, 1, D] -> logits [B, 1, V].
        project: regions [B, R, D'] -> what is attended to.
        prefix: so many of the regions are no places of the picture (a class token), and attention leaves them out.
        rows: for each token of the bundle's vocabulary, the row of the embedding that is meant [V'].
        added: so many tokens at the end of that vocabulary the head does not know.
    """

    state_names = ("cross", "cache")
    fixed = frozenset({0})

    def __init__(
        self,
        *,
        embed: nn.Module,
        layers: Sequence[Layer],
        head: nn.Module,
        project: nn.Module,
        prefix: int,
        rows: Sequence[int],
        added: int,
    ):
        super().__init__()
        self.embed, self.head, self.project = embed, head, project
        self.layers = nn.ModuleList(layers)
        self.prefix = prefix
        self.rows = nn.Buffer(torch.tensor(rows), persistent=False)
        self.added = added

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D'] -> the state before the first token."""
        hidden = self.project(regions)
        found = []
        for layer in self.layers:
            assert isinstance(layer, Layer)
            found.append(layer.of_picture(hidden))
            if layer.cross is None:  # the regions pass through the layer themselves, before the tokens
                hidden = layer.encode(hidden)
        cross = torch.cat(found, dim=1)
        return cross, cross[:, :, :, :0]

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, 1] and the state -> logits [B, 1, V'], attention [B, 1, places], the next state."""
        cross, cache = state
        # A sum, not a length, which a traced graph would hold for a constant.
        places = torch.ones_like(cache[:, 0, 0, :, :1]).sum(dim=1).long()  # [B, 1]: T
        hidden = self.embed(self.rows[tokens], places)
        following = []
        attention = hidden
        for number, layer in enumerate(self.layers):
            part = slice(2 * number, 2 * number + 2)
            hidden, grown, attention = layer(hidden, cache[:, part], cross[:, part])
            following.append(grown)
        logits = self.head(hidden)
        if self.added:
            impossible = torch.full_like(logits[..., : self.added], -1e9)
            logits = torch.cat((logits, impossible), dim=2)
        attention = attention[..., self.prefix :]
        return logits, attention / attention.sum(dim=2, keepdim=True), (cross, torch.cat(following, dim=1))


class BertEmbedding(nn.Module):
    """Word and place, and a type of token where the model has any, normalised.

    Args:
        embeddings: the module of `transformers`.
        offset: added to places (RoBERTa counts from its padding id on).
    """

    def __init__(self, embeddings: Any, *, offset: int = 0):
        super().__init__()
        self.words, self.places = embeddings.word_embeddings, embeddings.position_embeddings
        self.types = getattr(embeddings, "token_type_embeddings", None)
        self.norm, self.offset = embeddings.LayerNorm, offset

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        hidden = self.words(tokens) + self.places(places + self.offset)
        if self.types is not None:
            hidden = hidden + self.types(torch.zeros_like(tokens))
        return self.norm(hidden)


class GPT2Embedding(nn.Module):
    """Word and place, after GPT-2."""

    def __init__(self, transformer: Any):
        super().__init__()
        self.words, self.places = transformer.wte, transformer.wpe

    def forward(self, tokens: Tensor, places: Tensor) -> Tensor:
        return self.words(tokens) + self.places(places)


def bert_layers(encoder: Any, heads: int, *, crossed: bool = True) -> list[Layer]:
    """The layers of a BERT-like module: BLIP's text decoder, BERT, RoBERTa, and without `crossed` GIT's."""
    layers = []
    for layer in encoder.layer:
        network = nn.Sequential(
            layer.intermediate.dense, layer.intermediate.intermediate_act_fn, layer.output.dense
        )
        norms = [layer.attention.output.LayerNorm, layer.output.LayerNorm]
        cross = None
        if crossed:
            cross = _bert_attention(layer.crossattention, heads)
            norms.insert(1, layer.crossattention.output.LayerNorm)
        layers.append(Layer(_bert_attention(layer.attention, heads), cross, network, norms, first=False))
    return layers


def gpt2_layers(transformer: Any, heads: int) -> list[Layer]:
    """The layers of GPT-2 with cross-attention."""
    layers = []
    for block in transformer.h:
        query, key, value = _split(block.attn.c_attn, 3)
        own = Attention(query, key, value, _linear(block.attn.c_proj), heads)
        keys, values = _split(block.crossattention.c_attn, 2)
        cross = Attention(
            _linear(block.crossattention.q_attn), keys, values, _linear(block.crossattention.c_proj), heads
        )
        network = nn.Sequential(_linear(block.mlp.c_fc), block.mlp.act, _linear(block.mlp.c_proj))
        layers.append(Layer(own, cross, network, [block.ln_1, block.ln_cross_attn, block.ln_2], first=True))
    return layers


def _bert_attention(attention: Any, heads: int) -> Attention:
    own = attention.self
    return Attention(own.query, own.key, own.value, attention.output.dense, heads)


def _linear(convolution: Any) -> nn.Linear:
    """GPT-2's ``Conv1D`` as what it is."""
    return _split(convolution, 1)[0]


def _split(convolution: Any, parts: int) -> list[nn.Linear]:
    """The parts of a ``Conv1D`` whose outputs stand one beside the other."""
    found = []
    for weight, bias in zip(
        convolution.weight.detach().chunk(parts, dim=1), convolution.bias.detach().chunk(parts), strict=True
    ):
        linear = nn.Linear(weight.shape[0], weight.shape[1])
        linear.weight = nn.Parameter(weight.T.contiguous(), requires_grad=False)
        linear.bias = nn.Parameter(bias.contiguous(), requires_grad=False)
        found.append(linear)
    return found

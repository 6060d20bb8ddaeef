"""Pictures and sentences in one space: which sentence goes with which picture, and which word with which region.

Two models behind one method, ``scores(regions, tokens)``:

* ``DeVSA``, after A. Karpathy, L. Fei-Fei, *Deep Visual-Semantic Alignments for Generating Image Descriptions*, CVPR
  2015: a vector for each region and for each word; a picture and a sentence fit as well as the words find regions.
* ``DualEncoder``: one vector for a picture and one for a sentence, so that a library of pictures is searched with one
  matrix product.

Axes: B pictures, C sentences, R regions, D width of a region, T tokens, V vocabulary, H width of hidden layers, E width
of the common space.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FIRST_SCALE = 20.0
MASKED = -1e4  # in the place of what is padding, where a maximum is taken; half precision has it


class DeVSA(nn.Module):
    """A score for each picture and sentence from the vectors of regions and words.

        v_i  = W_m a_i + b_m                                region i (equation 1, on cells of the encoder's map)
        e_t  = f(W_w E w_t + b_e)                           word t (equations 2 and 3; f is ReLU)
        h_t  = f(e_t + W h_t∓1 + b)                         forwards and backwards (equations 4 and 5)
        s_t  = f(W_d (h_t→ + h_t←) + b_d)                   (equation 6)
        S_kl = Σ_t max_i v_iᵀ s_t                           (equation 8, simplified)

    The recurrence is PyTorch's, with ReLU, as the paper has it. Added are layer norms of the regions and dropout.

    Args:
        vocabulary: V, special tokens included; padding has the id 0.
        region_width: D.
        width: H = E.
        dropout: on regions and words.
    """

    def __init__(
        self, *, vocabulary: int, regions: int, region_width: int, width: int = 512, dropout: float = 0.3
    ):
        super().__init__()
        self.regions = nn.Sequential(
            nn.LayerNorm(region_width), nn.Dropout(dropout), nn.Linear(region_width, width)
        )
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.words_in = nn.Linear(width, width)
        self.forwards = nn.RNN(width, width, nonlinearity="relu", batch_first=True)
        self.backwards = nn.RNN(width, width, nonlinearity="relu", batch_first=True)
        for recurrence in (self.forwards, self.backwards):
            # Q. Le et al., *A Simple Way to Initialize Recurrent Networks of Rectified Linear Units*, 2015
            recurrence.get_parameter("weight_hh_l0").data.copy_(0.5 * torch.eye(width))
        self.words_out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def encode_regions(self, regions: Tensor) -> Tensor:
        """Regions [B, R, D] -> vectors [B, R, E]."""
        return self.regions(regions)

    def encode_words(self, tokens: Tensor) -> Tensor:
        """Tokens [C, T], padded at the end -> vectors [C, T, E], zero where there is padding."""
        there = (tokens != 0)[..., None]  # [C, T, 1]
        words = F.relu(self.words_in(self.dropout(self.embedding(tokens))))  # [C, T, H]
        order = reversal(tokens)[..., None].expand_as(words)  # [C, T, H]
        forwards, _ = self.forwards(words)
        backwards, _ = self.backwards(words.gather(1, order))
        both = forwards + backwards.gather(1, order)
        return F.relu(self.words_out(self.dropout(both))) * there  # [C, T, E]

    def similarities(self, regions: Tensor, tokens: Tensor) -> Tensor:
        """How well each word fits each region of each picture: [B, C, T, R]."""
        pictures, sentences = self.encode_regions(regions), self.encode_words(tokens)
        return torch.einsum("bre,cte->bctr", pictures, sentences)

    def scores(self, regions: Tensor, tokens: Tensor) -> Tensor:
        """Regions [B, R, D], tokens [C, T] -> scores [B, C], more is more alike."""
        return self.similarities(regions, tokens).amax(dim=3).sum(dim=2)


class DualEncoder(nn.Module):
    """One vector of length one for a picture, one for a sentence; the score is their product.

    A picture's vector comes from its regions' mean and from what several heads attend to (softmax of a learned score
    over the regions); a sentence's from the means and maxima over a recurrent network in both directions. After F.
    Faghri et al., *VSE++*, BMVC 2018, with attention in the place of the mean.

    Args:
        vocabulary: V, special tokens included; padding has the id 0.
        region_width: D.
        width: H.
        size: E.
        word_width: of embeddings.
        heads: of the attention over regions.
        dropout: on regions, words and before the outputs.
        word_dropout: share of words that training leaves out.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        regions: int,
        region_width: int,
        width: int = 512,
        size: int = 256,
        word_width: int = 300,
        heads: int = 4,
        dropout: float = 0.2,
        word_dropout: float = 0.1,
    ):
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f"the width {width} is no multiple of heads = {heads}")
        self.heads = heads
        self.word_dropout = word_dropout
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(region_width)
        self.project = nn.Linear(region_width, width)
        self.attend = nn.Linear(width, heads)
        self.picture_out = nn.Linear(2 * width, size)
        self.embedding = nn.Embedding(vocabulary, word_width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.forwards = nn.GRU(word_width, width // 2, batch_first=True)
        self.backwards = nn.GRU(word_width, width // 2, batch_first=True)
        self.text_out = nn.Linear(2 * width, size)
        self.log_scale = nn.Parameter(
            torch.tensor(math.log(FIRST_SCALE))
        )  # of the loss: one over the temperature

    def encode_pictures(self, regions: Tensor) -> Tensor:
        """Regions [B, R, D] -> vectors of length one [B, E]."""
        hidden = F.relu(self.project(self.dropout(self.norm(regions))))  # [B, R, H]
        weights = self.attend(torch.tanh(hidden)).softmax(dim=1)  # [B, R, heads]
        parts = hidden.unflatten(2, (self.heads, -1))  # [B, R, heads, H/heads]
        attended = (weights[..., None] * parts).sum(dim=1).flatten(1)  # [B, H]
        both = torch.cat((attended, hidden.mean(dim=1)), dim=1)  # [B, 2H]
        return F.normalize(self.picture_out(self.dropout(both)).float(), dim=-1)

    def encode_texts(self, tokens: Tensor) -> Tensor:
        """Tokens [C, T], padded at the end -> vectors of length one [C, E]; padding changes nothing."""
        there = (tokens != 0)[..., None]  # [C, T, 1]
        words = self.dropout(self.embedding(tokens))  # [C, T, word_width]
        if self.training:
            words = words * (torch.rand(tokens.shape, device=tokens.device) >= self.word_dropout)[..., None]
        order = reversal(tokens)[..., None].expand_as(words)
        hidden = torch.cat(
            (self.forwards(words)[0], self.backwards(words.gather(1, order))[0]), dim=2
        )  # [C, T, H]
        mean = (hidden * there).sum(dim=1) / there.sum(dim=1).clamp(min=1)
        highest = hidden.masked_fill(~there, MASKED).amax(dim=1)
        both = torch.cat((mean, highest), dim=1)  # [C, 2H]
        return F.normalize(self.text_out(self.dropout(both)).float(), dim=-1)

    def scores(self, regions: Tensor, tokens: Tensor) -> Tensor:
        """Regions [B, R, D], tokens [C, T] -> cosines [B, C]."""
        return self.encode_pictures(regions) @ self.encode_texts(tokens).T


def reversal(tokens: Tensor) -> Tensor:
    """Where each token stands when the sentence is read from its end, padding left behind it: [C, T] -> [C, T]."""
    lengths = (tokens != 0).sum(dim=1, keepdim=True)  # [C, 1]
    places = torch.arange(tokens.shape[1], device=tokens.device)[None]  # [1, T]
    return torch.where(places < lengths, lengths - 1 - places, places)

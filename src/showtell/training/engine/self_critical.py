"""Self-critical sequence training: captions are sampled, scored, and made likelier or less likely by their score.

S. Rennie et al., *Self-Critical Sequence Training for Image Captioning*, CVPR 2017. For a sampled caption w with the
reward r(w) and a baseline b, the gradient is that of

    L = -(r(w) - b) Σ_t log p(w_t | w_<t)                                     equations 7 and 8

The baseline is the mean reward of the picture's other samples (R. Luo, *A Better Variant of Self-Critical Sequence
Training*, 2020), or the reward of the greedy caption, as in the paper. A share of cross entropy keeps the captioner
near what people say, which matters where there are thousands of pictures and not hundreds of thousands.

Captions are sampled and scored in one pass with gradients, so that dropout is the same in both.

Axes: B pictures, S samples per picture, N = B·S samples, T tokens, V vocabulary.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from showtell.decoding import SpecialIds
from showtell.training.data.batches import Batch
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.rewards import Reward
from showtell.training.models import Captioner
from showtell.training.models.state import State
from showtell.training.settings import SelfCritical

FORBIDDEN = -1e9  # the logit of a token that is never sampled; finite, so that 0 · log 0 stays a number


@dataclass(frozen=True)
class Samples:
    """Captions that were drawn.

    Attributes:
        tokens: int64 [N, T], with the end token and padding after it; the S samples of a picture are neighbours.
        log_probabilities: [N, T], zero after the end token; with gradients.
        entropy: [], mean over the tokens drawn, in nats.
        unknown: [], the mean probability that the model gave to the unknown token before it was forbidden.
    """

    tokens: Tensor
    log_probabilities: Tensor
    entropy: Tensor
    unknown: Tensor


class SelfCriticalLoss:
    """The loss of a batch, mean over sampled tokens, plus a share of cross entropy.

    Args:
        rewards: by language; a picture that a reward does not know is not sampled in its language.
        special: the special ids, by language.
        length: the fewest and the most words of a sample.
    """

    def __init__(
        self,
        rewards: Mapping[str, Reward],
        special: Mapping[str, SpecialIds],
        settings: SelfCritical,
        cross_entropy: CrossEntropy,
        *,
        length: tuple[int, int],
    ):
        self.rewards = rewards
        self._special = special
        self._settings = settings
        self._cross_entropy = cross_entropy
        self._length = length
        self._logged: defaultdict[str, list[float]] = defaultdict(list)

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        """The loss of a batch: []."""
        loss = batch.regions.new_zeros(())
        for language, reward in self.rewards.items():
            rows = [row for row, name in enumerate(batch.ids) if name in reward]
            if rows:
                loss = loss + self._criticise(cast(Captioner, model), batch, rows, language)
        if self._settings.cross_entropy:
            loss = loss + self._settings.cross_entropy * self._cross_entropy(model, batch)
        return loss

    def take_figures(self) -> dict[str, float]:
        """Means over the batches since the last call: reward, entropy, length, and what samples do wrong."""
        figures = {name: fmean(values) for name, values in self._logged.items()}
        self._logged.clear()
        return figures

    def _criticise(self, model: Captioner, batch: Batch, rows: list[int], language: str) -> Tensor:
        special, count = self._special[language], self._settings.samples
        regions = batch.regions[rows]  # [B, R, D]
        samples = sample(model, regions, special, samples=count, length=self._length)
        found = samples.tokens.cpu().numpy()

        def reward(pictures: NDArray[np.int64], tokens: NDArray[np.int64]) -> NDArray[np.float64]:
            ids = [batch.ids[row] for row in pictures]
            return self.rewards[language](ids, batch.mirrored[pictures].tolist(), tokens)

        rewards = reward(np.repeat(rows, count), found).reshape(-1, count)  # [B, S]
        if self._settings.baseline == "greedy":
            greedy = _greedy(model, regions, special, self._length)
            baseline = reward(np.array(rows), greedy)[:, None]  # [B, 1]
        else:
            baseline = (rewards.sum(axis=1, keepdims=True) - rewards) / (count - 1)  # [B, S]
        self._note(language, rewards, found, samples, special)
        advantage = torch.from_numpy(rewards - baseline).to(regions).view(-1, 1)  # [N, 1]
        mask = samples.tokens != special.pad  # [N, T]
        return -(advantage * samples.log_probabilities).sum() / mask.sum()

    def _note(
        self,
        language: str,
        rewards: NDArray[np.float64],
        tokens: NDArray[np.int64],
        samples: Samples,
        special: SpecialIds,
    ) -> None:
        ended = (tokens == special.end).any(axis=1)
        words = ((tokens != special.end) & (tokens != special.pad)).sum(axis=1)
        for name, value in (
            ("reward", rewards.mean()),
            ("entropy", samples.entropy.detach()),
            ("sampled length", words.mean()),
            ("sampled without end", 100 * (1 - ended.mean())),
            ("unknown", 100 * samples.unknown.detach()),
        ):
            self._logged[f"{language} {name}"].append(float(value))


def sample(
    model: Captioner, regions: Tensor, special: SpecialIds, *, samples: int, length: tuple[int, int]
) -> Samples:
    """Draw captions from the model's own distribution; padding, start and unknown tokens are never drawn.

    Args:
        regions: [B, R, D].
        length: the fewest and the most words of a caption.
    """
    least, most = length
    state: State = tuple(tensor.repeat_interleave(samples, dim=0) for tensor in model.begin(regions))
    tokens = torch.full((len(regions) * samples, 1), special.start, device=regions.device)  # [N, 1]
    growing = torch.ones(len(tokens), dtype=torch.bool, device=regions.device)  # [N]
    never = [special.pad, special.start, special.unknown, *special.others]
    drawn, log_probabilities, entropy, unknown = [], [], regions.new_zeros(()), regions.new_zeros(())
    for step in range(most + 1):
        logits, _, state = model.step(tokens, state)
        plain = logits[:, 0].float()  # [N, V]
        unknown = unknown + (plain.detach().softmax(dim=-1)[:, special.unknown] * growing).sum()
        forbidden = [*never, special.end] if step < least else never
        masked = plain.index_fill(1, torch.tensor(forbidden, device=plain.device), FORBIDDEN)
        if step == most:  # nothing is left to be said but the end
            masked = masked.new_full(masked.shape, FORBIDDEN).index_copy(
                1, torch.tensor([special.end], device=plain.device), plain[:, [special.end]]
            )
        log_softmax = masked.log_softmax(dim=-1)  # [N, V]
        probability = log_softmax.detach().exp()
        tokens = draw(probability)
        log_probabilities.append(log_softmax.gather(1, tokens)[:, 0] * growing)
        entropy = entropy - ((probability * log_softmax.detach()).sum(dim=-1) * growing).sum()
        tokens = tokens.masked_fill(~growing[:, None], special.pad)
        drawn.append(tokens)
        growing = growing & (tokens[:, 0] != special.end)
        if not growing.any():
            break
    found = torch.cat(drawn, dim=1)  # [N, T]
    number = (found != special.pad).sum()
    return Samples(found, torch.stack(log_probabilities, dim=1), entropy / number, unknown / number)


def draw(probabilities: Tensor) -> Tensor:
    """One index per row, with the probabilities of its elements: [N, V] -> int64 [N, 1].

    ``torch.multinomial`` draws a random number for each element, which takes a fifth of a step's time.
    """
    cumulative = probabilities.double().cumsum(dim=1)  # [N, V]
    random = torch.rand(len(cumulative), 1, dtype=torch.float64, device=cumulative.device)
    return torch.searchsorted(cumulative, random * cumulative[:, -1:], right=True)


@torch.no_grad()
def _greedy(
    model: Captioner, regions: Tensor, special: SpecialIds, length: tuple[int, int]
) -> NDArray[np.int64]:
    """The likeliest next token at each step, without dropout, as at test time: [B, T]."""
    module = cast(nn.Module, model)
    training = module.training
    module.eval()
    state = model.begin(regions)
    tokens = torch.full((len(regions), 1), special.start, device=regions.device)
    drawn = []
    for step in range(length[1]):
        logits, _, state = model.step(tokens, state)
        never = [special.pad, special.start, special.unknown, *special.others]
        forbidden = torch.tensor([*never, special.end] if step < length[0] else never, device=regions.device)
        tokens = logits[:, 0].float().index_fill(1, forbidden, FORBIDDEN).argmax(dim=-1, keepdim=True)
        drawn.append(tokens)
    drawn.append(torch.full_like(tokens, special.end))  # as in ``sample``, the longest captions end too
    module.train(training)
    return torch.cat(drawn, dim=1).cpu().numpy()


def scale_dropout(model: nn.Module, share: float) -> None:
    """Leave a share of all dropout, in place: samples of a captioner with half its units are poor."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p *= share
        region_dropout = getattr(module, "region_dropout", None)
        if isinstance(region_dropout, float):
            module.region_dropout = region_dropout * share  # type: ignore[assignment]

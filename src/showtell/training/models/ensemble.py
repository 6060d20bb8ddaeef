"""Several captioners that speak with one voice: the mean of what they expect next.

Members are trained apart, from different random weights; their mistakes differ, so that the mean makes fewer (the
ensemble of O. Vinyals et al., *Show and Tell*, PAMI 2016, section 5).
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from showtell.training.models.state import Captioner, State


class Ensemble(nn.Module):
    """Members behind ``begin`` and ``step``; the state is all their states, one after the other.

    Args:
        members: captioners of the same vocabulary.
    """

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)
        names: list[str] = []
        fixed: list[int] = []
        for number, member in enumerate(self._captioners):
            fixed += [len(names) + place for place in member.fixed]
            names += [f"{name}.{number}" for name in member.state_names]
        self.state_names = tuple(names)
        self.fixed = frozenset(fixed)
        self.pooled = all(member.pooled for member in self._captioners)

    @property
    def _captioners(self) -> list[Captioner]:
        return [cast(Captioner, member) for member in self.members]

    def begin(self, regions: Tensor) -> State:
        """Regions [B, R, D] -> the members' states."""
        return tuple(tensor for member in self._captioners for tensor in member.begin(regions))

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Tokens [B, T] -> log of the mean probabilities [B, T, V], mean attention [B, T, R], next states."""
        said: list[Tensor] = []
        looked: list[Tensor] = []
        following: list[Tensor] = []
        for member in self._captioners:
            count = len(member.state_names)
            logits, attention, after = member.step(tokens, state[:count])
            state = state[count:]
            said.append(logits.log_softmax(dim=-1))
            looked.append(attention)
            following += after
        mean = torch.stack(said).exp().mean(dim=0).log()
        return mean, torch.stack(looked).mean(dim=0), tuple(following)

"""What every captioner offers, and what it remembers between two words."""

from typing import Protocol

from torch import Tensor

State = tuple[Tensor, ...]
"""Tensors with the batch on axis 0."""


class Captioner(Protocol):
    """A captioner: the names of its state's tensors, which of them never change while decoding, and two methods."""

    state_names: tuple[str, ...]
    fixed: frozenset[int]

    def begin(self, regions: Tensor) -> State: ...

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]: ...

"""What every captioner offers, and what it remembers between two words."""

from typing import Protocol

from torch import Tensor

State = tuple[Tensor, ...]
"""Tensors with the batch on axis 0."""


class Captioner(Protocol):
    """A model (DESIGN: begin and step, nothing else is asked of it)."""

    state_names: tuple[str, ...]
    fixed: frozenset[int]
    pooled: bool

    def begin(self, regions: Tensor) -> State: ...

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]: ...

"""What decoding takes and gives."""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

MOST, MOST_SAMPLES = 1000, 10_000
"""Of hypotheses and words, and of samples: more would only fill the memory."""

Search = Literal["exact", "heuristic"]

Similarity = Callable[[int, Sequence[tuple[int, ...]]], NDArray[Any]]
"""A picture's place in its batch and N captions as token ids -> how well each fits the picture, cosines [N]."""

State = tuple[NDArray[Any], ...]
"""What a captioner remembers of each row: any number of tensors with rows on axis 0."""


class Stepper(Protocol):
    """A captioner, as decoding sees it."""

    @property
    def fixed(self) -> frozenset[int]:
        """The places in the state of tensors that never change while a picture is decoded."""

    def begin(self, regions: NDArray[Any]) -> State:
        """Regions [B, R, D] -> the state before the first token, B rows."""

    def step(self, tokens: NDArray[np.int64], state: State) -> tuple[NDArray[Any], NDArray[Any], State]:
        """Tokens [N, 1] and the state of N rows -> logits [N, V], attention [N, R], the whole next state."""


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """The tokens that are no words; ``start`` is that of the language wanted, ``others`` of all others.

    A caption goes on from ``prompt``, which comes after the start and is no part of it.
    """

    pad: int
    start: int
    end: int
    unknown: int
    others: tuple[int, ...] = ()
    prompt: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len({self.pad, self.start, self.end, self.unknown}) < 4:
            raise ValueError(f"the special ids must be four different ones, not {self}")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One caption that was found.

    Attributes:
        tokens: the ids of its words, without start and end.
        log_probability: the sum of the natural logarithms of its tokens' probabilities, the end's included,
            as the model gives them (not as sampling may have changed them).
        score: what it was ranked by.
        attention: [T, R], what each word looked at; None unless asked for.
        similarity: how well it fits the picture, a cosine; None where nothing measures it.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    attention: NDArray[Any] | None = field(default=None, compare=False, repr=False)
    similarity: float | None = None


_RANGES = {
    "beam": (1, MOST),
    "candidates": (1, MOST_SAMPLES),
    "min_length": (0, MOST),
    "max_length": (1, MOST),
    "top_k": (1, math.inf),
    "seed": (0, 2**64 - 1),
    "no_repeat_ngram": (0, math.inf),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingOptions:
    """How captions are found. A temperature, ``top_k`` or ``top_p`` means sampling; a beam of 1, greedy.

    Attributes:
        beam: hypotheses that are kept while a caption grows (beam search).
        candidates: hypotheses per picture: at most ``beam``; when sampling, so many independent samples.
        min_length: words a caption has at least, unless it runs out of words that may still be said.
        max_length: words it has at most.
        length_exponent: score = log-probability / length ** exponent; from 0, which favours short captions, to 10.
        temperature: divides the logits before sampling; 1 is the model as it is, less is more careful.
        top_k: sample among the k most probable words alone.
        top_p: sample among the fewest words whose probability together reaches this share alone.
        seed: from 0 up; the same seed gives the same samples.
        no_repeat_ngram: no n words in a row stand twice in a caption; 0 for no such rule.
        similarity_weight: of a hypothesis's similarity to the picture, which is added to its score where `decode` is
            given what measures it; from 0, not at all, to 1000.
        search: ``exact``, or ``heuristic``, the beam search of `transformers`: see ``heuristic_beam.py``.

    Raises:
        ValueError: a value out of range, or no integer where one is needed.
    """

    beam: int = 3
    candidates: int = 1
    min_length: int = 1
    max_length: int = 20
    length_exponent: float = 0.7
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    no_repeat_ngram: int = 0
    similarity_weight: float = 0.0
    search: Search = "exact"

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value: Any = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if value is None and name == "top_k":
                continue
            if not whole:
                raise ValueError(f"{name} must be an integer, not {value!r}")
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
            if value > most:
                raise ValueError(f"{name} must be at most {most}, not {_short(value)}")
        rules = (
            (
                self.sampling or self.candidates <= self.beam,
                f"candidates ({self.candidates}) must be at most beam ({self.beam}), or sample",
            ),
            (
                self.min_length <= self.max_length,
                f"min_length must be from 0 to max_length ({self.max_length}), not {self.min_length}",
            ),
            (
                0 <= self.length_exponent <= 10,
                f"length_exponent must be from 0 to 10, not {self.length_exponent}",
            ),
            (
                0 <= self.similarity_weight <= 1000,
                f"similarity_weight must be from 0 to 1000, not {self.similarity_weight}",
            ),
            (
                self.temperature is None or 0 < self.temperature <= sys.float_info.max,
                f"temperature must be more than 0, not {self.temperature} (for the most probable words, leave it out)",
            ),
            (self.top_p is None or 0 < self.top_p <= 1, f"top_p must be over 0, at most 1, not {self.top_p}"),
            (
                self.search in get_args(Search),
                f"search must be one of {', '.join(get_args(Search))}, not {self.search!r}",
            ),
        )
        for holds, message in rules:
            if not holds:
                raise ValueError(message)

    @property
    def sampling(self) -> bool:
        """Whether captions are drawn by chance."""
        return not (self.temperature is None and self.top_k is None and self.top_p is None)

    def score(self, log_probability: Any, length: int) -> Any:
        """What a complete hypothesis of so many words, or an array of them, is ranked by."""
        return log_probability / (length + 1) ** self.length_exponent


def _short(number: int) -> str:
    """A number as a sentence can hold it."""
    return str(number) if abs(number) < 10**20 else "a number of more than 20 digits"

"""What every captioner takes and gives: options in, captions out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

__all__ = ["Alternative", "Caption", "Options", "Result"]


class Options(TypedDict, total=False):
    """How to caption, in the words of the command line. What is left out, or None, is the bundle's choice.

    language: one of the bundle's languages; in `caption_many` also ``both``, for all of them in turn.
    beam: hypotheses that are followed at a time; 1 is greedy.
    candidates: hypotheses that are wanted in the end, the caption itself included: as many as the beam has
        unless given. More than the bundle's beam widen it, where no beam is given.
    min_length, max_length: of a caption, in tokens.
    temperature, top_k, top_p: any of them means that words are drawn instead of searched for.
    seed: of the drawing. What is drawn for a picture depends on the seed and on its pixels, not on its neighbours.
    attention: whether captions shall have their `Caption.attention`.
    """

    language: str | None
    beam: int | None
    candidates: int | None
    min_length: int | None
    max_length: int | None
    temperature: float | None
    top_k: int | None
    top_p: float | None
    seed: int | None
    attention: bool


@dataclass(frozen=True, slots=True)
class Alternative:
    """What else the captioner would have said. Its text is ``str(alternative)``."""

    text: str
    log_probability: float

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture shows. Its text is ``str(caption)``.

    text: the sentence.
    language: of the sentence, ``en`` or ``zh``.
    confidence: the probability, 0 to 1, that the caption is good, as the bundle's calibration defines good;
        None when the bundle has no calibration.
    log_probability: natural logarithm of the captioner's probability of these tokens, the end included.
    tokens: the words.
    attention: where it looked for each token, [T, R], when asked for.
    alternatives: the other hypotheses, best first.
    """

    text: str
    language: str
    confidence: float | None
    log_probability: float
    tokens: tuple[str, ...]
    attention: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    alternatives: tuple[Alternative, ...] = ()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one of many pictures: a caption, or the reason why there is none.

    path: the picture as it was given, when it was given as a path.
    caption: None when the picture could not be read.
    error: what is wrong with the picture, in one sentence; None when there is a caption.
    """

    path: str | Path | None
    caption: Caption | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a caption."""
        return self.caption is not None

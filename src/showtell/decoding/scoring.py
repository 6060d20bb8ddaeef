"""Forced decoding: how probable given words are, instead of which words are probable."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.decoding.base import Stepper
from showtell.decoding.steps import log_probabilities


def forced(stepper: Stepper, regions: NDArray[Any], start: int, tokens: Sequence[int]) -> NDArray[Any]:
    """The log-probability of each token after those before it, natural logarithm [B, T].

    Args:
        regions: of each picture, [B, R, D].
        start: id of the start token.
        tokens: T ids, the same for all pictures.

    Raises:
        BadBundle: the network's logits are not numbers.
    """
    state = stepper.begin(regions)
    found = np.zeros((len(regions), len(tokens)))
    for place, (token, following) in enumerate(zip((start, *tokens), tokens, strict=False)):
        column = np.full((len(regions), 1), token, np.int64)  # [B, 1]
        logits, _, state = stepper.step(column, state)
        found[:, place] = log_probabilities(logits)[:, following]
    return found

"""What greedy, beam search and sampling share: one step's log-probabilities, and rows of the state."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.decoding.base import DecodingOptions, SpecialIds, State, Stepper
from showtell.errors import BadBundle

# A word that the model holds impossible is merely very improbable here, and minus infinity means forbidden.
_LEAST = -1e4

SHRINK_AT = 0.75
"""Finished pictures leave the batch when no more than this share is left: each leaving copies the rest."""


def begun(stepper: Stepper, regions: NDArray[Any], ids: SpecialIds) -> tuple[State, NDArray[np.int64]]:
    """The state [B, …] before the first word, and the token to give with it [B, 1]: the start, or the prompt's last."""
    state = stepper.begin(regions)
    first = (ids.start, *ids.prompt)
    columns = [np.full((len(regions), 1), token, np.int64) for token in first]
    for tokens in columns[:-1]:
        _, _, state = stepper.step(tokens, state)
    return state, columns[-1]


def log_probabilities(logits: NDArray[Any]) -> NDArray[Any]:
    """Logits [N, V] -> log-softmax [N, V], a new array, between -10,000 and 0.

    Raises:
        BadBundle: a row is not a distribution (NaN, plus infinity, or minus infinity alone).
    """
    best = logits.max(1, keepdims=True)  # [N, 1]
    if not np.isfinite(best).all():
        raise BadBundle(
            "the network's logits are not numbers; its weights are broken or its training diverged"
        )
    shifted: NDArray[Any] = logits - best
    shifted -= np.log(np.exp(shifted).sum(1, keepdims=True))
    return np.clip(shifted, _LEAST, 0, out=shifted)


def forbid(
    log_probabilities: NDArray[Any], prefixes: NDArray[np.int64], ids: SpecialIds, options: DecodingOptions
) -> None:
    """Put minus infinity, in place, where a token may not follow.

    Args:
        log_probabilities: [N, V], changed.
        prefixes: [N, T], the words said so far.
        ids: of which only the end may follow, and not before ``min_length`` words unless none is left.
        options: lengths and the rule about n-grams.
    """
    ends = log_probabilities[:, ids.end].copy()
    for index in (ids.pad, ids.start, ids.unknown, ids.end, *ids.others):
        log_probabilities[:, index] = -np.inf
    if options.no_repeat_ngram:
        rows, words = _repeating(prefixes, options.no_repeat_ngram)
        log_probabilities[rows, words] = -np.inf
    if prefixes.shape[1] < options.min_length:
        ends[np.isfinite(log_probabilities).any(1)] = -np.inf
    log_probabilities[:, ids.end] = ends


def _repeating(prefixes: NDArray[np.int64], ngram: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The (row, word) pairs where the word would end an n-gram that the row's prefix has already."""
    length = prefixes.shape[1]
    if length < ngram:
        none = np.zeros(0, np.int64)
        return none, none
    windows = np.lib.stride_tricks.sliding_window_view(prefixes, ngram, axis=1)  # [N, T - n + 1, n]
    tail = prefixes[:, length - ngram + 1 :]  # [N, n - 1]
    rows, places = np.nonzero((windows[:, :, :-1] == tail[:, None]).all(2))
    return rows, windows[rows, places, -1]


_QUICK = 64


def ranked(scores: NDArray[Any], count: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The highest scores of each row, best first, and their columns; of equal ones the lower column first.

    Args:
        scores: [N, V]; spoilt, because it is not needed afterwards.
        count: how many of a row; all of them when it has fewer.

    Returns:
        values [N, count], columns [N, count].
    """
    count = min(count, scores.shape[1])
    if count > _QUICK:
        columns = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(scores, columns, 1), columns
    # So few passes for the maximum are quicker than a partition, and they settle ties.
    rows = np.arange(len(scores))
    values = np.empty((len(scores), count), scores.dtype)
    columns = np.empty((len(scores), count), np.int64)
    for place in range(count):
        column = scores.argmax(1)
        columns[:, place] = column
        values[:, place] = scores[rows, column]
        scores[rows, column] = -np.inf
    return values, columns


def take(
    state: State, rows: NDArray[np.int64], fixed: frozenset[int], *, same_pictures: bool
) -> tuple[NDArray[Any], ...]:
    """The state of other rows: [N, …] -> [len(rows), …].

    Fixed tensors, the large ones, are left alone when each row belongs to the same picture as before.
    """
    return tuple(
        tensor if same_pictures and place in fixed else tensor[rows] for place, tensor in enumerate(state)
    )

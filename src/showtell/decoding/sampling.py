"""Greedy decoding and sampling: every row says one word after the other and never looks back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.decoding.base import DecodingOptions, Hypothesis, SpecialIds, Stepper
from showtell.decoding.steps import SHRINK_AT, begun, forbid, log_probabilities, ranked, take


def walk(
    stepper: Stepper,
    regions: NDArray[Any],
    ids: SpecialIds,
    options: DecodingOptions,
    attention: bool,
    seeds: Sequence[int],
) -> list[list[Hypothesis]]:
    """One greedy hypothesis per picture, or ``options.candidates`` samples, best first; see ``decode``."""
    copies = options.candidates if options.sampling else 1
    places = np.arange(len(regions) * copies)  # [N], where each running row's result belongs
    chances = _chances(options, seeds, copies) if options.sampling else None
    state, tokens = begun(stepper, regions, ids)
    if copies > 1:
        state, tokens = (
            take(state, places // copies, stepper.fixed, same_pictures=False),
            tokens[places // copies],
        )
    prefixes = np.zeros((len(places), 0), np.int64)  # [N, T]
    totals = np.zeros(len(places))  # [N]
    attentions: NDArray[Any] | None = None  # [N, T, R]
    running = np.ones(len(places), bool)
    found: dict[int, Hypothesis] = {}
    for length in range(options.max_length + 1):
        logits, attended, state = stepper.step(tokens, state)
        if attention and attentions is None:
            attentions = np.zeros((len(attended), 0, attended.shape[1]), attended.dtype)
        scores = log_probabilities(logits)
        forbid(scores, prefixes, ids, options)
        if length == options.max_length:
            chosen = np.full(len(scores), ids.end)
        elif chances is None:
            chosen = scores.argmax(1)
        else:
            chosen = _sample(scores, options, chances[places, length])
        totals += scores[np.arange(len(scores)), chosen]
        for row in np.nonzero(running & (chosen == ids.end))[0]:
            words, score = tuple(prefixes[row].tolist()), float(options.score(totals[row], length))
            own = None if attentions is None else attentions[row]
            found[int(places[row])] = Hypothesis(words, float(totals[row]), score, own)
        running &= chosen != ids.end
        if not running.any():
            break
        prefixes = np.concatenate([prefixes, chosen[:, None]], 1)
        if attentions is not None:
            attentions = np.concatenate([attentions, attended[:, None]], 1)
        if running.mean() <= SHRINK_AT:
            kept = np.nonzero(running)[0]
            state = take(state, kept, stepper.fixed, same_pictures=False)
            places, prefixes, totals, running = places[kept], prefixes[kept], totals[kept], running[kept]
            attentions = None if attentions is None else attentions[kept]
        tokens = prefixes[:, -1:].copy()
    return [
        sorted((found[place] for place in range(first, first + copies)), key=lambda one: -one.score)
        for first in range(0, len(regions) * copies, copies)
    ]


def _chances(options: DecodingOptions, seeds: Sequence[int], copies: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each word of each sample: [B * copies, max_length].

    A generator of its own for each sample keeps it independent of its neighbours.
    """
    return np.stack(
        [
            np.random.default_rng([options.seed, seed, copy]).random(options.max_length)
            for seed in seeds
            for copy in range(copies)
        ]
    )


def _sample(
    scores: NDArray[Any], options: DecodingOptions, chances: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Draw a token of each row by inverting the cumulative distribution at its chance: [N, V] and [N] -> [N].

    The scores are left as they were.
    """
    if options.top_k is not None or options.top_p is not None:
        values, columns = ranked(scores.copy(), options.top_k or scores.shape[1])
    else:
        values, columns = scores, None
    values = values.astype(np.float64)
    values -= values.max(1, keepdims=True)
    with np.errstate(over="ignore"):
        weights = np.exp(values / (1.0 if options.temperature is None else options.temperature))
    weights /= weights.sum(1, keepdims=True)
    if options.top_p is not None:
        before = np.cumsum(weights, 1) - weights  # what more probable tokens have together
        weights[before >= options.top_p] = 0
    reached = np.cumsum(weights, 1)
    # Rounding must not carry a chance just below 1 to the very end, where no token may be left.
    targets = np.minimum(chances * reached[:, -1], np.nextafter(reached[:, -1], 0))
    drawn: NDArray[np.int64] = (reached > targets[:, None]).argmax(1)
    return drawn if columns is None else columns[np.arange(len(columns)), drawn]

"""Beam search, with an end that is exact: it stops when no hypothesis that still grows can win any more."""

from bisect import insort_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.decoding.base import DecodingOptions, Hypothesis, SpecialIds, Stepper
from showtell.decoding.steps import SHRINK_AT, begun, forbid, log_probabilities, ranked, take


def beam_search(
    stepper: Stepper, regions: NDArray[Any], ids: SpecialIds, options: DecodingOptions, attention: bool
) -> list[list[Hypothesis]]:
    """The best hypotheses of each picture, best first; see ``decode``.

    Every hypothesis that grows is also tried as if it ended here, and the ``beam`` best of those that go on
    are kept. So the search is exhaustive when the beam is wide enough, and the first of several candidates
    is the one that would be found alone. Of equal hypotheses the one that ended first wins, then the one
    that was better a word earlier, then the one with the lower token.
    """
    best = _Best(len(regions), options)
    places = np.arange(len(regions))  # [B], the pictures that are still searched
    state, tokens = begun(stepper, regions, ids)  # tokens [B * K, 1]
    totals = np.zeros((len(regions), 1))  # [B, K], one row a picture before the first word
    prefixes = np.zeros((len(regions), 0), np.int64)  # [B * K, T]
    attentions: NDArray[Any] | None = None  # [B * K, T, R]
    for length in range(options.max_length + 1):
        logits, attended, state = stepper.step(tokens, state)
        if attention and attentions is None:
            attentions = np.zeros((len(attended), 0, attended.shape[1]), attended.dtype)
        scores = log_probabilities(logits)  # [B * K, V]
        forbid(scores, prefixes, ids, options)
        best.add(places, totals + scores[:, ids.end].reshape(totals.shape), prefixes, attentions)
        if length == options.max_length:
            break
        beams = totals.shape[1]
        scores[:, ids.end] = -np.inf
        totals, parents, words = _extend(totals, scores, options.beam)  # [B, K] each
        hopeful = best.can_still_gain(places, totals[:, 0])
        if not hopeful.any():
            break
        rows = np.arange(len(places))[:, None] * beams + parents  # [B, K]
        leaving = hopeful.mean() <= SHRINK_AT
        if leaving:
            places, totals, rows, words = places[hopeful], totals[hopeful], rows[hopeful], words[hopeful]
        same = not leaving and totals.shape[1] == beams
        rows = rows.ravel()  # [B * K]
        state = take(state, rows, stepper.fixed, same_pictures=same)
        tokens = words.reshape(-1, 1)
        prefixes = np.concatenate([prefixes[rows], tokens], 1)
        if attentions is not None:
            attentions = np.concatenate([attentions[rows], attended[rows, None]], 1)
    return best.found


def _extend(
    totals: NDArray[np.float64], scores: NDArray[Any], beam: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The best continuations of each picture, best first.

    Args:
        totals: [B, K], the log-probability of each hypothesis; minus infinity for none.
        scores: [B * K, V], of each word; spoilt.
        beam: how many to keep.

    Returns:
        the new totals, the beam that each continues, and its word, each [B, K'], K' at most ``beam``.
    """
    values, words = ranked(scores, beam)  # [B * K, beam]
    sums = (totals[:, :, None] + values.reshape(*totals.shape, -1)).reshape(len(totals), -1)
    order = np.argsort(-sums, axis=1, kind="stable")[:, :beam]
    parents = order // values.shape[1]
    chosen = np.take_along_axis(words.reshape(len(totals), -1), order, 1)
    return np.take_along_axis(sums, order, 1), parents, chosen


class _Best:
    """The best complete hypotheses of each picture so far."""

    def __init__(self, pictures: int, options: DecodingOptions) -> None:
        self._options = options
        self.found: list[list[Hypothesis]] = [[] for _ in range(pictures)]
        self._to_beat = np.full(pictures, -np.inf)  # the worst that is kept, once there are enough

    def add(
        self,
        places: NDArray[np.int64],
        totals: NDArray[np.float64],
        prefixes: NDArray[np.int64],
        attentions: NDArray[Any] | None,
    ) -> None:
        """Take in hypotheses that end here, if they are good enough.

        Args:
            places: [B], which pictures.
            totals: [B, K], log-probabilities with the end; minus infinity where none may end.
            prefixes: [B * K, T].
            attentions: [B * K, T, R] or None.
        """
        scores = self._options.score(totals, prefixes.shape[1])
        for picture, beam in zip(*np.nonzero(scores > self._to_beat[places][:, None]), strict=True):
            place, row = places[picture], picture * totals.shape[1] + beam
            kept = self.found[place]
            insort_right(
                kept,
                Hypothesis(
                    tuple(prefixes[row].tolist()),
                    float(totals[picture, beam]),
                    float(scores[picture, beam]),
                    None if attentions is None else attentions[row],
                ),
                key=lambda hypothesis: -hypothesis.score,
            )
            del kept[self._options.candidates :]
            if len(kept) == self._options.candidates:
                self._to_beat[place] = kept[-1].score

    def can_still_gain(self, places: NDArray[np.int64], totals: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether a hypothesis of this log-probability [B] can grow into one that is kept.

        Log-probabilities only fall. So the best that can become of it is to reach the greatest length, which
        it is divided by, without losing anything.
        """
        bounds = self._options.score(totals, self._options.max_length)
        can: NDArray[np.bool_] = bounds > self._to_beat[places]
        return can

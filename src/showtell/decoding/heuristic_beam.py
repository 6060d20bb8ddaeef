"""Beam search as `transformers` does it (``early_stopping=False``), for captioners that come from there.

It differs from ``beam.py`` in three ways. An end counts only where it is among the ``beam`` best continuations.
The search of a picture stops when ``beam`` captions have ended and the best that grows, at its present length, is
behind all of them. And a caption of the greatest length ends without an end token.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.decoding.base import DecodingOptions, Hypothesis, SpecialIds, Stepper
from showtell.decoding.steps import begun, forbid, log_probabilities, ranked, take


@dataclass
class _Search:
    """One picture's search.

    Attributes:
        totals: log-probabilities of the hypotheses that grow, best first.
        tokens: theirs.
        found: the best that have ended, best first.
        attentions: what each token of those that grow looked at; empty where nobody asks.
    """

    totals: NDArray[np.float64]
    tokens: list[tuple[int, ...]]
    found: list[Hypothesis] = field(default_factory=list)
    attentions: list[tuple[NDArray[Any], ...]] = field(default_factory=list)

    def extend(
        self,
        scores: NDArray[np.float64],
        ids: SpecialIds,
        options: DecodingOptions,
        attended: NDArray[Any] | None,
    ) -> list[int]:
        """Take the best continuations.

        Args:
            scores: log-probabilities of each token after each hypothesis [K, V].
            attended: what each hypothesis looks at now [K, R].

        Returns:
            For each hypothesis that goes on, which one it continues; none when the search is over.
        """
        length = len(self.tokens[0]) + 1
        values, places = ranked((self.totals[:, None] + scores).reshape(1, -1), 2 * options.beam)
        growing: list[tuple[float, int, int]] = []
        for rank, (total, place) in enumerate(zip(values[0], places[0], strict=True)):
            parent, token = divmod(int(place), scores.shape[1])
            if not np.isfinite(total):
                break
            if token != ids.end and length < options.max_length:
                growing.append((float(total), parent, token))
            elif rank < options.beam:
                self._add(float(total), parent, token, length, ids, options, attended)
        growing = growing[: options.beam]
        full = len(self.found) == options.beam
        if not growing or (full and growing[0][0] / length**options.length_exponent <= self.found[-1].score):
            return []
        if attended is not None:
            self.attentions = [(*self._attended_so_far(parent), attended[parent]) for _, parent, _ in growing]
        self.tokens = [(*self.tokens[parent], token) for _, parent, token in growing]
        self.totals = np.array([total for total, _, _ in growing])
        return [parent for _, parent, _ in growing]

    def _add(
        self,
        total: float,
        parent: int,
        token: int,
        length: int,
        ids: SpecialIds,
        options: DecodingOptions,
        attended: NDArray[Any] | None,
    ) -> None:
        """Keep a hypothesis that ends, if it is good enough."""
        ended = token == ids.end
        words = self.tokens[parent] if ended else (*self.tokens[parent], token)
        attention = None
        if attended is not None:
            rows = (
                self._attended_so_far(parent) if ended else (*self._attended_so_far(parent), attended[parent])
            )
            attention = np.stack(rows) if rows else np.zeros((0, attended.shape[1]), attended.dtype)
        score = total / length**options.length_exponent
        self.found.append(Hypothesis(words, total, score, attention))
        self.found.sort(key=lambda one: -one.score)
        del self.found[options.beam :]

    def _attended_so_far(self, parent: int) -> tuple[NDArray[Any], ...]:
        return self.attentions[parent] if self.attentions else ()


def heuristic_beam_search(
    stepper: Stepper, regions: NDArray[Any], ids: SpecialIds, options: DecodingOptions, attention: bool
) -> list[list[Hypothesis]]:
    """The best hypotheses of each picture, best first; see ``decode``."""
    searches = [_Search(np.zeros(1), [()]) for _ in regions]
    running = list(searches)
    state, tokens = begun(stepper, regions, ids)
    while running:
        logits, attended, state = stepper.step(tokens, state)
        scores = log_probabilities(logits).astype(np.float64)
        prefixes = np.array([words for search in running for words in search.tokens], np.int64)
        forbid(scores, prefixes.reshape(len(scores), -1), ids, options)
        rows: list[int] = []
        same = True
        going: list[_Search] = []
        first = 0
        for search in running:
            here = slice(first, first + len(search.tokens))
            parents = search.extend(scores[here], ids, options, attended[here] if attention else None)
            same = same and len(parents) == here.stop - first
            rows += [first + parent for parent in parents]
            going += [search] if parents else []
            first = here.stop
        running = going
        if running:
            state = take(state, np.array(rows), stepper.fixed, same_pictures=same)
            tokens = np.array([[words[-1]] for search in running for words in search.tokens], np.int64)
    return [search.found[: options.candidates] for search in searches]

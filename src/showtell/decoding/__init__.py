"""From regions to hypotheses: greedy, beam search and sampling over any step function.

``decode`` knows a captioner only as a :class:`Stepper`: two methods over numpy arrays. Letters in the shapes:
B pictures, K beams, N rows (hypotheses that grow at once), T tokens, V vocabulary, R regions, D their width.

A hypothesis is complete when it ends with the end token, and its log-probability counts that token. It is
ranked by log-probability / length ** exponent, its length counting the end token too, as in "Google's Neural
Machine Translation System" (Wu et al., 2016) without their constant 5.

What is most probable often fits many pictures. Where something measures how well a caption fits this one, its
similarity is added to the score, with a weight, and the hypotheses are ranked anew, as in H. Fang et al., *From
Captions to Visual Concepts and Back*, CVPR 2015.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from showtell.decoding.base import DecodingOptions, Hypothesis, Similarity, SpecialIds, State, Stepper
from showtell.decoding.beam import beam_search
from showtell.decoding.heuristic_beam import heuristic_beam_search
from showtell.decoding.sampling import walk
from showtell.decoding.scoring import forced

__all__ = [
    "DecodingOptions",
    "Hypothesis",
    "Similarity",
    "SpecialIds",
    "State",
    "Stepper",
    "decode",
    "forced",
]


def decode(
    stepper: Stepper,
    regions: NDArray[Any],
    ids: SpecialIds,
    options: DecodingOptions,
    *,
    attention: bool = False,
    seeds: Sequence[int] | None = None,
    similarity: Similarity | None = None,
) -> list[list[Hypothesis]]:
    """The hypotheses of each picture, best first: at least one, at most ``options.candidates``.

    What is found for a picture does not depend on the other pictures of its batch.

    Args:
        stepper: the captioner.
        regions: [B, R, D].
        ids: the special tokens; padding, start and unknown are never produced.
        options: how to search.
        attention: keep what each word looked at.
        seeds: when sampling, a number from 0 up for each picture, which with ``options.seed`` decides its
            chances; by default its place in this call. Give numbers that belong to the pictures themselves
            (a checksum of their pixels, say) when batches may be cut in different ways.
        similarity: what measures how well captions fit a picture, if anything does.

    Raises:
        BadBundle: the network's logits are not numbers.
        ValueError: ``seeds`` does not have one number per picture.
    """
    if seeds is not None and len(seeds) != len(regions):
        raise ValueError(f"{len(seeds)} seeds for {len(regions)} pictures; give one per picture")
    if len(regions) == 0:
        return []
    if options.sampling or options.beam == 1:
        chances = range(len(regions)) if seeds is None else seeds
        found = walk(stepper, regions, ids, options, attention, chances)
    else:
        search = beam_search if options.search == "exact" else heuristic_beam_search
        found = search(stepper, regions, ids, options, attention)
    if similarity is None:
        return found
    return [
        _reranked(hypotheses, similarity(place, [one.tokens for one in hypotheses]), options)
        for place, hypotheses in enumerate(found)
    ]


def _reranked(
    hypotheses: Sequence[Hypothesis], similarities: NDArray[Any], options: DecodingOptions
) -> list[Hypothesis]:
    """Hypotheses of one picture with their similarities [N] to it, best first; equals stay in their order."""
    known = [
        replace(one, score=one.score + options.similarity_weight * similarity, similarity=similarity)
        for one, similarity in zip(hypotheses, map(float, similarities), strict=True)
    ]
    return sorted(known, key=lambda one: one.score, reverse=True)

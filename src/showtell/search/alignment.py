"""Which regions of a picture match which words, by the vectors of a bundle's embedder.

A region matches a word as much as the picture loses of its likeness to the word when the region and those around it
are covered. Neighbouring words then agree on regions as in A. Karpathy, L. Fei-Fei, *Deep Visual-Semantic Alignments
for Generating Image Descriptions*, CVPR 2015, section 3.1.4.

T words, R regions of width D, G cells on a side of their square grid, E width of the vectors' space.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.captioner import BundleCaptioner
from showtell.captioning.explain import TILE, Explanation, grid_area
from showtell.errors import ShowtellError
from showtell.images import open_picture
from showtell.search.words import language_of, query_terms, query_words

if TYPE_CHECKING:
    from showtell.images import Source

__all__ = ["align_words", "explain_words"]

BETA = 0.02  # what neighbouring words gain that share a region, in cosines


def explain_words(captioner: BundleCaptioner, source: "Source", text: str) -> Explanation:
    """Find where in a picture each word of a text belongs; words such as "the" belong nowhere and are left out.

    Args:
        text: in English or Chinese.

    Raises:
        BadImage: it is no picture.
        ShowtellError: the model makes no vectors, or of the whole picture alone; or there is no word in the text.
    """
    terms = query_terms(query_words(text, captioner.vocabulary))
    if not terms:
        raise ShowtellError(f"{text!r}: there are no words in it to look for")
    how = captioner.preprocessing
    picture = open_picture(source, at_least=max(TILE, how.size))
    regions = captioner.encode(source).regions  # [R, D]
    side = math.isqrt(len(regions))
    if side * side != len(regions) or side == 1:
        raise ShowtellError(
            f"the model {captioner.name} has no grid of regions to match words with; use another"
        )
    words = np.stack([captioner.embed_text([term]) for term in terms])  # [T, E]
    whole, *covered = captioner.embed_regions(np.concatenate([regions[None], _covered(regions, side)]))
    similarity = words @ (whole - np.stack(covered)).T  # [T, R]
    maps = np.clip(similarity, 1e-6, None)  # what no region helps belongs everywhere alike
    return Explanation(
        text=text,
        language=language_of(text),
        words=tuple(terms),
        picture=picture,
        maps=(maps / maps.sum(axis=1, keepdims=True)).reshape(-1, side, side).astype(np.float32),
        area=grid_area(picture.shape[1], picture.shape[0], how.fit),
        method="similarity",
        cells=tuple(divmod(region, side) for region in align_words(similarity, BETA)),
    )


def _covered(regions: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """For each of the regions [R, D]: all, with it and its neighbours replaced by the others' mean [R, R, D]."""
    rows, columns = np.divmod(np.arange(side * side), side)
    reach = 1 if side > 3 else 0  # of a smaller grid, neighbours would be all there is
    near = (abs(rows[:, None] - rows) <= reach) & (abs(columns[:, None] - columns) <= reach)  # [R, R]
    means = ((~near / (~near).sum(axis=1, keepdims=True)) @ regions).astype(np.float32)  # [R, D]
    return np.where(near[:, :, None], means[:, None], regions[None])


def align_words(similarity: NDArray[np.floating], beta: float) -> list[int]:
    """The region of each word, neighbouring words preferring the same one.

    The best assignment of the Markov random field of equations 10 to 12, a chain, by dynamic programming: the sum of
    the words' similarities to their regions, plus beta for each pair of neighbours that share a region.

    Args:
        similarity: [T, R], of the words of one text to the regions of one picture.
        beta: from 0, where each word is alone, up.
    """
    best = similarity[0]  # [R]: of the assignments that end in each region
    came_from: list[NDArray[np.int64]] = []
    for row in similarity[1:]:
        place = int(best.argmax())
        staying = best + beta
        came_from.append(np.where(staying >= best[place], np.arange(len(best)), place))
        best = np.maximum(staying, best[place]) + row
    regions = [int(best.argmax())]
    for places in reversed(came_from):
        regions.append(int(places[regions[-1]]))
    return regions[::-1]

"""The first pictures of an answer, ranked anew by the captioner: how probable it holds the query's words for each.

A picture's vector says in one go what is in it; the captioner looks at the regions for each word after those before it,
and knows better. It has to read the pictures again, so that only the first few are worth it. They are ranked by

    nearness of query and picture + 0.03 · log P(query | picture)

O. Vinyals et al., *Show and Tell*, CVPR 2015, rank pictures for sentences by the probability too.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.captioner import BundleCaptioner
from showtell.errors import BadImage
from showtell.images import read_pixels
from showtell.search.words import language_of, query_words

__all__ = ["FIRST", "reranked"]

FIRST = 20
"""So many pictures are ranked anew; more gained nothing on dev."""

WEIGHT = 0.03
"""Of the log-probability, beside a cosine; chosen on dev."""


def reranked(
    words: str, paths: Sequence[str], near: NDArray[np.float64], captioner: BundleCaptioner
) -> list[int]:
    """The order of pictures for a query, the best first; a picture that cannot be read any more comes last.

    Args:
        words: the query, in a language of the captioner.
        paths: N pictures.
        near: nearness of the query and each (`finding.nearness`) [N].

    Returns:
        Places in `paths`.

    Raises:
        BadBundle: the captioner's graphs failed.
    """
    tokens = query_words(words, captioner.vocabulary)
    pixels: dict[int, NDArray[np.float32]] = {}
    for place, path in enumerate(paths):
        try:
            pixels[place] = read_pixels(path, captioner.preprocessing)
        except BadImage:
            continue
    scores = np.full(len(paths), -np.inf)
    if pixels:
        read = np.stack(list(pixels.values()))  # [n, 3, S, S]
        probable = captioner.log_probabilities(read, tokens, language_of(words))  # [n, T]
        scores[list(pixels)] = near[list(pixels)] + WEIGHT * probable.sum(axis=1)
    return [int(place) for place in np.argsort(-scores, kind="stable")]

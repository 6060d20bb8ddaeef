"""Retrieval: does a caption find its picture, and a picture one of its captions?

M. Hodosh, P. Young, J. Hockenmaier, *Framing Image Description as a Ranking Task*, JAIR 47 (2013). Things
equally similar share the mean of their places, so that a model to which all is alike finds nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from showtell.metrics.ngrams import Floats, Integers


@dataclass(frozen=True, slots=True)
class Ranks:
    """One direction: shares are percentages of the queries, places count from 1."""

    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    median_rank: float
    mean_rank: float

    def to_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Both directions."""

    caption_to_picture: Ranks
    picture_to_caption: Ranks

    def to_dict(self) -> dict[str, dict[str, float]]:
        """As JSON."""
        return asdict(self)


def retrieval(similarity: npt.ArrayLike, picture: Sequence[int] | Integers) -> Retrieval:
    """Rank pictures for each caption, and captions for each picture.

    Args:
        similarity: [captions, pictures], more is more alike.
        picture: [captions] the picture each caption belongs to; a picture may have several, and its best
            one counts.

    Raises:
        ValueError: shapes that do not fit, a number that is none, a picture without a caption.
    """
    scores = np.asarray(similarity, np.float64)
    owner = np.asarray(picture, np.int64)
    if scores.ndim != 2 or not scores.size or owner.shape != scores.shape[:1]:
        raise ValueError(
            f"similarity is {scores.shape} and picture {owner.shape}: [captions, pictures], [captions]"
        )
    if np.isnan(scores).any():
        raise ValueError("similarity holds numbers that are none (NaN)")
    pictures = scores.shape[1]
    if owner.min() < 0 or owner.max() >= pictures:
        raise ValueError(f"a caption belongs to a picture outside 0 to {pictures - 1}")
    if len(np.unique(owner)) != pictures:
        raise ValueError("a picture has no caption, so nothing can find it; leave it out")

    own = scores[np.arange(len(owner)), owner]  # [captions]
    caption_ranks = _places(scores, own[:, None], axis=1)
    best = np.full(pictures, -np.inf)
    np.maximum.at(best, owner, own)
    # Captions of the picture itself do not stand in the way of its best one.
    others = np.where(owner[:, None] == np.arange(pictures), -np.inf, scores)
    picture_ranks = _places(others, best[None, :], axis=0, itself=False)
    return Retrieval(_summary(caption_ranks), _summary(picture_ranks))


def _places(scores: Floats, wanted: Floats, *, axis: int, itself: bool = True) -> Floats:
    """The place of the wanted score among others; `itself` says whether it stands among them."""
    higher = (scores > wanted).sum(axis=axis)
    equal = ((scores == wanted) & np.isfinite(scores)).sum(axis=axis) - (1 if itself else 0)
    places: Floats = 1 + higher + np.maximum(equal, 0) / 2
    return places


def _summary(ranks: Floats) -> Ranks:
    at_1, at_5, at_10 = (100 * float((ranks <= cut).mean()) for cut in (1, 5, 10))
    return Ranks(at_1, at_5, at_10, float(np.median(ranks)), float(ranks.mean()))

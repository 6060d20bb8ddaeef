"""CIDEr-D, which everyone publishes as "CIDEr", and the original CIDEr.

R. Vedantam, C. L. Zitnick, D. Parikh, *CIDEr: Consensus-based Image Description Evaluation*, CVPR 2015,
equations 1 to 4. Captions are compared by the cosine of their n-gram counts, each n-gram weighted by how
few pictures it describes; the mean over the references and over 1 to 4 words, times ten. CIDEr-D clips
repeated n-grams and multiplies by a Gaussian of the difference in length, sigma 6.

As in pycocoevalcap, the length is the number of word *pairs*, and an n-gram that no picture has counts as
if one had it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from showtell.errors import ShowtellError
from showtell.metrics.base import Candidates, MeanMetric, References
from showtell.metrics.ngrams import MAXIMUM_ORDER, Floats, Grams, Integers

SIGMA = 6.0


class Cider(MeanMetric):
    """CIDEr-D. Document frequencies come from the references unless those carry the frequencies of a file."""

    names: ClassVar[tuple[str, ...]] = ("CIDEr",)
    clipped = True

    def __init__(
        self,
        references: References | Mapping[str, Sequence[str]],
        *,
        n: int = MAXIMUM_ORDER,
        sigma: float = SIGMA,
    ) -> None:
        """Take references as every metric does.

        Args:
            references: prepared References, or ``{id: [captions]}`` in English.
            n: the longest n-grams that count, 1 to 4.
            sigma: of the Gaussian penalty for a difference in length, more than 0.

        Raises:
            ShowtellError: n or sigma out of range.
        """
        super().__init__(references)
        if not 1 <= n <= MAXIMUM_ORDER:
            raise ShowtellError(f"CIDEr's n must be from 1 to {MAXIMUM_ORDER}, not {n}")
        if not sigma > 0:
            raise ShowtellError(f"CIDEr's sigma must be more than 0, not {sigma}")
        self._n, self._sigma = n, float(sigma)

    def statistics(self, candidates: Candidates) -> Floats:
        """One column: each candidate's score as a fraction (0 to 10)."""
        references, grams = candidates.references, candidates.grams
        weights, norms = self._vectors(grams, self._idf_of(grams))
        reference_weights, reference_norms = self._reference_vectors

        # Each n-gram that a candidate shares with a reference adds g_c · g_r to their product of that order, where g
        # is count times weight (equation 2); CIDEr-D takes min(g_c, g_r) in the place of g_c.
        row, other = candidates.meetings  # [meetings] rows of both
        starts, candidate, reference = candidates.pairs  # [C], [pairs], [pairs]
        mine, theirs = weights[row], reference_weights[other]
        product = (np.minimum(mine, theirs) if self.clipped else mine) * theirs
        caption = grams.caption[row]
        place = references.grams.caption[other] - references.starts[candidates.picture[caption]]
        pair = starts[caption] + place
        products = np.bincount(
            pair * MAXIMUM_ORDER + grams.order[row], product, len(candidate) * MAXIMUM_ORDER
        ).reshape(-1, MAXIMUM_ORDER)  # [pairs, 4]
        scale = norms[candidate] * reference_norms[reference]  # [pairs, 4]
        cosine = np.divide(products, scale, out=np.zeros(scale.shape), where=scale > 0)
        similarity = cosine[:, : self._n].mean(axis=1)  # [pairs] equation 3, the mean over n
        if self.clipped:
            difference = _pairs_of_words(grams)[candidate] - _pairs_of_words(references.grams)[reference]
            similarity *= np.exp(-(difference**2) / (2 * self._sigma**2))
        total = np.bincount(candidate, similarity, len(candidates.picture))
        mean: Floats = 10 * total / references.sizes[candidates.picture]  # [C] equation 4
        return mean[:, None]

    def settings(self, name: str) -> tuple[tuple[str, str], ...]:
        frequencies = self.references.frequencies
        source = "scored" if frequencies is None else frequencies.source
        return (("n", str(self._n)), ("sigma", f"{self._sigma:g}"), ("idf", source))

    @cached_property
    def _idf(self) -> Floats:
        """log(pictures / pictures with it) of every known n-gram, and last of all others: [known + 1]."""
        references = self.references
        known = references.index.known
        if references.frequencies is not None:
            frequency = references.frequencies.of(references.index)
            pictures = references.frequencies.pictures
        else:
            pictures = len(references.ids)
            pairs, _ = references.occurrences
            frequency = np.bincount(pairs // pictures, minlength=known)
        idf: Floats = np.log(max(pictures, 1)) - np.log(np.maximum(np.append(frequency[:known], 0), 1))
        return idf

    def _idf_of(self, grams: Grams) -> Floats:
        weights: Floats = self._idf[np.minimum(grams.gram, self.references.index.known)]
        return weights

    @cached_property
    def _reference_vectors(self) -> tuple[Floats, Floats]:
        return self._vectors(self.references.grams, self._idf_of(self.references.grams))

    @staticmethod
    def _vectors(grams: Grams, idf: Floats) -> tuple[Floats, Floats]:
        """Weighted counts, row by row, and their length for each caption and order: [N], [captions, 4]."""
        weights = grams.count * idf
        place = grams.caption * MAXIMUM_ORDER
        place += grams.order
        squares = np.bincount(place, np.square(weights, out=idf), len(grams.lengths) * MAXIMUM_ORDER)
        return weights, np.sqrt(squares).reshape(-1, MAXIMUM_ORDER)


class OriginalCider(Cider):
    """CIDEr as the paper first defines it (equation 3): no clipping, no penalty; not what people publish."""

    names: ClassVar[tuple[str, ...]] = ("CIDEr-original",)
    clipped = False

    def settings(self, name: str) -> tuple[tuple[str, str], ...]:
        return tuple(setting for setting in super().settings(name) if setting[0] != "sigma")


def _pairs_of_words(grams: Grams) -> Integers:
    return np.maximum(grams.lengths - 1, 0)

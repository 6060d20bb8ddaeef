"""Pictures that are near to many captions, and so among the first for many queries, come a little later.

A picture's hubness is how near its vector v is to captions in general,

    hubness(v) = log(sum over k of share_k · exp(β v · c_k)) / β        with β = 10,

where c_k is the centre of the k-th cluster of the captions that the embedder learnt from, and share_k the cluster's
share of them. Pictures in the order of cosine - hubness are in that of the inverted softmax (S. L. Smith et al.,
*Offline bilingual word vectors, orthogonal transformations and the inverted softmax*, ICLR 2017, equation 4;
S.-V. Bogolin et al., *Cross Modal Retrieval with Querybank Normalisation*, CVPR 2022).

N pictures, K clusters, E the width of the space.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from showtell.search.records import Floats

__all__ = ["CaptionClusters"]

BETA = 10.0
"""The greater, the more do the nearest clusters count; chosen on dev."""


@dataclass(frozen=True, slots=True)
class CaptionClusters:
    """The captions that an embedder learnt from, in few vectors.

    Attributes:
        centres: mean vectors of the clusters [K, E].
        shares: of all captions [K]; they sum to one.
    """

    centres: Floats
    shares: Floats

    def hubness(self, vectors: Floats) -> Floats:
        """How near pictures are to captions in general, in the unit of a cosine [N, E] -> [N]."""
        found: Floats = np.log(np.exp(BETA * (vectors @ self.centres.T)) @ self.shares) / BETA
        return found

    @classmethod
    def of(cls, captions: Floats, clusters: int, *, iterations: int = 10, seed: int = 0) -> Self:
        """Cluster vectors of captions [C, E] by k-means (S. Lloyd, 1982).

        Args:
            clusters: K; at most C.
            iterations: of Lloyd's algorithm.
        """
        random = np.random.default_rng(seed)
        centres = captions[random.permutation(len(captions))[:clusters]]
        for _ in range(iterations):
            nearest = (captions @ centres.T - np.square(centres).sum(axis=1) / 2).argmax(axis=1)
            members = [captions[nearest == place] for place in range(len(centres))]
            centres = np.stack([own.mean(axis=0) for own in members if len(own)])
        nearest = (captions @ centres.T - np.square(centres).sum(axis=1) / 2).argmax(axis=1)
        shares = np.bincount(nearest, minlength=len(centres)) / len(captions)
        return cls(centres, shares.astype(np.float32))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], width: int) -> Self:
        """The inverse of `to_dict`, for a space of so many dimensions.

        Raises:
            ValueError: it is not what `to_dict` makes.
        """
        try:
            centres = np.array(content["centres"], np.float32) / np.float32(1000)
            shares = np.array(content["shares"], np.float32).reshape(-1)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"words.json: 'clusters' cannot be understood ({type(error).__name__}: {error})"
            ) from error
        finite = np.isfinite(centres).all() and np.isfinite(shares).all()
        if centres.shape != (len(shares), width) or not finite or (shares <= 0).any():
            raise ValueError(
                f"words.json: 'clusters' must have a centre of {width} numbers and a share above 0 for each cluster"
            )
        return cls(centres, (shares / shares.sum()).astype(np.float32))

    def to_dict(self) -> dict[str, Any]:
        """As a bundle's ``words.json`` holds it: centres in thousandths."""
        return {
            "centres": np.rint(1000 * self.centres).astype(int).tolist(),
            "shares": [round(float(share), 5) for share in self.shares],
        }

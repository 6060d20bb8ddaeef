"""How sure a captioner may be of a caption: a probability that keeps its word.

A caption's own log-probability says little by itself: short, common sentences are always probable. So a
logistic regression is fitted on captions of a corpus that was not trained on (the dev split), each of them
marked good or not: a caption is good when its CIDEr against the picture's references reaches a stated
threshold. Of the captions with a confidence around 0.7, about 70 % are then good. The whole n-best list is
looked at, since a captioner that hesitates between different sentences is less often right.

Fitting, as an export does it::

    table = np.stack([measure(hypotheses) for hypotheses in found])    # [N, F]
    calibration = fit(table, good, target="CIDEr of at least 50")
    rows = reliability(cross_validated(table, good), good)             # for the bundle's card

N captions, F features.
"""

import math
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FEATURES",
    "Calibration",
    "Reliability",
    "cross_validated",
    "fit",
    "measure",
    "numbers",
    "reliability",
]


class Scored(Protocol):
    """What is looked at of a decoding hypothesis."""

    @property
    def tokens(self) -> tuple[Hashable, ...]:
        """Its words, or their ids."""

    @property
    def log_probability(self) -> float:
        """Of all of them together, the end token included."""

    @property
    def similarity(self) -> float | None:
        """Between caption and picture; None where nothing measures it."""


def _mean_log_probability(hypotheses: Sequence[Scored]) -> float:
    """Of the best hypothesis, a token; the end token counts as one."""
    return hypotheses[0].log_probability / (len(hypotheses[0].tokens) + 1)


def _share(hypotheses: Sequence[Scored]) -> float:
    """The best hypothesis's part of the probability of all that were found."""
    if len(hypotheses) == 1:
        return math.nan
    best = hypotheses[0].log_probability
    return 1 / sum(math.exp(min(50.0, other.log_probability - best)) for other in hypotheses)


def _agreement(hypotheses: Sequence[Scored]) -> float:
    """How many words the others share with the best: the Jaccard index, averaged."""
    if len(hypotheses) == 1:
        return math.nan
    best = set(hypotheses[0].tokens)
    overlaps = [
        len(best & set(other.tokens)) / max(1, len(best | set(other.tokens))) for other in hypotheses[1:]
    ]
    return sum(overlaps) / len(overlaps)


def _length(hypotheses: Sequence[Scored]) -> float:
    """Of the best hypothesis, in tokens."""
    return float(len(hypotheses[0].tokens))


def _similarity(hypotheses: Sequence[Scored]) -> float:
    """Of the best hypothesis to the picture."""
    similarity = hypotheses[0].similarity
    return math.nan if similarity is None else similarity


FEATURES: Mapping[str, Callable[[Sequence[Scored]], float]] = {
    "mean_log_probability": _mean_log_probability,
    "share": _share,
    "agreement": _agreement,
    "length": _length,
    "similarity": _similarity,
}
"""What can be measured of an n-best list, best hypothesis first; NaN where one hypothesis, or a captioner without
vectors, says nothing."""


def measure(hypotheses: Sequence[Scored], names: Sequence[str] = tuple(FEATURES)) -> NDArray[np.float64]:
    """The named features of an n-best list: [F]."""
    return np.array([FEATURES[name](hypotheses) for name in names])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Confidence = 1 / (1 + exp(-(coefficients · [1, features]))).

    It holds for the decoding options it was fitted with; with others it is an estimate. A feature that one
    hypothesis alone does not have (greedy decoding) is taken to be as it was on average.

    Attributes:
        features: names out of `FEATURES`.
        coefficients: the intercept, then one per feature.
        means: of each feature, over the captions it was fitted on.
        target: in words, what a confident caption probably is.
    """

    features: tuple[str, ...]
    coefficients: tuple[float, ...]
    means: tuple[float, ...]
    target: str = ""

    def confidence(self, hypotheses: Sequence[Scored]) -> float:
        """The probability, 0 to 1, that the best of these hypotheses is a good caption."""
        return float(self.probabilities(measure(hypotheses, self.features)[None])[0])

    def probabilities(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for captions already measured: [N, F] -> [N]."""
        known = np.where(np.isnan(table), self.means, table)
        logits: NDArray[np.float64] = self.coefficients[0] + known @ np.asarray(self.coefficients[1:])
        return 1 / (1 + np.exp(-np.clip(logits, -50, 50)))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ValueError: it is no calibration.
        """
        if not isinstance(settings, Mapping) or settings.get("method") != "logistic":
            raise ValueError("calibration: 'method' must be 'logistic'")
        features = settings.get("features")
        if not isinstance(features, list) or not all(
            isinstance(name, str) and name in FEATURES for name in features
        ):
            raise ValueError(f"calibration: 'features' must be a list out of {', '.join(FEATURES)}")
        coefficients = numbers(settings.get("coefficients"), len(features) + 1, "calibration: 'coefficients'")
        means = numbers(settings.get("means"), len(features), "calibration: 'means'")
        return cls(tuple(features), coefficients, means, str(settings.get("target", "")))

    def to_dict(self) -> dict[str, Any]:
        """As the manifest holds it."""
        return {
            "method": "logistic",
            "features": list(self.features),
            "coefficients": list(self.coefficients),
            "means": list(self.means),
            "target": self.target,
        }


def fit(
    table: NDArray[np.float64],
    good: NDArray[np.bool_],
    *,
    names: Sequence[str] = tuple(FEATURES),
    target: str = "",
) -> Calibration:
    """Fit a calibration to captions [N, F] and whether each is good [N]: ridge logistic regression.

    Newton's method on standardised features; the ridge of 1 keeps few captions from being over-trusted and
    the weights finite when good and bad can be told apart without error.

    Raises:
        ValueError: the shapes do not belong together.
    """
    if table.ndim != 2 or table.shape != (len(good), len(names)) or len(good) == 0:
        raise ValueError(f"a table of {len(good)} captions and {len(names)} features, not {table.shape}")
    present = ~np.isnan(table)
    centre = np.where(present, table, 0).sum(0) / np.maximum(1, present.sum(0))
    known = np.where(present, table, centre)
    scale = np.where(known.std(0) > 0, known.std(0), 1)
    design = np.column_stack([np.ones(len(table)), (known - centre) / scale])  # [N, 1 + F]
    ridge = np.diag([1e-6, *[1.0] * len(names)])  # the intercept is free
    weights = np.zeros(1 + len(names))
    for _ in range(50):
        probability = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (probability - good) + ridge @ weights
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design + ridge
        change = np.linalg.solve(curvature, gradient)
        weights -= np.clip(change, -5, 5)
        if np.abs(change).max() < 1e-9:
            break
    slopes = weights[1:] / scale
    intercept = weights[0] - slopes @ centre
    return Calibration(
        tuple(names), (float(intercept), *map(float, slopes)), tuple(map(float, centre)), target
    )


def cross_validated(
    table: NDArray[np.float64],
    good: NDArray[np.bool_],
    *,
    names: Sequence[str] = tuple(FEATURES),
    folds: int = 10,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Each caption's confidence [N] by a calibration that was fitted without it; a lone caption's is 0.5."""
    if len(good) == 1:
        return np.full(1, 0.5)
    order = np.random.default_rng(seed).permutation(len(good))
    confidences = np.empty(len(good))
    for fold in range(folds):
        held_out = order[fold::folds]
        others = np.setdiff1d(order, held_out)
        confidences[held_out] = fit(table[others], good[others], names=names).probabilities(table[held_out])
    return confidences


class Reliability(NamedTuple):
    """A row of a reliability table: captions whose confidence lies in [low, high)."""

    low: float
    high: float
    captions: int
    confidence: float
    good: float


def reliability(
    confidences: NDArray[np.float64], good: NDArray[np.bool_], *, bins: int = 5
) -> list[Reliability]:
    """Captions by confidence: mean confidence against the share that is good. Empty rows are left out."""
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    return [
        Reliability(
            index / bins,
            (index + 1) / bins,
            int((place == index).sum()),
            float(confidences[place == index].mean()),
            float(good[place == index].mean()),
        )
        for index in range(bins)
        if (place == index).any()
    ]


def numbers(values: Any, count: int, what: str) -> tuple[float, ...]:
    """So many finite numbers out of JSON.

    Raises:
        ValueError: what must be these numbers is something else.
    """
    if isinstance(values, list) and len(values) == count:
        found = [value for value in values if isinstance(value, int | float)]
        if len(found) == count and all(abs(number) <= sys.float_info.max for number in found):
            return tuple(map(float, found))
    raise ValueError(f"{what} must be {count} numbers, not {values!r}")

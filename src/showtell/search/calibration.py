"""How probable it is that a picture answers a query.

One logistic regression over what is known of a query and a picture; it ranks the pictures and combines full text with
vectors. It is fitted by ``benchmarks/search_quality.py calibrate`` on the dev split, with queries that have an answer
and queries that have none, and travels in the bundle's manifest under ``search``. Whether there is any answer, a second
one says: see ``presence.py``.

==============  ====================================================================================================
``similarity``  cosine of the query's vector and the picture's
``standing``    that similarity in standard deviations above the mean of the library's pictures
``coverage``    share of the query's words that the picture's captions have, rare words weighing more (idf)
``missing``     share of the query's words, weighted alike, that no caption in the library has
``unknown``     share of the query's words that the bundle's vocabulary does not have
``hubness``     how near the picture is to captions in general (``hubness.py``); for the order of pictures alone
==============  ====================================================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from showtell.captioning import confidence
from showtell.search.presence import ANSWER

__all__ = ["DEFAULTS", "FEATURES", "KINDS", "Calibration", "read_calibrations"]

FEATURES = ("similarity", "standing", "coverage", "missing", "unknown", "hubness")

KINDS: Mapping[str, tuple[str, ...]] = {
    "hybrid": ("similarity", "standing", "coverage", "missing", "unknown"),
    "words": ("coverage", "missing"),
    "picture": ("similarity", "standing"),
    "answer": ANSWER,
}
"""The features that count for a query in words, for one where there are no vectors, for a picture as the query, and for
whether the library has any answer to a query in words."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Features -> probability.

    Attributes:
        regression: fitted, or made up where nothing was fitted.
        threshold: pictures less probable than this are no answers.
        fitted: whether the probabilities can be shown to people.
    """

    regression: confidence.Calibration
    threshold: float
    fitted: bool = True

    def probabilities(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """A table with a column for each of `FEATURES` [N, F] -> probabilities [N]; NaN in it is not known."""
        columns = [FEATURES.index(name) for name in self.regression.features]
        return self.regression.probabilities(table[:, columns])

    def to_dict(self) -> dict[str, Any]:
        """As a manifest holds it."""
        return {**self.regression.to_dict(), "threshold": self.threshold}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], kind: str) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ValueError: it is not the calibration of that kind of query.
        """
        names = KINDS[kind]
        where = f"search: the calibration {kind!r}"
        if not isinstance(settings, Mapping) or settings.get("features") != list(names):
            raise ValueError(f"{where} must have the features {', '.join(names)}")
        coefficients = confidence.numbers(
            settings.get("coefficients"), len(names) + 1, f"{where}: 'coefficients'"
        )
        means = confidence.numbers(settings.get("means"), len(names), f"{where}: 'means'")
        [threshold] = confidence.numbers([settings.get("threshold")], 1, f"{where}: 'threshold'")
        target = str(settings.get("target", ""))
        return cls(confidence.Calibration(names, coefficients, means, target), threshold)


def read_calibrations(settings: Mapping[str, Any]) -> dict[str, Calibration]:
    """The calibrations in a manifest's ``search``, by kind; where there are none, those made up.

    Raises:
        ValueError: a calibration that cannot be.
    """
    found = dict(DEFAULTS)
    given = settings.get("calibration", {})
    if not isinstance(given, Mapping):
        raise ValueError(f"search: 'calibration' must have a table for each kind of query, not {given!r}")
    for kind in KINDS:
        if kind in given:
            found[kind] = Calibration.from_dict(given[kind], kind)
    return found


def _made_up(kind: str, coefficients: tuple[float, ...], means: tuple[float, ...]) -> Calibration:
    return Calibration(confidence.Calibration(KINDS[kind], coefficients, means), 0.5, fitted=False)


DEFAULTS: Mapping[str, Calibration] = {
    "hybrid": _made_up("hybrid", (-6.0, 0.0, 1.5, 7.0, -2.0, -2.0), (0.3, 3.0, 0.4, 0.0, 0.0)),
    "words": _made_up("words", (-4.0, 8.0, 0.0), (0.4, 0.0)),
    "picture": _made_up("picture", (-6.0, 0.0, 2.0), (0.5, 3.0)),
    "answer": _made_up("answer", (50.0, 0.0, 0.0, 0.0), (0.5, 5.0, 0.0)),  # there may always be one
}
"""For a bundle that nothing was fitted for: they rank sensibly, and their probabilities are not shown."""

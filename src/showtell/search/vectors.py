"""Vectors of pictures, and those nearest to a query: the exact way, in memory.

N pictures, E the width of the space. `Vectors` is what a library asks of a set of vectors; `qdrant.py` has a server
behind the same methods.
"""

from typing import Protocol

import numpy as np

from showtell.search.records import Floats, Integers
from showtell.search.store import Store

__all__ = ["LocalVectors", "Look", "Vectors"]


class Look(Protocol):
    """A query beside the vectors of all pictures.

    Attributes:
        mean, deviation: of the similarities of all pictures to the query.
    """

    mean: float
    deviation: float

    def nearest(self, top: int, among: Integers | None) -> Integers:
        """The ids of so many pictures, the most similar first.

        Args:
            among: ids of those that may be given, ascending; None for all.
        """

    def similarities(self, ids: Integers) -> Floats:
        """Cosine similarities of these pictures [N]; NaN for those without a vector."""


class Vectors(Protocol):
    """Vectors of pictures by the ids of their contents."""

    def refresh(self) -> None:
        """Take in what was added to the library and taken from it."""

    def look(self, query: Floats) -> Look:
        """Compare a vector of length one [E] with them."""

    def close(self) -> None:
        """Give back what they hold; they are of no use afterwards."""

    def __len__(self) -> int:
        """How many there are."""


class LocalVectors:
    """The vectors of a library in one array, ranked exactly."""

    def __init__(self, store: Store, model: str) -> None:
        """Take the vectors of a model; `refresh` reads them."""
        self._store, self._model = store, model
        self._forget()

    def __len__(self) -> int:
        return len(self._ids)

    def refresh(self) -> None:
        """Read the vectors that are new; all of them where some are gone."""
        self._read()
        if len(self._ids) != self._store.vector_count(self._model):
            self._forget()
            self._read()

    def look(self, query: Floats) -> "_LocalLook":
        """Compare a vector of length one [E] with all."""
        similarities = self._matrix @ query.astype(np.float32) if len(self._ids) else np.empty(0, np.float32)
        return _LocalLook(self._ids, self._order, similarities)

    def close(self) -> None:
        """Give the memory back."""
        self._forget()

    def _forget(self) -> None:
        self._last = 0
        self._ids: Integers = np.empty(0, np.int64)
        self._order: Integers = np.empty(0, np.int64)
        self._matrix: Floats = np.empty((0, 0), np.float32)

    def _read(self) -> None:
        self._last, ids, vectors = self._store.vectors(self._model, after=self._last)
        if not len(ids):
            return
        self._ids = np.concatenate([self._ids, ids]) if len(self._ids) else ids
        self._matrix = np.concatenate([self._matrix, vectors]) if len(self._matrix) else vectors
        self._order = np.argsort(self._ids, kind="stable")


class _LocalLook:
    """All similarities at once."""

    def __init__(self, ids: Integers, order: Integers, similarities: Floats) -> None:
        self._ids, self._order, self._similarities = ids, order, similarities
        self.mean = float(similarities.mean()) if len(ids) else 0.0
        self.deviation = float(similarities.std()) if len(ids) else 1.0

    def nearest(self, top: int, among: Integers | None) -> Integers:
        """The ids of so many pictures, the most similar first."""
        similarities = self._similarities
        if among is not None:
            similarities = np.where(np.isin(self._ids, among), similarities, -np.inf)
            top = min(top, int(np.isfinite(similarities).sum()))
        top = min(top, len(similarities))
        if top == 0:
            return np.empty(0, np.int64)
        best = np.argpartition(-similarities, top - 1)[:top]
        return self._ids[best[np.argsort(-similarities[best], kind="stable")]]

    def similarities(self, ids: Integers) -> Floats:
        """Cosine similarities of these pictures; NaN for those without a vector."""
        if not len(self._ids):
            return np.full(len(ids), np.nan, np.float32)
        places = np.searchsorted(self._ids, ids, sorter=self._order)
        places = self._order[np.minimum(places, len(self._ids) - 1)]
        return np.where(self._ids[places] == ids, self._similarities[places], np.float32(np.nan))

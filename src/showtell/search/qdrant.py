"""The vectors of a library on a Qdrant server, for libraries that outgrow one machine's memory (extra ``qdrant``).

The library's file stays the one place where vectors are kept; the server holds a copy, brought up to date before a
query, and finds the nearest. Captions, full text and files stay in the library.

Where it is: ``http://HOST:6333`` (the environment's ``QDRANT_API_KEY`` opens it), or a folder, in which the client
itself plays the server, for trying out and for tests.
"""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from showtell.errors import MissingExtra, ShowtellError, reason_of
from showtell.search.records import Floats, Integers
from showtell.search.store import Store

__all__ = ["QdrantVectors"]

_NEAREST = 2000  # whose similarities are fetched for a query; to all others belongs the least of them
_SAMPLE = 4096  # vectors that the mean and the deviation of similarities are measured on
_AT_ONCE = 512


class QdrantVectors:
    """The vectors of a library, ranked by a Qdrant server."""

    def __init__(self, store: Store, model: str, place: str) -> None:
        """Connect; `refresh` copies the vectors.

        Args:
            store: the library.
            model: whose vectors.
            place: an address, or a folder.

        Raises:
            MissingExtra: the client is not installed.
            ShowtellError: the server does not answer.
        """
        self._store, self._model, self._place = store, model, place
        self._client, self._models = _connected(place)
        self._collection = f"showtell-{_library_id(store)}-{hashlib.sha256(model.encode()).hexdigest()[:12]}"
        self._last = 0
        self._count = 0
        self._sample: Floats = np.empty((0, 0), np.float32)
        if self._ask("collection_exists"):
            self._last = int(store.setting(self._collection) or 0)
            self._count = self._ask("count").count

    def __len__(self) -> int:
        return self._count

    def refresh(self) -> None:
        """Copy the vectors that are new to the server, and take those that are gone from it."""
        last, ids, vectors = self._store.vectors(self._model, after=self._last)
        if len(ids):
            self._add(ids, vectors)
            self._store.set(self._collection, str(last))
            self._last = last
        known = self._store.vector_count(self._model)
        if self._count > known:
            self._drop_stale()
        if len(ids) or self._count > known or not len(self._sample):
            self._count = known
            self._sample = self._store.sample_vectors(self._model, _SAMPLE)

    def look(self, query: Floats) -> "_Look":
        """Compare a vector of length one [E] with all."""
        similarities = self._sample @ query if len(self._sample) else np.zeros(1, np.float32)
        return _Look(self._nearest, query, float(similarities.mean()), float(similarities.std()))

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _nearest(self, query: Floats, among: Integers | None) -> tuple[Integers, Floats]:
        """The ids and the similarities of the nearest, the most similar first."""
        if not self._count:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        models = self._models
        wanted = None
        if among is not None:
            wanted = models.Filter(must=[models.HasIdCondition(has_id=among.tolist())])
        points = self._ask(
            "query_points", query=query.tolist(), limit=_NEAREST, query_filter=wanted, with_payload=False
        ).points
        ids = np.fromiter((point.id for point in points), np.int64, len(points))
        return ids, np.fromiter((point.score for point in points), np.float32, len(points))

    def _add(self, ids: Integers, vectors: Floats) -> None:
        """Copy vectors to the server; those that are there already stay as they are."""
        models = self._models
        if not self._ask("collection_exists"):
            shape = models.VectorParams(
                size=vectors.shape[1], distance=models.Distance.DOT, datatype=models.Datatype.FLOAT16
            )
            self._ask("create_collection", vectors_config=shape)
        for start in range(0, len(ids), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            points = models.Batch(ids=ids[part].tolist(), vectors=vectors[part].tolist())
            self._ask("upsert", points=points, wait=True)
        self._count = self._ask("count").count

    def _drop_stale(self) -> None:
        """Take vectors from the server that the library has no more."""
        there: list[int] = []
        offset = None
        while True:
            points, offset = self._ask("scroll", limit=10_000, offset=offset, with_payload=False)
            there += [point.id for point in points]
            if offset is None:
                break
        stale = sorted(set(there) - set(self._store.with_vectors(self._model).tolist()))
        self._ask("delete", points_selector=self._models.PointIdsList(points=stale), wait=True)

    def _ask(self, method: str, **arguments: Any) -> Any:
        """What the server answers to a method of the client, about the library's collection."""
        with _plain_errors(self._place):
            return getattr(self._client, method)(collection_name=self._collection, **arguments)


class _Look:
    """A query beside the vectors on the server; the nearest are asked for once."""

    def __init__(
        self,
        nearest: Callable[[Floats, Integers | None], tuple[Integers, Floats]],
        query: Floats,
        mean: float,
        deviation: float,
    ) -> None:
        self._fetch, self._query = nearest, query
        self._answer: tuple[Integers, Floats] | None = None
        self.mean, self.deviation = mean, deviation

    def nearest(self, top: int, among: Integers | None) -> Integers:
        """The ids of so many pictures, the most similar first."""
        ids, similarities = self._fetch(self._query, among)
        if self._answer is None or among is not None:
            self._answer = ids, similarities
        return ids[:top]

    def similarities(self, ids: Integers) -> Floats:
        """Cosine similarities of these pictures; the least that is known for those farther away."""
        known, similarities = self._answer or self._fetch(self._query, None)
        self._answer = known, similarities
        if not len(known):
            return np.full(len(ids), np.nan, np.float32)
        order = np.argsort(known)
        places = order[np.minimum(np.searchsorted(known, ids, sorter=order), len(known) - 1)]
        return np.where(known[places] == ids, similarities[places], similarities.min())


def _library_id(store: Store) -> str:
    """A name that tells this library from others on the same server."""
    if (known := store.setting("id")) is None:
        store.set_once("id", uuid.uuid4().hex[:12])
        known = store.setting("id")
    return str(known)


def _connected(place: str) -> tuple[Any, Any]:
    """The client, and its module of requests."""
    try:
        from qdrant_client import QdrantClient, models
    except ModuleNotFoundError:
        raise MissingExtra(
            "vectors on a Qdrant server need its client, which is not installed: pip install 'showtell[qdrant]'"
        ) from None
    with _plain_errors(place):
        if "://" in place:
            key = os.environ.get("QDRANT_API_KEY")
            return QdrantClient(url=place, api_key=key, timeout=60, check_compatibility=False), models
        return QdrantClient(path=place), models


@contextmanager
def _plain_errors(place: str) -> Iterator[None]:
    """What the client complains of, as a sentence."""
    try:
        yield
    except Exception as error:  # its errors share no class of their own
        raise ShowtellError(
            f"{place}: the Qdrant server failed ({reason_of(error)}); see that it runs"
        ) from error

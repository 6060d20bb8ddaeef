"""Pictures that are nearly the same, by their vectors.

N pictures, E the width of the vectors' space.
"""

import numpy as np

from showtell.search.records import Floats, Integers

__all__ = ["NEARLY_SAME", "groups"]

NEARLY_SAME = 0.98
"""The cosine from which two pictures are nearly the same: another size or quality, a little cropped."""

_ROWS = 2048


def groups(ids: Integers, vectors: Floats, threshold: float) -> list[tuple[list[int], float]]:
    """Groups of pictures, each of them nearly the same as another in its group.

    Args:
        ids: [N].
        vectors: of length one [N, E].
        threshold: cosine.

    Returns:
        The ids of each group, and the least cosine that joined it.
    """
    parent = np.arange(len(ids))
    least: dict[int, float] = {}
    for start in range(0, len(ids), _ROWS):
        similarities = vectors[start : start + _ROWS] @ vectors[start:].T  # [rows, N - start]
        for row, column in zip(*np.nonzero(similarities >= threshold), strict=True):
            if row < column:
                _join(parent, least, start + int(row), start + int(column), float(similarities[row, column]))
    members: dict[int, list[int]] = {}
    for place in range(len(ids)):
        if (root := _root(parent, place)) in least:
            members.setdefault(root, []).append(int(ids[place]))
    return [(group, least[root]) for root, group in members.items()]


def _root(parent: Integers, place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = int(parent[place])
    return place


def _join(parent: Integers, least: dict[int, float], first: int, second: int, similarity: float) -> None:
    first, second = _root(parent, first), _root(parent, second)
    lowest = min(similarity, least.pop(first, 1.0), least.pop(second, 1.0))
    parent[second] = first
    least[first] = lowest

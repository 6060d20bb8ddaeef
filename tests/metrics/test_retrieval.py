"""Retrieval in both directions, against a slow version that sorts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.metrics import retrieval


def slow(similarity, owner):
    """Sort each row and each column, and look for the right one; no two numbers are equal here."""
    caption_ranks = [
        sorted(row, reverse=True).index(row[picture]) + 1
        for row, picture in zip(similarity, owner, strict=True)
    ]
    picture_ranks = []
    for picture, column in enumerate(similarity.T):
        order = np.argsort(-column)
        first = next(place for place, caption in enumerate(order) if owner[caption] == picture)
        picture_ranks.append(first + 1)
    return caption_ranks, picture_ranks


@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 1000))
def test_ranks_are_those_of_sorting(pictures, captions, seed):
    chance = np.random.default_rng(seed)
    owner = chance.permutation(np.repeat(np.arange(pictures), captions))
    similarity = chance.permutation(pictures * captions * pictures).reshape(len(owner), pictures) / 7
    found = retrieval(similarity, owner)
    expected = [np.array(ranks) for ranks in slow(similarity, owner)]
    for direction, ranks in zip((found.caption_to_picture, found.picture_to_caption), expected, strict=True):
        assert direction.mean_rank == pytest.approx(ranks.mean())
        assert direction.median_rank == np.median(ranks)
        for cut in (1, 5, 10):
            assert getattr(direction, f"recall_at_{cut}") == pytest.approx(100 * (ranks <= cut).mean())


def test_a_perfect_model_finds_everything():
    found = retrieval(np.eye(4)[[0, 0, 1, 2, 3]], [0, 0, 1, 2, 3])
    assert found.caption_to_picture.recall_at_1 == found.picture_to_caption.recall_at_1 == 100


def test_a_model_to_which_all_is_alike_finds_nothing():
    found = retrieval(np.zeros((30, 30)), range(30))
    assert found.caption_to_picture.recall_at_1 == found.picture_to_caption.recall_at_10 == 0
    assert found.caption_to_picture.mean_rank == 15.5


@pytest.mark.parametrize(
    ("similarity", "owner", "message"),
    [
        (np.zeros((2, 2)), [0], "shape|captions, pictures"),
        (np.zeros((2, 2)), [0, 5], "outside 0 to 1"),
        (np.zeros((2, 2)), [0, 0], "has no caption"),
        (np.full((2, 2), np.nan), [0, 1], "NaN"),
        (np.zeros((0, 2)), [], "captions, pictures"),
    ],
)
def test_what_cannot_be_ranked_is_refused(similarity, owner, message):
    with pytest.raises(ValueError, match=message):
        retrieval(similarity, owner)

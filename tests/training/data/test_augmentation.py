"""Augmentations of a picture are other crops of it in other light, and always the same ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.training.data.augmentation import SMALLEST, augment, drawn_for_epoch, mirrored_words

PICTURE = np.dstack([np.tile(np.linspace(60, 180, 200), (100, 1))] * 3).astype(
    np.uint8
)  # brighter to the right


def test_augmentation_nought_is_the_picture_itself() -> None:
    found, mirrored = augment(PICTURE, "a", 0)
    np.testing.assert_array_equal(found, PICTURE)
    assert not mirrored


def test_an_augmentation_follows_from_the_id_and_its_number_alone() -> None:
    one, again, other, another = (
        augment(PICTURE, *named)[0] for named in (("a", 1), ("a", 1), ("a", 2), ("b", 1))
    )
    np.testing.assert_array_equal(one, again)
    assert not any(np.array_equal(one, different) for different in (other, another))


def test_half_the_augmentations_are_mirrored_and_say_so() -> None:
    told = []
    for number in range(1, 201):
        found, mirrored = augment(PICTURE, "a", number)
        slope = float(found[:, -1].mean()) - float(found[:, 0].mean())
        assert (slope < 0) == mirrored
        told.append(mirrored)
    assert 70 <= sum(told) <= 130


@pytest.mark.parametrize("number", range(1, 20))
def test_an_augmentation_shows_most_of_the_picture(number: int) -> None:
    height, width, channels = augment(PICTURE, "a", number)[0].shape
    assert SMALLEST * 100 - 1 <= height <= 100
    assert SMALLEST * 200 - 1 <= width <= 200
    assert channels == 3


def test_mirrored_captions_swap_left_and_right_in_both_languages() -> None:
    assert mirrored_words("a dog left of a man".split()) == "a dog right of a man".split()
    assert mirrored_words(["狗", "在", "右边"]) == ["狗", "在", "左边"]
    assert mirrored_words(mirrored_words(["left", "右"])) == ["left", "右"]


def test_each_epoch_shows_every_picture_once_in_one_of_its_augmentations() -> None:
    order, augmentations = drawn_for_epoch(1, 3, pictures=50, augmentations=2)
    assert sorted(order) == list(range(50))
    assert set(augmentations) == {0, 1, 2}
    again, other = (drawn_for_epoch(1, number, pictures=50, augmentations=2)[0] for number in (3, 4))
    np.testing.assert_array_equal(order, again)
    assert not np.array_equal(order, other)


@given(st.integers(1, 5), st.integers(1, 5), st.text(max_size=5), st.integers(0, 9))
def test_the_smallest_pictures_have_augmentations(height: int, width: int, name: str, number: int) -> None:
    found, _ = augment(np.full((height, width, 3), 255, np.uint8), name, number)
    assert found.dtype == np.uint8
    assert min(found.shape) > 0

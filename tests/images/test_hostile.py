"""Pixels or BadImage, in bounded time: nothing else comes of a file, whoever made it."""

import random
import time

import pytest
from hostile import damaged, good_files, hostile_files

from showtell.errors import BadImage
from showtell.images import open_picture

pytestmark = pytest.mark.filterwarnings("ignore")


def outcome(data):
    """BadImage, or None for a picture; anything else is raised."""
    try:
        picture = open_picture(data, at_least=224)
    except BadImage as error:
        return error
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    return None


def test_files_that_mean_harm_end_as_pixels_or_bad_image_and_soon(capfd):
    slow = []
    for name, data in hostile_files():
        begun = time.process_time()
        outcome(data)
        if time.process_time() - begun > 5:
            slow.append(name)
    assert slow == []
    assert capfd.readouterr() == ("", "")


def test_good_files_are_read():
    assert [outcome(data) for data in good_files()] == [None] * len(good_files())


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_end_as_pixels_or_bad_image(seed):
    """Longer by hand: see `hostile`."""
    generator = random.Random(seed)
    good = good_files()
    outcomes = [outcome(damaged(generator.choice(good), generator)) for _ in range(2000)]
    assert 200 < outcomes.count(None) < 1800

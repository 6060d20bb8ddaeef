"""Errors say what, where and what to do, also in another process."""

import pickle
from pathlib import Path

import pytest

from showtell.errors import BadImage


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("a b.jpg", "a b.jpg: is broken"),
        (Path("x/y.png"), f"{Path('x/y.png')}: is broken"),
        (None, "the picture: is broken"),
    ],
)
def test_a_bad_image_knows_its_path_and_reason_and_can_be_sent_to_another_process(path, says):
    for error in (BadImage(path, "is broken"), pickle.loads(pickle.dumps(BadImage(path, "is broken")))):
        assert (str(error), error.reason) == (says, "is broken")
        assert error.path == (None if path is None else str(path))

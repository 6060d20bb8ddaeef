"""Libraries for the tests of search."""

import pytest

import showtell


@pytest.fixture
def library(tmp_path, searching_model):
    """An empty library whose model makes vectors and captions."""
    with showtell.open_library(tmp_path / "library", model=searching_model) as opened:
        yield opened


@pytest.fixture
def words_only(tmp_path, tiny_model):
    """An empty library whose model makes captions alone."""
    with showtell.open_library(tmp_path / "words", model=tiny_model) as opened:
        yield opened

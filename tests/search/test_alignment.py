"""Words find their regions: the searching bundle knows colours, and each quarter of a picture is a region."""

import itertools
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import showtell
from showtell.cli import app
from showtell.errors import ShowtellError
from showtell.search.alignment import align_words, explain_words

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}


@pytest.fixture(scope="module")
def captioner(searching_model):
    return showtell.load(searching_model)


@pytest.fixture
def quarters():
    """Red and green above, blue and black below."""
    picture = np.zeros((80, 80, 3), np.uint8)
    for (row, column), colour in zip([(0, 0), (0, 1), (1, 0)], COLOURS.values(), strict=True):
        picture[40 * row : 40 * row + 40, 40 * column : 40 * column + 40] = colour
    return picture


def test_a_word_matches_the_region_that_the_picture_needs_to_be_like_it(captioner, quarters):
    found = explain_words(captioner, quarters, "the green and the red, blue")
    assert found.words == ("green", "red", "blue")
    assert [np.unravel_index(cells.argmax(), (2, 2)) for cells in found.maps] == [(0, 1), (0, 0), (1, 0)]
    assert found.maps.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-4)
    assert found.cells == ((0, 1), (0, 0), (1, 0))


def test_chinese_words_find_the_same_regions(captioner, quarters):
    found = explain_words(captioner, quarters, "蓝色")
    assert found.language == "zh"
    assert found.cells[0] == (1, 0)


@pytest.mark.parametrize("text", ["", "…", "\0"])
def test_a_text_without_words_is_refused(captioner, quarters, text):
    with pytest.raises(ShowtellError, match="no words in it"):
        explain_words(captioner, quarters, text)


def test_a_model_without_vectors_is_refused(tiny_model, quarters):
    with pytest.raises(ShowtellError, match="makes no vectors"):
        explain_words(showtell.load(tiny_model), quarters, "red")


def test_the_command_draws_and_prints_where_words_belong(searching_model, quarters, tmp_path):
    from PIL import Image

    Image.fromarray(quarters).save(tmp_path / "quarters.png")
    command = ["explain", str(tmp_path / "quarters.png"), "--model", str(searching_model), "--words", "green"]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (tmp_path / "quarters_explained.png").exists()
    told = json.loads(CliRunner().invoke(app, [*command, "--format", "json"]).stdout)
    assert (told["query"], told["method"], told["words"][0]["cell"]) == ("green", "similarity", [0, 1])
    refused = CliRunner().invoke(app, [*command, "--language", "en"])
    assert refused.exit_code != 0


@pytest.mark.parametrize("beta", [0.0, 0.3, 5.0])
def test_words_are_aligned_by_the_best_of_all_chains(beta):
    random = np.random.default_rng(3)
    for _ in range(10):
        similarity = random.random((5, 3))

        def worth(chain, similarity=similarity):
            shared = sum(a == b for a, b in itertools.pairwise(chain))
            return sum(row[region] for row, region in zip(similarity, chain, strict=True)) + beta * shared

        best = max(worth(chain) for chain in itertools.product(range(3), repeat=5))
        assert worth(align_words(similarity, beta)) == pytest.approx(best)

"""Whether a library has what words ask for at all, by how well its best pictures fit each word."""

import json

import numpy as np
import pytest
from painted import names, paint
from tiny_bundle import SEARCH, graphs, search_graphs, vocabulary, write_tiny_bundle

import showtell
from showtell.errors import BadBundle
from showtell.search.presence import ENOUGH, WordStatistics

WORDS = vocabulary(("en", "zh"))


def statistics():
    """Ten pictures of each colour were learnt from; a picture of a word's colour has a cosine of 1, others of 0."""
    size = len(WORDS)
    return WordStatistics(WORDS, 50, np.full(size, 10), np.ones(size, np.float32), np.zeros(size, np.float32))


def bundle(folder, content):
    answer = {
        "method": "logistic",
        "features": ["similarity", "rarity", "lack"],
        "coefficients": [3.0, 0.0, 0.0, -10.0],
        "means": [0.0] * 3,
        "threshold": 0.5,
    }
    search = {"calibration": SEARCH["calibration"] | {"answer": answer}}
    files = graphs(WORDS) | search_graphs(WORDS) | {"words.json": content}
    write_tiny_bundle(folder, languages=("en", "zh"), files=files, search=search)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    content = json.dumps(statistics().to_dict()).encode()
    return bundle(tmp_path_factory.mktemp("presence") / "bundle", content)


@pytest.fixture
def greens(tmp_path, model):
    """A library of green pictures alone, without captions."""
    with showtell.open_library(tmp_path / "library", model=model) as library:
        for number in range(12):
            paint(tmp_path / "pictures" / f"{number}.png", "green", size=(9, number + 1))
        library.index(tmp_path / "pictures", captions=False)
        yield library


@pytest.mark.parametrize(
    ("query", "nothing"), [("green", False), ("绿色", False), ("red", True), ("红色图片", True)]
)
def test_a_word_whose_best_pictures_fall_short_has_no_answer(greens, query, nothing):
    assert greens.find(query).nothing == nothing
    assert len(greens.find(query, anyway=True)) > 0


def test_one_word_that_is_lacking_is_enough(greens):
    assert greens.find("green red").nothing


def test_of_a_folder_its_own_pictures_count_alone(greens, tmp_path):
    paint(tmp_path / "other" / "red.png", "red")
    greens.index(tmp_path / "other", captions=False)
    assert names(greens.find("red")) == ["red.png"]
    assert greens.find("red", folder=tmp_path / "pictures").nothing


def test_what_somebody_has_said_is_there_whatever_it_looks_like(greens, tmp_path):
    greens.describe(tmp_path / "pictures" / "3.png", "a red picture")
    assert names(greens.find("red")) == ["3.png"]


def test_a_bundle_that_says_nothing_of_its_words_lets_each_picture_speak_for_itself(library, tmp_path):
    paint(tmp_path / "pictures" / "green.png", "green")
    library.index(tmp_path / "pictures", captions=False)
    assert not library.find("green").nothing


def test_statistics_survive_their_file():
    again = WordStatistics.from_dict(json.loads(json.dumps(statistics().to_dict())), WORDS)
    assert again.to_dict() == statistics().to_dict()


def test_the_lack_of_a_word_grows_as_its_best_pictures_fall_short():
    lacks = [statistics().lack("red", similarity) for similarity in (1.5, 0.9, 0.5, 0.0, -1.0)]
    assert lacks == pytest.approx([0, 0, ENOUGH - 0.5, ENOUGH, ENOUGH], abs=1e-6)


def test_rare_and_unknown_words_are_rarer():
    of = statistics()
    assert of.rarity(["zebra"]) > of.rarity(["zebra", "red"]) > of.rarity(["red"])
    assert of.suspects(["zebra", "red"]) == ["red"]  # nothing is known of how a zebra looks


@pytest.mark.parametrize(
    "damage",
    [
        lambda of: of.pop("counts"),
        lambda of: of.update(pictures=0),
        lambda of: of.update(pictures="many"),
        lambda of: of.update(matching=[1.0]),
        lambda of: of.update(overall=[[0.0]] * len(WORDS)),
        lambda of: of.update(matching=[float("nan")] * len(WORDS)),
        lambda of: of.update(counts=[10**30] * len(WORDS)),
        lambda of: of.update(counts="none"),
    ],
)
def test_statistics_that_cannot_be_are_refused(tmp_path, damage):
    content = statistics().to_dict()
    damage(content)
    folder = bundle(tmp_path / "bundle", json.dumps(content).encode())
    paint(tmp_path / "pictures" / "green.png", "green")
    with showtell.open_library(tmp_path / "library", model=folder) as library:
        library.index(tmp_path / "pictures", captions=False)
        with pytest.raises(BadBundle, match=r"words\.json"):
            library.find("green")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_object_is_refused_with_the_bundle(tmp_path, content):
    with pytest.raises(BadBundle, match=r"words\.json"):
        bundle(tmp_path / "bundle", content)

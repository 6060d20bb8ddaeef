"""Hygiene sees what no score shows."""

import pytest

from showtell.metrics import hygiene


def test_distinct_captions_vocabulary_and_length():
    found = hygiene(["a dog runs", "a dog runs", "a cat", ""])
    assert found.distinct == 75
    assert found.vocabulary == 4
    assert found.mean_length == 2


@pytest.mark.parametrize(
    ("caption", "repeats"),
    [
        ("a dog runs in the the park", True),
        ("a dog in the park in the park runs", True),
        ("a man and a man", False),
        ("a dog", False),
        ("", False),
    ],
)
def test_captions_that_repeat_themselves(caption, repeats):
    assert hygiene([caption]).repeated == (100 if repeats else 0)


@pytest.mark.parametrize(
    ("caption", "language", "unfinished"),
    [
        ("a man with a", "en", 100),
        ("a man with a hat", "en", 0),
        ("", "en", 0),
        ("一 个 男人 在 草地 上", "zh", 0),
        ("一 只 黑色 的", "zh", 100),
        ("一个 男人 拿 着", "zh", 100),
        ("一个 女人 在 街道 上 走 着", "zh", 0),
        ("两 只 狗 奔跑 着", "zh", 0),
        ("着", "zh", 100),
        ("un chien avec un", "fr", None),
    ],
)
def test_captions_that_were_cut_off(caption, language, unfinished):
    assert hygiene([caption], language=language).unfinished == unfinished


def test_captions_that_stand_in_the_training_captions():
    assert hygiene(["a dog runs", "a cat sits"], training=["a dog  runs", "a bird"]).in_training == 50
    assert hygiene(["a dog runs"]).in_training is None


def test_nothing_at_all_is_no_crash():
    assert hygiene([]).to_dict()["distinct"] == 0

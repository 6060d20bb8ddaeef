"""CIDEr-D as a reward: equal to the metric, quick, and strict about ends."""

import time

import numpy as np
import pytest
import specification

from showtell.errors import BadCorpus
from showtell.metrics import Cider, CiderReward, References

REFERENCES = {"1": ["a dog runs", "the dog ran"], "2": ["a cat sits"], "3": ["red ball", "a ball"]}
IDS = {word: number for number, word in enumerate("a dog runs the ran cat sits red ball".split())}


def numbers(caption: str) -> list[int]:
    return [IDS[word] for word in caption.split()]


def test_it_is_cider_of_words_and_of_ids():
    asked, said = ["1", "2", "1", "3"], ["a dog runs", "a dog", "", "ball ball"]
    expected = Cider(References(REFERENCES, tokeniser="none")).each(asked, said)[:, 0]
    np.testing.assert_allclose(CiderReward(REFERENCES)(asked, said), expected)
    as_ids = CiderReward({name: list(map(numbers, group)) for name, group in REFERENCES.items()})
    np.testing.assert_allclose(as_ids(asked, list(map(numbers, said))), expected)


def test_the_end_is_a_token_on_both_sides():
    reward = CiderReward(REFERENCES, end="<end>")
    ended = [(f"{caption} <end>", [f"{one} <end>" for one in REFERENCES["1"]]) for caption in ("a dog runs",)]
    others = [("", [f"{one} <end>" for one in group]) for name, group in REFERENCES.items() if name != "1"]
    expected = specification.cider(ended + others)[0]
    whole, unfinished, after = reward(
        ["1", "1", "1"], ["a dog runs <end>", "a dog runs", ["a", "dog", "runs", "<end>", "a", "<end>"]]
    )
    assert whole == pytest.approx(expected)
    assert unfinished < whole
    assert after == whole


def test_a_picture_without_references_is_refused():
    with pytest.raises(BadCorpus, match="nowhere"):
        CiderReward(REFERENCES)(["nowhere"], ["a dog"])


def test_no_captions_have_no_reward():
    assert CiderReward(REFERENCES)([], []).shape == (0,)


def test_a_batch_of_training_takes_milliseconds():
    chance = np.random.default_rng(0)
    groups = {str(i): chance.integers(0, 3000, (5, 10)).tolist() for i in range(1000)}
    reward = CiderReward(groups, end=-1)
    ids = [str(i) for i in range(32) for _ in range(5)]
    captions = chance.integers(0, 3000, (160, 10)).tolist()
    reward(ids, captions)
    start = time.process_time()
    for _ in range(10):
        reward(ids, captions)
    assert time.process_time() - start < 8  # 200 captions per second even on a loaded machine

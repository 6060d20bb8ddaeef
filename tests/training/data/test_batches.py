"""Captions and features -> batches."""

from pathlib import Path

import numpy as np
import pytest

from showtell.corpora import Example, Reference
from showtell.text.cleaning import Cleaning
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import CaptionBatches
from showtell.training.features.cache import FeatureCache

SENTENCES = {
    "one": ["a dog on the left", "a dog to the left of a man and of another dog that runs"],
    "two": ["a man on the right"],
    "three": ["a"],
}


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary.build([text.split() for found in SENTENCES.values() for text in found], minimum_count=1)


def batches(vocabulary: Vocabulary, *, views: int = 0, **changes: object) -> CaptionBatches:
    """Batches of three pictures whose mirrored views have the opposite features."""
    features = np.stack([np.full((2, 3), number, np.float16) for number in (1, 2, 3)])
    others, mirrored = np.stack([features * 2, -features]), np.array([[False] * 3, [True] * 3])
    cache = FeatureCache(Path(), tuple(SENTENCES), features, others[:views], mirrored[:views], {})
    examples = [
        Example(name, Path(name), tuple(Reference(text, "en", "people") for text in found), "train")
        for name, found in SENTENCES.items()
    ]
    settings = {"batch": 2, "minimum_length": 2, "maximum_length": 8, "seed": 5}
    return CaptionBatches(examples, cache, vocabulary, **(settings | changes))


def sentences(vocabulary: Vocabulary, tokens) -> set[str]:
    return {" ".join(vocabulary.decode(row[1:].tolist())) for row in tokens}


def test_a_batch_has_all_captions_of_its_pictures_and_leaves_out_those_that_say_nothing(vocabulary) -> None:
    [(regions, tokens, pictures)] = list(batches(vocabulary).of_pass(0, start=0, rank=0, ranks=1))
    assert regions.shape == (2, 2, 3)
    assert sorted(pictures.tolist()) in ([0, 0, 1], [0, 1, 1])
    assert sentences(vocabulary, tokens) == {
        "a dog on the left",
        "a man on the right",
        "a dog to the left of a man",  # cut after eight words
    }
    assert (tokens[:, 0] == vocabulary.start_ids["en"]).all()


def test_a_caption_that_is_cut_off_has_no_end(vocabulary) -> None:
    [(_, tokens, _)] = list(batches(vocabulary).of_pass(0, start=0, rank=0, ranks=1))
    ends = (tokens == vocabulary.end_id).sum(dim=1)
    lengths = (tokens != vocabulary.pad_id).sum(dim=1)
    assert lengths.max() == 9
    assert ends[lengths.argmax()] == 0
    assert ends.sum() == 2


def test_every_view_is_shown_and_mirrored_ones_swap_left_and_right(vocabulary) -> None:
    viewed = batches(vocabulary, views=2)
    seen = set()
    for number in range(30):
        [(regions, tokens, pictures)] = list(viewed.of_pass(number, start=0, rank=0, ranks=1))
        for row, picture in zip(tokens, pictures, strict=True):
            text = " ".join(vocabulary.decode(row[1:].tolist()))
            if text.startswith("a man"):
                seen.add((float(regions[picture].max()), text))
    assert seen == {(2, "a man on the right"), (4, "a man on the right"), (-2, "a man on the left")}


def test_a_pass_taken_up_in_the_middle_goes_on_with_the_same_batches(vocabulary) -> None:
    single = batches(vocabulary, batch=1, views=2)
    whole = list(single.of_pass(3, start=0, rank=0, ranks=1))
    rest = list(single.of_pass(3, start=1, rank=0, ranks=1))
    assert len(whole) == 2
    assert all((a == b).all() for a, b in zip(whole[1], rest[0], strict=True))


def test_processes_share_a_batch_between_them(vocabulary) -> None:
    whole = next(batches(vocabulary).of_pass(0, start=0, rank=0, ranks=1))
    parts = [next(batches(vocabulary).of_pass(0, start=0, rank=rank, ranks=2)) for rank in (0, 1)]
    assert sum(len(part[0]) for part in parts) == len(whole[0])
    assert set.union(*(sentences(vocabulary, part[1]) for part in parts)) == sentences(vocabulary, whole[1])


def test_captions_are_cleaned_as_asked(vocabulary) -> None:
    cleaning = Cleaning(drop_one_letter_words=True)
    [(_, tokens, _)] = list(batches(vocabulary, cleaning=cleaning).of_pass(0, start=0, rank=0, ranks=1))
    assert sentences(vocabulary, tokens) == {
        "dog on the left",
        "man on the right",
        "dog to the left of man and of",
    }

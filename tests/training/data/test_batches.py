"""Captions and features -> batches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from showtell.corpora import Example, Reference
from showtell.text.cleaning import Cleaning
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import CaptionBatches
from showtell.training.data.selection import TrainingPicture, training_captions
from showtell.training.features.cache import FeatureCache
from showtell.training.settings import Text

SENTENCES = {
    "one": ["a dog on the left", "a dog to the left of a man and of another dog that runs"],
    "two": ["a man on the right"],
    "three": ["a"],
}


TEXT = Text(minimum_length=2)


@pytest.fixture
def vocabulary() -> Vocabulary:
    return Vocabulary.build([text.split() for found in SENTENCES.values() for text in found], minimum_count=1)


def batches(
    vocabulary: Vocabulary, *, augmentations: int = 0, text: Text = TEXT, **changes: object
) -> CaptionBatches:
    """Batches of three pictures whose mirrored augmentations have the opposite features."""
    features = np.stack([np.full((2, 3), number, np.float16) for number in (1, 2, 3)])
    others, mirrored = np.stack([features * 2, -features]), np.array([[False] * 3, [True] * 3])
    cache = FeatureCache(
        Path(), tuple(SENTENCES), features, others[:augmentations], mirrored[:augmentations], {}
    )
    examples = [
        Example(name, Path(name), tuple(Reference(said, "en", "people") for said in found), "train")
        for name, found in SENTENCES.items()
    ]
    pictures = [TrainingPicture(one.id, one.path, training_captions(one, text)) for one in examples]
    settings = {"batch": 2, "maximum_length": 8, "seed": 5}
    return CaptionBatches(
        [picture for picture in pictures if picture.captions], cache, vocabulary, **(settings | changes)
    )


def sentences(vocabulary: Vocabulary, tokens) -> set[str]:
    return {" ".join(vocabulary.decode(row[1:].tolist())) for row in tokens}


def test_a_batch_has_all_captions_of_its_pictures_and_leaves_out_those_that_say_nothing(vocabulary) -> None:
    [batch] = list(batches(vocabulary).of_epoch(0, start=0, rank=0, ranks=1))
    assert batch.regions.shape == (2, 2, 3)
    assert set(batch.ids) == {"one", "two"}
    assert batch.weights.tolist() == [1, 1, 1]
    assert sorted(batch.pictures.tolist()) in ([0, 0, 1], [0, 1, 1])
    assert sentences(vocabulary, batch.tokens) == {
        "a dog on the left",
        "a man on the right",
        "a dog to the left of a man",  # cut after eight words
    }
    assert (batch.tokens[:, 0] == vocabulary.start_ids["en"]).all()


def test_a_caption_that_is_cut_off_has_no_end(vocabulary) -> None:
    [batch] = list(batches(vocabulary).of_epoch(0, start=0, rank=0, ranks=1))
    ends = (batch.tokens == vocabulary.end_id).sum(dim=1)
    lengths = (batch.tokens != vocabulary.pad_id).sum(dim=1)
    assert lengths.max() == 9
    assert ends[lengths.argmax()] == 0
    assert ends.sum() == 2


def test_every_augmentation_is_shown_and_mirrored_ones_swap_left_and_right(vocabulary) -> None:
    augmented = batches(vocabulary, augmentations=2)
    seen = set()
    for number in range(30):
        [batch] = list(augmented.of_epoch(number, start=0, rank=0, ranks=1))
        for row, picture in zip(batch.tokens, batch.pictures, strict=True):
            text = " ".join(vocabulary.decode(row[1:].tolist()))
            if text.startswith("a man"):
                seen.add((float(batch.regions[picture].max()), text))
    assert seen == {(2, "a man on the right"), (4, "a man on the right"), (-2, "a man on the left")}


def test_an_epoch_taken_up_in_the_middle_goes_on_with_the_same_batches(vocabulary) -> None:
    single = batches(vocabulary, batch=1, augmentations=2)
    whole = list(single.of_epoch(3, start=0, rank=0, ranks=1))
    rest = list(single.of_epoch(3, start=1, rank=0, ranks=1))
    assert len(whole) == 2
    assert whole[1].ids == rest[0].ids
    assert torch.equal(whole[1].regions, rest[0].regions)
    assert torch.equal(whole[1].tokens, rest[0].tokens)


def test_processes_share_a_batch_between_them(vocabulary) -> None:
    whole = next(batches(vocabulary).of_epoch(0, start=0, rank=0, ranks=1))
    parts = [next(batches(vocabulary).of_epoch(0, start=0, rank=rank, ranks=2)) for rank in (0, 1)]
    assert sum(len(part.ids) for part in parts) == len(whole.ids)
    assert set.union(*(sentences(vocabulary, part.tokens) for part in parts)) == sentences(
        vocabulary, whole.tokens
    )


def test_captions_are_cleaned_as_asked(vocabulary) -> None:
    text = Text(minimum_length=2, cleaning=Cleaning(drop_one_letter_words=True))
    [batch] = list(batches(vocabulary, text=text).of_epoch(0, start=0, rank=0, ranks=1))
    assert sentences(vocabulary, batch.tokens) == {
        "dog on the left",
        "man on the right",
        "dog to the left of man and of",
    }

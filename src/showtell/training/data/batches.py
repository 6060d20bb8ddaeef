"""Captions and features -> the batches that a captioner is trained on.

Axes: B pictures, C captions of the batch (several a picture), T tokens, R regions, D width of a region.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from showtell.corpora import Example
from showtell.text.cleaning import DEFAULT_CLEANING, Cleaning, words
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.augmentation import drawn_for_pass, mirrored_words
from showtell.training.engine.loop import Batch
from showtell.training.features.cache import FeatureCache


class CaptionBatches:
    """Regions and all captions of the same pictures, in an order that seed and pass decide.

    Yields regions float32 [B, R, D], tokens int64 [C, T + 1] from the start token to the end token and padding, and
    the picture of each caption int64 [C]. Each time a picture is shown, one of its views is drawn; with a mirrored
    one, "left" and "right" are swapped in its captions.

    Args:
        minimum_length: captions of fewer words are left out: they say nothing.
        maximum_length: words after which a caption is cut off (without an end token).
        cleaning: as for the vocabulary.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        cache: FeatureCache,
        vocabulary: Vocabulary,
        *,
        batch: int,
        minimum_length: int,
        maximum_length: int,
        seed: int,
        cleaning: Cleaning = DEFAULT_CLEANING,
    ):
        self._cache = cache
        self._vocabulary = vocabulary
        self._maximum_length = maximum_length
        self._batch = batch
        self._seed = seed
        captions = [
            cleaned(example, vocabulary.start_ids, minimum_length, cleaning=cleaning) for example in examples
        ]
        kept = [place for place, found in enumerate(captions) if found]
        self._rows = cache.rows([examples[place].id for place in kept])
        self._captions = [[self._encode(*caption) for caption in captions[place]] for place in kept]
        self._mirrored = [
            [self._encode(language, mirrored_words(caption)) for language, caption in captions[place]]
            for place in kept
        ]

    def __len__(self) -> int:
        return len(self._rows) // self._batch

    def of_pass(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[Batch]:
        """The batches of one pass from the ``start``-th on; the pictures left over wait for another pass."""
        order, views = drawn_for_pass(
            self._seed, number, pictures=len(self._rows), views=len(self._cache.views)
        )
        for batch in range(start, len(self)):
            chosen = order[batch * self._batch : (batch + 1) * self._batch][rank::ranks]
            yield self._gather(chosen, views)

    def _gather(self, chosen: NDArray[np.int64], views: NDArray[np.int64]) -> Batch:
        regions, captions, pictures = [], [], []
        for picture, place in enumerate(chosen):
            row, view = self._rows[place], views[place]
            regions.append(self._cache.of(row, view))
            found = (self._mirrored if self._cache.is_mirrored(row, view) else self._captions)[place]
            captions += found
            pictures += [picture] * len(found)
        length = max(len(caption) for caption in captions)
        tokens = np.full((len(captions), length), self._vocabulary.pad_id, dtype=np.int64)
        for row, caption in zip(tokens, captions, strict=True):
            row[: len(caption)] = caption
        return torch.from_numpy(np.stack(regions)).float(), torch.from_numpy(tokens), torch.tensor(pictures)

    def _encode(self, language: str, caption: Sequence[str]) -> list[int]:
        ids = [
            self._vocabulary.start_ids[language],
            *self._vocabulary.encode(caption),
            self._vocabulary.end_id,
        ]
        return ids[: self._maximum_length + 1]


def cleaned(
    example: Example,
    languages: Mapping[str, object] | Sequence[str],
    minimum_length: int = 1,
    *,
    cleaning: Cleaning = DEFAULT_CLEANING,
) -> list[tuple[str, list[str]]]:
    """Language and words of each of an example's captions in the wanted languages, short ones left out."""
    found = [
        (reference.language, words(reference.text, reference.language, cleaning=cleaning))
        for reference in example.references
        if reference.language in languages
    ]
    return [(language, caption) for language, caption in found if len(caption) >= minimum_length]

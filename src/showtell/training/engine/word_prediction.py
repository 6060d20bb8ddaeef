"""The words that an encoder learns to predict: predictor, batches and loss; ``encoder_tuning.py`` uses them.

Axes: B pictures, R regions, C channels of the early map, D width of a region, W words, L languages.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.data.augmentation import mirrored_words
from showtell.training.data.batches import EpochBatches, Movable
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.stages import LateStages
from showtell.training.features.cache import FeatureCache

# Words that tell nothing of a picture.
STOP_WORDS = {
    "en": frozenset(
        (
            "a an the and or of to in on at by for with from into onto is are was be being been it its his her their "
            "he she they this that these those there as while who which what where when has have having do does some "
            "other one two"
        ).split()
    ),
    "zh": frozenset(
        (
            "的 了 着 在 和 与 及 或 是 有 被 把 给 对 向 从 到 于 以 用 为 而 也 都 就 还 又 很 正 正在 着的 "
            "一 一个 一只 一位 一名 一条 一张 一辆 一片 一些 一群 两个 两只 两名 两位 几个 三个 个 只 名 位 条 张 辆 "
            "他 她 它 他们 她们 它们 这 那 这个 那个 其 自己 "
            "上 下 里 中 前 后 旁 边 上面 下面 里面 旁边 前面 后面 之间 身上"
        ).split()
    ),
}

Caption = tuple[str, Sequence[str]]  # a caption: its language and its words
Word = tuple[str, str]  # a language and a word of it


@dataclass(frozen=True)
class WordBatch(Movable):
    """Pictures and the words of their captions.

    Attributes:
        ids: the B pictures.
        cells: of their early maps [B, R, C], float16 as they are read; float32 once ``to`` a device.
        targets: [B, W]: 0.5 for a word of one caption, 1 for one of two or more; NaN where nobody described the
            picture in the word's language.
    """

    ids: tuple[str, ...]
    cells: Tensor
    targets: Tensor


class WordPredictor(nn.Module):
    """The late stages of an encoder, and a linear layer over the mean of their regions.

    Args:
        frequencies: the mean target of each word [W], where its prediction starts.
        dropout: on the mean of the regions.
        crop_scale: see ``LateStages``.
    """

    def __init__(self, encoder: EfficientNetLite, frequencies: Tensor, *, dropout: float, crop_scale: float):
        super().__init__()
        self.late = LateStages(encoder, crop_scale=crop_scale)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(encoder.width, len(frequencies))
        # From the start each word is as likely as it is; learning that first would disturb the tuned stages.
        nn.init.zeros_(self.classifier.weight)
        self.classifier.bias.data.copy_(torch.logit(frequencies, eps=1e-6))

    def forward(self, cells: Tensor) -> Tensor:
        """Cells of the early map [B, R, C] -> logits of the words [B, W]."""
        return self.classifier(self.dropout(self.late(cells).mean(dim=1)))


class WordBatches(EpochBatches[WordBatch]):
    """Pictures with the words of their captions.

    Args:
        ids: of the pictures.
        targets: of the pictures as they are and mirrored, [2, pictures, W].
    """

    def __init__(
        self, cache: FeatureCache, ids: Sequence[str], targets: NDArray[np.float32], *, batch: int, seed: int
    ):
        super().__init__(cache, ids, batch=batch, seed=seed)
        self._targets = targets

    def _gather(self, chosen: NDArray[np.int64], augmentations: NDArray[np.int64]) -> WordBatch:
        rows = self._rows[chosen]
        mirrored = self._cache.is_mirrored(rows, augmentations).astype(np.int64)
        return WordBatch(
            tuple(self._ids[chosen]),
            torch.from_numpy(self._cache.read(rows, augmentations)),
            torch.from_numpy(self._targets[mirrored, chosen]),
        )


class WordValidation:
    """The word loss on dev pictures; the loop keeps what scores highest, and so the score is the negative loss."""

    def __init__(
        self, cache: FeatureCache, ids: Sequence[str], targets: NDArray[np.float32], *, batch: int = 50
    ):
        self._ids = tuple(ids)
        self._cache = cache
        self._rows = cache.rows(ids)
        self._targets = targets
        self._batch = batch

    def __call__(self, model: nn.Module) -> tuple[float, dict[str, float]]:
        device = next(model.parameters()).device
        total = 0.0
        for start in range(0, len(self._rows), self._batch):
            part = slice(start, start + self._batch)
            cells = torch.from_numpy(self._cache.features[self._rows[part]])
            batch = WordBatch(self._ids[part], cells, torch.from_numpy(self._targets[part])).to(device)
            total += float(word_loss(model, batch)) * len(cells)
        loss = total / len(self._rows)
        return -loss, {"dev loss": loss}


def word_loss(model: nn.Module, batch: WordBatch) -> Tensor:
    """Binary cross entropy, summed over words, mean over pictures; unknown targets count for nothing."""
    known = ~batch.targets.isnan()  # [B, W]
    losses = F.binary_cross_entropy_with_logits(
        model(batch.cells).float(), batch.targets.nan_to_num(), weight=known.float(), reduction="sum"
    )
    return losses / len(batch.cells)


def choose_words(captions: Sequence[Sequence[Caption]], minimum_count: int) -> list[Word]:
    """The words worth predicting, most frequent first; ``captions`` are those of each picture."""
    counts = Counter(
        (language, word) for picture in captions for language, words in picture for word in words
    )
    chosen = [
        (word, count)
        for word, count in counts.items()
        if count >= minimum_count and word[1] not in STOP_WORDS[word[0]]
    ]
    return [word for word, _ in sorted(chosen, key=lambda item: (-item[1], item[0]))]


def word_targets(captions: Sequence[Sequence[Caption]], words: Sequence[Word]) -> NDArray[np.float32]:
    """Targets [pictures, W], as ``WordBatch`` has them."""
    places = {word: place for place, word in enumerate(words)}
    languages = np.array([language for language, _ in words])
    targets = np.zeros((len(captions), len(words)), dtype=np.float32)
    for row, picture in zip(targets, captions, strict=True):
        for language in set(languages) - {language for language, _ in picture}:
            row[languages == language] = np.nan
        mentions = Counter((language, word) for language, caption in picture for word in set(caption))
        for word, count in mentions.items():
            if word in places:
                row[places[word]] = 0.5 if count == 1 else 1.0
    return targets


def mirrored(captions: Sequence[Sequence[Caption]]) -> list[list[Caption]]:
    """The captions as they are true of the mirrored pictures."""
    return [[(language, mirrored_words(words)) for language, words in picture] for picture in captions]

"""Signs of health that no score shows: above all, whether different pictures get different captions."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from showtell.metrics.ngrams import Grams, Integers, NgramIndex, Words

# A caption that ends in one of these was cut off: "a man with a".
_UNFINISHED = {
    "en": frozenset(
        "a an the of with at to and or from for into onto is are was were be being that which who while as "
        "his her its their my your some".split()
    ),
    "zh": frozenset(
        "的 和 与 在 把 被 是 着 一 一个 一只 一名 一位 一群 一条 一张 两 两个 个 只 或 及 从 向 对".split()
    ),
}
# After verbs of posture and movement, 着 ends a sentence ("在街上走着"); after others it wants an object ("拿着").
_BEFORE_LAST_ZHE = frozenset("站立坐躺趴卧蹲走跑奔跳跃飞爬游滚笑")
_LOOP = 3  # this many words, said twice one after the other, are a loop


@dataclass(frozen=True, slots=True)
class Hygiene:
    """Shares are percentages of the captions; None where it cannot be known.

    Attributes:
        distinct: different captions.
        vocabulary: number of different words.
        mean_length: in words.
        repeated: captions that double a word, or say the same three words in a row twice.
        unfinished: captions that end in "a", "with", "的", …
        in_training: captions that are also training captions, word for word.
    """

    distinct: float
    vocabulary: int
    mean_length: float
    repeated: float
    unfinished: float | None
    in_training: float | None

    def to_dict(self) -> dict[str, float | None]:
        """As JSON."""
        return asdict(self)


def hygiene(
    sentences: Sequence[str], *, language: str = "en", training: Iterable[str] | None = None
) -> Hygiene:
    """Look over tokenised captions.

    Args:
        sentences: captions whose tokens have spaces between.
        language: decides which last words mean that a caption was cut off.
        training: tokenised captions that these might have been copied from.
    """
    words = Words.of(sentences)
    index = NgramIndex(words)
    return hygiene_of(sentences, words, index.own_words, index.own, language, training)


def hygiene_of(
    sentences: Sequence[str],
    words: Words,
    word_ids: Integers,
    grams: Grams,
    language: str,
    training: Iterable[str] | None,
) -> Hygiene:
    """As `hygiene`, of captions that are already taken apart and counted."""
    captions = [
        sentence if regular else " ".join(sentence.split())
        for sentence, regular in zip(sentences, words.regular.tolist(), strict=True)
    ]
    number = max(len(captions), 1)
    endings = _UNFINISHED.get(language)
    training_sentences = None if training is None else {" ".join(sentence.split()) for sentence in training}
    return Hygiene(
        distinct=100 * len(set(captions)) / number,
        vocabulary=len(np.unique(word_ids)),
        mean_length=len(word_ids) / number,
        repeated=100 * _repeating(words, word_ids, grams) / number,
        unfinished=None
        if endings is None
        else 100 * sum(_is_unfinished(caption, endings) for caption in captions) / number,
        in_training=None
        if training_sentences is None
        else 100 * sum(caption in training_sentences for caption in captions) / number,
    )


def _is_unfinished(caption: str, endings: frozenset[str]) -> bool:
    """Whether the last of a caption's words leaves it open."""
    before, _, last = caption.rpartition(" ")
    return last in endings and not (last == "着" and before[-1:] in _BEFORE_LAST_ZHE)


def _repeating(words: Words, word_ids: Integers, grams: Grams) -> int:
    """The number of captions that double a word or have a loop."""
    caption = np.repeat(np.arange(len(words.lengths)), words.lengths)  # [W]
    found = np.zeros(len(words.lengths), bool)
    found[caption[1:][(word_ids[1:] == word_ids[:-1]) & (caption[1:] == caption[:-1])]] = True
    found[grams.caption[(grams.order == _LOOP - 1) & (grams.count > 1)]] = True
    return int(found.sum())

"""Signs of health that no score shows: above all, whether different pictures get different captions."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from operator import eq

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
_REPEATED = 3  # so many words in a row, said twice, are a loop


@dataclass(frozen=True, slots=True)
class Hygiene:
    """Shares are percentages of the captions; None where it cannot be known."""

    distinct: float  # different captions, of all
    vocabulary: int  # different words
    mean_length: float  # words
    repeated: float  # captions that double a word, or say the same three words in a row twice
    unfinished: float | None  # captions that end in "a", "with", "的", …
    in_training: float | None  # captions that stand word for word in the training captions

    def to_dict(self) -> dict[str, float | None]:
        """As JSON."""
        return asdict(self)


def hygiene(
    sentences: Sequence[str], *, language: str = "en", training: Iterable[str] | None = None
) -> Hygiene:
    """Look over tokenised captions; `training` are tokenised captions they might have been copied from."""
    captions = [sentence.split() for sentence in sentences]
    number = max(len(captions), 1)
    endings = _UNFINISHED.get(language)
    seen = None if training is None else {" ".join(sentence.split()) for sentence in training}
    return Hygiene(
        distinct=100 * len(set(map(" ".join, captions))) / number,
        vocabulary=len(set().union(*captions)),
        mean_length=sum(map(len, captions)) / number,
        repeated=100 * sum(map(_repeats, captions)) / number,
        unfinished=None
        if endings is None
        else 100 * sum(bool(caption) and caption[-1] in endings for caption in captions) / number,
        in_training=None
        if seen is None
        else 100 * sum(" ".join(caption) in seen for caption in captions) / number,
    )


def _repeats(words: Sequence[str]) -> bool:
    if len(set(words)) == len(words):
        return False  # most captions, at a fifth of the time
    if any(map(eq, words, words[1:])):
        return True
    rows = list(zip(*(words[start:] for start in range(_REPEATED)), strict=False))
    return len(set(rows)) < len(rows)

"""Made-up pictures with references and a candidate, as tokens: the odd lengths and numbers included."""

import hashlib
import random

PAIRS = 6000


def pairs(number: int = PAIRS, seed: int = 0) -> tuple[dict[str, str], dict[str, list[str]]]:
    """`{id: candidate}` and `{id: references}`; words follow a law like language's, captions share pieces."""
    chance = random.Random(seed)
    words = [f"w{rank}" for rank in range(400)] + ["-lrb-", "1\xa01/2", "it's", "中文", "é"]

    def word() -> str:
        return words[min(int(chance.paretovariate(0.7)) - 1, len(words) - 1)]

    def caption() -> str:
        length = chance.choice([0, 1, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 14, 20, 40])
        return " ".join(word() for _ in range(length))

    candidates, references = {}, {}
    for place in range(number):
        name = f"picture{place}"
        references[name] = [caption() for _ in range(chance.choice([1, 2, 3, 5, 5, 5, 5, 7]))]
        candidates[name] = _candidate(chance, references[name], caption)
    return candidates, references


def _candidate(chance, references, caption) -> str:
    """A reference, one with words changed or cut off, two glued together, or another caption altogether."""
    kind = chance.random()
    if kind < 0.1:
        return chance.choice(references)
    if kind < 0.5:
        words = chance.choice(references).split(" ")
        return " ".join(other if chance.random() < 0.8 else "w1" for other in words[: chance.randint(0, 12)])
    if kind < 0.6:
        return (chance.choice(references) + " " + chance.choice(references)).strip()
    return caption()


def checksum(candidates: dict[str, str], references: dict[str, list[str]]) -> str:
    """Of all captions, so that a recording is never compared with others."""
    return hashlib.sha256(repr((list(candidates.items()), list(references.items()))).encode()).hexdigest()

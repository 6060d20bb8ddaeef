"""Each metric once more, slowly and obviously: the specification of the quick ones.

Captions are tokens with spaces between; all values are fractions.
"""

import math
from collections import Counter


def grams(caption: str, order: int) -> Counter:
    """How often the caption has each n-gram."""
    words = caption.split()
    return Counter(tuple(words[i : i + order]) for i in range(len(words) - order + 1))


def bleu(pairs: list[tuple[str, list[str]]], n: int) -> float:
    """BLEU-n of (candidate, references) pairs, as pycocoevalcap computes it."""
    product = 1.0
    for order in range(1, n + 1):
        matched = possible = 0
        for candidate, references in pairs:
            said = grams(candidate, order)
            for gram, count in said.items():
                matched += min(count, max(grams(reference, order)[gram] for reference in references))
            possible += max(len(candidate.split()) - order + 1, 0)
        product *= (matched + 1e-15) / (possible + 1e-9)
    said = sum(len(candidate.split()) for candidate, _ in pairs)
    wanted = sum(closest_length(candidate, references) for candidate, references in pairs)
    ratio = (said + 1e-15) / (wanted + 1e-9)
    return product ** (1 / n) * (math.exp(1 - 1 / ratio) if ratio < 1 else 1)


def closest_length(candidate: str, references: list[str]) -> int:
    """The length of the reference nearest in length; of two equally near the shorter."""
    lengths = [len(reference.split()) for reference in references]
    return min(lengths, key=lambda length: (abs(length - len(candidate.split())), length))


def rouge_l(candidate: str, references: list[str]) -> float:
    """ROUGE-L of one caption."""
    said = candidate.split(" ")
    precision = max(common_subsequence(said, reference.split(" ")) / len(said) for reference in references)
    recall = max(
        common_subsequence(said, reference.split(" ")) / len(reference.split(" ")) for reference in references
    )
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)


def common_subsequence(first: list[str], second: list[str]) -> int:
    """The length of the longest common subsequence, by the textbook's table."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, word in enumerate(first):
        for j, other in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if word == other else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def cider(
    pairs: list[tuple[str, list[str]]],
    *,
    clipped: bool = True,
    frequencies: Counter | None = None,
    pictures: int = 0,
    n: int = 4,
    sigma: float = 6.0,
) -> list[float]:
    """CIDEr-D of each pair (or the original CIDEr); document frequencies are the pairs' own unless given."""
    if frequencies is None:
        frequencies, pictures = document_frequencies([references for _, references in pairs]), len(pairs)
    scores = []
    for candidate, references in pairs:
        total = 0.0
        for reference in references:
            for order in range(1, n + 1):
                mine = weighted(candidate, order, frequencies, pictures)
                theirs = weighted(reference, order, frequencies, pictures)
                product = sum(
                    (min(weight, theirs.get(gram, 0)) if clipped else weight) * theirs.get(gram, 0)
                    for gram, weight in mine.items()
                )
                length = norm(mine) * norm(theirs)
                total += product / length * penalty(candidate, reference, clipped, sigma) / n if length else 0
        scores.append(10 * total / len(references))
    return scores


def document_frequencies(groups: list[list[str]]) -> Counter:
    """Of how many pictures some reference has the n-gram."""
    found: Counter = Counter()
    for references in groups:
        found.update(
            {gram for reference in references for order in range(1, 5) for gram in grams(reference, order)}
        )
    return found


def weighted(caption: str, order: int, frequencies: Counter, pictures: int) -> dict:
    """Each n-gram's count, weighted by how few pictures have it."""
    return {
        gram: count * (math.log(pictures) - math.log(max(1, frequencies[gram])))
        for gram, count in grams(caption, order).items()
    }


def norm(vector: dict) -> float:
    """Euclidean length."""
    return math.sqrt(sum(weight**2 for weight in vector.values()))


def penalty(candidate: str, reference: str, clipped: bool, sigma: float = 6.0) -> float:
    """CIDEr-D's Gaussian of the difference in word pairs."""
    if not clipped:
        return 1.0
    difference = sum(grams(candidate, 2).values()) - sum(grams(reference, 2).values())
    return math.exp(-(difference**2) / (2 * sigma**2))

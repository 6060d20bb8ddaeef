"""How well each metric agrees with people's judgements of Flickr8k captions: Kendall's tau, times 100.

    python benchmarks/human_agreement.py --captions Flickr8k.token.txt \\
        --expert ExpertAnnotations.txt --crowd CrowdFlowerAnnotations.txt

The files are those of Flickr8k's official text release. The protocol is that of the appendix of J. Hessel et
al., *CLIPScore: A Reference-free Evaluation Metric for Image Captioning*, EMNLP 2021. Expert: each pair's
three ratings (1 to 4) are points of their own, pairs whose caption stands among the picture's references are
left out (16,992 points remain), tau-c. CF: the mean share of yes, tau-b. Each point is scored as a picture
of its own, so that CIDEr's document frequencies count points, as there.

Published: Expert BLEU-1 32.3, BLEU-4 30.8, ROUGE-L 32.3, METEOR 41.8, CIDEr 43.9; CF BLEU-4 16.9,
ROUGE-L 19.9, CIDEr 24.6.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from showtell.errors import BadCorpus
from showtell.metrics import References
from showtell.metrics.java import Unavailable
from showtell.metrics.names import metric_class

Point = tuple[str, str, float]  # the picture's file, the caption's id, a judgement
SHOWN = ("BLEU", "ROUGE-L", "METEOR", "CIDEr")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--captions", type=Path, required=True, help="Flickr8k.token.txt")
    parser.add_argument("--expert", type=Path, help="ExpertAnnotations.txt")
    parser.add_argument("--crowd", type=Path, help="CrowdFlowerAnnotations.txt")
    given = parser.parse_args()
    captions = read_captions(given.captions)
    if given.expert is not None:
        show("Expert, tau-c", captions, expert_points(given.expert, captions), tau_c)
    if given.crowd is not None:
        show("CF, tau-b", captions, crowd_points(given.crowd), tau_b)


def show(title: str, captions: Mapping[str, str], points: Sequence[Point], tau) -> None:
    print(f"{title}: {len(points):,} points")
    for name, value in agreement(captions, points, tau).items():
        print(f"  {name:8} {value if isinstance(value, str) else f'{100 * value:.1f}'}")


def agreement(captions: Mapping[str, str], points: Sequence[Point], tau) -> dict[str, float | str]:
    """Each metric's tau with the judgements, or why there is none."""
    own = references_of(captions)
    try:
        groups = {str(place): own[picture] for place, (picture, _, _) in enumerate(points)}
        said = [captions[caption] for _, caption, _ in points]
    except KeyError as error:
        raise BadCorpus(f"{error} is judged but not among the captions; give Flickr8k.token.txt") from None
    judged = [judgement for _, _, judgement in points]
    references = References(groups)
    found: dict[str, float | str] = {}
    for name in SHOWN:
        try:
            metric = metric_class(name)(references)
            values = metric.each(references.ids, said)
        except Unavailable as error:
            found[name] = str(error)
            continue
        found |= {one: tau(values[:, column], judged) for column, one in enumerate(metric.names)}
    return found


def read_captions(path: Path) -> dict[str, str]:
    """``NAME.jpg#0<TAB>CAPTION`` -> caption by id."""
    return {cells[0]: cells[1] for cells in _rows(path, 2)}


def references_of(captions: Mapping[str, str]) -> dict[str, list[str]]:
    """The captions of each picture file."""
    groups: dict[str, list[str]] = {}
    for name, caption in captions.items():
        groups.setdefault(name.rpartition("#")[0], []).append(caption)
    return groups


def expert_points(path: Path, captions: Mapping[str, str]) -> list[Point]:
    """``PICTURE CAPTION_ID RATING RATING RATING`` -> a point a rating, the picture's own captions left out."""
    own = references_of(captions)
    return [
        (picture, caption, _number(path, rating))
        for picture, caption, *ratings in _rows(path, 5)
        if captions.get(caption) not in own.get(picture, ())
        for rating in ratings
    ]


def crowd_points(path: Path) -> list[Point]:
    """``PICTURE CAPTION_ID SHARE_OF_YES YES NO`` -> a point a pair."""
    return [(picture, caption, _number(path, share)) for picture, caption, share, *_ in _rows(path, 5)]


def _rows(path: Path, cells: int) -> list[list[str]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            rows.append(line.split("\t"))
            if len(rows[-1]) != cells:
                raise BadCorpus(f"{path}, line {number}: has {len(rows[-1])} cells instead of {cells}")
    return rows


def _number(path: Path, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadCorpus(f"{path}: {text!r} is no judgement, which is a number") from None


def tau_b(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Kendall's tau-b: concordant less discordant pairs, of the pairs tied on neither side; NaN if all are tied."""
    surplus, ties_first, ties_second, pairs, _ = _pairs(first, second)
    scale = np.sqrt(float(pairs - ties_first)) * np.sqrt(float(pairs - ties_second))
    return surplus / scale if scale else float("nan")


def tau_c(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Stuart's tau-c, for a table with more rows than columns: 2 (C - D) / (n² (m - 1) / m)."""
    surplus, _, _, _, (number, least) = _pairs(first, second)
    return 2 * surplus / (number**2 * (least - 1) / least) if least > 1 else float("nan")


def _pairs(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[int, int, int, int, tuple[int, int]]:
    """Concordant less discordant pairs, ties on either side, all pairs, points and the fewer of distinct values.

    Judgements have few values: for each the points so judged are counted against all with a lower one.
    """
    x = np.unique(np.asarray(first, np.float64), return_inverse=True)[1]
    y = np.unique(np.asarray(second, np.float64), return_inverse=True)[1]
    surplus = 0
    for value in range(1, int(y.max(initial=0)) + 1):
        here, lower = x[y == value], np.sort(x[y < value])
        below = np.searchsorted(lower, here)
        above = len(lower) - np.searchsorted(lower, here, side="right")
        surplus += int((below - above).sum())
    ties = [int((counts * (counts - 1) // 2).sum()) for counts in map(np.bincount, (x, y))]
    least = min(len(set(x.tolist())), len(set(y.tolist())))
    return surplus, ties[0], ties[1], len(x) * (len(x) - 1) // 2, (len(x), least)


if __name__ == "__main__":
    main()

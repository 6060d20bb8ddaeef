"""Drop-ins for pycocoevalcap: old code changes its imports and nothing else.

::

    from showtell.metrics.coco import Bleu, Cider, COCOEvalCap, Meteor, PTBTokenizer, Rouge, Spice

    gts, res = PTBTokenizer().tokenize(gts), PTBTokenizer().tokenize(res)
    score, scores = Cider().compute_score(gts, res)      # fractions, as there

`gts` is ``{id: [tokenised captions]}``, `res` the same with one caption each. As there, progress is printed.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from showtell.metrics import bleu, cider, meteor, rouge, spice
from showtell.metrics.base import Metric, References
from showtell.metrics.java import Unavailable
from showtell.metrics.ngrams import Floats
from showtell.text.ptb import tokenise

Captions = Mapping[Hashable, Sequence[str]]


class PTBTokenizer:
    """As ``pycocoevalcap.tokenizer.ptbtokenizer.PTBTokenizer``, without Java."""

    def tokenize(
        self, captions_for_image: Mapping[Hashable, Sequence[Mapping[str, Any]]]
    ) -> dict[Hashable, list[str]]:
        """``{id: [{"caption": …}]}`` -> ``{id: [tokens with spaces between]}``."""
        return {
            name: [tokenise(entry["caption"]) for entry in entries]
            for name, entries in captions_for_image.items()
        }


class Bleu:
    """As ``pycocoevalcap.bleu.bleu.Bleu``."""

    def __init__(self, n: int = 4) -> None:
        self._n = n

    def compute_score(
        self, gts: Captions, res: Captions, verbose: int = 0
    ) -> tuple[list[float], list[list[float]]]:
        """BLEU-1 … BLEU-n of the set, and for each the pictures' own."""
        whole, each = _scores(bleu.Bleu, gts, res)
        return whole.tolist()[: self._n], each.T.tolist()[: self._n]

    def method(self) -> str:
        return "Bleu"


class Cider:
    """As ``pycocoevalcap.cider.cider.Cider``: CIDEr-D with the document frequencies of `gts`."""

    def __init__(self, test: object = None, refs: object = None, n: int = 4, sigma: float = 6.0) -> None:
        """Take the longest n-grams, 1 to 4, and sigma; the other two arguments count nowhere, as there."""
        self._n, self._sigma = n, sigma

    def compute_score(self, gts: Captions, res: Captions) -> tuple[float, Floats]:
        """The mean and the pictures' own."""
        return _mean_and_each(partial(cider.Cider, n=self._n, sigma=self._sigma), gts, res)

    def method(self) -> str:
        return "CIDEr"


class Rouge:
    """As ``pycocoevalcap.rouge.rouge.Rouge``."""

    beta = rouge.BETA

    def calc_score(self, candidate: Sequence[str], refs: Sequence[str]) -> float:
        """ROUGE-L of one caption, given as a list of one, against its references."""
        return self.compute_score({0: refs}, {0: candidate})[0]

    def compute_score(self, gts: Captions, res: Captions) -> tuple[float, Floats]:
        """The mean and the pictures' own."""
        return _mean_and_each(rouge.RougeL, gts, res)

    def method(self) -> str:
        return "Rouge"


class Meteor:
    """As ``pycocoevalcap.meteor.meteor.Meteor``; needs Java and the extra ``coco``."""

    def compute_score(self, gts: Captions, res: Captions) -> tuple[float, list[float]]:
        """The set's METEOR and the pictures' own."""
        whole, each = _scores(meteor.Meteor, gts, res)
        return float(whole[0]), each[:, 0].tolist()

    def method(self) -> str:
        return "METEOR"


class Spice:
    """As ``pycocoevalcap.spice.spice.Spice``, with the F-scores of all relations alone."""

    def compute_score(self, gts: Captions, res: Captions) -> tuple[float, list[dict[str, dict[str, float]]]]:
        """The mean and the pictures' own, as ``{"All": {"f": …}}``."""
        mean, each = _mean_and_each(spice.Spice, gts, res)
        return mean, [{"All": {"f": float(value)}} for value in each]

    def method(self) -> str:
        return "SPICE"


class COCOEvalCap:
    """As ``pycocoevalcap.eval.COCOEvalCap``; METEOR and SPICE are left out where their programs are missing.

    Attributes:
        params: ``image_id`` is the list of pictures that are scored; a shorter one may be set.
        eval: the set's scores by name, after `evaluate`.
        evalImgs: each picture's scores.
        imgToEval: the same by the picture's id.
    """

    def __init__(self, coco: Any, cocoRes: Any) -> None:  # noqa: N803 (as there)
        """Take two ``pycocotools.coco.COCO``, or anything with `getImgIds` and `imgToAnns`."""
        self.coco, self.cocoRes = coco, cocoRes
        self.params: dict[str, Any] = {"image_id": coco.getImgIds()}
        self.eval: dict[str, float] = {}
        self.evalImgs: list[dict[str, Any]] = []
        self.imgToEval: dict[Hashable, dict[str, Any]] = {}

    def evaluate(self) -> None:
        """Tokenise, score and print; the scores are then in `eval` and `evalImgs`."""
        ids = self.params["image_id"]
        tokenizer = PTBTokenizer()
        gts = tokenizer.tokenize({one: self.coco.imgToAnns[one] for one in ids})
        res = tokenizer.tokenize({one: self.cocoRes.imgToAnns[one] for one in ids})
        scorers: list[tuple[Callable[[], Any], list[str]]] = [
            (Bleu, ["Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4"]),
            (Meteor, ["METEOR"]),
            (Rouge, ["ROUGE_L"]),
            (Cider, ["CIDEr"]),
            (Spice, ["SPICE"]),
        ]
        self.imgToEval = {one: {"image_id": one} for one in gts}
        for scorer, names in scorers:
            try:
                score, scores = scorer().compute_score(gts, res)
            except Unavailable as error:
                print(f"{names[0]}: {error}")
                continue
            for name, value, each in zip(
                names,
                score if len(names) > 1 else [score],
                scores if len(names) > 1 else [scores],
                strict=True,
            ):
                self.eval[name] = value
                for one, own in zip(gts, each, strict=True):
                    self.imgToEval[one][name] = own
                print(f"{name}: {value:0.3f}")
        self.evalImgs = list(self.imgToEval.values())


def _mean_and_each(
    metric: Callable[[References], Metric], gts: Captions, res: Captions
) -> tuple[float, Floats]:
    whole, each = _scores(metric, gts, res)
    return float(whole[0]), each[:, 0]


def _scores(metric: Callable[[References], Metric], gts: Captions, res: Captions) -> tuple[Floats, Floats]:
    """The set's scores [names] and the pictures' own [P, names], in the order of `gts`."""
    if gts.keys() != res.keys():
        raise ValueError("gts and res must have the same ids")
    for name, captions in res.items():
        if len(captions) != 1:
            raise ValueError(f"res must have one caption an id; {name!r} has {len(captions)}")
    # Ids of any type: they are told apart by their place.
    names = [str(place) for place in range(len(gts))]
    references = References(dict(zip(names, map(list, gts.values()), strict=True)), tokeniser="none")
    candidates = references.candidates({name: res[given][0] for name, given in zip(names, gts, strict=True)})
    judge = metric(references)
    statistics = judge.statistics(candidates)
    whole = judge.combine(statistics.sum(axis=0), max(len(statistics), 1))
    return np.asarray(whole), judge.combine(statistics, 1)

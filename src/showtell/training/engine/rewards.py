"""Sampled captions -> rewards: metrics over token ids, against what people said of the training pictures.

The end token is a word like any other here, in samples, references and document frequencies, so that stopping is
rewarded. Without it, CIDEr-D pays for fragments ("a man with a"): J. Hu, R. Cavicchioli, A. Capotondi, *A request for
clarity over the End of Sequence token in the Self-Critical Sequence Training*, ICIAP 2023.

Axes: N samples, T tokens.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from showtell.corpora.base import PEOPLE
from showtell.errors import BadCorpus, BadRecipe
from showtell.metrics import Bleu, Cider, DocumentFrequencies, RougeL
from showtell.metrics.base import Metric, References
from showtell.metrics.reward import as_text
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.augmentation import mirrored_words
from showtell.training.data.selection import TrainingPicture
from showtell.training.settings import FEEDBACK, SelfCritical

REWARDS: dict[str, tuple[type[Metric], int]] = {  # name -> metric, and which of its numbers
    "cider": (Cider, 0),
    "bleu4": (Bleu, 3),
    "rouge": (RougeL, 0),
}
SIGNATURES = {"cider": "Cider-D[n4,s6.0]", "bleu4": "BLEU[n4]", "rouge": "ROUGE-L[b1.2]"}


class Reward:
    """A weighted sum of metrics of single captions, as fractions: CIDEr-D from 0 to 10, the others from 0 to 1.

    Args:
        pictures: that are trained on; those without a caption by people in the language have no reward.
        weights: of the metrics, by the names of ``REWARDS``.
        end_token: whether the end token counts. Without it rewards are higher and captions end badly.
        dev_ids: pictures whose captions must not be among those rewarded or counted.

    Raises:
        BadRecipe: there is no such metric.
        BadCorpus: no picture has a caption by people in the language, or a dev picture is among them.
    """

    def __init__(
        self,
        pictures: Sequence[TrainingPicture],
        vocabulary: Vocabulary,
        language: str,
        weights: Mapping[str, float],
        *,
        end_token: bool = True,
        dev_ids: Collection[str] = (),
    ):
        unknown = weights.keys() - REWARDS.keys()
        if unknown or not weights:
            raise BadRecipe(
                f"there is no reward {min(unknown, default='')!r}; there are {', '.join([*REWARDS, FEEDBACK])}"
            )
        self._end, self._pad = vocabulary.end_id, vocabulary.pad_id
        self._end_token = end_token
        plain, mirrored = {}, {}
        for picture in pictures:
            words = [
                one.words for one in picture.captions if (one.language, one.source) == (language, PEOPLE)
            ]
            if words:
                plain[picture.id, False] = [self._text([*vocabulary.encode(one), self._end]) for one in words]
                mirrored[picture.id, True] = [
                    self._text([*vocabulary.encode(mirrored_words(one)), self._end]) for one in words
                ]
        if not plain:
            raise BadCorpus(
                f"no train picture has a caption by people in {language!r}; there is nothing to reward"
            )
        leaked = {name for name, _ in plain} & set(dev_ids)
        if leaked:
            raise BadCorpus(f"the dev picture {min(leaked)} is among those that are trained on")
        self.frequencies = DocumentFrequencies.build(plain.values(), language=language, tokeniser="none")
        self._known = frozenset(name for name, _ in plain)
        references = References(
            {_key(*place): texts for place, texts in (plain | mirrored).items()},
            language=language,
            tokeniser="none",
            frequencies=self.frequencies,
        )
        self._metrics = [
            (REWARDS[name][0](references), REWARDS[name][1], weight) for name, weight in weights.items()
        ]

    def __contains__(self, name: object) -> bool:
        """Whether a picture has captions to be compared with."""
        return name in self._known

    def __call__(
        self, ids: Sequence[str], mirrored: Sequence[bool], tokens: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Rewards [N] of sampled captions [N, T], which end at their end token or run to T."""
        keys = [_key(name, turned) for name, turned in zip(ids, mirrored, strict=True)]
        captions = [self._text(row[row != self._pad].tolist()) for row in tokens]
        return sum(  # type: ignore[return-value]
            weight * metric.each(keys, captions)[:, place] for metric, place, weight in self._metrics
        )

    def _text(self, tokens: Sequence[int]) -> str:
        return as_text(tokens, self._end, end_counts=self._end_token)


def signature(settings: SelfCritical) -> str:
    """What a captioner was tuned for, in the form of SacreEOS.

    ``STANDARD_wInit+Cider-D[n4,s6.0]+average[nspi5]+1.0.0``: with the end token, document frequencies counted with it
    too; the metric; the baseline and the samples per picture; the version of the form. People's judgements, where they
    were followed, stand after it: ``+DPO[b0.2]``.
    """
    parts = []
    if settings.metrics:
        parts.append("STANDARD_wInit" if settings.end_token else "NO<EOS>_wInit")
        parts += [
            SIGNATURES[name] + (f"*{weight:g}" if weight != 1 else "")
            for name, weight in settings.metrics.items()
        ]
        parts.append(
            f"{'greedy' if settings.baseline == 'greedy' else 'average'}[nspi{settings.samples}]+1.0.0"
        )
    if weight := settings.rewards.get(FEEDBACK):
        parts.append(f"DPO[b{settings.beta:g}]" + (f"*{weight:g}" if weight != 1 else ""))
    return "+".join(parts)


def _key(name: str, mirrored: bool) -> str:
    return f"{name}\0mirrored" if mirrored else name

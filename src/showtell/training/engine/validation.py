"""The figures of a captioner while it is being trained: dev captions, decoded and scored."""

import numpy as np
from torch import nn

from showtell.captioning.captioner import special_ids
from showtell.corpora import Corpus, Example
from showtell.decoding import DecodingOptions, Hypothesis, decode
from showtell.errors import BadCorpus
from showtell.metrics.base import References
from showtell.metrics.bleu import Bleu
from showtell.metrics.cider import Cider
from showtell.text.cleaning import join
from showtell.text.vocabulary import Vocabulary
from showtell.training.engine.stepper import TorchStepper
from showtell.training.features.cache import FeatureCache

BATCH = 50


class DevEvaluation:
    """Called with a model, gives CIDEr (which decides), BLEU-4, the share of distinct captions and their length.

    References are tokenised once, since a run is evaluated after every pass.
    """

    def __init__(
        self,
        corpus: Corpus,
        cache: FeatureCache,
        vocabulary: Vocabulary,
        *,
        language: str,
        options: DecodingOptions,
    ):
        self._vocabulary = vocabulary
        self._language = language
        self._options = options
        self._cache = cache
        examples = dev_examples(corpus, language)
        self._ids = [example.id for example in examples]
        self._rows = cache.rows(self._ids)
        self._references = References(corpus.scoring_references(examples, language), language=language)

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """CIDEr and BLEU-4 as percentages, distinct captions as a share of 100, length in words."""
        spoken = [best[0] for best in self.hypotheses(model)]
        sentences = [self._vocabulary.decode(hypothesis.tokens) for hypothesis in spoken]
        captions = [join(sentence, self._language) for sentence in sentences]
        found = self._references.candidates(dict(zip(self._ids, captions, strict=True)))
        return {
            "CIDEr": Cider(self._references).score(found)["CIDEr"],
            "BLEU-4": Bleu(self._references).score(found)["BLEU-4"],
            "distinct": 100 * len(set(captions)) / len(captions),
            "length": float(np.mean([len(sentence) for sentence in sentences])),
        }

    def hypotheses(self, model: nn.Module) -> list[list[Hypothesis]]:
        """What the model says of each dev picture, best first."""
        stepper = TorchStepper(model)
        ids = special_ids(self._vocabulary, self._language)
        found: list[list[Hypothesis]] = []
        for start in range(0, len(self._rows), BATCH):
            regions = self._cache.features[self._rows[start : start + BATCH]].astype(np.float32)
            found += decode(stepper, regions, ids, self._options)
        return found


def dev_examples(corpus: Corpus, language: str) -> list[Example]:
    """The dev split's pictures that have captions in a language to score against."""
    dev = corpus.split("dev")
    try:
        scored = corpus.scoring_references(dev, language)
    except BadCorpus as error:
        raise BadCorpus(f"{error}; training needs some in the dev split to choose by") from None
    return [example for example in dev if example.id in scored]

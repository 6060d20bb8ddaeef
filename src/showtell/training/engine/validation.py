"""The figures of a captioner while it is being trained: dev captions, decoded and scored, each dev set apart."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from torch import nn

from showtell.captioning.captioner import special_ids
from showtell.decoding import DecodingOptions, Hypothesis, decode
from showtell.metrics.base import References
from showtell.metrics.bleu import Bleu
from showtell.metrics.cider import Cider
from showtell.metrics.hygiene import hygiene
from showtell.metrics.rouge import RougeL
from showtell.text.cleaning import join
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.selection import ValidationSet
from showtell.training.engine.stepper import TorchStepper
from showtell.training.features.cache import FeatureCache

BATCH = 50
THREADS = 8  # batches that are decoded at a time beside a GPU, at most


class CaptionValidation:
    """Called with a model, gives the mean CIDEr of the dev sets, which decides, and all figures.

    Figures are CIDEr, BLEU-4, ROUGE-L, the shares of distinct and of badly ending captions in percent and their length
    in words: the mean over the sets, and, where there are several, each set's own (``flickr8k/en CIDEr``). References
    are tokenized once, since a run is validated after every epoch.
    """

    def __init__(
        self,
        sets: Sequence[ValidationSet],
        cache: FeatureCache,
        vocabulary: Vocabulary,
        options: DecodingOptions,
    ):
        self._vocabulary = vocabulary
        self._options = options
        self._cache = cache
        self._sets = [
            (one, cache.rows(one.ids), References(one.references, language=one.language)) for one in sets
        ]

    def __call__(self, model: nn.Module) -> tuple[float, dict[str, float]]:
        """Score and figures."""
        found = {
            one.name: self._figures(model, one, rows, references) for one, rows, references in self._sets
        }
        names = next(iter(found.values()))
        figures = {name: fmean(own[name] for own in found.values()) for name in names}
        if len(found) > 1:
            figures |= {f"{one} {name}": value for one, own in found.items() for name, value in own.items()}
        return figures["CIDEr"], figures

    def _figures(
        self, model: nn.Module, one: ValidationSet, rows: NDArray[np.int64], references: References
    ) -> dict[str, float]:
        """The figures of one set."""
        best = [hypotheses[0] for hypotheses in self._hypotheses(model, rows, one.language)]
        sentences = [self._vocabulary.decode(hypothesis.tokens) for hypothesis in best]
        captions = [join(sentence, one.language) for sentence in sentences]
        candidates = references.candidates(dict(zip(one.ids, captions, strict=True)))
        return {
            "CIDEr": Cider(references).score(candidates)["CIDEr"],
            "BLEU-4": Bleu(references).score(candidates)["BLEU-4"],
            "ROUGE-L": RougeL(references).score(candidates)["ROUGE-L"],
            "distinct": 100 * len(set(captions)) / len(captions),
            "unfinished": hygiene(list(map(" ".join, sentences)), language=one.language).unfinished or 0.0,
            "length": float(np.mean([len(sentence) for sentence in sentences])),
        }

    def _hypotheses(self, model: nn.Module, rows: NDArray[np.int64], language: str) -> list[list[Hypothesis]]:
        """The captions of each picture, best first."""
        stepper = TorchStepper(model)
        ids = special_ids(self._vocabulary, language)

        def of(part: NDArray[np.int64]) -> list[list[Hypothesis]]:
            return decode(stepper, self._cache.features[part].astype(np.float32), ids, self._options)

        parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        # Beside a GPU, the search itself takes the time, on one processor; without one, PyTorch has them all.
        threads = 1 if stepper.device.type == "cpu" else min(THREADS, os.cpu_count() or 1)
        with ThreadPoolExecutor(max_workers=threads) as pool:
            return [hypotheses for part in pool.map(of, parts) for hypotheses in part]

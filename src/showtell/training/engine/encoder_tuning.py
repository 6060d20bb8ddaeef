"""Tuning an encoder to what people mention: its late stages learn to predict the words of the captions.

ImageNet's classes know 120 breeds of dog and no "smiling"; captions are made of "running", "snow", "blue". After
H. Fang et al., *From Captions to Visual Concepts and Back*, CVPR 2015, section 3, with the mean over regions in the
place of the noisy-or.
"""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from showtell.text.cleaning import Cleaning
from showtell.text.cleaning import words as cut
from showtell.training.data.selection import TrainingCaption
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.engine.checkpoint import load_average
from showtell.training.engine.loop import fit
from showtell.training.engine.word_prediction import (
    Caption,
    WordBatches,
    WordPredictor,
    WordValidation,
    choose_words,
    mirrored,
    word_loss,
    word_targets,
)
from showtell.training.features.cache import FeatureCache
from showtell.training.runs.run import Run
from showtell.training.settings import EncoderTuning


def tune_encoder(run: Run, network: EfficientNetLite, maps: FeatureCache, tuning: EncoderTuning) -> None:
    """Tune an encoder's late stages, in place.

    Args:
        maps: its early maps of the train and dev pictures.
    """
    cleaning = replace(run.recipe.text.cleaning, chinese="words")  # a character alone may mean anything
    captions = [
        [_in_words(caption, run.recipe.text.cleaning) for caption in picture.captions]
        for picture in run.selection.train
    ]
    words = choose_words(captions, tuning.minimum_count)
    targets = word_targets(captions, words)
    ids = [picture.id for picture in run.selection.train]
    batches = WordBatches(
        maps,
        ids,
        np.stack((targets, word_targets(mirrored(captions), words))),
        batch=tuning.batch,
        seed=run.recipe.seed,
    )
    torch.manual_seed(run.recipe.seed)
    untouched = copy.deepcopy(network)
    frequencies = torch.from_numpy(np.nan_to_num(np.nanmean(targets, axis=0)))
    model = WordPredictor(network, frequencies, dropout=tuning.dropout, crop_scale=tuning.crop_scale)
    dev = _dev_captions(run, cleaning)
    folder = run.output / "encoder_tuning"
    fit(
        model,
        batches,
        loss=word_loss,
        validate=WordValidation(maps, list(dev), word_targets(list(dev.values()), words)),
        schedule=tuning.schedule,
        folder=folder,
        device=run.device,
        progress=run.progress,
        title="Tuning the encoder",
    )
    model.load_state_dict(load_average(folder / "checkpoints" / "best.safetensors"))
    network.cpu()
    blend(network, untouched, tuning.blend)


@torch.no_grad()
def blend(tuned: nn.Module, untouched: nn.Module, share: float) -> None:
    """Move a tuned network's weights towards those it started from, by a share of the way, in place.

    The tuned stages know the pictures that they were tuned on too well; in between they describe new ones better.
    M. Wortsman et al., *Robust Fine-Tuning of Zero-Shot Models*, CVPR 2022, section 3.
    """
    for weight, start in zip(tuned.parameters(), untouched.parameters(), strict=True):
        if not torch.equal(weight, start):  # what was not tuned stays the same to the bit, -0.0 too
            weight.lerp_(start, share)


def _in_words(caption: TrainingCaption, cleaning: Cleaning) -> Caption:
    """A caption's words, also where the captioner learns characters."""
    if caption.language != "zh" or cleaning.chinese == "words":
        return caption.language, caption.words
    return "zh", cut("".join(caption.words), "zh", cleaning=replace(cleaning, chinese="words"))


def _dev_captions(run: Run, cleaning: Cleaning) -> dict[str, list[Caption]]:
    """The captions of each dev picture in all languages."""
    found: dict[str, list[Caption]] = {}
    for one in run.selection.validation:
        for name, texts in one.references.items():
            found.setdefault(name, []).extend(
                (one.language, cut(text, one.language, cleaning=cleaning)) for text in texts
            )
    return found

"""The first stage of a run whose recipe asks for it: the encoder learns to predict the words of the captions."""

import copy

import torch

from showtell.training.data.augmentation import mirrored_words
from showtell.training.data.batches import cleaned
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.engine.loop import fit
from showtell.training.engine.validation import dev_examples
from showtell.training.engine.words import (
    EarlyMaps,
    WordBatches,
    WordEvaluation,
    WordPredictor,
    choose_words,
    move_back,
    word_loss,
    word_targets,
)
from showtell.training.features.network import PictureNetwork
from showtell.training.recipe import WordTuning
from showtell.training.runs.run import Run, training_examples


def tune(run: Run, network: EfficientNetLite, tuning: WordTuning) -> None:
    """Tune the encoder's last stages, in place (``words.py``)."""
    settings, languages, cleaning = tuning.settings, run.recipe.text.languages, run.recipe.text.cleaning
    train, dev = training_examples(run.corpus), dev_examples(run.corpus, run.language)
    spoken, dev_spoken = (
        [[words for _, words in cleaned(example, languages, cleaning=cleaning)] for example in examples]
        for examples in (train, dev)
    )
    words = choose_words(spoken, settings.minimum_count)
    targets = word_targets(spoken, words)
    mirrored = [[mirrored_words(caption) for caption in captions] for captions in spoken]
    early = PictureNetwork(
        EarlyMaps(network),
        name=f"{network.name}/early",
        preprocessing=network.preprocessing,
        device=run.device,
    )
    cache = run.encode([*train, *dev], early, run.output / "early", "Early maps")
    untouched = copy.deepcopy(network)
    torch.manual_seed(run.recipe.seed)
    model = WordPredictor(
        network, torch.from_numpy(targets.mean(axis=0)), dropout=settings.dropout, zoom=settings.zoom
    )
    ids, dev_ids = ([example.id for example in examples] for examples in (train, dev))
    batches = WordBatches(
        cache, ids, targets, word_targets(mirrored, words), batch=settings.batch, seed=run.recipe.seed
    )
    with run.pass_bar(tuning.schedule.passes * len(batches), "Tuning the encoder") as progress:
        fit(
            model,
            batches,
            loss=word_loss,
            evaluate=WordEvaluation(cache, dev_ids, word_targets(dev_spoken, words)),
            schedule=tuning.schedule,
            folder=run.output / "words",
            device=run.device,
            progress=progress,
        )
    model.load_best(run.output / "words")
    network.cpu()
    move_back(network, untouched, settings.kept)

"""corpus -> encoder -> features -> run: the whole way of a recipe, each stage kept in the run's folder.

Started again with the same folder, it continues wherever it was stopped; each stage that is done is taken as it is.
"""

import datetime
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import distributed as dist
from torch import nn

import showtell
from showtell.corpora import Corpus, Example, open_corpus
from showtell.decoding import DecodingOptions
from showtell.errors import BadBundle, BadCorpus, BadRecipe
from showtell.text.vocabulary import Vocabulary
from showtell.training.captions import CaptionBatches, cleaned
from showtell.training.checkpoint import Position, load_average
from showtell.training.encoders import load_encoder, save_encoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.evaluation import DevEvaluation, dev_examples
from showtell.training.features import FeatureCache, PictureNetwork, encode_pictures, open_features
from showtell.training.loop import Progress, choose_device, fit
from showtell.training.losses import CrossEntropy
from showtell.training.models import build_model
from showtell.training.models.ensemble import Ensemble
from showtell.training.recipe import Recipe, WordTuning, read_recipe, write_recipe
from showtell.training.reporting import Reporter, advancing
from showtell.training.words import (
    EarlyMaps,
    WordBatches,
    WordEvaluation,
    WordPredictor,
    choose_words,
    word_loss,
    word_targets,
)

ENCODER = "encoder.safetensors"


@dataclass(frozen=True)
class _Run:
    """What every stage needs to know."""

    recipe: Recipe
    corpus: Corpus
    output: Path
    device: torch.device
    first: bool  # whether this process encodes pictures and writes files; without torchrun it does
    reporter: Reporter

    @property
    def language(self) -> str:
        """The language that dev figures are of."""
        return self.recipe.text.languages[0]


def train(
    recipe: Recipe,
    data: str,
    output: Path,
    *,
    features: Path | None = None,
    encoder: Path | None = None,
    device: str = "auto",
    reporter: Reporter = Reporter(),
) -> None:
    """Train a captioner as a recipe says, or continue a run.

    Args:
        recipe: its settings.
        data: the spec of a corpus with a train and a dev split; pictures in no split are trained on.
        output: the run's folder.
        features: a folder of features to use or make; ``output/features`` unless given.
        encoder: a tuned encoder's weights, which takes the place of the recipe's encoder and its tuning.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        BadRecipe: settings that do not fit, or a run that was begun with others.
        BadCorpus, BadFeatures, BadImage, BadBundle: input that cannot be used.
    """
    corpus = open_corpus(data)
    chosen = choose_device(device)
    with _processes(chosen) as first:
        run = _Run(recipe, corpus, output, chosen, first, reporter)
        if first:
            for warning in corpus.warnings:
                reporter.note(warning)
            _begin_run(run, data)
        network = _encoder(run, encoder)
        seen = PictureNetwork(network, name=network.name, preprocessing=network.preprocessing)
        examples = [example for example in corpus if example.split != "test"]
        folder = features or output / "features"
        cache = _encode(run, examples, seen, folder, "Features")
        _captioners(run, cache)


def training_examples(corpus: Corpus) -> list[Example]:
    """The train split and the pictures that stand in no split."""
    examples = [example for example in corpus if example.split in ("train", None)]
    if not examples:
        raise BadCorpus(f"{corpus.name} has no pictures to train on: its train split is empty.")
    return examples


def decoding_options(recipe: Recipe, **changes: Any) -> DecodingOptions:
    """The recipe's way of finding captions."""
    return DecodingOptions(**(asdict(recipe.decoding) | changes))


def build(recipe: Recipe, vocabulary: Vocabulary, *, regions: int, region_width: int) -> nn.Module:
    """The recipe's model, with fresh weights."""
    return build_model(
        recipe.model.name,
        vocabulary=len(vocabulary),
        regions=regions,
        region_width=region_width,
        settings=recipe.model.settings,
    )


def member_folders(run: Path, recipe: Recipe) -> list[Path]:
    """Where each member of a run keeps its checkpoints and its log: the first in the run's own folder."""
    return [run, *(run / f"member{number}" for number in range(2, recipe.model.members + 1))]


def load_trained(
    run: Path, recipe: Recipe, vocabulary: Vocabulary, *, regions: int, region_width: int
) -> nn.Module:
    """The captioner of a run with its best averaged weights: its members as one.

    Raises:
        BadBundle: a member is not trained yet, or its checkpoint is of another model.
    """
    members = []
    for folder in member_folders(run, recipe):
        model = build(recipe, vocabulary, regions=regions, region_width=region_width)
        path = folder / "checkpoints" / "best.safetensors"
        try:
            model.load_state_dict(load_average(path))
        except RuntimeError as error:
            raise BadBundle(f"{path} is of another model: {error}") from None
        members.append(model.eval())
    return members[0] if len(members) == 1 else Ensemble(members).eval()


@contextmanager
def _processes(device: torch.device) -> Iterator[bool]:
    """Join the other processes that ``torchrun`` started, if it did; yields whether this one is the first."""
    if "RANK" not in os.environ:
        yield True
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    # The others wait while the first encodes pictures, which may take long.
    dist.init_process_group(backend, timeout=datetime.timedelta(hours=12))
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()


def _wait() -> None:
    if dist.is_initialized():
        dist.barrier()


def _begin_run(run: _Run, data: str) -> None:
    """Write the run's recipe, or check that it is continued with the settings that it was begun with.

    What changes no weights may change: the description, the card, and the decoding from here on.
    """
    path = run.output / "recipe.toml"
    if path.exists():
        begun = read_recipe(path)
        free: dict[str, Any] = {
            "description": begun.description,
            "card": begun.card,
            "decoding": begun.decoding,
        }
        if replace(run.recipe, used=begun.used, **free) != begun:
            raise BadRecipe(
                f"{run.output} was begun with other settings; choose another --output or delete it."
            )
        used = begun.used
    else:
        run.output.mkdir(parents=True, exist_ok=True)
        used = {
            "data": data,
            "showtell": showtell.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
            "python": platform.python_version(),
            "revision": _revision(),
        }
    write_recipe(replace(run.recipe, used=used), path)


def _revision() -> str:
    """The git revision of the code, if it stands in a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _encoder(run: _Run, given: Path | None) -> EfficientNetLite:
    """The encoder of the run; it stays in ``encoder.safetensors``, where the export finds it."""
    path = run.output / ENCODER
    if not path.exists():
        settings = run.recipe.encoder
        network = load_encoder(str(given or settings.name), size=settings.size)
        if given is None and settings.words is not None:
            _tune(run, network, settings.words)
        if run.first:
            save_encoder(network, path.with_suffix(".tmp"))
            path.with_suffix(".tmp").replace(path)
        _wait()
    if run.first:
        shutil.rmtree(run.output / "early", ignore_errors=True)  # only the tuning needed them
    return load_encoder(str(path))


def _tune(run: _Run, network: EfficientNetLite, tuning: WordTuning) -> None:
    """Tune the encoder's last stages, in place, to predict the words of the captions."""
    settings, languages = tuning.settings, run.recipe.text.languages
    train, dev = training_examples(run.corpus), dev_examples(run.corpus, run.language)
    spoken, dev_spoken = (
        [[words for _, words in cleaned(example, languages)] for example in examples]
        for examples in (train, dev)
    )
    words = choose_words(spoken, settings.minimum_count)
    targets = word_targets(spoken, words)
    early = PictureNetwork(
        EarlyMaps(network), name=f"{network.name}/early", preprocessing=network.preprocessing
    )
    cache = _encode(run, [*train, *dev], early, run.output / "early", "Early maps")
    torch.manual_seed(run.recipe.seed)
    model = WordPredictor(
        network, torch.from_numpy(targets.mean(axis=0)), dropout=settings.dropout, zoom=settings.zoom
    )
    ids, dev_ids = ([example.id for example in examples] for examples in (train, dev))
    batches = WordBatches(cache, ids, targets, batch=settings.batch, seed=run.recipe.seed)
    with _pass_bar(run.reporter, "Tuning the encoder", tuning.schedule.passes * len(batches)) as progress:
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


def _encode(
    run: _Run,
    examples: list[Example],
    network: PictureNetwork,
    folder: Path,
    description: str,
) -> FeatureCache:
    """Encode in the first process; the others wait and then open what it made."""
    if run.first:
        with run.reporter.bar(len(examples), description) as advance:
            encode_pictures(
                [(example.id, example.path) for example in examples],
                network,
                folder,
                views=run.recipe.training.views,
                progress=advancing(advance),
            )
    _wait()
    return open_features(folder, made_by=network.described())


def _captioners(run: _Run, cache: FeatureCache) -> None:
    """The vocabulary, then the members one after the other."""
    recipe = run.recipe
    vocabulary = Vocabulary.build(
        (
            words
            for example in training_examples(run.corpus)
            for _, words in cleaned(example, recipe.text.languages)
        ),
        languages=recipe.text.languages,
        minimum_count=recipe.text.minimum_count,
    )
    if run.first:
        vocabulary.save(run.output / "vocabulary.json")
    evaluation = DevEvaluation(
        run.corpus, cache, vocabulary, language=run.language, options=decoding_options(recipe)
    )
    for number, folder in enumerate(member_folders(run.output, recipe)):
        _member(run, cache, vocabulary, evaluation, folder, seed=recipe.seed + number)


def _member(
    run: _Run,
    cache: FeatureCache,
    vocabulary: Vocabulary,
    evaluation: DevEvaluation,
    folder: Path,
    *,
    seed: int,
) -> None:
    """Batches and model; then the loop."""
    recipe = run.recipe
    torch.manual_seed(seed)  # here: whether the encoder was tuned in this start makes no difference
    model = build(recipe, vocabulary, regions=cache.features.shape[1], region_width=cache.features.shape[2])
    batches = CaptionBatches(
        training_examples(run.corpus),
        cache,
        vocabulary,
        batch=recipe.training.batch,
        minimum_length=recipe.text.minimum_length,
        maximum_length=recipe.text.maximum_length,
        seed=seed,
    )
    loss = CrossEntropy(vocabulary.pad_id, recipe.training.label_smoothing, recipe.training.doubly_stochastic)
    description = f"Training {folder.name}"
    with _pass_bar(run.reporter, description, recipe.training.schedule.passes * len(batches)) as progress:
        position = fit(
            model,
            batches,
            loss=loss,
            evaluate=evaluation,
            schedule=recipe.training.schedule,
            folder=folder,
            device=run.device,
            progress=progress,
        )
    if run.first:
        run.reporter.note(
            f"{folder}: the best pass is {position.best_pass}, with a dev CIDEr of {position.best_score:.1f}."
        )


@contextmanager
def _pass_bar(reporter: Reporter, description: str, steps: int) -> Iterator[Progress]:
    """A bar over all steps of a schedule, and a message after each pass."""
    with reporter.bar(steps, description) as advance:
        move = advancing(advance)
        told = 0

        def progress(position: Position) -> None:
            nonlocal told
            move(position.step, steps)
            for row in position.history[told:]:
                figures = ", ".join(f"{name} {value:.4g}" for name, value in row.items())
                reporter.note(f"{description}: {figures}")
            told = len(position.history)

        yield progress

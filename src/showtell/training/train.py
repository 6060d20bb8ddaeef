"""corpus -> encoder -> features -> run: the whole way of a recipe, each stage kept in the run's folder.

Started again with the same folder, it continues wherever it was stopped; each stage that is done is taken as it is.
"""

import datetime
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist
from torch import nn

from showtell.corpora import open_corpus
from showtell.decoding import DecodingOptions
from showtell.errors import BadBundle, BadRecipe
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import CaptionBatches
from showtell.training.data.word_vectors import Embeddings, start_from
from showtell.training.encoders import load_encoder, save_encoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.engine.checkpoint import load_average
from showtell.training.engine.loop import choose_device, fit
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.tuning import tune
from showtell.training.engine.validation import DevEvaluation, dev_examples
from showtell.training.features.cache import FeatureCache, is_file, open_file
from showtell.training.features.given import ENCODER, keep_sample, learning_from
from showtell.training.features.network import PictureNetwork
from showtell.training.models import build_model
from showtell.training.models.embedding import GivenEmbedding
from showtell.training.preflight import begin_run, embeddings_of, try_model, vocabulary_of
from showtell.training.progress import Reporter
from showtell.training.recipe import Recipe
from showtell.training.runs.run import Run, training_examples, wait

EMBEDDING = "embedding."  # what every model calls the layer that holds its words


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
        features: a folder of features to use or make, ``output/features`` unless given; or a file of features to
            learn from, whose encoder then takes the place of the recipe's.
        encoder: a tuned encoder's weights, which takes the place of the recipe's encoder and its tuning.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        BadRecipe: settings that do not fit, or a run that was begun with others.
        BadCorpus, BadFeatures, BadImage, BadBundle: input that cannot be used.
    """
    corpus = open_corpus(data)
    chosen = choose_device(device)
    try_model(recipe)
    given = open_file(features) if features is not None and is_file(features) else None
    if given is not None:
        if encoder is not None:
            raise BadRecipe(f"The features in {features} are made already; leave out --encoder.")
        given.rows([example.id for example in corpus if example.split != "test"])  # or the run is not begun
        recipe = learning_from(recipe, given)
    vocabulary = vocabulary_of(recipe, corpus)
    embeddings = embeddings_of(recipe, vocabulary)
    with _processes(chosen) as first:
        run = Run(recipe, corpus, output, chosen, first, reporter)
        if first:
            for warning in corpus.warnings:
                reporter.note(warning)
            begin_run(run, vocabulary, data, given, encoder)
        if given is not None:
            if first:
                keep_sample(given, dev_examples(corpus, run.language), output)
            _caption(run, vocabulary, embeddings, given)
            return
        network = _encoder(run, encoder)
        seen = PictureNetwork(network, name=network.name, preprocessing=network.preprocessing, device=chosen)
        examples = [example for example in corpus if example.split != "test"]
        folder = features or output / "features"
        _caption(run, vocabulary, embeddings, run.encode(examples, seen, folder, "Features"))


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


def load_trained(
    run: Path, recipe: Recipe, vocabulary: Vocabulary, *, regions: int, region_width: int
) -> nn.Module:
    """The captioner of a run with its best averaged weights.

    Raises:
        BadBundle: it is not trained yet, or its checkpoint is of another model.
    """
    model = build(recipe, vocabulary, regions=regions, region_width=region_width)
    path = run / "checkpoints" / "best.safetensors"
    weights = load_average(path)
    if f"{EMBEDDING}given" in weights:
        model.embedding = GivenEmbedding.of_shape(weights, EMBEDDING)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise BadBundle(f"{path} is of another model: {error}") from None
    if isinstance(model.embedding, GivenEmbedding):
        model.embedding = model.embedding.finished()
    return model.eval()


@contextmanager
def _processes(device: torch.device) -> Iterator[bool]:
    """Join the other processes that ``torchrun`` started, if it did; yields whether this one is the first."""
    if "RANK" not in os.environ:
        yield True
        return
    backend = "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)
        backend = "nccl"
    # The others wait while the first encodes pictures, which may take long.
    dist.init_process_group(backend, timeout=datetime.timedelta(hours=12))
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()


def _encoder(run: Run, given: Path | None) -> EfficientNetLite:
    """The encoder of the run; it stays in ``encoder.safetensors``, where the export finds it."""
    path = run.output / ENCODER
    made = path.exists()
    wait()  # until all processes have looked: the first is about to write it
    if not made:
        settings = run.recipe.encoder
        network = load_encoder(str(given or settings.name), size=settings.size)
        if given is None and settings.words is not None:
            tune(run, network, settings.words)
        if run.first:
            save_encoder(network, path.with_suffix(".tmp"))
            path.with_suffix(".tmp").replace(path)
        wait()
    if run.first:
        shutil.rmtree(run.output / "early", ignore_errors=True)  # only the tuning needed them
    return load_encoder(str(path))


def _caption(run: Run, vocabulary: Vocabulary, embeddings: Embeddings | None, cache: FeatureCache) -> None:
    """Batches and model; then the loop."""
    recipe, text = run.recipe, run.recipe.text
    torch.manual_seed(recipe.seed)  # here: whether the encoder was tuned in this start makes no difference
    model = build(recipe, vocabulary, regions=cache.features.shape[1], region_width=cache.features.shape[2])
    if text.embeddings is not None and embeddings is not None:
        start_from(model, vocabulary, embeddings, frozen=text.embeddings.frozen)
        if run.first:
            run.reporter.note(f"{text.embeddings.file} has {embeddings}")
    batches = CaptionBatches(
        training_examples(run.corpus),
        cache,
        vocabulary,
        batch=recipe.training.batch,
        minimum_length=text.minimum_length,
        maximum_length=text.maximum_length,
        seed=recipe.seed,
        cleaning=text.cleaning,
    )
    evaluation = DevEvaluation(
        run.corpus, cache, vocabulary, language=run.language, options=decoding_options(recipe)
    )
    steps = recipe.training.schedule.passes * len(batches)
    with run.pass_bar(steps, f"Training {run.output.name}") as progress:
        position = fit(
            model,
            batches,
            loss=CrossEntropy(
                vocabulary.pad_id, recipe.training.label_smoothing, recipe.training.doubly_stochastic
            ),
            evaluate=evaluation,
            schedule=recipe.training.schedule,
            folder=run.output,
            device=run.device,
            progress=progress,
        )
    if run.first:
        run.reporter.note(
            f"{run.output}: the best pass is {position.best_pass}, "
            f"with a dev CIDEr of {position.best_score:.1f}."
        )

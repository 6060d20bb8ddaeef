"""corpus -> encoder -> features -> run: the whole way of a recipe, each stage kept in the run's folder.

Started again with the same folder, it continues wherever it was stopped; each stage that is done is taken as it is.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from showtell.progress import Progress
from showtell.training.align import alignment_parts
from showtell.training.data.word_vectors import start_from
from showtell.training.encoders import load_encoder, save_encoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.stages import EarlyStages, LateStages
from showtell.training.engine.checkpoint import load_average
from showtell.training.engine.devices import choose_device, processes, wait
from showtell.training.engine.encoder_tuning import tune_encoder
from showtell.training.engine.joint import JointCaptioner
from showtell.training.engine.loop import Group, Parts, fit
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.validation import CaptionValidation
from showtell.training.features.cache import FeatureCache, open_features
from showtell.training.features.imported import ENCODER
from showtell.training.features.network import PictureNetwork
from showtell.training.models import ALIGNMENTS
from showtell.training.preflight import begin
from showtell.training.runs.run import Run, build
from showtell.training.settings import JointTraining, Recipe
from showtell.training.teachers import load_teachers


def train(
    recipe: Recipe,
    data: str,
    output: Path,
    *,
    features: Path | None = None,
    encoder: Path | None = None,
    teachers: Sequence[Path] = (),
    device: str = "auto",
    progress: Progress = Progress(),
) -> None:
    """Train a captioner as a recipe says, or continue a run.

    Args:
        recipe: its settings.
        data: the spec of a corpus with a train and a dev split; pictures in no split are trained on.
        output: the run's folder.
        features: a folder of features to use or make, ``output/features`` unless given; or a file of features to
            learn from, whose encoder then takes the place of the recipe's.
        encoder: a tuned encoder's weights, which takes the place of the recipe's encoder and its tuning.
        teachers: folders of finished runs, whose predictions are learnt too; of the same corpus, vocabulary and
            features (or early stages, where the encoder is trained too).
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        BadRecipe: settings that do not fit, or a run that was begun with others.
        BadCorpus, BadFeatures, BadImage, BadBundle: input that cannot be used.
    """
    if encoder is not None:
        recipe = with_given_encoder(recipe)
    chosen = choose_device(device)
    with processes(chosen) as first:
        run = begin(
            recipe,
            data,
            output,
            features=features,
            encoder=encoder,
            teachers=teachers,
            device=chosen,
            first=first,
            progress=progress,
        )
        if run.recipe.encoder.features:  # they came in a file
            wait()
            train_model(run, open_features(run.features), teachers=[])
        else:
            network = train_encoder(run, encoder)
            cache = encode_features(run, network)
            if run.recipe.encoder.joint is None:
                train_model(run, cache, teachers=load_teachers(run, network))
        if recipe.model.name not in ALIGNMENTS:
            run.progress.note(f"next: showtell export {output} --output BUNDLE")


def train_encoder(run: Run, given: Path | None) -> EfficientNetLite:
    """The encoder of the run; it stays in ``encoder.safetensors``, where the export finds it.

    Args:
        given: the encoder that takes the place of the recipe's and its tuning, if any.
    """
    path, settings = run.output / ENCODER, run.recipe.encoder
    made = path.exists()
    wait()  # until all processes have looked: the first is about to write it
    if not made:
        network = load_encoder(str(given or settings.name), size=settings.size)
        tuning = None if given is not None else settings.tuning
        if tuning is not None:
            tune_encoder(run, network, early_maps(run, network), tuning)
        if settings.joint is not None:
            train_jointly(run, network, early_maps(run, network), settings.joint)
        if run.first:
            save_encoder(network, path)
        wait()
    return load_encoder(str(path))


def early_maps(run: Run, network: EfficientNetLite) -> FeatureCache:
    """What the encoder's early stages make of all pictures."""
    return run.encode(
        PictureNetwork(EarlyStages(network), run.device), run.output / "early_maps", "Early maps"
    )


def encode_features(run: Run, network: EfficientNetLite) -> FeatureCache:
    """The regions of all pictures; the early maps, which training the encoder needed, go when they are there."""
    whole = PictureNetwork(network, run.device)
    cells = torch.zeros(1, network.early_side**2, network.early_width)
    late = PictureNetwork(LateStages(network), run.device, blank=cells)
    cache = run.encode(whole, run.features, "Features", late=late)
    if run.first:
        shutil.rmtree(run.output / "early_maps", ignore_errors=True)
    return cache


def with_given_encoder(recipe: Recipe) -> Recipe:
    """The same recipe for an encoder that is trained already."""
    return replace(recipe, encoder=replace(recipe.encoder, joint=None))


def train_model(run: Run, cache: FeatureCache, *, teachers: Sequence[nn.Module]) -> None:
    """Train the recipe's model on features that stay as they are."""
    _, regions, width = cache.features.shape
    alignment = run.recipe.model.name in ALIGNMENTS
    parts = alignment_parts(run, cache) if alignment else caption_parts(run, cache, teachers)
    _fit(run, new_model(run, regions=regions, region_width=width), parts)


def train_jointly(run: Run, network: EfficientNetLite, maps: FeatureCache, joint: JointTraining) -> None:
    """Train the captioner and the encoder's late stages together; the encoder is left with its best weights."""
    captioner = new_model(run, regions=network.regions, region_width=network.width)
    model = JointCaptioner(network, captioner, crop_scale=joint.crop_scale)
    parts = caption_parts(run, maps, load_teachers(run, network))
    _fit(run, model, parts, model.groups(joint, run.recipe.training.schedule))
    model.load_state_dict(load_average(run.output / "checkpoints" / "best.safetensors"))
    network.cpu()


def caption_parts(run: Run, cache: FeatureCache, teachers: Sequence[nn.Module]) -> Parts:
    """What a captioner is trained with, of what a cache holds."""
    training = run.recipe.training
    return Parts(
        run.batches(run.selection.train, cache, batch=training.batch),
        CrossEntropy(
            run.vocabulary.pad_id,
            training.label_smoothing,
            training.doubly_stochastic,
            teachers=teachers,
            taught=training.taught if teachers else 0.0,
        ),
        CaptionValidation(run.selection.validation, cache, run.vocabulary, run.recipe.decoding.options()),
    )


def new_model(run: Run, *, regions: int, region_width: int) -> nn.Module:
    """The recipe's model with fresh weights, or with the vectors that its words start from."""
    # Here, so that it makes no difference whether the encoder was tuned in this start.
    torch.manual_seed(run.recipe.seed)
    model = build(run.recipe, run.vocabulary, regions=regions, region_width=region_width)
    settings = run.recipe.text.embeddings
    if run.embeddings is not None and settings is not None:
        start_from(model, run.vocabulary, run.embeddings, frozen=settings.frozen)
    return model


def _fit(run: Run, model: nn.Module, parts: Parts, groups: Sequence[Group] | None = None) -> None:
    """Train a model by the recipe's schedule."""
    parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    run.progress.note(f"the model has {parameters / 1e6:.1f} million parameters to learn")
    position = fit(
        model,
        parts.batches,
        loss=parts.loss,
        validate=parts.validate,
        schedule=run.recipe.training.schedule,
        folder=run.output,
        device=run.device,
        progress=run.progress,
        title=f"Training {run.output.name}",
        groups=groups,
    )
    figure = "recall at 1" if run.recipe.model.name in ALIGNMENTS else "CIDEr"
    run.progress.note(
        f"{run.output}: the best epoch is {position.best_epoch}, with a dev {figure} of {position.best_score:.1f}"
    )

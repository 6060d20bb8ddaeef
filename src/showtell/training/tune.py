"""run -> run: a trained captioner is tuned by a reward (``engine/self_critical.py``).

The tuned run is a run like any other: it is continued, exported and compared in the same way. Its first checkpoint is
the captioner that it starts from, which therefore stays the best until an epoch is better (``engine/gate.py``).
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from showtell.captioning.captioner import special_ids
from showtell.errors import BadRecipe
from showtell.files import read_json, write_json
from showtell.training.data.batches import CaptionBatches
from showtell.training.engine.checkpoint import Position, save_checkpoint
from showtell.training.engine.devices import choose_device, processes, wait
from showtell.training.engine.gate import Gate
from showtell.training.engine.loop import Group, fit, make_optimizer
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.rewards import Reward, signature
from showtell.training.engine.self_critical import SelfCriticalLoss, scale_dropout
from showtell.training.engine.validation import CaptionValidation
from showtell.training.features.cache import FeatureCache, open_features
from showtell.training.features.imported import ENCODER
from showtell.training.preflight import begin
from showtell.training.progress import Progress
from showtell.training.recipe import read_recipe
from showtell.training.runs.run import Run
from showtell.training.settings import SelfCritical
from showtell.training.train import encode_features, load_trained, train_encoder, with_given_encoder

START = "start.json"  # the figures of the captioner that is tuned


def tune(
    run: Path,
    output: Path,
    settings: SelfCritical,
    *,
    device: str = "auto",
    progress: Progress = Progress(),
) -> None:
    """Tune the captioner of a run by a reward, or continue a tuning.

    Args:
        run: the folder of a finished run; its corpus must lie where it lay.
        output: the folder of the tuned run.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        BadRecipe: the folder is no run, or ``output`` was begun with other settings.
        BadBundle: the run is not trained yet.
        BadCorpus, BadFeatures, BadImage: its corpus or features cannot be used any more.
    """
    recipe = read_recipe(run / "recipe.toml")
    if run.resolve() == output.resolve():
        raise BadRecipe(f"{run} cannot be tuned in place; choose another --output")
    chosen = choose_device(device)
    imported = bool(recipe.encoder.features)
    with processes(chosen) as first:
        tuned = begin(
            replace(with_given_encoder(recipe), tuning=settings, used={}),
            recipe.used["data"],
            output,
            features=run / "features",
            encoder=None if imported else run / ENCODER,
            device=chosen,
            first=first,
            progress=progress,
        )
        if imported:
            cache = open_features(tuned.features)
        else:
            cache = encode_features(tuned, train_encoder(tuned, run / ENCODER))
        _fit(tuned, _captioner(tuned, run, cache), cache, settings)
        progress.note(f"next: showtell export {output} --output BUNDLE")


def _captioner(tuned: Run, run: Path, cache: FeatureCache) -> nn.Module:
    """The captioner of the run that is tuned, with its best averaged weights."""
    torch.manual_seed(tuned.recipe.seed)
    regions, width = cache.features.shape[1:]
    return load_trained(run, tuned.recipe, tuned.vocabulary, regions=regions, region_width=width)


def _fit(run: Run, model: nn.Module, cache: FeatureCache, settings: SelfCritical) -> None:
    """Validate the captioner as it is, then train it by the reward."""
    recipe, decoding = run.recipe, run.recipe.decoding
    languages = settings.languages or recipe.text.languages
    rewards = {
        language: Reward(
            run.selection.train,
            run.vocabulary,
            language,
            settings.rewards,
            end_token=settings.end_token,
            dev_ids=run.selection.dev_ids,
        )
        for language in languages
    }
    training = recipe.training
    loss = SelfCriticalLoss(
        rewards,
        {language: special_ids(run.vocabulary, language) for language in languages},
        settings,
        CrossEntropy(run.vocabulary.pad_id, training.label_smoothing, training.doubly_stochastic),
        length=(decoding.min_length, decoding.max_length),
    )
    validation = CaptionValidation(run.selection.validation, cache, run.vocabulary, decoding.options())
    model.to(run.device)
    if run.first:
        _write_start(run, model, validation, rewards, settings)
    wait()
    start = read_json(run.output / START)
    scale_dropout(model, settings.dropout)
    position = fit(
        model,
        CaptionBatches(
            run.selection.train,
            cache,
            run.vocabulary,
            batch=settings.batch,
            maximum_length=recipe.text.maximum_length,
            seed=recipe.seed,
        ),
        loss=loss,
        validate=Gate(validation, start, frozenset(settings.rewards), loss.take_figures),
        schedule=settings.schedule,
        folder=run.output,
        device=run.device,
        progress=run.progress,
        title=f"Tuning {run.output.name}",
    )
    if position.best_epoch:
        found = f"the best epoch is {position.best_epoch}, with a dev CIDEr of {position.best_score:.1f}"
    else:
        found = "no epoch is better than the start in every respect, which therefore stays"
    run.progress.note(f"{run.output}: {found}; it was {start['CIDEr']:.1f}")


def _write_start(
    run: Run,
    model: nn.Module,
    validation: CaptionValidation,
    rewards: dict[str, Reward],
    settings: SelfCritical,
) -> None:
    """What the tuning starts from: figures, checkpoint, the rewards' document frequencies and their signature."""
    if (run.output / START).exists():
        return
    told = signature(
        settings.rewards, end_token=settings.end_token, baseline=settings.baseline, samples=settings.samples
    )
    run.progress.note(f"the reward is {told}")
    (run.output / "reward.txt").write_text(f"{told}\n", encoding="utf-8")
    for language, reward in rewards.items():
        reward.frequencies.save(run.output / f"document_frequencies.{language}.json")
    model.eval()
    with torch.inference_mode():
        score, figures = validation(model)
    run.progress.note(f"before tuning: {', '.join(f'{name} {value:.4g}' for name, value in figures.items())}")
    folder = run.output / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    schedule = settings.schedule
    optimizer = make_optimizer(
        [Group(list(model.parameters()), schedule.learning_rate, schedule.weight_decay)], schedule
    )
    position = Position(best_score=score)
    for name in ("best", "last"):
        save_checkpoint(
            folder / f"{name}.safetensors",
            model=model,
            average=dict(model.state_dict()),
            optimizer=optimizer,
            position=position,
        )
    write_json(run.output / START, figures)  # last: it says that the rest is there

"""run -> run: a trained captioner is tuned by a reward: by metrics of captions that it samples
(``engine/self_critical.py``), by what people said of captions (``engine/preferences.py``), or both.

The tuned run is a run like any other: it is continued, exported and compared in the same way. Its first checkpoint is
the captioner that it starts from, which therefore stays the best until an epoch is better (``engine/gate.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from showtell.captioning.captioner import special_ids
from showtell.errors import BadRecipe
from showtell.feedback import Feedback
from showtell.files import read_json, write_json, written_whole
from showtell.progress import Progress
from showtell.training.criticise import ROWS, find_criticism, with_criticism
from showtell.training.data.criticism import read_rows
from showtell.training.data.selection import TrainingPicture
from showtell.training.engine.checkpoint import Position, save_checkpoint
from showtell.training.engine.devices import choose_device, processes, wait
from showtell.training.engine.gate import AGREEMENT, Gate, deciding
from showtell.training.engine.loop import Group, Parts, Validate, fit, make_optimizer
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.rewards import Reward, signature
from showtell.training.engine.self_critical import SelfCriticalLoss, scale_dropout
from showtell.training.engine.validation import CaptionValidation
from showtell.training.features.cache import FeatureCache, open_features
from showtell.training.features.imported import ENCODER
from showtell.training.preflight import begin
from showtell.training.recipe import read_recipe
from showtell.training.runs.run import Run, load_trained
from showtell.training.settings import FEEDBACK, SelfCritical
from showtell.training.train import encode_features, train_encoder, with_given_encoder

START = "start.json"  # the figures of the captioner that is tuned


def tune(
    run: Path,
    output: Path,
    settings: SelfCritical,
    *,
    feedback: Path | None = None,
    pictures: Sequence[Path] = (),
    device: str = "auto",
    progress: Progress = Progress(),
) -> None:
    """Tune the captioner of a run by a reward, or continue a tuning.

    Args:
        run: the folder of a finished run; its corpus must lie where it lay.
        output: the folder of the tuned run; a tuning that is continued learns from the feedback that it began with.
        feedback: what people said: a file of feedback or an export; the user's own unless given.
        pictures: files and folders of the pictures that they spoke of, besides those of the corpus.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        BadRecipe: the folder is no run, or ``output`` was begun with other settings.
        BadBundle: the run is not trained yet.
        BadCorpus, BadFeatures, BadImage: its corpus or features cannot be used any more.
        ShowtellError: there is no feedback to learn from.
    """
    recipe = read_recipe(run / "recipe.toml")
    if run.resolve() == output.resolve():
        raise BadRecipe(f"{run} cannot be tuned in place; choose another --output")
    imported = bool(recipe.encoder.features)
    rows = _feedback(feedback, output, imported=imported) if FEEDBACK in settings.rewards else None
    chosen = choose_device(device)
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
        criticism = None if rows is None else find_criticism(tuned, settings, rows, pictures)
        network = None if imported else train_encoder(tuned, run / ENCODER)
        cache = open_features(tuned.features) if network is None else encode_features(tuned, network)
        model = _captioner(tuned, run, cache)
        captions = _self_critical(tuned, settings, () if criticism is None else criticism.pictures)
        decoding = recipe.decoding.options()
        validation = CaptionValidation(tuned.selection.validation, cache, tuned.vocabulary, decoding)
        batches = tuned.batches(tuned.selection.train, cache, batch=settings.batch)
        parts = Parts(batches, captions, validation)
        if criticism is not None and network is not None:
            parts = with_criticism(parts, tuned, settings, model, criticism, network)
        _fit(tuned, settings, model, parts, captions)
        progress.note(f"next: showtell export {output} --output BUNDLE")


def _feedback(file: Path | None, output: Path, *, imported: bool) -> list[Feedback]:
    """What people said: what the tuning began with, or a file."""
    if imported:
        raise BadRecipe(
            "the run learnt from a file of features; the pictures that people judged cannot be encoded"
        )
    return read_rows(output / ROWS if (output / ROWS).exists() else file)


def _captioner(tuned: Run, run: Path, cache: FeatureCache) -> nn.Module:
    """The captioner of the run that is tuned, with its best averaged weights."""
    torch.manual_seed(tuned.recipe.seed)
    regions, width = cache.features.shape[1:]
    model = load_trained(run, tuned.recipe, tuned.vocabulary, regions=regions, region_width=width)
    return model.to(tuned.device)


def _self_critical(
    run: Run, settings: SelfCritical, corrected: Sequence[TrainingPicture]
) -> SelfCriticalLoss:
    """The loss of captions: their rewards by metrics in each language, and their cross entropy.

    Args:
        corrected: pictures whose captions people corrected; these are references like any other.
    """
    languages = (settings.languages or run.recipe.text.languages) if settings.metrics else ()
    rewards = {
        language: Reward(
            [*run.selection.train, *corrected],
            run.vocabulary,
            language,
            settings.metrics,
            end_token=settings.end_token,
            dev_ids=run.selection.dev_ids,
        )
        for language in languages
    }
    training, decoding = run.recipe.training, run.recipe.decoding
    return SelfCriticalLoss(
        rewards,
        {language: special_ids(run.vocabulary, language) for language in languages},
        settings,
        CrossEntropy(run.vocabulary.pad_id, training.label_smoothing, training.doubly_stochastic),
        length=(decoding.min_length, decoding.max_length),
    )


def _fit(
    run: Run, settings: SelfCritical, model: nn.Module, parts: Parts, captions: SelfCriticalLoss
) -> None:
    """Validate the captioner as it is, then train it."""
    if run.first:
        _write_start(run, settings, model, parts.validate, captions.rewards)
    wait()
    start = read_json(run.output / START)
    scale_dropout(model, settings.dropout)
    gate = Gate(parts.validate, start, frozenset(settings.rewards), captions.take_figures)
    position = fit(
        model,
        parts.batches,
        loss=parts.loss,
        validate=gate,
        schedule=settings.schedule,
        folder=run.output,
        device=run.device,
        progress=run.progress,
        title=f"Tuning {run.output.name}",
    )
    decides = deciding(settings.rewards)
    if position.best_epoch:
        what = "an agreement" if decides == AGREEMENT else f"a dev {decides}"
        found = f"the best epoch is {position.best_epoch}, with {what} of {position.best_score:.1f}"
    else:
        found = "no epoch is better than the start in every respect, which therefore stays"
    run.progress.note(f"{run.output}: {found}; it was {start[decides]:.1f}")


def _write_start(
    run: Run,
    settings: SelfCritical,
    model: nn.Module,
    validate: Validate,
    rewards: Mapping[str, Reward],
) -> None:
    """What the tuning starts from: figures, checkpoint, the rewards' document frequencies and their signature."""
    if (run.output / START).exists():
        return
    told = signature(settings)
    run.progress.note(f"the reward is {told}")
    with written_whole(run.output / "reward.txt") as file:
        file.write_text(f"{told}\n", encoding="utf-8")
    for language, reward in rewards.items():
        reward.frequencies.save(run.output / f"document_frequencies.{language}.json")
    model.eval()
    with torch.inference_mode():
        _, figures = validate(model)
    run.progress.note(f"before tuning: {', '.join(f'{name} {value:.4g}' for name, value in figures.items())}")
    folder = run.output / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    schedule = settings.schedule
    optimizer = make_optimizer(
        [Group(list(model.parameters()), schedule.learning_rate, schedule.weight_decay)], schedule
    )
    position = Position(best_score=figures[deciding(settings.rewards)])
    for name in ("best", "last"):
        save_checkpoint(
            folder / f"{name}.safetensors",
            model=model,
            average=dict(model.state_dict()),
            optimizer=optimizer,
            position=position,
        )
    write_json(run.output / START, figures)  # last: it says that the rest is there

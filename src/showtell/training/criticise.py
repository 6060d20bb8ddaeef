"""How a tuning learns from what people said of captions: rows of feedback -> batches, loss and validation."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from showtell.feedback import Feedback
from showtell.files import written_whole
from showtell.images.folders import find_pictures
from showtell.training.data.criticism import Criticism, read_criticism
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.engine.devices import wait
from showtell.training.engine.gate import AGREEMENT
from showtell.training.engine.loop import Parts
from showtell.training.engine.preferences import CriticisedBatches, CriticisedLoss, Judgements
from showtell.training.features.cache import FeatureCache, open_features
from showtell.training.features.encode import encode_pictures
from showtell.training.features.network import PictureNetwork
from showtell.training.runs.run import Run
from showtell.training.settings import FEEDBACK, SelfCritical

ROWS = "feedback.jsonl"  # what a tuning learns from


def find_criticism(
    run: Run, settings: SelfCritical, rows: Sequence[Feedback], pictures: Sequence[Path]
) -> Criticism:
    """What people said of the pictures that can be found; the run keeps it, without their names.

    Raises:
        BadCorpus: there is nothing to learn from.
    """
    named = find_pictures(list(map(str, pictures)), recursive=True).files
    held_out = set(run.selection.dev_ids)
    dev = [path for name, path in run.selection.pictures if name in held_out]
    train = [path for name, path in run.selection.pictures if name not in held_out]
    criticism = read_criticism(
        rows,
        [*map(Path, named), *train],
        run.recipe.text,
        languages=settings.languages or run.recipe.text.languages,
        dev=dev,
    )
    if run.first:
        with written_whole(run.output / ROWS) as temporary, temporary.open("w", encoding="utf-8") as file:
            for row in rows:
                nameless = replace(row, person=None, seconds=None)
                print(json.dumps(nameless.to_dict(), ensure_ascii=False), file=file)
    run.progress.note(f"learning from {criticism}")
    return criticism


def with_criticism(
    parts: Parts,
    run: Run,
    settings: SelfCritical,
    model: nn.Module,
    criticism: Criticism,
    network: EfficientNetLite,
) -> Parts:
    """The parts of a tuning that follows people's judgements too.

    Args:
        parts: of one without them.
        model: the captioner that is tuned, as it is before.
        network: the run's encoder.
    """
    cache = _encoded(run, criticism, network)
    judgements = Judgements(
        criticism,
        cache,
        run.vocabulary,
        model,
        maximum_length=run.recipe.text.maximum_length,
        beta=settings.beta,
    )
    corrected = [one for one in criticism.pictures if one.captions]
    batches = CriticisedBatches(
        parts.batches,
        judgements,
        run.batches(corrected, cache, batch=settings.batch) if corrected else None,
        number=settings.judgements,
        seed=run.recipe.seed,
    )

    def validate(model: nn.Module) -> tuple[float, dict[str, float]]:
        score, figures = parts.validate(model)
        return score, figures | {AGREEMENT: judgements.agreement(model)}

    return Parts(batches, CriticisedLoss(parts.loss, judgements, settings.rewards[FEEDBACK]), validate)


def _encoded(run: Run, criticism: Criticism, network: EfficientNetLite) -> FeatureCache:
    """The features of the judged pictures."""
    whole = PictureNetwork(network, run.device)
    folder = run.output / "judged_features"
    if run.first:
        encode_pictures(
            [(one.id, one.path) for one in criticism.pictures],
            whole,
            folder,
            progress=run.progress,
            title="Judged pictures",
        )
    wait()
    return open_features(folder, made_by=whole.described())

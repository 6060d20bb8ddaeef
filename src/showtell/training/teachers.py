"""Finished runs -> captioners that another run learns from: what they predict is a target beside what people wrote.

The mean of several captioners predicts better than each, and a captioner that learns it keeps much of that:
G. Hinton, O. Vinyals, J. Dean, *Distilling the Knowledge in a Neural Network*, 2015. The loss is
``engine/losses.CrossEntropy``.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from showtell.errors import BadRecipe
from showtell.text.vocabulary import Vocabulary
from showtell.training.encoders import checksum, load_encoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.stages import EarlyStages
from showtell.training.engine.joint import JointCaptioner
from showtell.training.features.imported import ENCODER
from showtell.training.models import ALIGNMENTS
from showtell.training.recipe import read_recipe
from showtell.training.runs.run import Run, load_trained

CHECKPOINT = Path("checkpoints") / "best.safetensors"


def check_teachers(run: Run) -> None:
    """Refuse teachers that cannot teach a run, before it is begun.

    Raises:
        BadRecipe: a teacher is not a finished run, knows other words, or looks at pictures in another way.
    """
    if not run.teachers:
        return
    if run.recipe.encoder.features or run.recipe.model.name in ALIGNMENTS:
        raise BadRecipe(
            "only captioners with an encoder of their own learn from teachers; leave out --teacher"
        )
    for teacher in run.teachers:
        for name in ("recipe.toml", ENCODER, str(CHECKPOINT)):
            if not (teacher / name).exists():
                raise BadRecipe(
                    f"{teacher} cannot be a teacher: it has no {name}; give the folder of a finished run"
                )
        if Vocabulary.load(teacher / "vocabulary.json").tokens != run.vocabulary.tokens:
            raise BadRecipe(
                f"{teacher} cannot be a teacher: it knows other words; train it on the same captions"
            )
        theirs, mine = read_recipe(teacher / "recipe.toml").encoder, run.recipe.encoder
        if (theirs.name, theirs.size) != (mine.name, mine.size):
            raise BadRecipe(
                f"{teacher} cannot be a teacher: its encoder is {theirs.name} for {theirs.size} pixels, and this "
                f"run's is {mine.name} for {mine.size}"
            )


def described_teachers(teachers: Sequence[Path]) -> str:
    """The SHA-256 of each teacher's weights."""
    return ", ".join(hashlib.sha256((one / CHECKPOINT).read_bytes()).hexdigest() for one in teachers)


def load_teachers(run: Run, network: EfficientNetLite) -> list[nn.Module]:
    """A run's teachers, for batches of what it is trained on: early maps, or regions that stay as they are.

    Args:
        network: the run's encoder.

    Raises:
        BadRecipe: a teacher's encoder is another one than what the batches come from.
    """
    found = []
    for teacher in run.teachers:
        recipe, encoder = read_recipe(teacher / "recipe.toml"), load_encoder(str(teacher / ENCODER))
        shape = {"regions": encoder.regions, "region_width": encoder.width}
        captioner = load_trained(teacher, recipe, run.vocabulary, **shape)
        joint = run.recipe.encoder.joint is not None
        shared, theirs = (EarlyStages(one) if joint else one for one in (network, encoder))
        if checksum(shared) != checksum(theirs):
            raise BadRecipe(
                f"{teacher} cannot be a teacher: its encoder is another one; give its {ENCODER} with --encoder"
            )
        model = JointCaptioner(encoder, captioner, crop_scale=1) if joint else captioner
        found.append(model.to(run.device).eval())
    return found

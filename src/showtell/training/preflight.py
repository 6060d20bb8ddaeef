"""Before a run begins: what can be known to fail is refused, and what it is begun with is written down.

Encoding takes minutes to an hour, so nothing that stands in a recipe or a corpus is found wrong after it.
"""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import torch

import showtell
from showtell.corpora import open_corpus
from showtell.errors import BadRecipe
from showtell.files import written_whole
from showtell.progress import Progress
from showtell.training.data.selection import build_vocabulary, select
from showtell.training.data.word_vectors import read_embeddings
from showtell.training.encoders import checksum, load_encoder
from showtell.training.engine.devices import described
from showtell.training.features.imported import (
    FeatureFile,
    import_features,
    is_file,
    learning_from,
    read_file,
)
from showtell.training.models import ALIGNMENTS, Captioner, build_model
from showtell.training.recipe import read_recipe, write_recipe
from showtell.training.runs.run import Run
from showtell.training.settings import Recipe
from showtell.training.teachers import check_teachers, described_teachers

TEACHERS = "teachers"  # in a run's recipe, among what it used: the checksums of their weights


def begin(
    recipe: Recipe,
    data: str,
    output: Path,
    *,
    features: Path | None,
    encoder: Path | None,
    teachers: Sequence[Path] = (),
    device: torch.device,
    first: bool,
    progress: Progress,
) -> Run:
    """Check what a run is to be made of, and write down what it is begun with; arguments as ``train`` has them.

    Args:
        first: whether this process writes.

    Raises:
        BadRecipe: settings that do not fit, or a run that was begun with others.
        BadCorpus, BadFeatures, BadBundle: input that cannot be used.
    """
    try_model(recipe)
    corpus = open_corpus(data)
    file = read_file(features) if features is not None and is_file(features) else None
    if file is not None:
        if encoder is not None:
            raise BadRecipe(f"the features in {features} are made already; leave out --encoder")
        recipe = learning_from(recipe, file)
    selection = select(corpus, recipe.text, batch=recipe.training.batch)
    vocabulary = build_vocabulary(selection, recipe.text)
    vectors = recipe.text.embeddings
    run = Run(
        recipe=recipe,
        selection=selection,
        vocabulary=vocabulary,
        embeddings=None
        if vectors is None
        else read_embeddings(Path(vectors.file), vocabulary, seed=recipe.seed),
        output=output,
        features=output / "features" if features is None or file is not None else features,
        teachers=tuple(teachers),
        device=device,
        first=first,
        progress=progress if first else Progress(),
    )
    if file is not None:
        file.of([name for name, _ in selection.pictures])  # or the run is not begun
    check_teachers(run)
    if first:
        _write_down(run, data, _trained_from(recipe, file, encoder))
    if first and file is not None:
        import_features(file, [name for name, _ in selection.pictures], selection.dev_ids, output)
    _report(run)
    return run


def try_model(recipe: Recipe) -> None:
    """Build the model and let it read the longest caption, on the device that computes nothing.

    Raises:
        BadRecipe: settings that it cannot have, or captions too long for it; better said now than after the encoding.
    """
    with torch.device("meta"):
        model = build_model(
            recipe.model.name, vocabulary=8, regions=1, region_width=1, settings=recipe.model.settings
        )
        if recipe.model.name in ALIGNMENTS:
            return
        longest = max(recipe.text.maximum_length, recipe.decoding.max_length + 1)
        captioner = cast(Captioner, model)
        captioner.step(torch.zeros(1, longest, dtype=torch.long), captioner.begin(torch.zeros(1, 1, 1)))


def _report(run: Run) -> None:
    """The corpus's warnings, and what the run has."""
    for warning in run.selection.warnings:
        run.progress.note(warning)
    captions = sum(len(picture.captions) for picture in run.selection.train)
    sets = ", ".join(f"{one.name} ({len(one.references):,} pictures)" for one in run.selection.validation)
    run.progress.note(
        f"training on {len(run.selection.train):,} pictures with {captions:,} captions and "
        f"{len(run.vocabulary):,} words, validating on {sets}, with {described(run.device)}"
    )
    if run.embeddings is not None and run.recipe.text.embeddings is not None:
        run.progress.note(f"{run.recipe.text.embeddings.file} has {run.embeddings}")


def _write_down(run: Run, data: str, trained_from: dict[str, str]) -> None:
    """Write the run's recipe and vocabulary, or check that it is continued with those that it was begun with.

    What changes no weights may change: the description, the card, where the data lies, and the decoding from here on.
    """
    path = run.output / "recipe.toml"
    taught_by = described_teachers(run.teachers) if run.teachers else None
    if path.exists():
        begun = read_recipe(path)
        _refuse_other(run, begun, trained_from, taught_by)
        used = begun.used | {"data": data}
    else:
        run.output.mkdir(parents=True, exist_ok=True)
        used = {
            "data": data,
            "fingerprint": run.selection.fingerprint,
            **trained_from,
            **({TEACHERS: taught_by} if taught_by else {}),
            "showtell": showtell.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
            "python": platform.python_version(),
            "revision": code_revision(),
        }
    with written_whole(run.output / "vocabulary.json") as temporary:
        run.vocabulary.save(temporary)
    write_recipe(replace(run.recipe, used=used), path)


def _refuse_other(run: Run, begun: Recipe, trained_from: dict[str, str], taught_by: str | None) -> None:
    """Refuse to continue a run with other settings, data, features or teachers than it was begun with."""
    free: dict[str, Any] = {
        "name": begun.name,
        "description": begun.description,
        "card": begun.card,
        "decoding": begun.decoding,
    }
    wanted = replace(run.recipe, used=begun.used, **free)
    another = "choose another --output or delete it"
    if wanted != begun:
        raise BadRecipe(
            f"{run.output} was begun with other settings: {_difference(asdict(begun), asdict(wanted))}; {another}"
        )
    if begun.used.get("fingerprint") != run.selection.fingerprint:
        raise BadRecipe(f"{run.output} was begun with other captions or splits; {another}")
    if any(begun.used.get(key) != value for key, value in trained_from.items()):
        raise BadRecipe(
            f"{run.output} was begun with another encoder or other features; give those, or choose another --output"
        )
    if begun.used.get(TEACHERS) != taught_by:
        raise BadRecipe(f"{run.output} was begun with other teachers; give those, or choose another --output")


def _difference(before: dict[str, Any], now: dict[str, Any], where: str = "") -> str:
    """The first setting that two recipes do not share, in words."""
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and old != new:
            return _difference(old, new, f"{where}{key}.")
        if old != new:
            return f"{where}{key} was {old!r} and is {new!r} now"
    raise ValueError("the recipes are the same")


def _trained_from(recipe: Recipe, file: FeatureFile | None, encoder: Path | None) -> dict[str, str]:
    """What a run's features come from, for its recipe: the names of files that were given, never where they lie.

    A given encoder counts as tuned unless its weights are those of its ImageNet training.
    """
    if file is not None:
        return {"features": file.path.name}
    if encoder is None:
        trained = recipe.encoder.tuning is not None or recipe.encoder.joint is not None
        return {"features": "tuned" if trained else "frozen"}
    network = load_encoder(str(encoder))
    untouched = load_encoder(network.name, size=network.preprocessing.size)
    state = "frozen" if checksum(network) == checksum(untouched) else "tuned"
    return {"features": f"{state}, {encoder.name}", "encoder": checksum(network)}


def code_revision() -> str:
    """The git revision of the code, if it stands in Showtell's own checkout.

    A repository that surrounds an installation is somebody else's, and its settings may name programs to run.
    """
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists() or not (root / "src" / "showtell").is_dir():
        return "unknown"
    settings = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    command = ["git", "-C", str(root), *settings, "describe", "--always", "--dirty"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()

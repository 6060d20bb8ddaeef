"""Before a run begins: what can be known to fail is refused, and what it is begun with is written down.

Encoding takes minutes to an hour, so nothing that stands in a recipe or a corpus is found wrong after it.
"""

import platform
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import torch

import showtell
from showtell.corpora import Corpus
from showtell.corpora.base import counted
from showtell.errors import BadCorpus, BadRecipe
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import cleaned
from showtell.training.data.word_vectors import Embeddings, read_embeddings
from showtell.training.encoders import checksum, load_encoder
from showtell.training.engine.validation import dev_examples
from showtell.training.features.cache import FeatureCache
from showtell.training.models import Captioner, build_model
from showtell.training.recipe import Recipe, read_recipe, write_recipe
from showtell.training.runs.run import Run, training_examples


def try_model(recipe: Recipe) -> None:
    """Build the model and let it read the longest caption, on the device that computes nothing.

    Raises:
        BadRecipe: settings that it cannot have, or captions too long for it; better said now than after the encoding.
    """
    with torch.device("meta"):
        model = build_model(
            recipe.model.name, vocabulary=8, regions=1, region_width=1, settings=recipe.model.settings
        )
        longest = max(recipe.text.maximum_length, recipe.decoding.max_length + 1)
        captioner = cast(Captioner, model)
        captioner.step(torch.zeros(1, longest, dtype=torch.long), captioner.begin(torch.zeros(1, 1, 1)))


def vocabulary_of(recipe: Recipe, corpus: Corpus) -> Vocabulary:
    """The words that the run will know.

    Raises:
        BadCorpus: there is too little to train on or to choose by; better said now than after the encoding.
    """
    text = recipe.text
    dev_examples(corpus, text.languages[0])
    spoken = [
        cleaned(example, text.languages, cleaning=text.cleaning) for example in training_examples(corpus)
    ]
    usable = [
        captions for captions in spoken if any(len(words) >= text.minimum_length for _, words in captions)
    ]
    if len(usable) < recipe.training.batch:
        raise BadCorpus(
            f"{corpus.name} has {counted(len(usable), 'train picture', 'train pictures')} with a caption of "
            f"{counted(text.minimum_length, 'word', 'words')} or more, and a batch takes {recipe.training.batch}; "
            "give more, or a recipe with a smaller training.batch."
        )
    return Vocabulary.build(
        (words for captions in spoken for _, words in captions),
        languages=text.languages,
        minimum_count=text.minimum_count,
    )


def embeddings_of(recipe: Recipe, vocabulary: Vocabulary) -> Embeddings | None:
    """The vectors that words start from, if the recipe names a file; BadCorpus if it cannot be read."""
    settings = recipe.text.embeddings
    return None if settings is None else read_embeddings(Path(settings.file), vocabulary, seed=recipe.seed)


def begin_run(
    run: Run, vocabulary: Vocabulary, data: str, given: FeatureCache | None, encoder: Path | None
) -> None:
    """Write the run's recipe and vocabulary, or check that it is continued with those that it was begun with.

    What changes no weights may change: the description, the card, where the data lies, and the decoding from here on.
    """
    path, words = run.output / "recipe.toml", run.output / "vocabulary.json"
    if path.exists():
        begun = read_recipe(path)
        free: dict[str, Any] = {
            "name": begun.name,
            "description": begun.description,
            "card": begun.card,
            "decoding": begun.decoding,
        }
        wanted = replace(run.recipe, used=begun.used, **free)
        if wanted != begun:
            raise BadRecipe(
                f"{run.output} was begun with other settings: {_difference(asdict(begun), asdict(wanted))}; choose "
                "another --output or delete it."
            )
        if any(begun.used.get(key) != value for key, value in _seen_with(run.recipe, given, encoder).items()):
            raise BadRecipe(
                f"{run.output} was begun with another encoder or other features; give those, or choose another "
                "--output."
            )
        if words.exists() and Vocabulary.load(words).tokens != vocabulary.tokens:
            raise BadRecipe(
                f"{run.output} was begun with other captions; choose another --output or delete it."
            )
        used = begun.used | {"data": data}
    else:
        run.output.mkdir(parents=True, exist_ok=True)
        used = {
            "data": data,
            **_seen_with(run.recipe, given, encoder),
            "showtell": showtell.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "onnxruntime": onnxruntime.__version__,
            "python": platform.python_version(),
            "revision": _revision(),
        }
    vocabulary.save(words)
    write_recipe(replace(run.recipe, used=used), path)


def _difference(before: dict[str, Any], now: dict[str, Any], where: str = "") -> str:
    """The first setting that two recipes do not share, in words."""
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and old != new:
            return _difference(old, new, f"{where}{key}.")
        if old != new:
            return f"{where}{key} was {old!r} and is {new!r} now"
    raise ValueError("the recipes are the same")


def _seen_with(recipe: Recipe, given: FeatureCache | None, encoder: Path | None) -> dict[str, str]:
    """What a run learns from, for its recipe: the names of files that were given, never where they lie.

    A given encoder counts as tuned unless its weights are those of its ImageNet training.
    """
    if given is not None:
        return {"features": given.folder.name}
    if encoder is None:
        return {"features": "frozen" if recipe.encoder.words is None else "tuned"}
    network = load_encoder(str(encoder))
    untouched = load_encoder(network.name, size=network.preprocessing.size)
    state = "frozen" if checksum(network) == checksum(untouched) else "tuned"
    return {"features": f"{state}, {encoder.name}", "encoder": checksum(network)}


def _revision() -> str:
    """The git revision of the code, if it stands in a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"

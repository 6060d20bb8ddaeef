"""What the command line calls: ``train``, ``export`` and ``features``, with plain arguments."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from showtell.errors import BadFeatures, BadRecipe
from showtell.images import Resample
from showtell.training.encoders import NamedEncoder
from showtell.training.engine.loop import choose_device
from showtell.training.export.export import export_run
from showtell.training.features.cache import Progress, encode_pictures, encode_to_file, is_file
from showtell.training.features.network import PictureNetwork
from showtell.training.progress import Reporter, advancing
from showtell.training.recipe import EmbeddingRecipe, Recipe, read_recipe
from showtell.training.train import train as train_recipe


def train(
    recipe: str,
    data: str,
    output: Path,
    *,
    features: Path | None,
    encoder: Path | None,
    embeddings: Path | None,
    freeze_embeddings: bool,
    device: str,
    seed: int | None,
    reporter: Reporter,
) -> None:
    """``showtell train``."""
    settings = read_recipe(recipe)
    if seed is not None:
        settings = replace(settings, seed=seed)
    if embeddings is not None:
        settings = _starting_from(settings, EmbeddingRecipe(file=str(embeddings), frozen=freeze_embeddings))
    elif freeze_embeddings:
        raise BadRecipe(
            "--freeze-embeddings needs --embeddings FILE: embeddings learnt from nothing must learn."
        )
    train_recipe(settings, data, output, features=features, encoder=encoder, device=device, reporter=reporter)


def _starting_from(recipe: Recipe, embeddings: EmbeddingRecipe) -> Recipe:
    return replace(recipe, text=replace(recipe.text, embeddings=embeddings))


def export(
    run: Path,
    output: Path,
    *,
    encoder: str | None,
    weights: Path | None,
    architecture: Path | None,
    resample: Resample | None,
    reporter: Reporter,
) -> None:
    """``showtell export``; the bundle is called as its folder."""
    named = None
    if encoder is not None:
        named = NamedEncoder(name=encoder, weights=weights, architecture=architecture, resample=resample)
    elif weights is not None or architecture is not None or resample is not None:
        raise BadRecipe("--weights, --architecture and --resample belong to an encoder; add --encoder vgg16.")
    export_run(run, output, name=output.resolve().name, encoder=named, reporter=reporter)


def features(
    pictures: Sequence[tuple[str, Path]],
    output: Path,
    *,
    encoder: str,
    weights: Path | None,
    architecture: Path | None,
    resample: Resample | None,
    views: int,
    device: str,
    reporter: Reporter,
) -> None:
    """``showtell features`` of pictures, each with its id; into a folder, or a file by its ending.

    Raises:
        BadFeatures: there are no pictures, two have the same id, or a file is to hold views.
    """
    _refuse_shared_ids(pictures)
    if views and is_file(output):
        raise BadFeatures(f"A file of features holds no views; give a folder in the place of {output}.")
    named = NamedEncoder(name=encoder, weights=weights, architecture=architecture, resample=resample)
    network = named.load()
    seen = PictureNetwork(
        network, name=network.name, preprocessing=network.preprocessing, device=choose_device(device)
    )
    with reporter.bar(len(pictures), "Features") as advance:
        progress = _telling(advancing(advance), output, reporter)
        if is_file(output):
            encode_to_file(pictures, seen, output, progress=progress)
        else:
            encode_pictures(pictures, seen, output, views=views, progress=progress)
    reporter.note(
        f"{output} holds the features of {len(pictures):,} pictures, "
        f"{seen.regions} x {seen.width} numbers each."
    )


def _telling(move: Progress, output: Path, reporter: Reporter) -> Progress:
    """A progress that also says when it does not begin at nothing."""
    told = False

    def progress(done: int, total: int) -> None:
        nonlocal told
        if not told and 0 < done < total:
            reporter.note(f"{output}: {done:,} of {total:,} pictures were done before; the rest follows.")
        told = True
        move(done, total)

    return progress


def _refuse_shared_ids(pictures: Sequence[tuple[str, Path]]) -> None:
    if not pictures:
        raise BadFeatures("There are no pictures to encode; name pictures, folders of them, or a corpus.")
    seen: dict[str, Path] = {}
    for name, path in pictures:
        if name in seen:
            other = seen[name]
            raise BadFeatures(
                f"{path} is named twice; name it once."
                if other == path
                else f"{other} and {path} would have the same id {name!r}, since ids are file names without their "
                "ending; rename one of them."
            )
        seen[name] = path

"""What the command line calls: ``train``, ``export`` and ``features``, with plain arguments."""

from dataclasses import replace
from pathlib import Path

from showtell.corpora import open_corpus
from showtell.errors import BadFeatures
from showtell.pictures import pictures_in
from showtell.training.encoders import load_encoder
from showtell.training.export import export_run
from showtell.training.features import PictureNetwork, encode_pictures
from showtell.training.recipe import read_recipe
from showtell.training.reporting import Reporter, advancing
from showtell.training.train import train as train_recipe


def train(
    recipe: str,
    data: str,
    output: Path,
    *,
    features: Path | None,
    encoder: Path | None,
    device: str,
    seed: int | None,
    reporter: Reporter,
) -> None:
    """``showtell train``."""
    settings = read_recipe(recipe)
    if seed is not None:
        settings = replace(settings, seed=seed)
    train_recipe(settings, data, output, features=features, encoder=encoder, device=device, reporter=reporter)


def export(run: Path, output: Path, *, reporter: Reporter) -> None:
    """``showtell export``; the bundle is called as its folder."""
    export_run(run, output, name=output.resolve().name, reporter=reporter)


def features(paths: list[str], encoder: str, output: Path, *, views: int, reporter: Reporter) -> None:
    """``showtell features``: each path is a picture, a folder of pictures, or the spec of a corpus."""
    pictures = _named(paths)
    network = load_encoder(encoder)
    seen = PictureNetwork(network, name=network.name, preprocessing=network.preprocessing)
    with reporter.bar(len(pictures), "Features") as advance:
        encode_pictures(pictures, seen, output, views=views, progress=advancing(advance))


def _named(paths: list[str]) -> list[tuple[str, Path]]:
    """Id and path of every picture that is meant.

    Raises:
        BadFeatures: there are none, or two would have the same id.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if Path(path).is_dir():
            named = [(picture.stem, picture) for picture in pictures_in(path, recursive=True)]
        elif ":" in path and not Path(path).exists():
            named = [(example.id, example.path) for example in open_corpus(path)]
        else:
            named = [(Path(path).stem, Path(path))]
        for name, picture in named:
            if name in found:
                raise BadFeatures(
                    f"{found[name]} and {picture} have the same id {name!r}; rename one of them."
                )
            found[name] = picture
    if not found:
        raise BadFeatures(f"There is no picture in {', '.join(paths)}.")
    return list(found.items())

"""``showtell train``, ``export`` and ``features``: the one place that reaches the training wing."""

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from showtell.cli.console import note, progress
from showtell.cli.paths import pictures_named
from showtell.errors import MissingExtra

__all__ = ["export", "features", "train"]


class Device(StrEnum):
    """What a network is trained on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def train(
    recipe: Annotated[str, typer.Argument(help="The name of a recipe, or a TOML file of one's own.")],
    data: Annotated[str, typer.Option(help="The corpus, for instance flickr8k:DIR.")],
    output: Annotated[Path, typer.Option(help="The folder of the run; one that exists is continued.")],
    features: Annotated[
        Path | None, typer.Option(help="Where the encoded pictures are kept; made when missing.")
    ] = None,
    encoder: Annotated[Path | None, typer.Option(help="Weights of the encoder to start from.")] = None,
    device: Annotated[Device, typer.Option(help="What to train on.")] = Device.auto,
    seed: Annotated[int | None, typer.Option(help="A seed in place of the recipe's.")] = None,
) -> None:
    """Train a captioner as a recipe says."""
    _call("train", recipe, data, output, features=features, encoder=encoder, device=device.value, seed=seed)


def export(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    output: Annotated[Path, typer.Option(help="The folder of the bundle.")],
) -> None:
    """Make a bundle of a run's best captioner: ONNX graphs that need no PyTorch."""
    _call("export", run, output)


def features(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures, folders of pictures, or corpora.")
    ],
    encoder: Annotated[str, typer.Option(help="The encoder's name.")],
    output: Annotated[Path, typer.Option(help="Where the features are kept; continued when begun.")],
    views: Annotated[int, typer.Option(min=0, help="Augmented copies of each picture to encode too.")] = 0,
) -> None:
    """Encode pictures once, so that training does not have to."""
    pictures = [named for path in paths for named in _identified(path)]
    _call("features", pictures, encoder, output, views=views)


def _identified(path: str) -> list[tuple[str, Path]]:
    """The pictures that a path or a corpus's spec means, each with its id."""
    if ":" in path and not Path(path).exists():
        from showtell.corpora import open_corpus

        return [(example.id, example.path) for example in open_corpus(path)]
    return [(Path(found).stem, Path(found)) for found in pictures_named([path], recursive=True)]


def _call(command: str, *arguments: Any, **options: Any) -> None:
    """Run a command of the training wing, or say which extra is missing."""
    try:
        reporter = importlib.import_module("showtell.training.reporting").Reporter(bar=progress, note=note)
        run = getattr(importlib.import_module("showtell.training.commands"), command)
        run(*arguments, **options, reporter=reporter)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "showtell":
            raise
        raise MissingExtra(
            f"`showtell {command}` needs {error.name}: pip install 'showtell[train]'"
        ) from error

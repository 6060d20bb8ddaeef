"""``showtell train``, ``export`` and ``features``: the one place that reaches the training wing."""

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from showtell.cli.console import note, progress
from showtell.cli.options import whole_number
from showtell.cli.paths import pictures_named
from showtell.errors import MissingExtra

__all__ = ["export", "features", "train", "training_module"]


class Device(StrEnum):
    """What a network is trained on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Resample(StrEnum):
    """The filter that pictures are resized with."""

    nearest = "nearest"
    bilinear = "bilinear"
    bicubic = "bicubic"


Weights = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="VGG16's weights: .h5, .keras, .weights.h5, .pth or .safetensors."),
]
Architecture = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="VGG16's architecture: the .json that Keras exported with the weights."
    ),
]


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="The name of a recipe, or a TOML file of one's own.")
    ],
    data: Annotated[str, typer.Option(metavar="SPEC", help="The corpus, for instance flickr8k:DIR.")],
    output: Annotated[
        Path, typer.Option(metavar="RUN", help="The folder of the run; one that exists is continued.")
    ],
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The folder where encoded pictures are kept, made when missing; or a .npz or .pkl file of "
            "features to learn from.",
        ),
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(
            metavar="ENCODER",
            help="The .safetensors file of a tuned encoder, or the name of one to take as ImageNet left it; "
            "it is not tuned again.",
        ),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="GloVe's or word2vec's text file: vectors that words start from."),
    ] = None,
    freeze_embeddings: Annotated[
        bool, typer.Option("--freeze-embeddings", help="Leave these vectors as they are.")
    ] = False,
    device: Annotated[Device, typer.Option(help="What to train on.")] = Device.auto,
    seed: Annotated[
        int | None, typer.Option(metavar="N", parser=whole_number(0), help="A seed in place of the recipe's.")
    ] = None,
) -> None:
    """Train a captioner as a recipe says."""
    _call(
        "train",
        recipe,
        data,
        output,
        features=features,
        encoder=encoder,
        embeddings=embeddings,
        freeze_embeddings=freeze_embeddings,
        device=device.value,
        seed=seed,
    )


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    output: Annotated[Path, typer.Option(metavar="BUNDLE", help="The folder of the bundle.")],
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER",
            help="For a run that learnt from a file of features: the encoder that made them.",
        ),
    ] = None,
    weights: Weights = None,
    architecture: Architecture = None,
    resample: Annotated[
        Resample | None,
        typer.Option(help="How VGG16's pictures were resized; a .npz file of features says so itself."),
    ] = None,
) -> None:
    """Make a bundle of a run's best captioner.

    A bundle holds ONNX graphs, which need no PyTorch.
    """
    _call(
        "export",
        run,
        output,
        encoder=encoder,
        weights=weights,
        architecture=architecture,
        resample=resample and resample.value,
    )


def features(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures, folders of pictures, or corpora.")
    ],
    encoder: Annotated[
        str,
        typer.Option(
            metavar="ENCODER",
            help="efficientnet-lite0, -lite1, -lite2, or the .safetensors file of a tuned one; vgg16 (the 4,096 "
            "outputs of fc2) or vgg16-map (49 regions of 512, for attention).",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="A folder; or a file: .npz, or .pkl as older scripts read it. Continued when begun.",
        ),
    ],
    weights: Weights = None,
    architecture: Architecture = None,
    resample: Annotated[
        Resample | None,
        typer.Option(
            help="How VGG16's pictures are resized; bilinear unless given, nearest in older scripts."
        ),
    ] = None,
    views: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number(0), help="Augmented copies of each picture to encode too."
        ),
    ] = 0,
    device: Annotated[
        Device, typer.Option(help="What to encode on: a processor (by ONNX Runtime) or a GPU (by PyTorch).")
    ] = Device.auto,
) -> None:
    """Encode pictures once, so that training does not have to.

    Each picture's id is its file name without the ending. Stopped, the same command continues; a file is made
    through the folder FILE.part, which goes when the file is whole.
    """
    pictures = [named for path in paths for named in _identified(path)]
    _call(
        "features",
        pictures,
        output,
        encoder=encoder,
        weights=weights,
        architecture=architecture,
        resample=resample and resample.value,
        views=views,
        device=device.value,
    )


def _identified(path: str) -> list[tuple[str, Path]]:
    """The pictures that a path or a corpus's spec means, each with its id."""
    if ":" in path and not Path(path).exists():
        from showtell.corpora import open_corpus

        return [(example.id, example.path) for example in open_corpus(path)]
    found = pictures_named([path], recursive=True)
    if found.unreadable:
        raise typer.Exit(2)  # what is wrong has been said
    return [(Path(picture).stem, Path(picture)) for picture in found.files]


def training_module(name: str) -> Any:
    """A module of the training wing, which is known by name alone."""
    return importlib.import_module(f"showtell.training.{name}")


def _call(command: str, *arguments: Any, **options: Any) -> None:
    """Run a command of the training wing, or say which extra is missing."""
    try:
        reporter = training_module("progress").Reporter(bar=progress, note=note)
        run = getattr(training_module("commands"), command)
        run(*arguments, **options, reporter=reporter)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "showtell":
            raise
        raise MissingExtra(
            f"`showtell {command}` needs {error.name}: pip install 'showtell[train]'"
        ) from error

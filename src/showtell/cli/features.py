"""``showtell features``: encode pictures once."""

from pathlib import Path
from typing import Annotated

import typer

from showtell.cli.console import ON_STDERR
from showtell.cli.paths import pictures_named
from showtell.cli.training import Architecture, Device, Resample, Weights, reach

__all__ = ["features"]


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
    augmentations: Annotated[
        int, typer.Option(metavar="N", min=0, help="Augmented copies of each picture to encode too.")
    ] = 0,
    device: Annotated[
        Device, typer.Option(help="What to encode on: a processor (by ONNX Runtime) or a GPU (by PyTorch).")
    ] = "auto",
) -> None:
    """Encode pictures once, so that training does not have to.

    Each picture's id is its file name without the ending. Stopped, the same command continues; a file is made
    through the folder FILE.part, which goes when the file is whole.
    """
    pictures = [named for path in paths for named in _identified(path)]
    with reach("features.make", "encoders") as (making, encoders):
        making.make_features(
            pictures,
            output,
            encoders.named_encoder(encoder, weights, architecture, resample),
            augmentations=augmentations,
            device=device,
            progress=ON_STDERR,
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

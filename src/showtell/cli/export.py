"""``showtell export``: a run becomes a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from showtell.cli.console import ON_STDERR
from showtell.cli.training import Architecture, Resample, Weights, reach

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    output: Annotated[Path, typer.Option(metavar="BUNDLE", help="The folder of the bundle.")],
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="ENCODER",
            help="For a run that was trained on a file of features: the encoder that made them.",
        ),
    ] = None,
    embedder: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="A run of the recipe embedder on the same encoder: the bundle can search."
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

    A bundle holds ONNX graphs, which need no PyTorch. Its name is that of its folder.
    """
    with reach("export.export", "encoders") as (exporting, encoders):
        named = encoders.named_encoder(encoder, weights, architecture, resample)
        exporting.export_run(
            run, output, name=output.resolve().name, encoder=named, embedder=embedder, progress=ON_STDERR
        )

"""The one place that reaches the modules which need PyTorch; `train`, `features`, `export` and `compare` use it."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from showtell.errors import MissingExtra

__all__ = ["Architecture", "Device", "Resample", "Weights", "reach"]

Device = Literal["auto", "cpu", "cuda"]
Resample = Literal["nearest", "bilinear", "bicubic"]
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


@contextmanager
def reach(*names: str, extra: str = "train") -> Iterator[Any]:
    """Modules of ``showtell.training`` by name, one or a list of them.

    Args:
        extra: what brings the packages that they need.

    Raises:
        MissingExtra: a package that they need is not installed, whether that shows now or while they work.
    """
    try:
        modules = [importlib.import_module(f"showtell.training.{name}") for name in names]
        yield modules[0] if len(modules) == 1 else modules
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "showtell":
            raise
        raise MissingExtra(f"this command needs {error.name}: pip install 'showtell[{extra}]'") from error

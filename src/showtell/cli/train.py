"""``showtell train``: train a captioner, or continue."""

import json
from pathlib import Path
from typing import Annotated

import typer

from showtell.cli.console import ON_STDERR
from showtell.cli.training import Device, reach
from showtell.errors import ShowtellError

__all__ = ["train"]


Features = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="The folder where encoded pictures are kept, made when missing; or a .npz or .pkl file of features to "
        "learn from.",
    ),
]
Encoder = Annotated[
    Path | None,
    typer.Option(
        metavar="ENCODER",
        help="The .safetensors file of a tuned encoder, or the name of one to take as ImageNet left it; it is not "
        "tuned again.",
    ),
]
Embeddings = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="GloVe's or word2vec's text file: vectors that words start from."),
]
Teachers = Annotated[
    list[Path] | None,
    typer.Option(
        "--teacher",
        metavar="RUN",
        help="A finished run of the same data, whose predictions are learnt too; may be repeated.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A setting in place of the recipe's, for instance training.schedule.epochs=2; may be repeated.",
    ),
]


def train(  # noqa: PLR0913, PLR0917 (typer makes an option of each parameter)
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="The name of a recipe, or your own TOML file.")
    ],
    data: Annotated[
        str, typer.Option(metavar="SPEC", help="The corpus, for instance flickr8k:DIR; several with commas.")
    ],
    output: Annotated[
        Path, typer.Option(metavar="RUN", help="The folder of the run; one that exists is continued.")
    ],
    features: Features = None,
    encoder: Encoder = None,
    teachers: Teachers = None,
    embeddings: Embeddings = None,
    freeze_embeddings: Annotated[
        bool, typer.Option("--freeze-embeddings", help="Leave these vectors as they are.")
    ] = False,
    device: Annotated[Device, typer.Option(help="What to train on.")] = "auto",
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="A seed in place of the recipe's.")
    ] = None,
    settings: Settings = None,
) -> None:
    """Train a captioner as a recipe says.

    Stopped, the same command continues. `showtell recipes` lists the recipes.
    """
    changes = list(settings or [])
    if seed is not None:
        changes.append(f"seed={seed}")
    if embeddings is not None:
        changes.append(f"text.embeddings.file={json.dumps(str(embeddings))}")
        changes.append(f"text.embeddings.frozen={json.dumps(freeze_embeddings)}")
    elif freeze_embeddings:
        raise ShowtellError(
            "--freeze-embeddings needs --embeddings FILE: embeddings learnt from nothing must learn"
        )
    with reach("train", "recipe") as (training, recipes):
        training.train(
            recipes.read_recipe(recipe, changes),
            data,
            output,
            features=features,
            encoder=encoder,
            teachers=teachers or (),
            device=device,
            progress=ON_STDERR,
        )

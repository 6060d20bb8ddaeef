"""``showtell import``: a captioner of Hugging Face's transformers becomes a bundle."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from showtell.cli.console import ON_STDERR
from showtell.cli.training import reach

__all__ = ["convert", "import_"]


def import_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="hf:ORG/NAME or hf:ORG/NAME@REVISION, or a folder as save_pretrained leaves it.",
        ),
    ],
    output: Annotated[Path, typer.Option(metavar="BUNDLE", help="The folder of the bundle.")],
    language: Annotated[Literal["en", "zh"], typer.Option(help="The language of its captions.")] = "en",
    prompt: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help='Words that each caption goes on from, for instance "a photography of".'
        ),
    ] = "",
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        typer.Option(help="Of the weights: fp16 halves the bundle, int8 quarters it and is quicker."),
    ] = "fp32",
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Read pickled weights, which can run any code.")
    ] = False,
) -> None:
    """Make a bundle of a captioner of Hugging Face's transformers.

    BLIP, GIT, and vision encoders (ViT, DeiT, Swin, BEiT) with GPT-2, BERT or RoBERTa. The bundle then captions
    without PyTorch. No code of the model's repository is run.
    """
    convert(model, output, language=language, prompt=prompt, precision=precision, allow_pickle=allow_pickle)


def convert(model: str, output: Path, *, allow_pickle: bool = False, **settings: Any) -> None:
    """Make the bundle of a name of the hub, or of a folder; `settings` are those of ``import_model``."""
    from showtell.captioning.hub import HubName, download

    with reach("export.huggingface", extra="train,hf") as importing:
        folder = Path(model)
        if model.startswith("hf:"):
            weights = ["*.safetensors", *(["*.bin"] if allow_pickle else [])]
            folder = download(HubName.parse(model), ["*.json", "*.txt", *weights])
        output.parent.mkdir(parents=True, exist_ok=True)
        importing.import_model(
            folder,
            output,
            name=output.resolve().name,
            source=model,
            **settings,
            allow_pickle=allow_pickle,
            progress=ON_STDERR,
        )

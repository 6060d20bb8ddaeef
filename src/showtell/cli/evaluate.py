"""``showtell evaluate``: how good a captioner is on a corpus."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.cli.console import note, progress
from showtell.errors import ShowtellError

__all__ = ["evaluate"]


class Format(StrEnum):
    """How the figures are written."""

    text = "text"
    json = "json"


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model that ships with showtell, or a bundle's folder.")
    ],
    data: Annotated[str, typer.Option(metavar="SPEC", help="The corpus, for instance flickr8k:DIR.")],
    split: Annotated[
        str, typer.Option(metavar="SPLIT", help="The part of the corpus: train, dev or test.")
    ] = "dev",
    beam: option.Beam = None,
    language: Annotated[
        str | None, typer.Option(metavar="[en|zh]", help="The model's first language unless given.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How the figures are written.")] = Format.text,  # noqa: A002
    captions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep what was said in this file, as COCO results.")
    ] = None,
    output: option.Output = None,
) -> None:
    """Caption a corpus and score the captions.

    They are compared with what people said. Captions per second are from files to sentences on this machine. With
    `--format json` and `--output RUN/evaluation.json`, `showtell compare` finds the figures beside the run.
    """
    from showtell.captioning.evaluate import evaluate as evaluate_captioner
    from showtell.captioning.hub import load
    from showtell.corpora import open_corpus
    from showtell.metrics.tables import written

    corpus = open_corpus(data)
    captioner = load(model)
    pictures = len(corpus.split(split))
    try:
        with progress(pictures, "Captioning") as advance:
            found = evaluate_captioner(
                captioner, corpus, split=split, progress=advance, beam=beam, language=language
            )
    except ValueError as error:
        raise ShowtellError(str(error)) from error
    if captions is not None:
        results = [{"image_id": name, "caption": text} for name, text in found.captions.items()]
        with console.output(captions) as file:
            file.write(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
        note(f"wrote the captions to {captions}")
    for warning in found.report.warnings:
        note(warning)
    with console.output(output) as file:
        if format is Format.json:
            print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2), file=file)
            return
        print(f"{captioner.name} {captioner.version}: {corpus.name}, {split}, {found.language}\n", file=file)
        print(written(found.report), file=file)
        print(f"\ncaptions per second: {found.captions_per_second:.1f}", file=file)

"""``showtell evaluate``: how good a captioner is on a corpus."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.captioning.evaluate import Evaluation

__all__ = ["evaluate"]


@option.takes_options("beam")
def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model that ships with Showtell, or a bundle's folder.")
    ],
    data: Annotated[str, typer.Option(metavar="SPEC", help="The corpus, for instance flickr8k:DIR.")],
    split: Annotated[
        str, typer.Option(metavar="SPLIT", help="The part of the corpus: train, dev or test.")
    ] = "dev",
    language: Annotated[
        str | None,
        typer.Option(metavar="[en|zh]", help="Only this one of the languages that model and corpus share."),
    ] = None,
    format: Annotated[option.TextOrJson, typer.Option(help="How the figures are written.")] = "text",  # noqa: A002
    task: Annotated[
        Literal["captions", "retrieval"],
        typer.Option(
            help="What is judged: captions, or how well captions and pictures find each other by vectors."
        ),
    ] = "captions",
    captions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the captions in this file, as COCO results.")
    ] = None,
    output: option.Output = None,
    **options: Any,
) -> None:
    """Caption a corpus and score the captions.

    They are compared with what people wrote, in every language that model and corpus share, and for each part of a
    joined corpus. Captions per second are from files to sentences on this machine. With `--format json` and
    `--output RUN/evaluation.json`, `showtell compare` finds the figures beside the run.
    """
    from showtell.captioning.evaluate import evaluate_all
    from showtell.corpora import open_corpus

    corpus = open_corpus(data)
    captioner = console.load_model(model)
    if task == "retrieval":
        _retrieval(captioner, corpus, split, language, format, output)
        return
    told = console.ON_STDERR
    try:
        found = evaluate_all(captioner, corpus, split=split, progress=told, language=language, **options)
    except ValueError as error:
        raise ShowtellError(str(error)) from error
    if captions is not None:
        _keep(found, captions)
    for warning in dict.fromkeys(warning for one in found for warning in one.report.warnings):
        console.note(warning)
    with console.output(output) as file:
        print(_json(found) if format == "json" else "\n\n".join(map(_text, found)), file=file)


def _retrieval(
    captioner: Any, corpus: Any, split: str, language: str | None, form: str, output: Path | None
) -> None:
    """Print how well captions and pictures find each other, in each language."""
    from showtell.captioning.evaluate import scored_languages
    from showtell.search.retrieval import evaluate_retrieval

    languages = (language,) if language else scored_languages(captioner, corpus, split)
    found = [
        evaluate_retrieval(captioner, corpus, split=split, language=one, progress=console.ON_STDERR)
        for one in languages
    ]
    with console.output(output) as file:
        if form == "json":
            print(json.dumps([one.to_dict() for one in found], ensure_ascii=False, indent=2), file=file)
            return
        for one in found:
            about = f"{one.made_with['model']}: {one.made_with['corpus']}, {one.made_with['split']}, {one.language}"
            print(f"{about}: {one.pictures:,} pictures, {one.captions:,} captions", file=file)
            for way, ranks in one.found.to_dict().items():
                figures = ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in ranks.items())
                print(f"  {way.replace('_', ' ')}: {figures}", file=file)


def _keep(found: "list[Evaluation]", path: Path) -> None:
    """Keep the captions as COCO results, those of each further language in a file of its own."""
    whole = {one.language: one for one in reversed(found)}  # the first of each language
    first = found[0].language
    for language, one in whole.items():
        place = path if language == first else path.with_name(f"{path.stem}.{language}{path.suffix}")
        results = [{"image_id": name, "caption": text} for name, text in one.captions.items()]
        with console.output(place) as file:
            file.write(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
        console.note(f"wrote the captions to {place}")


def _json(found: "list[Evaluation]") -> str:
    """The first evaluation; the others, where there are any, as its ``parts``."""
    first, *others = (one.to_dict() for one in found)
    return json.dumps({**first, **({"parts": others} if others else {})}, ensure_ascii=False, indent=2)


def _text(found: "Evaluation") -> str:
    from showtell.metrics.tables import written

    about = f"{found.made_with['model']}: {found.corpus}, {found.made_with['split']}, {found.language}"
    return f"{about}\n\n{written(found.report)}\n\ncaptions per second: {found.captions_per_second:.1f}"

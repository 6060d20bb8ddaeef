"""``showtell score``: how good captions are, against what people said."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.errors import ShowtellError

__all__ = ["score"]


class Format(StrEnum):
    """How the figures are written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    latex = "latex"


class CaptionFormat(StrEnum):
    """How a file of captions is read."""

    coco = "coco"
    karpathy = "karpathy"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    flickr8k = "flickr8k"


class Tokeniser(StrEnum):
    """How captions are cut into tokens."""

    ptb = "ptb"
    words = "words"
    characters = "characters"
    none = "none"


Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="CANDIDATES [CANDIDATES] REFERENCES",
        help="One caption a picture, and what people said. Two candidate files are tested against each other.",
    ),
]
Language = Annotated[str, typer.Option(metavar="[en|zh]", help="The captions' language.")]
Cut = Annotated[
    Tokeniser | None, typer.Option(help="How captions are cut; the language's usual way unless given.")
]
Metrics = Annotated[
    str,
    typer.Option(
        metavar="NAMES", help="Which, with commas: BLEU, METEOR, ROUGE-L, CIDEr, SPICE, CIDEr-original."
    ),
]
Frequencies = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="CIDEr's document frequencies, made by showtell data SPEC --idf FILE."),
]
Training = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Training captions; tells how many candidates stand there verbatim."),
]
CandidatesFormat = Annotated[
    CaptionFormat | None, typer.Option(help="Read candidates as this; detected unless given.")
]
ReferencesFormat = Annotated[
    CaptionFormat | None, typer.Option(help="Read references as this; detected unless given.")
]
Subset = Annotated[
    bool, typer.Option("--subset", help="Leave out references of pictures that have no candidate.")
]
Resamples = Annotated[
    int,
    typer.Option(
        metavar="N",
        parser=option.whole_number(1),
        help="Resamples of the bootstrap that gives intervals and p.",
    ),
]


def score(  # noqa: PLR0913, PLR0917 (typer makes an option of each parameter)
    files: Files,
    language: Language = "en",
    tokeniser: Cut = None,
    metrics: Metrics = "BLEU,METEOR,ROUGE-L,CIDEr,SPICE",
    idf: Frequencies = None,
    training: Training = None,
    candidates_format: CandidatesFormat = None,
    references_format: ReferencesFormat = None,
    subset: Subset = False,
    resamples: Resamples = 1000,
    format: Annotated[Format, typer.Option(help="How the figures are written.")] = Format.text,  # noqa: A002
    output: option.Output = None,
) -> None:
    """Score captions against what people said.

    Each figure has an interval and a signature that says how it was made; known mistakes are warned of. METEOR
    and SPICE need Java and the extra coco. Files may be COCO JSON, {id: caption} JSON, JSONL, CSV, TSV or
    Flickr8k token files.
    """
    from showtell.corpora.caption_files import in_ids_of, read_captions, read_references
    from showtell.metrics import DocumentFrequencies, compare
    from showtell.metrics import score as score_one
    from showtell.metrics.tables import written

    if not 2 <= len(files) <= 3:
        raise ShowtellError(
            f"{len(files)} files were given; give one or two of candidates, then the references"
        )
    references = read_references(files[-1], references_format and references_format.value, language=language)
    how: dict[str, Any] = {
        "language": language,
        "tokeniser": tokeniser and tokeniser.value,
        "metrics": [name.strip() for name in metrics.split(",") if name.strip()],
        "frequencies": None if idf is None else DocumentFrequencies.load(idf),
        "training": None if training is None else read_captions(training).all,
        "resamples": resamples,
    }
    sets = [in_ids_of(references, _candidates(file, candidates_format)) for file in files[:-1]]
    known = references.captions
    if subset:
        known = {name: known[name] for name in known if any(name in found for found in sets)}
    for warning in references.warnings:
        console.note(warning)
    try:
        found = (
            compare(sets[0], sets[1], known, **how) if len(sets) == 2 else score_one(sets[0], known, **how)
        )
    except ValueError as error:
        raise ShowtellError(str(error)) from error
    for warning in found.sentences([str(file) for file in files]):
        console.note(warning)
    with console.output(output) as file:
        print(written(found, format.value), file=file)


def _candidates(file: Path, format: CaptionFormat | None) -> dict[str, str]:  # noqa: A002
    from showtell.corpora.caption_files import one_each, read_captions

    captions, warnings = one_each(read_captions(file, format and format.value))
    for warning in warnings:
        console.note(warning)
    return captions

"""``showtell score``: how good captions are, against what people wrote."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.metrics.report import Settings
    from showtell.metrics.tables import Found

__all__ = ["score"]


class Format(StrEnum):
    """How the figures are written."""

    text = "text"
    json = "json"
    csv = "csv"
    markdown = "markdown"
    latex = "latex"
    html = "html"


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
        metavar="CANDIDATES… REFERENCES",
        help="One caption per picture in each file of candidates, and last what people wrote. Several files of "
        "candidates are tested against the first.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="[en|zh]", help="The captions' language; that of most references unless given."),
]
Cut = Annotated[
    Tokeniser | None, typer.Option(help="How captions are cut; the language's usual way unless given.")
]
Metrics = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Which, with commas: BLEU (or BLEU-4 …), ROUGE-L, CIDEr, CIDEr-original, and METEOR and SPICE, which "
        "start Java; all is all but CIDEr-original.",
    ),
]
Frequencies = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="CIDEr's document frequencies, made by showtell data SPEC --idf FILE."),
]
Training = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Training captions; tells how many candidates are copies of one."),
]
CandidatesFormat = Annotated[
    CaptionFormat | None, typer.Option(help="Format of the candidates; detected unless given.")
]
ReferencesFormat = Annotated[
    CaptionFormat | None, typer.Option(help="Format of the references; detected unless given.")
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
Brief = Annotated[bool, typer.Option("--brief", "-b", help="Print the numbers alone, a line per metric.")]


def score(  # noqa: PLR0913, PLR0917 (typer makes an option of each parameter)
    files: Files,
    language: Language = None,
    tokeniser: Cut = None,
    metrics: Metrics = "BLEU,ROUGE-L,CIDEr",
    idf: Frequencies = None,
    training: Training = None,
    candidates_format: CandidatesFormat = None,
    references_format: ReferencesFormat = None,
    subset: Subset = False,
    resamples: Resamples = 1000,
    brief: Brief = False,
    format: Annotated[Format, typer.Option(help="How the figures are written.")] = Format.text,  # noqa: A002
    output: option.Output = None,
) -> None:
    """Score captions against what people wrote.

    Each figure has an interval and a signature that says how it was made; likely mistakes are warned of. METEOR
    and SPICE need Java and the extra coco. Files may be COCO JSON, {id: caption} JSON, JSONL, CSV, TSV or
    Flickr8k token files.
    """
    from showtell.corpora.caption_files import in_ids_of, read_captions, read_references
    from showtell.metrics.document_frequencies import DocumentFrequencies
    from showtell.metrics.names import WITH_JAVA, chosen_metrics
    from showtell.metrics.tables import numbers, written

    if len(files) < 2:
        raise ShowtellError("one file was given; give one or more of candidates, then the references")
    started = [name for name in chosen_metrics(metrics.split(",")) if name in WITH_JAVA]
    references = read_references(files[-1], references_format and references_format.value, language=language)
    settings: Settings = {
        "language": language,
        "tokeniser": tokeniser and tokeniser.value,
        "metrics": metrics.split(","),
        "frequencies": None if idf is None else DocumentFrequencies.load(idf),
        "training": None if training is None else read_captions(training).all,
        "resamples": resamples,
    }
    sets = {
        path: in_ids_of(references, captions)
        for path, captions in _candidates(files[:-1], candidates_format).items()
    }
    known = references.captions
    if subset:
        known = {name: known[name] for name in known if any(name in found for found in sets.values())}
    for warning in references.warnings:
        console.note(warning)
    if started:
        console.note(f"{' and '.join(started)} run in Java, which takes a while")
    found = _scored(sets, known, settings)
    with console.output(output) as file:
        print(numbers(found) if brief else written(found, format.value), file=file)


def _scored(
    sets: "dict[Path, dict[str, str]]", references: "dict[str, list[str]]", settings: "Settings"
) -> "Found":
    """The figures of one set, or of several, each called by its file's name."""
    from showtell.metrics.report import score as score_one
    from showtell.metrics.significance import rank

    if len(sets) == 1:
        report = score_one(next(iter(sets.values())), references, **settings)
        for warning in report.warnings:
            console.note(warning)
        return report
    names = [path.stem for path in sets]
    if len(set(names)) < len(names):
        names = [str(path) for path in sets]
    found = rank(dict(zip(names, sets.values(), strict=True)), references, **settings)
    of_all = set.intersection(*(set(report.warnings) for report in found.reports.values()))
    for path, report in zip(sets, found.reports.values(), strict=True):
        for warning in report.warnings:
            if warning not in of_all:
                console.note(f"{path}: {warning}")
    for warning in next(iter(found.reports.values())).warnings:
        if warning in of_all:
            console.note(warning)
    return found.comparisons[names[1]] if len(names) == 2 else found


def _candidates(files: list[Path], format: CaptionFormat | None) -> dict[Path, dict[str, str]]:  # noqa: A002
    from showtell.corpora.caption_files import one_each, read_captions

    sets = {}
    for path in files:
        sets[path], warnings = one_each(read_captions(path, format and format.value))
        for warning in warnings:
            console.note(warning)
    if len(sets) < len(files):
        raise ShowtellError("a file of candidates was given twice; give each once")
    return sets

"""``showtell score``: how good captions are, against what people wrote."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from showtell.cli import console
from showtell.cli import options as option
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.metrics.report import Settings
    from showtell.metrics.tables import Found

__all__ = ["score"]


Format = Literal["text", "json", "csv", "markdown", "latex", "html"]
CaptionFormat = Literal["coco", "karpathy", "json", "jsonl", "csv", "tsv", "flickr8k"]
Tokeniser = Literal["ptb", "words", "characters", "none"]
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
    Tokeniser | None,
    typer.Option(help="How captions are cut into tokens; the language's usual way unless given."),
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
        min=1,
        help="Resamples of the bootstrap that gives intervals and p.",
    ),
]
Brief = Annotated[bool, typer.Option("--brief", "-b", help="Print only the numbers, one line per metric.")]
PerPicture = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write each picture's scores, as .csv, .json or .jsonl."),
]
Worst = Annotated[
    int, typer.Option(metavar="N", min=0, help="Also show the N pictures with the lowest scores (CIDEr).")
]
Pictures = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the pictures are, to be shown with --worst and --format html."),
]


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
    per_picture: PerPicture = None,
    worst: Worst = 0,
    pictures: Pictures = None,
    format: Annotated[Format, typer.Option(help="How the figures are written.")] = "text",  # noqa: A002
    output: option.Output = None,
) -> None:
    """Score captions against what people wrote.

    Each figure has an interval and a signature that says how it was made; likely mistakes are warned of. METEOR
    and SPICE need Java and the extra coco. Files may be COCO JSON, {id: caption} JSON, JSONL, CSV, TSV or
    Flickr8k token files.
    """
    from showtell.corpora.caption_files import read_captions
    from showtell.metrics import pictures as by_picture
    from showtell.metrics.document_frequencies import DocumentFrequencies
    from showtell.metrics.tables import numbers, reports_of

    asked = metrics.split(",")
    _announce_java(asked)
    sets, references = _read(files, candidates_format, references_format, language, subset)
    settings: Settings = {
        "language": language,
        "tokeniser": tokeniser,
        "metrics": asked,
        "frequencies": None if idf is None else DocumentFrequencies.load(idf),
        "training": None if training is None else read_captions(training).all,
        "resamples": resamples,
    }
    found = _scored(sets, references, settings)
    captions = list(sets.values())
    if per_picture is not None:
        text = by_picture.per_picture(found, captions, per_picture.suffix.lower())
        with console.output(per_picture) as file:
            file.write(text)
    lowest = by_picture.worst(found, captions, references, worst) if worst else []
    shown = by_picture.Shown(lowest, _files(pictures), output and output.parent)
    if brief:
        for row in next(iter(reports_of(found).values())).rows:
            if row.missing is not None:
                console.note(f"{row.name}: {row.missing}")
    text = numbers(found) if brief else by_picture.written_with_worst(found, shown, format)
    with console.output(output) as file:
        print(text, file=file)


def _announce_java(metrics: list[str]) -> None:
    from showtell.metrics.names import WITH_JAVA, chosen_metrics

    started = [name for name in chosen_metrics(metrics) if name in WITH_JAVA]
    if started:
        console.note(f"{' and '.join(started)} run{'s' * (len(started) == 1)} in Java, which takes a while")


def _read(
    files: list[Path],
    candidates_format: CaptionFormat | None,
    references_format: CaptionFormat | None,
    language: str | None,
    subset: bool,
) -> tuple[dict[Path, dict[str, str]], dict[str, list[str]]]:
    """The sets of candidates by their files, and the references."""
    from showtell.corpora.caption_files import in_ids_of, one_each, read_captions, read_references

    if len(files) < 2:
        raise ShowtellError("one file was given; give one or more of candidates, then the references")
    if len(set(files[:-1])) < len(files) - 1:
        raise ShowtellError("a file of candidates was given twice; give each once")
    references = read_references(files[-1], references_format, language=language)
    sets = {}
    for path in files[:-1]:
        captions, warnings = one_each(read_captions(path, candidates_format))
        sets[path] = in_ids_of(references, captions)
        for warning in warnings:
            console.note(warning)
    for warning in references.warnings:
        console.note(warning)
    known = references.captions
    if subset:
        known = {name: known[name] for name in known if any(name in found for found in sets.values())}
    return sets, known


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


def _files(folder: Path | None) -> dict[str, Path]:
    """The files under a folder by their names without the extension, as ids are."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ShowtellError(f"{folder}: is no folder of pictures")
    return {path.stem: path for path in sorted(folder.rglob("*")) if path.is_file()}

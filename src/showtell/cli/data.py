"""``showtell data``: a corpus in figures, and text files made from it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli.console import note, output

if TYPE_CHECKING:
    from rich.table import Column

    from showtell.corpora.statistics import CorpusFigures

__all__ = ["data"]


class Format(StrEnum):
    """How the figures are printed."""

    text = "text"
    json = "json"


class Language(StrEnum):
    """Whose captions the text files hold."""

    en = "en"
    zh = "zh"


Spec = Annotated[
    str, typer.Argument(metavar="SPEC", help="The corpus: flickr8k:DIR, flickr8k:DIR+cn or flickr8k-cn:DIR.")
]
Descriptions = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write 'ID CAPTION' lines, cleaned, to this file.")
]
Frequencies = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write CIDEr's document frequencies of the train split to this file."),
]


def data(
    spec: Spec,
    format: Annotated[Format, typer.Option(help="How to print the figures.")] = Format.text,  # noqa: A002
    descriptions: Descriptions = None,
    idf: Frequencies = None,
    language: Annotated[
        Language | None, typer.Option(help="The language of both files; the corpus's first one unless given.")
    ] = None,
    keep_case: Annotated[bool, typer.Option("--keep-case", help="Descriptions: keep capitals.")] = False,
    keep_punctuation: Annotated[
        bool, typer.Option("--keep-punctuation", help="Descriptions: keep punctuation marks as words.")
    ] = False,
    drop_one_letter_words: Annotated[
        bool, typer.Option("--drop-one-letter-words", help="Descriptions: leave out 'a' and its like.")
    ] = False,
    drop_words_with_digits: Annotated[
        bool, typer.Option("--drop-words-with-digits", help="Descriptions: leave out '2' and its like.")
    ] = False,
) -> None:
    """Count a corpus: splits, captions, words, and what is wrong.

    Wrong are captions without a picture, pictures without a caption, and captions with known flaws.
    """
    import json

    from showtell.corpora import open_corpus
    from showtell.corpora.statistics import descriptions as description_lines
    from showtell.corpora.statistics import figures
    from showtell.metrics.document_frequencies import DocumentFrequencies
    from showtell.text.cleaning import Cleaning

    corpus = open_corpus(spec)
    wanted = language.value if language is not None else corpus.languages[0]
    if descriptions is not None:
        cleaning = Cleaning(
            lower_case=not keep_case,
            keep_punctuation=keep_punctuation,
            drop_one_letter_words=drop_one_letter_words,
            drop_words_with_digits=drop_words_with_digits,
        )
        with output(descriptions) as file:
            file.writelines(f"{line}\n" for line in description_lines(corpus, wanted, cleaning))
        note(f"wrote the descriptions to {descriptions}")
    if idf is not None:
        documents = corpus.training_documents(wanted)
        DocumentFrequencies.build(list(documents.values()), language=wanted).save(idf)
        note(f"wrote the document frequencies of {len(documents):,} train pictures to {idf}")
    found = figures(corpus)
    if format is Format.json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    else:
        _print_tables(found)


def _print_tables(found: "CorpusFigures") -> None:
    from rich.console import Console
    from rich.table import Table

    splits = Table("split", _right("pictures"), _right("captions"), title=found.corpus)
    for split in found.splits:
        splits.add_row(split.split or "(none)", f"{split.pictures:,}", f"{split.captions:,}")
    splits.add_row("all", f"{found.pictures:,}", f"{found.captions:,}")
    kinds = found.languages
    captions = Table("captions", *(_right(f"{kind.language}, {kind.source}") for kind in kinds))
    captions.add_row("in all", *(f"{kind.captions:,}" for kind in kinds))
    captions.add_row("a picture", *(_range(kind.fewest_a_picture, kind.most_a_picture) for kind in kinds))
    captions.add_row("words, from to", *(_range(kind.shortest, kind.longest) for kind in kinds))
    captions.add_row("words, mean", *(f"{kind.mean:.1f}" for kind in kinds))
    captions.add_row("words, median", *(f"{kind.median:g}" for kind in kinds))
    captions.add_row("different words", *(f"{kind.distinct_words:,}" for kind in kinds))
    captions.add_row("said five times or more", *(f"{kind.frequent_words:,}" for kind in kinds))
    files = Table("files", _right("count"))
    files.add_row("captioned, but missing", f"{len(found.missing):,}")
    files.add_row("orphans: no caption", f"{len(found.orphans):,}")
    console = Console(highlight=False, markup=False)
    for table in (splits, captions, files):
        console.print(table)
    for warning in found.warnings:
        print(f"warning: {warning}")


def _range(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} to {most}"


def _right(name: str) -> "Column":
    from rich.table import Column

    return Column(name, justify="right")

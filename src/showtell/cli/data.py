"""``showtell data``: a corpus in figures, and text files made from it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli.console import note, output
from showtell.cli.options import Language, TextOrJson

if TYPE_CHECKING:
    from showtell.corpora.statistics import CaptionFigures, CorpusFigures

__all__ = ["data"]


Spec = Annotated[
    str, typer.Argument(metavar="SPEC", help="The corpus, such as flickr8k:DIR; several with commas between.")
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
    format: Annotated[TextOrJson, typer.Option(help="How to print the figures.")] = "text",  # noqa: A002
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
    """Count a corpus: splits, captions, words, and known problems.

    SPEC is a format, a colon and a place: flickr8k:DIR (+cn for Chinese too), flickr8k-cn:DIR, coco:DIR (COCO's
    files or Karpathy's), table:FILE (CSV, TSV or JSONL), folder:DIR (a .txt beside each picture, or
    metadata.jsonl) or webdataset:DIR (tar shards). Captions by a model are counted, but never scored against.
    """
    import json

    from showtell.corpora import open_corpus
    from showtell.corpora.statistics import descriptions as description_lines
    from showtell.corpora.statistics import figures
    from showtell.metrics.document_frequencies import DocumentFrequencies
    from showtell.text.cleaning import Cleaning

    corpus = open_corpus(spec)
    wanted = language or corpus.languages[0]
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
    if format == "json":
        from showtell.text.printable import json_for_terminals

        print(json_for_terminals(json.dumps(found.to_dict(), ensure_ascii=False, indent=2)))
    else:
        _print_tables(found)


def _print_tables(found: "CorpusFigures") -> None:
    from showtell.text.printable import shown
    from showtell.text.tables import underlined

    print(shown(found.corpus), end="\n\n")
    for table in (_splits(found), _captions(found), _files(found)):
        names = 2 if table[0][:2] == ["corpus", "split"] else 1
        right = [place >= names for place in range(len(table[0]))]
        print(*underlined([list(map(shown, row)) for row in table], right), "", sep="\n")
    for warning in found.warnings:
        print(f"warning: {shown(warning, 1_000)}")


def _splits(found: "CorpusFigures") -> list[list[str]]:
    several = len({part.corpus for part in found.parts}) > 1
    rows = [["corpus", "split", "pictures", "captions", "to score against"]]
    for part in found.parts:
        counts = (part.pictures, part.captions, part.scored_against)
        rows.append([part.corpus, part.split or "(none)", *(f"{number:,}" for number in counts)])
    scored = sum(part.scored_against for part in found.parts)
    counts = (found.pictures, found.captions, scored)
    rows.append(["all", "" if several else "all", *(f"{number:,}" for number in counts)])
    return rows if several else [row[1:] for row in rows]


def _captions(found: "CorpusFigures") -> list[list[str]]:
    kinds = found.languages
    rows: dict[str, Callable[[CaptionFigures], str]] = {
        "captions": lambda kind: f"{kind.language}, {kind.source}",
        "number": lambda kind: f"{kind.captions:,}",
        "per picture": lambda kind: _range(kind.fewest_per_picture, kind.most_per_picture),
        "words, range": lambda kind: _range(kind.shortest, kind.longest),
        "words, mean": lambda kind: f"{kind.mean:.1f}",
        "words, median": lambda kind: f"{kind.median:g}",
        "different words": lambda kind: f"{kind.distinct_words:,}",
        "≥ 5 times": lambda kind: f"{kind.frequent_words:,}",
        "train: different": lambda kind: f"{kind.train_distinct_words:,}",
        "train: ≥ 5 times": lambda kind: f"{kind.train_frequent_words:,}",
    }
    return [[name, *map(row, kinds)] for name, row in rows.items()]


def _files(found: "CorpusFigures") -> list[list[str]]:
    missing, orphans = len(found.missing), len(found.orphans)
    return [
        ["files", "count"],
        ["captioned, but missing", f"{missing:,}"],
        ["orphans: no caption", f"{orphans:,}"],
    ]


def _range(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} to {most}"

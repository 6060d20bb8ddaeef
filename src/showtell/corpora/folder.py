"""A folder of pictures with their captions beside them.

The captions of ``photo.jpg`` are the lines of ``photo.txt``, ``photo.jpg.txt`` or ``photo.caption`` beside it, as
trainers of image generators keep them; or a folder has ``metadata.jsonl`` or ``metadata.csv`` with the columns
``file_name`` and ``text`` (or ``caption``), as Hugging Face's image folders do. Folders in it that are called
``train``, ``validation`` (``val``, ``dev``) and ``test`` are the splits. Text files that ``showtell caption
--write sidecar`` wrote, and nobody has changed since, are a model's.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from showtell.corpora.assembly import Captions, assemble
from showtell.corpora.base import MODEL, PEOPLE, Corpus, numbered_lines
from showtell.corpora.entries import Entry, json_line_entries, table_entries
from showtell.corpora.pictures import PictureIndex, folder_named, is_picture, walk
from showtell.corpora.splitting import split_in
from showtell.errors import BadCorpus
from showtell.images.journal import Journal
from showtell.text.printable import counted

_METADATA = ("metadata.jsonl", "metadata.csv")
_SIDECARS = (".txt", ".caption")


def open_folder(place: str) -> Corpus:
    """Open a folder; see :func:`showtell.corpora.open_corpus`."""
    folder = folder_named(place)
    files = {path.relative_to(folder).as_posix(): path for path in walk(folder, wanted=_counts)}
    pictures = PictureIndex(folder, {name: path for name, path in files.items() if is_picture(path.name)})
    if not pictures.paths:
        raise BadCorpus(
            f"the folder {folder} holds no pictures; give the one that holds pictures and captions"
        )
    captions = Captions()
    for path in files.values():
        for entry in _metadata(path, folder):
            captions.add(entry)
    described = {pictures.find(name) for name in captions.pictures}
    strays = 0
    journal = Journal()  # of the captions that Showtell itself has put beside pictures
    for name, path in files.items():
        if path.suffix.lower() not in _SIDECARS:
            continue
        picture = pictures.find(name.removesuffix(path.suffix))
        if picture is None:
            strays += 1
        elif picture not in described:
            lines = [line.strip() for _, line in numbered_lines(path)]
            written_by_model = journal.model_of(path, path.read_bytes()) is not None
            captions.add(Entry(picture, lines, source=MODEL if written_by_model else PEOPLE))
    if not captions.pictures:
        raise BadCorpus(
            f"{folder} has pictures but no captions: no .txt or .caption file beside a picture, and no metadata.jsonl"
        )
    splits = {name: split for name in pictures.paths if (split := split_in(PurePosixPath(name).parts[:-1]))}
    corpus = assemble(folder.resolve().name or "folder", captions.captions, pictures, splits)
    if strays:
        belong = counted(strays, "text file belongs", "text files belong")
        corpus.warnings.append(f"{belong} to no picture")
    return corpus


def _counts(name: str) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    return name in _METADATA or suffix in _SIDECARS or is_picture(name)


def _metadata(path: Path, folder: Path) -> Iterator[Entry]:
    """What a metadata file says, its pictures named from the folder on."""
    if path.name not in _METADATA:
        return
    inner = path.parent.relative_to(folder)
    rows = json_line_entries(path) if path.suffix == ".jsonl" else table_entries(path, ",", header=True)
    for _, entry in rows:
        yield entry.renamed((inner / entry.picture).as_posix())

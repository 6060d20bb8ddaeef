"""Captions, pictures and splits -> a corpus, and what does not fit."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from showtell.corpora.base import PEOPLE, Corpus, Example, Reference
from showtell.corpora.entries import Entry, language_of
from showtell.corpora.flaws import Caption, flaws
from showtell.corpora.listed import listed
from showtell.corpora.pictures import PictureIndex
from showtell.errors import BadCorpus
from showtell.text.printable import counted, shown


class Captions:
    """Collects the captions of entries, those of each picture in order."""

    def __init__(self) -> None:
        self.captions: list[Caption] = []
        self.pictures: dict[str, int] = {}

    def add(self, entry: Entry) -> None:
        """Add an entry's captions; lists that were saved as their text are taken apart."""
        for caption in entry.captions:
            for text in listed(caption) or [caption]:
                place = self.pictures.setdefault(entry.picture, 0)
                self.pictures[entry.picture] = place + 1
                language, source = language_of(text, entry.language), entry.source or PEOPLE
                self.captions.append(Caption(entry.picture, place, text.strip(), language, source))


def assemble(
    name: str,
    captions: Sequence[Caption],
    pictures: PictureIndex,
    splits: Mapping[str, str],
    *,
    folders: Mapping[str, str] | None = None,
    part: str | None = None,
) -> Corpus:
    """Bring captions, pictures and splits together.

    Args:
        captions: in the order that a picture's references are to have.
        splits: the split of each listed picture, by its name in the files.
        folders: where a picture of some name lies, if several folders have one of that name.
        part: what each example's corpus is called, ``name`` unless given.

    Raises:
        BadCorpus: no caption belongs to a picture, two pictures have the same id, or a name may mean several.
    """
    folders = folders or {}
    names = dict.fromkeys(caption.picture for caption in captions)
    meant = {written: pictures.find(written, folders.get(written, "")) for written in (*names, *splits)}
    references: dict[str, list[Reference]] = {}
    for caption in captions:
        picture = meant[caption.picture]
        if picture is not None and caption.text and caption.language is not None:
            found = Reference(caption.text, caption.language, caption.source)
            references.setdefault(picture, []).append(found)
    if not references:
        raise BadCorpus(_nothing(captions, pictures))
    split_of = _split_of(splits, meant)
    chosen = sorted(references)
    examples = tuple(
        Example(
            id=one,
            path=pictures.paths[picture],
            references=tuple(references[picture]),
            split=split_of.get(picture),
            corpus=part or name,
        )
        for picture, one in zip(chosen, _ids(chosen, pictures), strict=True)
    )
    missing = tuple(written for written in names if meant[written] is None)
    orphans = tuple(sorted(pictures.paths.keys() - references.keys()))
    warnings = [
        *_missing(captions, set(missing)),
        *_orphans(orphans),
        *_other_names(meant),
        *_other_languages(captions),
        *_unused(splits, examples),
        *flaws(captions),
    ]
    return Corpus(name, examples, warnings, missing, orphans)


def _split_of(splits: Mapping[str, str], meant: Mapping[str, str | None]) -> dict[str, str]:
    """The split of each picture.

    Raises:
        BadCorpus: a picture is in two, under two names.
    """
    found: dict[str, str] = {}
    for written, split in splits.items():
        picture = meant[written]
        if picture is not None and found.setdefault(picture, split) != split:
            raise BadCorpus(
                f"the picture {shown(picture)} is in {found[picture]} and, as {shown(written)}, in {split}"
            )
    return found


def _ids(names: Sequence[str], pictures: PictureIndex) -> list[str]:
    """The id of each picture: its stem, or its whole name without the ending where several have the same stem.

    Raises:
        BadCorpus: two pictures have the same id even then.
    """
    count = Counter(PurePosixPath(name).stem for name in names)
    ids: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        one = path.stem if count[path.stem] == 1 else str(path.with_suffix(""))
        if one in ids:
            raise BadCorpus(
                f"{pictures.paths[ids[one]]} and {pictures.paths[name]} have the same id {one!r}; "
                "rename one of them"
            )
        ids[one] = name
    return list(ids)


def _nothing(captions: Sequence[Caption], pictures: PictureIndex) -> str:
    """Why no picture has a caption."""
    if not any(caption.text and caption.language for caption in captions):
        return f"the files of {pictures.root} hold no captions in English or Chinese"
    name = captions[0].picture
    offline = "; Showtell is offline, fetch the pictures first" if "://" in name else ""
    return f"none of the captions belongs to a picture in {pictures.root}, for instance that of {shown(name)}{offline}"


def _missing(captions: Iterable[Caption], missing: set[str]) -> list[str]:
    lost = [caption for caption in captions if caption.picture in missing]
    if not lost:
        return []
    belong = counted(len(lost), "caption belongs", "captions belong")
    absent = counted(len(missing), "picture that does not exist", "pictures that do not exist")
    return [f"{belong} to {absent}, for instance {lost[0].where}"]


def _orphans(orphans: Sequence[str]) -> list[str]:
    if not orphans:
        return []
    return [
        f"{counted(len(orphans), 'picture has', 'pictures have')} no caption, for instance {shown(orphans[0])}"
    ]


def _other_names(meant: dict[str, str | None]) -> list[str]:
    """A sentence about pictures whose file is of another kind than the captions say."""
    other = {
        picture: written
        for written, picture in reversed(meant.items())
        if picture is not None
        and PurePosixPath(written).suffix
        and PurePosixPath(written.replace("\\", "/")).name.lower() != PurePosixPath(picture).name.lower()
        and PurePosixPath(picture).stem != written
    }
    if not other:
        return []
    count = counted(len(other), "picture is", "pictures are")
    picture, written = list(other.items())[-1]
    return [
        f"{count} of another kind than the captions say, for instance {shown(picture)} for {shown(written)}"
    ]


def _other_languages(captions: Iterable[Caption]) -> list[str]:
    other = [caption for caption in captions if caption.language is None]
    if not other:
        return []
    number = counted(len(other), "caption is", "captions are")
    where = other[0].where
    return [f"{number} in another language than English and Chinese and passed over, for instance {where}"]


def _unused(splits: Mapping[str, str], examples: Sequence[Example]) -> list[str]:
    """Sentences about listed pictures that cannot be used, and about pictures in no list."""
    there = Counter(example.split for example in examples)
    warnings = []
    for split, count in Counter(splits.values()).items():
        if there[split] < count:
            absent = counted(count - there[split], "picture", "pictures")
            warnings.append(
                f"{absent} of the {split} list cannot be used, for want of the picture or its captions"
            )
    if splits and there[None]:
        stand = counted(there[None], "picture stands", "pictures stand")
        warnings.append(f"{stand} in none of the split lists")
    return warnings

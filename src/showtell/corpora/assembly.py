"""Captions, pictures and splits -> a corpus, and what does not fit."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from showtell.corpora.base import Corpus, Example, Reference, counted
from showtell.corpora.flaws import Caption, flaws
from showtell.corpora.pictures import PictureIndex
from showtell.errors import BadCorpus


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
        if picture is not None and caption.text:
            found = Reference(caption.text, caption.language, caption.source)
            references.setdefault(picture, []).append(found)
    if not references:
        example = f", for instance {next(iter(names))}" if names else ""
        raise BadCorpus(f"none of the captions belongs to a picture in {pictures.root}{example}")
    split_of = {meant[written]: split for written, split in splits.items()}
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
        *_unused(splits, examples),
        *flaws(captions),
    ]
    return Corpus(name, examples, warnings, missing, orphans)


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
    return [f"{counted(len(orphans), 'picture has', 'pictures have')} no caption, for instance {orphans[0]}"]


def _other_names(meant: Mapping[str, str | None]) -> list[str]:
    """A sentence about pictures whose file is of another kind than the captions say."""
    other = [
        (written, picture)
        for written, picture in meant.items()
        if picture is not None
        and PurePosixPath(written).suffix
        and PurePosixPath(written.replace("\\", "/")).name.lower() != PurePosixPath(picture).name.lower()
        and PurePosixPath(picture).stem != written
    ]
    if not other:
        return []
    count = counted(len(other), "picture is", "pictures are")
    return [f"{count} of another kind than the captions say, for instance {other[0][1]} for {other[0][0]}"]


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

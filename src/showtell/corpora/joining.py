"""Several corpora -> one, in the order in which they are named."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from showtell.corpora.base import Corpus, Example
from showtell.errors import BadCorpus
from showtell.text.printable import counted

_Clash = tuple[Example, Example]


def join(corpora: Sequence[Corpus]) -> Corpus:
    """One corpus of several: the name of each stands before the ids that clash, and before its warnings.

    Raises:
        BadCorpus: one and the same file is trained on in one corpus and in another split of another corpus.
    """
    if len(corpora) == 1:
        return corpora[0]
    named = _with_own_names(corpora)
    count = Counter(example.id for corpus in named for example in corpus)
    warnings = [f"{corpus.name}: {warning}" for corpus in named for warning in corpus.warnings]
    return Corpus(
        name=",".join(corpus.name for corpus in named),
        examples=tuple(
            replace(example, id=f"{example.corpus}/{example.id}") if count[example.id] > 1 else example
            for corpus in named
            for example in corpus
        ),
        warnings=[*_clashes(named, count), *warnings],
        missing=tuple(name for corpus in named for name in corpus.missing),
        orphans=tuple(name for corpus in named for name in corpus.orphans),
    )


def _with_own_names(corpora: Sequence[Corpus]) -> list[Corpus]:
    """The corpora; where several have the same name, the later ones are numbered: ``coco``, ``coco-2``."""
    taken: Counter[str] = Counter()
    found = []
    for corpus in corpora:
        part = corpus.examples[0].corpus
        taken[part] += 1
        if taken[part] > 1:
            number = f"-{taken[part]}"
            examples = tuple(replace(example, corpus=part + number) for example in corpus)
            corpus = replace(corpus, name=corpus.name + number, examples=examples)  # noqa: PLW2901
        found.append(corpus)
    return found


def _clashes(corpora: Sequence[Corpus], count: Counter[str]) -> Iterator[str]:
    """Sentences about ids that several corpora have; they may be the same pictures."""
    shared = {one for one, number in count.items() if number > 1}
    if not shared:
        return
    first: dict[str, Example] = {}
    sharing = (example for corpus in corpora for example in corpus if example.id in shared)
    pairs = [(first.setdefault(example.id, example), example) for example in sharing]
    for pair in pairs:
        if _divided(pair) and _same_file(pair):
            one, other = pair
            raise BadCorpus(
                f"{one.path} is trained on in one of {one.corpus} and {other.corpus} and not in the other, "
                "so that its figures would say nothing; give both the same split lists"
            )
    example = next(iter(shared & first.keys()))
    names = f"{first[example].corpus}/{example}"
    yield f"{counted(len(shared), 'id is', 'ids are')} in several corpora and written as {names} and so on"
    divided = sum(map(_divided, pairs))
    if divided:
        pictures = counted(divided, "of these pictures is", "of these pictures are")
        yield (
            f"{pictures} trained on in one corpus and not in another; if they show the same, "
            "figures on them are too good"
        )


def _divided(pair: _Clash) -> bool:
    trained = {example.split in ("train", None) for example in pair}
    return len(trained) > 1


def _same_file(pair: _Clash) -> bool:
    one, other = (os.path.abspath(example.path) for example in pair)
    return one == other

"""Which pictures are trained on, chosen by and tested on, from the words that files of the field use for it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace

from showtell.corpora.base import Corpus
from showtell.text.printable import counted

_SPLITS = {
    "train": "train",
    "training": "train",
    "restval": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
}


def split_named(text: str) -> str | None:
    """The split that a word means: ``val`` is ``dev``, ``restval`` is ``train``; an unknown word is its own split."""
    word = text.strip().lower()
    return _SPLITS.get(word, word) or None


def split_in(names: Iterable[str]) -> str | None:
    """The split that names of folders or files tell: ``train/``, ``val2017/``, ``shard-test-003.tar``; else None."""
    for name in names:
        for word in re.split(r"[^a-z]+", name.lower()):
            if word in _SPLITS:
                return _SPLITS[word]
    return None


def with_dev_split(corpus: Corpus, *, share: float = 0.1) -> Corpus:
    """The corpus with a dev split, if its files tell no splits at all: about a tenth of the pictures.

    Which ones depends on their ids alone, so that they stay the same when pictures are added.
    """
    if corpus.splits or len(corpus) < 2:
        return corpus
    drawn = {example.id: _drawn(example.id) for example in corpus}
    chosen = {one for one, number in drawn.items() if number < share} or {
        min(drawn, key=lambda one: drawn[one])
    }
    examples = tuple(replace(example, split="dev" if example.id in chosen else "train") for example in corpus)
    told = (
        f"the files tell no splits; {counted(len(chosen), 'picture', 'pictures')} of {len(corpus):,}, chosen by "
        "their ids, are the dev split"
    )
    return replace(corpus, examples=examples, warnings=[told, *corpus.warnings])


def _drawn(one: str) -> float:
    """A number from 0 to 1 that an id always gives."""
    digest = hashlib.sha256(one.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64

"""Captioned corpora, opened by a spec: ``open_corpus("flickr8k:DIR")``."""

from collections.abc import Callable

from showtell.corpora.base import Corpus, Example, Reference, references_of
from showtell.corpora.flickr8k import open_flickr8k, open_flickr8k_cn
from showtell.errors import BadCorpus

__all__ = ["Corpus", "Example", "Reference", "open_corpus", "references_of"]

_FORMATS: dict[str, Callable[[str], Corpus]] = {
    "flickr8k": open_flickr8k,
    "flickr8k-cn": open_flickr8k_cn,
}


def open_corpus(spec: str) -> Corpus:
    """Open the corpus that a spec names: a format, a colon, and where it lies.

    * ``flickr8k:DIR``: the pictures and English captions of Flickr8k;
    * ``flickr8k:DIR+cn``: also its Chinese captions, looked for in DIR and in its sibling ``flickr8k-cn``;
    * ``flickr8k-cn:DIR``: the Chinese captions alone; pictures may lie in the sibling ``flickr8k``.

    Raises:
        BadCorpus: an unknown format, something missing, or a broken line (named by file and line).
    """
    kind, colon, place = spec.partition(":")
    if kind not in _FORMATS or not colon or not place:
        known = ", ".join(f"{name}:DIR" for name in _FORMATS)
        raise BadCorpus(f"{spec!r} names no corpus that Showtell can open; the formats are {known}")
    return _FORMATS[kind](place)

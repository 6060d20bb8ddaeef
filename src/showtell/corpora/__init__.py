"""Captioned corpora, opened by a spec: ``open_corpus("flickr8k:DIR")``."""

import re
from collections.abc import Callable

from showtell.corpora.base import Corpus, Example, Reference
from showtell.corpora.coco import open_coco
from showtell.corpora.flickr8k import open_flickr8k, open_flickr8k_cn
from showtell.corpora.joining import join
from showtell.errors import BadCorpus

__all__ = ["Corpus", "Example", "Reference", "kinds", "open_corpus"]

_FORMATS: dict[str, Callable[[str], Corpus]] = {
    "flickr8k": open_flickr8k,
    "flickr8k-cn": open_flickr8k_cn,
    "coco": open_coco,
}
_NEXT_SPEC = re.compile(r",\s*(?=[A-Za-z][\w-]+:)")


def open_corpus(spec: str) -> Corpus:
    """Open the corpus that a spec names: a format, a colon, and where it lies.

    * ``flickr8k:DIR``: the pictures and English captions of Flickr8k;
    * ``flickr8k:DIR+cn``: also its Chinese captions, looked for in DIR and in its sibling ``flickr8k-cn``;
    * ``flickr8k-cn:DIR``: the Chinese captions alone; pictures may lie in the sibling ``flickr8k``;
    * ``coco:DIR``: captions in COCO's form or Karpathy's; also ``coco:FILE`` for one of several files;
    * ``SPEC,SPEC``: several as one, in this order; `Example.corpus` says which a picture comes from.

    Raises:
        BadCorpus: an unknown format, something missing, or a broken line (named by file and line).
    """
    return join([_open(one) for one in _NEXT_SPEC.split(spec)])


def kinds(spec: str) -> str:
    """The formats that a spec names, without where anything lies: ``flickr8k,coco``."""
    return ",".join(one.partition(":")[0] for one in _NEXT_SPEC.split(spec))


def _open(spec: str) -> Corpus:
    kind, colon, place = spec.strip().partition(":")
    if kind not in _FORMATS or not colon or not place:
        known = ", ".join(f"{name}:DIR" for name in _FORMATS)
        raise BadCorpus(f"{spec!r} names no corpus that Showtell can open; the formats are {known}")
    return _FORMATS[kind](place)

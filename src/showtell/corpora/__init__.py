"""Captioned corpora, opened by a spec: ``open_corpus("flickr8k:DIR")``."""

import importlib
import re

from showtell.corpora.base import Corpus, Example, Reference
from showtell.corpora.joining import join
from showtell.corpora.splitting import with_dev_split
from showtell.errors import BadCorpus

__all__ = ["Corpus", "Example", "Reference", "kinds", "open_corpus"]

# What follows the colon, and what opens it; imported when it is asked for, since files of captions need none.
_FORMATS = {
    "flickr8k": ("DIR", "flickr8k.open_flickr8k"),
    "flickr8k-cn": ("DIR", "flickr8k.open_flickr8k_cn"),
    "coco": ("DIR", "coco.open_coco"),
    "table": ("FILE", "table.open_table"),
    "folder": ("DIR", "folder.open_folder"),
    "webdataset": ("DIR", "webdataset.open_webdataset"),
}
_WITHOUT_LISTS = {"table", "folder", "webdataset"}
_NEXT_SPEC = re.compile(r",\s*(?=[A-Za-z][\w-]+:)")


def open_corpus(spec: str) -> Corpus:
    """Open the corpus that a spec names: a format, a colon, and where it lies.

    * ``flickr8k:DIR``: the pictures and English captions of Flickr8k;
    * ``flickr8k:DIR+cn``: also its Chinese captions, looked for in DIR and in its sibling ``flickr8k-cn``;
    * ``flickr8k-cn:DIR``: the Chinese captions alone; pictures may lie in the sibling ``flickr8k``;
    * ``coco:DIR``: captions in COCO's form or Karpathy's; also ``coco:FILE`` for one of several files;
    * ``table:FILE``: a CSV, TSV or JSONL file with columns for pictures and captions;
    * ``folder:DIR``: pictures with ``.txt`` files beside them, or with ``metadata.jsonl``;
    * ``webdataset:DIR``: tar archives of pictures and captions, also ``webdataset:NAME-{000..012}.tar``;
    * ``SPEC,SPEC``: several as one, in this order; `Example.corpus` says which a picture comes from.

    Where tables, folders and shards tell no splits and nothing else has a dev split, a tenth of the pictures
    becomes one.

    Raises:
        BadCorpus: an unknown format, something missing, or a broken line (named by file and line).
    """
    specs = _NEXT_SPEC.split(spec)
    corpus = join([_open(one) for one in specs])
    undivided = all(one.strip().partition(":")[0] in _WITHOUT_LISTS for one in specs)
    return with_dev_split(corpus) if undivided else corpus


def kinds(spec: str) -> str:
    """The formats that a spec names, without where anything lies: ``flickr8k,coco``."""
    return ",".join(one.partition(":")[0] for one in _NEXT_SPEC.split(spec))


def _open(spec: str) -> Corpus:
    kind, colon, place = spec.strip().partition(":")
    if kind not in _FORMATS or not colon or not place:
        known = ", ".join(f"{name}:{what}" for name, (what, _) in _FORMATS.items())
        raise BadCorpus(f"{spec!r} names no corpus that Showtell can open; the formats are {known}")
    module, _, function = _FORMATS[kind][1].partition(".")
    opened: Corpus = getattr(importlib.import_module(f"showtell.corpora.{module}"), function)(place)
    return opened

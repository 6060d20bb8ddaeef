"""Any number of pictures through any captioner: in batches, in threads, in the order given.

Each batch goes the whole way, from files to sentences, in a thread of its own: that scales better than sharing each
network among the processors. A picture that cannot be read is a result with an error and stops nothing.
"""

import itertools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from showtell.captioning.base import Caption, Captioner, Encoded, Options, Result
from showtell.errors import BadImage

if TYPE_CHECKING:
    from showtell.images import Source

__all__ = ["BATCH", "caption_many", "in_threads"]

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")

BATCH = 8
"""Pictures that are decoded together: more are a little quicker, but longer in coming and in stopping."""


def caption_many(
    captioner: Captioner,
    sources: "Iterable[Source]",
    options: Options,
    *,
    languages: Sequence[str],
    threads: int,
    batch: int = BATCH,
) -> Generator[Result, None, None]:
    """Caption pictures lazily, in the order of ``sources``.

    Args:
        captioner: anything with ``encode`` and ``describe``, which are called from several threads.
        sources: read a few batches ahead; close the iterator to end early.
        options: for ``describe``; their language is left aside.
        languages: a result in each, for each picture.
        threads: batches that are worked on at a time.
        batch: pictures that are decoded together.

    Raises:
        TypeError: at once, one picture was given in place of many.
    """
    if isinstance(sources, str | bytes | os.PathLike):  # each letter of a name would be a picture
        raise TypeError(f"caption_many takes a list of pictures; for one, give [{sources!r}] or use caption")
    each: list[Options] = [{**options, "language": language} for language in languages]
    return in_threads(
        lambda part, stop: _captioned(captioner, part, each, stop), sources, threads, batch=batch
    )


def in_threads(
    work: Callable[[list[_Item], Event], list[_Done]],
    items: Iterable[_Item],
    threads: int,
    *,
    batch: int = BATCH,
) -> Generator[_Done, None, None]:
    """What comes of items, in their order, while as many batches as there are threads are worked on ahead.

    Args:
        work: what is done with a batch; once the event is set, nobody wants its results.
        items: read lazily; close the iterator to end early.
        threads: batches that are worked on at a time.
        batch: items of a batch, at most.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="showtell")
    stop = Event()
    remaining = iter(items)
    waiting: deque[Future[list[_Done]]] = deque()
    try:
        while part := list(itertools.islice(remaining, batch)):
            waiting.append(pool.submit(work, part, stop))
            if len(waiting) > threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        # After Ctrl-C, or when the caller wants no more, nobody waits for results nobody will see.
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _captioned(
    captioner: Captioner, batch: "Sequence[Source]", each: Sequence[Options], stop: Event
) -> list[Result]:
    """The results of a batch; none after a stop."""
    encoded: dict[int, Encoded] = {}
    errors: dict[int, BadImage] = {}
    for place, source in enumerate(batch):
        if stop.is_set():
            return []
        try:
            encoded[place] = captioner.encode(source)
        except BadImage as error:
            errors[place] = error
    captions: dict[int, tuple[Caption, ...]] = {}
    if encoded:
        described = [captioner.describe(list(encoded.values()), **options) for options in each]
        captions = dict(zip(encoded, zip(*described, strict=True), strict=True))
    results: list[Result] = []
    for place, source in enumerate(batch):
        path = source if isinstance(source, str | Path) else None
        if place in errors:
            results.append(Result(path, error=errors[place].reason))
        results += [Result(path, caption) for caption in captions.get(place, ())]
    return results

"""Which pictures are meant by what stands on the command line."""

import os
from collections.abc import Iterator, Sequence

from showtell.cli.console import note

__all__ = ["pictures_named"]


def pictures_named(paths: Sequence[str], *, recursive: bool) -> Iterator[str]:
    """Each path in the order given: a folder as the pictures in it, anything else as it is.

    Raises BadImage when a folder cannot be read.
    """
    from showtell.pictures import pictures_in

    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        found = list(pictures_in(path, recursive=recursive))
        if not found:
            note(f"{path}: there is no picture in this folder" + ("" if recursive else "; try --recursive"))
        yield from map(str, found)

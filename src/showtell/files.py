"""How files are written: whole, or not at all."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an error of the disk that names no file, such as that it is full, the name of the one being written."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


@contextmanager
def written_whole(
    path: Path, *, keep: Callable[[BaseException, Path], bool] = lambda error, part: False
) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` to write to, which takes its place at the end; after an error it goes.

    Args:
        keep: says of an error and the temporary path whether it takes the place all the same.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        try:
            with naming(path):
                yield temporary
        except BaseException as error:
            if keep(error, temporary):
                temporary.replace(path)
            raise
        temporary.chmod(mode)  # some libraries make their files the owner's alone
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def umask() -> int:
    """The rights that new files of this process lack."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_json(path: Path) -> Any:
    """Read what ``write_json`` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: object, *, indent: int | None = None) -> None:
    """Write a value as JSON."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(value, ensure_ascii=False, indent=indent), encoding="utf-8")

"""Which pictures are meant by what stands on the command line."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from showtell.cli.console import note
from showtell.errors import BadImage, ShowtellError

if TYPE_CHECKING:
    from showtell.images import Found

__all__ = ["names_in", "names_or_picture", "pictures_named", "refuse_addresses"]


def pictures_named(paths: Sequence[str], *, recursive: bool) -> "Found":
    """The pictures in files and folders; the user is told of what else there is.

    Folders without pictures, folders that cannot be read (`Found.unreadable`: the exit status should tell too),
    and files that look like pictures and are not read, counted by kind.

    Raises:
        ShowtellError: an address on the web is among the paths.
    """
    from showtell.images import find_pictures, passed_over_sentences

    refuse_addresses(paths)
    found = find_pictures(paths, recursive=recursive)
    for folder, deeper in found.empty.items():
        hint = "; try --recursive" if deeper else ""
        note(f"{folder}: there is no picture in this folder{hint}")
    for error in found.unreadable:
        note(str(error))
    for sentence in passed_over_sentences(found.passed_over):
        note(sentence)
    return found


def refuse_addresses(paths: Sequence[str]) -> None:
    """Say of an address on the web that it is not fetched.

    Raises:
        ShowtellError: there is one.
    """
    for path in paths:
        if re.match(r"(https?|ftp|s3|gs)://", path, re.IGNORECASE) and not Path(path).exists():
            raise ShowtellError(
                f"{path}: Showtell works offline and fetches nothing; download the picture first"
            )


def names_in(file: Path) -> list[str]:
    """The names of pictures and folders in a file: a line each, or ended by null characters; ``-`` is stdin.

    Raises:
        ShowtellError: it cannot be read.
    """
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ShowtellError(f"{file}: cannot be read ({error.strerror})") from error
    return _names(content)


def names_or_picture() -> list[str] | bytes:
    """What comes through stdin: the bytes of a picture, or names of pictures as in `names_in`.

    Raises:
        BadImage: nothing comes.
    """
    from showtell.images.formats import HEAD, format_of

    content = sys.stdin.buffer.read()
    if not content.strip():
        raise BadImage("-", "nothing came through stdin; give a picture's bytes, or names of pictures")
    if format_of(content[:HEAD]) is not None:
        return content
    names = _names(content)
    if not Path(names[0]).exists() and not content.isascii():
        return content  # the captioner says what is wrong with it
    return names


def _names(content: bytes) -> list[str]:
    text = content.decode("utf-8", "surrogateescape")
    names = text.split("\0") if "\0" in text else [line.removesuffix("\r") for line in text.split("\n")]
    return [name for name in names if name]

"""Pictures inside tar archives: the path of one is the archive's path and its name there, ``a.tar/0001.jpg``."""

import os
import tarfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from showtell.errors import BadImage, reason_of

__all__ = ["ENDING", "Member", "contents_of", "members"]

ENDING = ".tar"


class _Checked(tarfile.TarInfo):
    """A header whose size is none is refused: with a negative one, tarfile would go round in circles for ever."""

    def _block(self, count: int) -> int:
        if count < 0:
            # An error of headers alone would end the archive here.
            raise tarfile.ReadError("a size below zero")
        return super()._block(count)  # type: ignore[misc, no-any-return]  # the stubs leave it out


class Member(NamedTuple):
    """Where a file lies in an archive, in bytes."""

    start: int
    size: int


def members(archive: str | os.PathLike[str]) -> Mapping[str, Member]:
    """The regular files of an uncompressed tar archive by name, in order; of a name that comes twice, the last.

    Names that lead out of the archive are left out.

    Raises:
        BadImage: the archive cannot be read, or is cut short.
    """
    try:
        status = os.stat(archive)
        return _members(os.fspath(archive), status.st_size, status.st_mtime_ns)
    except (OSError, ValueError) as error:
        raise BadImage(archive, f"cannot be opened ({reason_of(error)})") from None


@lru_cache(maxsize=512)
def _members(archive: str, size: int, changed: int) -> Mapping[str, Member]:
    """The names of an archive of this size and time of its last change."""
    found: dict[str, Member] = {}
    try:
        with (
            open(archive, "rb") as content,
            tarfile.open(fileobj=content, mode="r:", tarinfo=_Checked) as file,
        ):
            for member in file:
                name = member.name.removeprefix("./")
                if not member.isreg() or member.issparse() or ".." in name.split("/"):
                    continue
                if member.size < 0 or member.offset_data + member.size > size:
                    raise BadImage(archive, f"is cut short in {name!r}; fetch the archive again")
                found[name.lstrip("/")] = Member(member.offset_data, member.size)
            # A damaged header ends an archive as two blocks of zeros do.
            content.seek(file.offset)
            if any(content.read(tarfile.BLOCKSIZE)):
                raise tarfile.ReadError(f"no header at byte {file.offset:,}")
    # What tarfile meets in damaged headers it does not always call an error of its own.
    except (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError, MemoryError) as error:
        reason = f"is not an uncompressed tar archive, or is damaged ({error}); unpack or fetch it again"
        raise BadImage(archive, reason) from None
    return found


def contents_of(path: str | os.PathLike[str], *, limit: int) -> bytes | None:
    """The bytes of a file inside an archive; None for a path that goes through no archive.

    Raises:
        BadImage: the archive cannot be read, has no such file, or it has more bytes than `limit`.
    """
    if ENDING not in os.fspath(path).lower():
        return None
    place = Path(path)
    archive = next((part for part in place.parents if part.suffix.lower() == ENDING), None)
    if archive is None or not os.path.isfile(archive):
        return None
    name = place.relative_to(archive).as_posix()
    member = members(archive).get(name)
    if member is None:
        raise BadImage(path, f"there is no {name!r} in the archive")
    if member.size > limit:
        raise BadImage(path, f"has {member.size:,} bytes; files of up to {limit:,} are read")
    try:
        with archive.open("rb") as file:
            file.seek(member.start)
            return file.read(member.size)
    except OSError as error:
        raise BadImage(path, f"cannot be read ({error.strerror})") from error

"""Any source of a picture -> uint8 [H, W, 3]: its height, its width, and red, green, blue."""

from __future__ import annotations

import math
import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadImage, reason_of
from showtell.images.archives import contents_of
from showtell.images.formats import HEAD, NoDecoder, Unsupported, format_of, what_it_is
from showtell.images.pixels import sixteen_to_eight_bits, to_rgb, turned

if TYPE_CHECKING:
    from PIL.Image import Image

    Source: TypeAlias = str | os.PathLike[str] | bytes | Image | NDArray[Any]

__all__ = ["MAX_BYTES", "MAX_PIXELS", "open_picture", "opened"]

MAX_PIXELS = 80_000_000
"""A picture that decodes to more pixels is refused before: a few bytes can claim to be a huge picture."""

MAX_BYTES = 350_000_000
"""A file of more bytes is refused: it is held in memory while it is decoded."""

_MAX_MEMORY = 500_000_000  # that a decoder may need beside the pixels
_ROW = 16  # what a row costs beside its pixels, counted in pixels

_URL = re.compile(r"(?:https?|ftp|s3|gs):/|data:", re.IGNORECASE)
_KIND = re.compile(
    r"cannot handle|unknown|unsupported|not (?:yet )?supported|not available|palette size", re.IGNORECASE
)


class _Turn:
    """The turn of a picture that needs much memory: one after the other, so that threads do not multiply it."""

    PIXELS, BYTES = 20_000_000, 50_000_000
    """More pixels, or more bytes beside them, are much."""

    _lock = threading.Lock()

    def __init__(self) -> None:
        self._held: threading.Lock | None = None

    def __enter__(self) -> _Turn:
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.release()

    def wait(self) -> None:
        """Wait until no other picture has its turn."""
        if self._held is None:
            lock = _Turn._lock
            lock.acquire()
            self._held = lock

    @classmethod
    def forget(cls) -> None:
        """In a forked process: whoever had the turn is a thread of the other process."""
        cls._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Turn.forget)


def open_picture(source: Source, *, at_least: int | None = None) -> NDArray[np.uint8]:
    """Read a picture as people see it: uint8 [H, W, 3], red, green, blue.

    The first frame of an animation; turned as its orientation says; transparency over white; deeper values
    scaled to 8 bits. Damage to what the pixels do not need, such as metadata, is passed over.

    Args:
        source: a file's path (of one in a tar archive, ``ARCHIVE.tar/NAME``), a file's bytes, a PIL image, or
            an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] (grey, colour, colour and alpha) of uint8, uint16,
            bool, or of floats from 0 to 1.
        at_least: the side in pixels that the picture will be resized to. A JPEG is then decoded at a half, a
            quarter or an eighth while both its sides stay at least twice as long: much quicker, and what the
            resizing filter would have averaged anyway.

    Raises:
        BadImage: for anything that is not a whole picture that decodes to at most `MAX_PIXELS` pixels.
    """
    with opened(source, at_least) as image:
        return np.array(image)


@contextmanager
def opened(source: Source, at_least: int | None) -> Iterator[Image]:
    """The picture as a PIL image of mode RGB; other large pictures wait until the block is left.

    Raises:
        BadImage: as `open_picture`, and also when memory runs out in the block.
    """
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    try:
        with _Turn() as turn:
            yield _opened(source, path, at_least, turn)
    except MemoryError:
        raise BadImage(path, "is too large for the memory") from None


def _opened(source: Source, path: str | None, at_least: int | None, turn: _Turn) -> Image:
    if path is not None:
        inside = contents_of(path, limit=MAX_BYTES)
        return _decoded(_contents(path, turn) if inside is None else inside, path, at_least, turn)
    if isinstance(source, bytes):
        return _decoded(source, None, at_least, turn)
    if isinstance(source, np.ndarray):
        return _from_array(source)

    from PIL import Image

    if not isinstance(source, Image.Image):
        kind = type(source).__name__
        raise TypeError(f"a picture is a path, bytes, a PIL image or a numpy array, not {kind}")
    return _from_image(source, turn)


def _contents(path: str, turn: _Turn) -> bytes:
    """The bytes of a regular file that may be a picture, or in plain words why not."""
    try:
        if not path:  # which would otherwise mean the folder that we are in
            raise BadImage(path, "the picture's name is empty")
        # A pipe or a device may never end, and opening a pipe may wait for ever.
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadImage(path, "this is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):
            raise BadImage(path, "this is not a regular file")
        # All at once: a decoder that maps a file into memory dies if it is cut shorter meanwhile.
        with Path(path).open("rb", buffering=0) as file:
            head = file.read(HEAD)
            if format_of(head) is None:
                raise BadImage(path, what_it_is(head))
            if status.st_size > MAX_BYTES:
                raise BadImage(path, f"has {status.st_size:,} bytes; files of up to {MAX_BYTES:,} are read")
            if status.st_size > turn.BYTES:
                turn.wait()
            file.seek(0)
            return file.read()
    except FileNotFoundError:
        if _URL.match(path):
            raise BadImage(
                path, "this is an address, and Showtell works offline: save the picture first"
            ) from None
        raise BadImage(path, "there is no such file") from None
    except PermissionError:
        raise BadImage(path, "reading it is not permitted") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise BadImage(path, f"cannot be read ({reason_of(error)})") from error


def _decoded(data: bytes, path: str | None, at_least: int | None, turn: _Turn) -> Image:
    """Decode a file's bytes; error messages name `path`."""
    kind = format_of(data[:HEAD])
    if kind is None:
        raise BadImage(path, what_it_is(data[:HEAD]))
    with _refusals(path, kind.name), ExitStack() as files:
        essential = kind.essential(data)
        del data  # what is left out need not be kept

        def decoder(data: bytes) -> Image:
            image = kind.open(files.enter_context(BytesIO(data)))
            if at_least is not None:
                image.draft(image.mode, (2 * at_least, 2 * at_least))
            return image

        image = decoder(essential.data)
        memory = essential.memory + kind.memory * math.prod(image.size)
        _check_size(image.size, path, memory)
        if math.prod(image.size) > turn.PIXELS or memory > turn.BYTES:
            turn.wait()
        image = kind.load(image, essential, decoder)
        orientation, deep = essential.orientation or _orientation(image), essential.deep
        del essential
        files.close()
        rgb = to_rgb(image, deep)
        if rgb is not image:
            image.close()
        return turned(rgb, orientation)


def _from_image(image: Image, turn: _Turn) -> Image:
    """The caller's PIL image, which stays as it is."""
    _check_size(image.size, None)
    if math.prod(image.size) > turn.PIXELS:
        turn.wait()
    with _refusals(None, image.format or "picture"):
        image.load()
        return turned(to_rgb(image), _orientation(image))


@contextmanager
def _refusals(path: str | None, name: str) -> Iterator[None]:
    """Make BadImage of whatever is raised while a file of the format `name` is decoded."""
    try:
        yield
    except (BadImage, MemoryError):
        raise
    except Unsupported as error:
        raise BadImage(path, f"is {error}, a kind that is not read") from None
    except NoDecoder as error:
        raise BadImage(path, str(error)) from None
    except Exception as error:  # decoders fed broken files raise every kind of error
        if type(error).__name__ == "DecompressionBombError":
            raise BadImage(path, f"has too many pixels; pictures of up to {MAX_PIXELS:,} are read") from None
        reason = reason_of(error)
        if _KIND.search(reason):
            raise BadImage(path, f"is a {name} file of a kind that is not read ({reason})") from error
        raise BadImage(path, f"is broken or cut short ({reason})") from error


def _orientation(image: Image) -> int:
    """The orientation that an image of PIL says it has; 1 where its metadata are damaged."""
    try:
        value = image.getexif().get(0x0112)
    except Exception:  # damaged metadata raise every kind of error
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _from_array(array: NDArray[Any]) -> Image:
    """A numpy array as an RGB image."""
    from PIL import Image

    grey = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    if not grey and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        shape = list(array.shape)
        raise BadImage(None, f"a picture has the shape [H, W], [H, W, 3] or [H, W, 4], not {shape}")
    if array.size == 0:
        raise BadImage(None, "the array has no pixels")
    _check_size((array.shape[1], array.shape[0]), None)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype.newbyteorder("=") == np.uint16:
        array = sixteen_to_eight_bits(array)
    elif array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # written so that NaN is refused too
            raise BadImage(None, "floats must be from 0 to 1; make uint8 of values from 0 to 255")
        array = np.rint(array * 255).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise BadImage(None, f"values must be uint8, uint16, bool or floats, not {array.dtype}")
    if grey:
        array = array.reshape(array.shape[:2])
    return to_rgb(Image.fromarray(np.ascontiguousarray(array)))


def _check_size(size: tuple[int, int], path: str | None, memory: int = 0) -> None:
    """Refuse a picture of no pixels, or of more than fit the memory; size is (W, H) as it will be decoded."""
    width, height = size
    pixels = math.prod(size)
    if width <= 0 or height <= 0:
        raise BadImage(path, "the picture has no pixels")
    if pixels > MAX_PIXELS:
        raise BadImage(path, f"has {pixels:,} pixels; pictures of up to {MAX_PIXELS:,} are read")
    if memory > _MAX_MEMORY or height * (width + _ROW) > 1.1 * MAX_PIXELS:
        raise BadImage(path, f"{width:,} x {height:,} pixels of this kind are too large for the memory")

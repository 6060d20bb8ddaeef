"""A picture uint8 [H, W, 3] -> a network's input, float32 [3, S, S]; S is the side of the square that it is fed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from showtell.images.reading import opened

if TYPE_CHECKING:
    from PIL.Image import Image

    from showtell.images.reading import Source

__all__ = ["MOST_SQUEEZED", "Channels", "Fit", "Preprocessing", "Resample", "preprocess", "read_pixels"]

_LONG = 65_536

MOST_SQUEEZED = 1.5
"""How far ``limited`` squeezes: a picture of 3:2 fills the square, a longer one leaves two bars."""

Fit = Literal["squeeze", "limited", "crop", "pad"]
Resample = Literal["nearest", "bilinear", "bicubic"]
Channels = Literal["rgb", "bgr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """How a picture becomes a network's input: data, not code, so that it travels with features and bundles.

    Attributes:
        size: the side S of the square, in pixels.
        fit: ``squeeze`` ignores the aspect ratio, ``crop`` keeps the largest square in the middle, ``pad`` shows
            the whole picture and fills the rest with the mean, which the network sees as zero; ``limited``
            squeezes by no more than `MOST_SQUEEZED`, and fills the rest as ``pad`` does.
        resample: the filter; reduced with antialiasing, except ``nearest``.
        channels: their order in the result.
        mean, std: for each channel, in the order of ``channels`` and on the scale 0 to 255:
            result = (value - mean) / std.
    """

    size: int
    fit: Fit = "squeeze"
    resample: Resample = "bilinear"
    channels: Channels = "rgb"
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse, as ValueError that names the key, what `preprocess` could not apply."""
        if not _is_integer(self.size) or not 1 <= self.size <= 8192:
            raise ValueError(f"preprocessing: size must be an integer from 1 to 8192, not {self.size!r}")
        for key, choices in (("fit", Fit), ("resample", Resample), ("channels", Channels)):
            if getattr(self, key) not in get_args(choices):
                allowed = ", ".join(get_args(choices))
                raise ValueError(f"preprocessing: {key} must be one of {allowed}, not {getattr(self, key)!r}")
        for key in ("mean", "std"):
            object.__setattr__(self, key, _three_numbers(key, getattr(self, key)))
        if min(self.std) <= 0:
            raise ValueError(f"preprocessing: std must be above 0, not {list(self.std)}")

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; every key is asked for.

        Raises:
            ValueError: a key is wrong; names it.
        """
        if not isinstance(settings, Mapping):
            raise ValueError(f"preprocessing: must be a table of settings, not {settings!r}")
        names = [field.name for field in fields(cls)]
        for key in settings:
            if key not in names:
                raise ValueError(f"preprocessing: there is no setting {key!r} (there are {', '.join(names)})")
        for key in names:
            if key not in settings:
                raise ValueError(f"preprocessing: {key} is missing")
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON and TOML hold them."""
        return {key: list(value) if key in ("mean", "std") else value for key, value in asdict(self).items()}

    @property
    def at_least(self) -> int | None:
        """What to ask of `open_picture`, so that a larger decoding would make no difference."""
        return None if self.resample == "nearest" else self.size


def preprocess(picture: NDArray[np.uint8], how: Preprocessing) -> NDArray[np.float32]:
    """Make of a picture uint8 [H, W, 3] the network's input float32 [3, S, S]."""
    from PIL import Image

    return _apply(Image.fromarray(picture), how)


def read_pixels(source: Source, how: Preprocessing) -> NDArray[np.float32]:
    """`open_picture` and `preprocess` in one, without a copy between: float32 [3, S, S].

    Raises:
        BadImage: as `open_picture`.
    """
    with opened(source, how.at_least) as image:
        return _apply(image, how)


def _apply(image: Image, how: Preprocessing) -> NDArray[np.float32]:
    """An RGB image -> float32 [3, S, S]."""
    square, (left, top) = _resize(image, how)
    pixels = np.asarray(square)  # [h, w, 3]
    if how.channels == "bgr":
        pixels = pixels[:, :, ::-1]
    values = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)  # [3, h, w]
    values -= np.array(how.mean, np.float32)[:, None, None]
    values /= np.array(how.std, np.float32)[:, None, None]
    if values.shape[1:] == (how.size, how.size):
        return values
    padded = np.zeros((3, how.size, how.size), np.float32)
    padded[:, top : top + values.shape[1], left : left + values.shape[2]] = values
    return padded


def _resize(image: Image, how: Preprocessing) -> tuple[Image, tuple[int, int]]:
    """The picture resized, and where its left upper corner stands in the square."""
    from PIL import Image

    width, height = image.size
    resample = Image.Resampling[how.resample.upper()]
    if how.fit in ("pad", "limited"):
        squeezed = MOST_SQUEEZED if how.fit == "limited" else 1
        longest = max(width, height)
        w, h = (min(how.size, max(1, round(how.size * squeezed * side / longest))) for side in image.size)
        return _resized(image, (w, h), resample), ((how.size - w) // 2, (how.size - h) // 2)
    if how.fit == "crop" and width != height:
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        image = image.crop((left, top, left + side, top + side))
    return _resized(image, (how.size, how.size), resample), (0, 0)


def _resized(image: Image, size: tuple[int, int], resample: int) -> Image:
    """The picture in another size; averaged before where one of its sides is so long that filtering costs gigabytes."""
    from PIL import Image

    if max(image.size) > _LONG and resample != Image.Resampling.NEAREST:
        factors = [max(1, side // (32 * wanted)) for side, wanted in zip(image.size, size, strict=True)]
        image = image.reduce((factors[0], factors[1]))
    return image.resize(size, resample)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _three_numbers(key: str, value: object) -> tuple[float, float, float]:
    """Check a mean or a deviation, and make a tuple of it."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 3:
        numbers = [number for number in value if _is_integer(number) or isinstance(number, float)]
        if len(numbers) == 3 and all(abs(number) <= sys.float_info.max for number in numbers):
            return (float(numbers[0]), float(numbers[1]), float(numbers[2]))
    raise ValueError(f"preprocessing: {key} must be three numbers, not {value!r}")

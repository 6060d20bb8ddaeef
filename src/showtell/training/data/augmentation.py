"""Augmented copies of pictures, made before encoding: frozen stages then still see every picture in several ways.

An augmentation is a random crop, mirrored or not, in other light. The augmentations of a picture follow from its id
and their number alone, so that the early maps and the regions of one are of the same crop. In the captions of a
mirrored one, left and right change places.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SMALLEST = 0.7  # side of a crop, as a share of the picture's
CONTRAST = (0.8, 1.25)
BRIGHTNESS = (0.75, 1.25)
TINT = 0.06  # how far each colour's brightness strays from the common one

SIDES = {"left": "right", "right": "left"}
CHINESE_SIDES = str.maketrans("左右", "右左")


def augment(picture: NDArray[np.uint8], name: str, number: int) -> tuple[NDArray[np.uint8], bool]:
    """An augmentation of a picture and whether it is mirrored.

    Args:
        picture: uint8 [H, W, 3].
        name: the picture's id.
        number: of the augmentation, from 1; 0 is the picture itself.
    """
    if number == 0:
        return picture, False
    generator = np.random.default_rng((zlib.crc32(name.encode()), number))
    mirrored = bool(generator.random() < 0.5)
    whole = np.array(picture.shape[:2])
    part = np.maximum(1, np.round(whole * generator.uniform(SMALLEST, 1, 2))).astype(int)
    (top, left), (height, width) = generator.integers(0, whole - part + 1), part
    crop = picture[top : top + height, left : left + width]
    if mirrored:
        crop = crop[:, ::-1]
    light = generator.uniform(*BRIGHTNESS) + generator.uniform(-TINT, TINT, 3)
    mean = crop.mean()
    lit = ((crop - mean) * generator.uniform(*CONTRAST) + mean) * light
    return np.clip(lit, 0, 255).astype(np.uint8), mirrored


def mirrored_words(words: Sequence[str]) -> list[str]:
    """A caption's words as they are true of the mirrored picture."""
    return [SIDES.get(word, word).translate(CHINESE_SIDES) for word in words]


def drawn_for_epoch(
    seed: int, number: int, *, pictures: int, augmentations: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order of the pictures in an epoch [N], and the augmentation of each that it shows [N], 0 for none."""
    generator = np.random.default_rng((seed, number))
    return generator.permutation(pictures), generator.integers(0, augmentations + 1, pictures)

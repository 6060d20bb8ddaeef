"""Draws a tiny corpus to try training on: two coloured shapes, and how they lie to each other, as Flickr8k is laid out.

Run as `python docs/draw_shapes.py DIR`; `flickr8k:DIR` then opens it.
"""

import random
import re
import sys
from pathlib import Path

from PIL import Image, ImageDraw

COLOURS = {"red": (220, 30, 30), "green": (30, 170, 60), "blue": (40, 70, 220), "yellow": (240, 210, 40)}
SHAPES = ("circle", "square", "triangle")
SIDE = 128


def draw_corpus(folder: Path, *, train: int, dev: int, seed: int = 0) -> dict[str, str]:
    """Write pictures, two captions of each and split lists; returns the first captions by the names of the files."""
    generator = random.Random(seed)
    pictures = folder / "Flicker8k_Dataset"
    pictures.mkdir(parents=True)
    captions = {}
    for number in range(train + dev):
        picture, caption = draw_scene(generator)
        name = f"{number:05}.jpg"
        picture.save(pictures / name, quality=92)
        captions[name] = caption
    names = list(captions)
    rows = [
        f"{name}#{index}\t{text} .\n"
        for name, caption in captions.items()
        for index, text in enumerate((caption, in_other_words(caption)))
    ]
    (folder / "Flickr8k.token.txt").write_text("".join(rows))
    (folder / "Flickr_8k.trainImages.txt").write_text("\n".join(names[:train]) + "\n")
    (folder / "Flickr_8k.devImages.txt").write_text("\n".join(names[train:]) + "\n")
    return captions


def draw_scene(generator: random.Random) -> tuple[Image.Image, str]:
    """A picture and what it shows: "a red circle above a blue square"."""
    picture = Image.new("RGB", (SIDE, SIDE), (245, 245, 245))
    first, second = ((generator.choice(list(COLOURS)), generator.choice(SHAPES)) for _ in range(2))
    relation = generator.choice(("above", "beside"))
    half = SIDE // 2
    boxes = [(0, 0), (0, half)] if relation == "above" else [(0, 0), (half, 0)]
    # The free axis is jittered over the whole picture, so that the arrangement has to be seen.
    free = generator.randrange(half)
    shifted = [(x + free, y) if relation == "above" else (x, y + free) for x, y in boxes]
    for (colour, shape), corner in zip((first, second), shifted, strict=True):
        _draw(ImageDraw.Draw(picture), shape, COLOURS[colour], corner, generator)
    return picture, f"a {' '.join(first)} {relation} a {' '.join(second)}"


def in_other_words(caption: str) -> str:
    """The second caption of a picture: "a red circle is above a blue square"."""
    return re.sub("(?= (above|beside) )", " is", caption)


def _draw(
    canvas: ImageDraw.ImageDraw,
    shape: str,
    colour: tuple[int, int, int],
    corner: tuple[int, int],
    generator: random.Random,
) -> None:
    margin = generator.randrange(4, 14)
    left, top = corner[0] + margin, corner[1] + margin
    side = SIDE // 2 - 2 * margin
    if shape == "circle":
        canvas.ellipse((left, top, left + side, top + side), fill=colour)
    elif shape == "square":
        canvas.rectangle((left, top, left + side, top + side), fill=colour)
    else:
        canvas.polygon([(left + side // 2, top), (left, top + side), (left + side, top + side)], fill=colour)


if __name__ == "__main__":
    draw_corpus(Path(sys.argv[1]), train=448, dev=60)

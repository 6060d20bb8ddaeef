"""What should become of pictures that are no squares: captions of dev pictures in other shapes, fitted in other ways.

    python benchmarks/fit.py --data coco:EVERYDAY [--model base] [--pictures 300]

The dev pictures, which were squeezed to squares, are stretched back to 4:3 and cut to a shape; what is cut away is cut
away for all fits alike. Each is then fitted: squeezed as it is, or first cut, or filled up with grey, to a less long
shape and squeezed from there. English CIDEr against people's captions, which are of the whole picture.
"""

import argparse
from collections.abc import Callable

import numpy as np
from PIL import Image

import showtell
from showtell.corpora import open_corpus
from showtell.metrics import score

Fit = Callable[[Image.Image], Image.Image]

SHAPES = {"4:3": 4 / 3, "3:4": 3 / 4, "16:9": 16 / 9, "3:1": 3.0, "9:19.5": 9 / 19.5}
MEAN = (127, 127, 127)


def cut(image: Image.Image, shape: float) -> Image.Image:
    """The largest part in the middle of so many times its height in width."""
    width, height = (
        min(image.width, round(image.height * shape)),
        min(image.height, round(image.width / shape)),
    )
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def filled(image: Image.Image, shape: float) -> Image.Image:
    """The whole picture in the middle of the smallest such shape."""
    width, height = (
        max(image.width, round(image.height * shape)),
        max(image.height, round(image.width / shape)),
    )
    canvas = Image.new("RGB", (width, height), MEAN)
    canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return canvas


def limited(change: Callable[[Image.Image, float], Image.Image], most: float) -> Fit:
    """Change a picture only where it is longer than that, one way or the other."""

    def fit(image: Image.Image) -> Image.Image:
        shape = image.width / image.height
        return image if 1 / most <= shape <= most else change(image, min(max(shape, 1 / most), most))

    return fit


FITS: dict[str, Fit] = {"squeeze": lambda image: image}
FITS |= {
    f"{name} to {title}": limited(change, most)
    for title, most in (("1:1", 1.0), ("3:2", 1.5), ("2:1", 2.0))
    for name, change in (("cut", cut), ("fill", filled))
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", default="base")
    parser.add_argument("--pictures", type=int, default=300)
    given = parser.parse_args()
    captioner = showtell.load(given.model)
    corpus = open_corpus(given.data)
    examples = corpus.split("dev")
    references = corpus.scoring_references(examples, "en")
    examples = tuple(one for one in examples if one.id in references)[: given.pictures]
    references = {one.id: references[one.id] for one in examples}
    wide = [
        Image.open(one.path).convert("RGB").resize((384, 288), Image.Resampling.BICUBIC) for one in examples
    ]
    for title, shape in SHAPES.items():
        pictures = [cut(image, shape) for image in wide]
        for name, fit in FITS.items():
            squares = [
                np.asarray(fit(image).resize((256, 256), Image.Resampling.BICUBIC)) for image in pictures
            ]
            results = captioner.caption_many(squares)
            captions = {one.id: str(result.caption) for one, result in zip(examples, results, strict=True)}
            print(f"{title} {name}: CIDEr {score(captions, references)['CIDEr'].value:.1f}", flush=True)


if __name__ == "__main__":
    main()

"""What a captioner looked at for each word of a caption, and a picture that shows it.

`showtell.search.alignment` makes the same of words that a person gives.

A captioner with attention weighs the regions of the picture anew for each word; the regions are a square grid over
the part of the picture that its encoder sees. A captioner without attention sees the mean of the regions: there, each
cell of such a grid is covered in turn, and a word looked where covering makes it less probable (occlusion: M. Zeiler,
R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 4.2). In the picture, where a
word looked keeps its colours, and the rest fades to a dark grey (after figure 2 of K. Xu et al., *Show, Attend and
Tell*, ICML 2015).

Axes: T words, G cells on a side of the grid, H and W height and width of the picture, S side of the encoder's square.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.captioner import BundleCaptioner
from showtell.captioning.fonts import find_font, wrapped
from showtell.images import open_picture, read_pixels
from showtell.images.preprocessing import MOST_SQUEEZED

if TYPE_CHECKING:
    from PIL.Image import Image

    from showtell.captioning.base import Caption, Options
    from showtell.images import Source

__all__ = ["Explanation", "draw_explanation", "explain", "grid_area", "highlighted"]

TILE = 224  # pixels of a tile's longer side
NARROWEST = 130  # pixels of a column: the words need some, however tall the picture is
COLUMNS = 6  # tiles in a row at most
MARGIN, LINE = 12, 26  # pixels between tiles, and of a line of words
DIMMED = 0.4  # brightness of what a word did not look at
SOFTNESS = 0.6  # exponent under 1: cells with half the attention of the highest are well lit too
OCCLUDED = 7  # cells on a side of the grid whose cells are covered in turn

Area = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Words and where in a picture they belong.

    Attributes:
        text: a caption of the picture, or a person's words.
        language: of the text.
        words: the T words of the text that have a map.
        picture: uint8 [H, W, 3], as people see it.
        maps: float32 [T, G, G], each cell's share of the attention, of the loss when it is covered, or of the
            similarity; a map sums to 1.
        area: what the grid covers: left, top, right and bottom as shares of the picture's width and height. Under 0
            and over 1 where the encoder saw the picture with a border.
        method: ``attention``, ``occlusion``, or ``similarity`` for a person's words.
        confidence: of a caption, as `Caption` has it.
        cells: row and column of the one cell that each word is aligned with; empty for captions.
    """

    text: str
    language: str
    words: tuple[str, ...]
    picture: NDArray[np.uint8] = field(repr=False)
    maps: NDArray[np.float32] = field(repr=False)
    area: Area
    method: str = "attention"
    confidence: float | None = None
    cells: tuple[tuple[int, int], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        words: list[dict[str, Any]] = [
            {"word": word, "map": [[round(float(cell), 5) for cell in row] for row in cells]}
            for word, cells in zip(self.words, self.maps, strict=True)
        ]
        for word, cell in zip(words, self.cells, strict=False):
            word["cell"] = list(cell)
        asked = self.method == "similarity"
        return {
            **({"query": self.text} if asked else {"caption": self.text}),
            "language": self.language,
            **({} if asked else {"confidence": self.confidence}),
            "method": self.method,
            "area": [round(edge, 4) for edge in self.area],
            "words": words,
        }


def explain(captioner: BundleCaptioner, source: "Source", *, language: str | None = None) -> Explanation:
    """Caption a picture and find what each word looked at.

    Raises:
        BadImage: it is no picture.
        ValueError: the captioner does not caption in the language.
    """
    how = captioner.preprocessing
    picture = open_picture(source, at_least=max(TILE, how.size))
    options: Options = {"language": language, "attention": True}
    caption = captioner.caption(source, **options)
    area = grid_area(picture.shape[1], picture.shape[0], how.fit)
    attention = caption.attention
    assert attention is not None
    side = math.isqrt(attention.shape[1])
    # A captioner that sees the mean of the regions gives them all the same weight for every word.
    alike = np.allclose(attention, 1 / attention.shape[1], rtol=1e-3, atol=0)
    attends = not alike and side * side == attention.shape[1]
    return Explanation(
        text=caption.text,
        language=caption.language,
        words=caption.tokens,
        picture=picture,
        maps=attention.reshape(len(attention), side, side)
        if attends
        else _occlusion(captioner, read_pixels(source, how), caption),
        area=area,
        method="attention" if attends else "occlusion",
        confidence=caption.confidence,
    )


def _occlusion(
    captioner: BundleCaptioner, pixels: NDArray[np.float32], caption: "Caption"
) -> NDArray[np.float32]:
    """Pixels [3, S, S] -> how much less probable each word becomes when a cell is covered, [T, G, G]; a map sums to 1.

    A word that no cell helps looked everywhere alike.
    """
    edges = np.linspace(0, pixels.shape[-1], OCCLUDED + 1).round().astype(int)
    covered = np.tile(pixels, (1 + OCCLUDED**2, 1, 1, 1))  # the first stays whole
    for cell in range(OCCLUDED**2):
        row, column = divmod(cell, OCCLUDED)
        # 0 is the mean of what the encoder was trained on.
        covered[1 + cell, :, edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = 0
    words = caption.tokens, caption.language
    batches = np.array_split(covered, OCCLUDED)  # so that memory stays small
    probable = np.concatenate(
        [captioner.log_probabilities(batch, *words) for batch in batches]
    )  # [1 + G * G, T]
    loss = np.clip(probable[:1] - probable[1:], 0, None).T  # [T, G * G]
    loss[loss.sum(axis=1) < 1e-6] = 1
    shares: NDArray[np.float32] = (loss / loss.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares.reshape(-1, OCCLUDED, OCCLUDED)


def grid_area(width: int, height: int, fit: str) -> Area:
    """The part of a picture that becomes the encoder's square: see ``pictures.Preprocessing``."""
    if fit == "squeeze":
        return 0.0, 0.0, 1.0, 1.0
    side = min(width, height) if fit == "crop" else max(width, height)
    across, down = side / width, side / height
    if fit == "limited":
        across, down = max(1.0, across / MOST_SQUEEZED), max(1.0, down / MOST_SQUEEZED)
    return (1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2


def draw_explanation(explanation: Explanation, *, font: Path | None = None) -> "Image":
    """The text, then the picture as it is and once per word, the word above it.

    Args:
        font: a TrueType or OpenType file; needed for Chinese where none of the usual ones is installed.

    Raises:
        ShowtellError: the font cannot be read, or there is none for these words.
    """
    from PIL import Image, ImageDraw

    letters = find_font(explanation.text, 18, font)
    height, width = (
        max(1, round(side * TILE / max(explanation.picture.shape))) for side in explanation.picture.shape[:2]
    )
    whole = Image.fromarray(explanation.picture).resize((width, height), Image.Resampling.LANCZOS)
    tiles = [whole, *(highlighted(whole, cells, explanation.area) for cells in explanation.maps)]
    for tile, cell in zip(tiles[1:], explanation.cells, strict=False):
        ImageDraw.Draw(tile).rectangle(_edges(cell, explanation, whole.size), outline="white", width=2)
    rows = math.ceil(len(tiles) / COLUMNS)
    columns = math.ceil(len(tiles) / rows)  # as many in each row as can be
    column = max(width, NARROWEST)
    across, down = column + MARGIN, height + LINE + MARGIN
    lines = wrapped(explanation.text, letters, columns * across - MARGIN)
    top = MARGIN + LINE * len(lines)
    sheet = Image.new("RGB", (MARGIN + columns * across, top + rows * down + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + LINE * number), line, fill="black", font=letters)
    for number, (tile, word) in enumerate(zip(tiles, ("", *explanation.words), strict=True)):
        x, y = MARGIN + number % columns * across, top + number // columns * down
        pen.text((x + column / 2, y + LINE - 6), word, fill="black", font=letters, anchor="ms")
        sheet.paste(tile, (x + (column - width) // 2, y + LINE))
    return sheet


def _edges(
    cell: tuple[int, int], explanation: Explanation, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a cell, by row and column, in a picture of a width and height."""
    left, top, right, bottom = explanation.area
    (row, column), side = cell, explanation.maps.shape[1]
    across, down = (right - left) * size[0], (bottom - top) * size[1]
    x, y = left * size[0] + across * column / side, top * size[1] + down * row / side
    return x, y, x + across / side, y + down / side


def highlighted(picture: "Image", cells: NDArray[np.float32], area: Area) -> "Image":
    """The picture in colours where the cells [G, G] are high, dark and grey where they are low."""
    from PIL import Image

    left, right = (round(edge * picture.width) for edge in area[::2])
    top, bottom = (round(edge * picture.height) for edge in area[1::2])
    strength = np.round((cells / cells.max()) ** SOFTNESS * 255).astype(np.uint8)
    size = max(1, right - left), max(1, bottom - top)
    smooth = Image.fromarray(strength).resize(size, Image.Resampling.BICUBIC)
    mask = Image.new("L", picture.size, 0)
    mask.paste(smooth, (left, top))
    grey = picture.convert("L").point(lambda value: value * DIMMED).convert("RGB")
    return Image.composite(picture, grey, mask)

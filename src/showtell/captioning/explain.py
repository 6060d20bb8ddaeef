"""What a captioner looked at for each word of a caption, and a picture that shows it.

A captioner with attention weighs the regions of the picture anew for each word; the regions are a square grid over
the part of the picture that its encoder sees. A captioner without attention sees the mean of the regions: there, each
cell of such a grid is covered in turn, and a word looked where covering makes it less probable (occlusion: M. Zeiler,
R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, section 4.2). In the picture, where a
word looked keeps its colours, and the rest fades to a dark grey (after figure 2 of K. Xu et al., *Show, Attend and
Tell*, ICML 2015).

Axes: T words, G cells on a side of the grid, H and W height and width of the picture, S side of the encoder's square.
"""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.base import Caption
from showtell.captioning.captioner import BundleCaptioner
from showtell.errors import ShowtellError
from showtell.images import open_picture, read_pixels

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

    from showtell.captioning.base import Options
    from showtell.images import Source

__all__ = ["Explanation", "draw_explanation", "explain"]

TILE = 224  # pixels of a tile's longer side
NARROWEST = 130  # pixels of a column: the words need some, however tall the picture is
COLUMNS = 6  # tiles in a row at most
MARGIN, LINE = 12, 26  # pixels between tiles, and of a line of words
DIMMED = 0.4  # brightness of what a word did not look at
SOFTNESS = 0.6  # exponent under 1: cells with half the attention of the highest are well lit too
OCCLUDED = 7  # cells on a side of the grid whose cells are covered in turn
CHINESE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJK-VF.ttc",
    "NotoSansCJK-VF.otf.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "NotoSansSC-VF.ttf",
    "NotoSansSC[wght].ttf",
    "SourceHanSansSC-Regular.otf",
    "SourceHanSans.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "STHeiti Light.ttc",
    "Songti.ttc",
    "msyh.ttc",
    "simhei.ttf",
    "simsun.ttc",
    "uming.ttc",
    "ukai.ttc",
)

Area = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A caption and where its words looked.

    Attributes:
        caption: what was said.
        picture: uint8 [H, W, 3], as people see it.
        maps: float32 [T, G, G], each cell's share of the attention, or of the loss when it is covered; a map sums to 1.
        method: ``attention`` or ``occlusion``.
        area: what the grid covers: left, top, right and bottom as shares of the picture's width and height. Under 0
            and over 1 where the encoder saw the picture with a border.
    """

    caption: Caption
    picture: NDArray[np.uint8] = field(repr=False)
    maps: NDArray[np.float32] = field(repr=False)
    area: Area
    method: str = "attention"

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "caption": self.caption.text,
            "language": self.caption.language,
            "confidence": self.caption.confidence,
            "method": self.method,
            "area": [round(edge, 4) for edge in self.area],
            "words": [
                {"word": word, "map": [[round(float(cell), 5) for cell in row] for row in cells]}
                for word, cells in zip(self.caption.tokens, self.maps, strict=True)
            ],
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
    area = _area(picture.shape[1], picture.shape[0], how.fit)
    looked = caption.attention
    assert looked is not None
    side = math.isqrt(looked.shape[1])
    # A captioner that sees the mean of the regions gives them all the same weight for every word.
    alike = np.allclose(looked, 1 / looked.shape[1], rtol=1e-3, atol=0)
    if alike or side * side != looked.shape[1]:
        maps = _occlusion(captioner, read_pixels(source, how), caption)
        return Explanation(caption, picture, maps, area, "occlusion")
    return Explanation(caption, picture, looked.reshape(len(looked), side, side), area)


def _occlusion(
    captioner: BundleCaptioner, pixels: NDArray[np.float32], caption: Caption
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
    said = caption.tokens, caption.language
    batches = np.array_split(covered, OCCLUDED)  # so that memory stays small
    probable = np.concatenate(
        [captioner.log_probabilities(batch, *said) for batch in batches]
    )  # [1 + G * G, T]
    loss = np.clip(probable[:1] - probable[1:], 0, None).T  # [T, G * G]
    loss[loss.sum(axis=1) < 1e-6] = 1
    shares: NDArray[np.float32] = (loss / loss.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares.reshape(-1, OCCLUDED, OCCLUDED)


def _area(width: int, height: int, fit: str) -> Area:
    """The part of a picture that becomes the encoder's square: see ``pictures.Preprocessing``."""
    if fit == "squeeze":
        return 0.0, 0.0, 1.0, 1.0
    side = min(width, height) if fit == "crop" else max(width, height)
    across, down = side / width, side / height
    return (1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2


def draw_explanation(explanation: Explanation, *, font: Path | None = None) -> "Image":
    """The caption, then the picture as it is and once a word, the word above it.

    Args:
        font: a TrueType or OpenType file; needed for Chinese where none of the usual ones is installed.

    Raises:
        ShowtellError: the font cannot be read, or there is none for these words.
    """
    from PIL import Image, ImageDraw

    caption = explanation.caption
    letters = _font(caption.text, 18, font)
    height, width = (
        max(1, round(side * TILE / max(explanation.picture.shape))) for side in explanation.picture.shape[:2]
    )
    whole = Image.fromarray(explanation.picture).resize((width, height), Image.Resampling.LANCZOS)
    tiles = [whole, *(_looked_at(whole, cells, explanation.area) for cells in explanation.maps)]
    rows = math.ceil(len(tiles) / COLUMNS)
    columns = math.ceil(len(tiles) / rows)  # as many in each row as can be
    column = max(width, NARROWEST)
    across, down = column + MARGIN, height + LINE + MARGIN
    lines = _wrapped(caption.text, letters, columns * across - MARGIN)
    top = MARGIN + LINE * len(lines)
    sheet = Image.new("RGB", (MARGIN + columns * across, top + rows * down + MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        pen.text((MARGIN, MARGIN + LINE * number), line, fill="black", font=letters)
    for number, (tile, word) in enumerate(zip(tiles, ("", *caption.tokens), strict=True)):
        x, y = MARGIN + number % columns * across, top + number // columns * down
        pen.text((x + column / 2, y + LINE - 6), word, fill="black", font=letters, anchor="ms")
        sheet.paste(tile, (x + (column - width) // 2, y + LINE))
    return sheet


def _looked_at(picture: "Image", cells: NDArray[np.float32], area: Area) -> "Image":
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


def _font(text: str, size: int, path: Path | None) -> "FreeTypeFont | ImageFont":
    """The font that was asked for; else Pillow's own for Latin letters; else one that has Chinese characters.

    A font that would show boxes in place of letters is none.
    """
    from PIL import ImageFont

    if path is not None:
        try:
            given = ImageFont.truetype(path, size)
        except OSError as error:
            raise ShowtellError(f"{path}: cannot be read as a font ({error})") from None
        if lacking := _lacking(given, text):
            raise ShowtellError(f"{path}: this font has no {lacking[0]!r}; name another with --font")
        return given
    if all(ord(letter) < 0x250 for letter in text):
        return ImageFont.load_default(size)
    for name in CHINESE_FONTS:
        found = _installed(name, size)
        if found is not None and not _lacking(found, text):
            return found
    raise ShowtellError(
        "no font with Chinese characters is installed in the usual places; install one, for instance Noto Sans CJK, "
        "or name a font's file with --font"
    )


def _installed(name: str, size: int) -> "FreeTypeFont | None":
    """A font's file from where the system keeps its fonts: of a collection the face for simplified Chinese."""
    from PIL import ImageFont

    faces = []
    with contextlib.suppress(OSError):  # it is not there, or has no more faces
        for index in range(8):
            faces.append(ImageFont.truetype(name, size, index=index))
            if not name.endswith(".ttc"):
                break
    return next((face for face in faces if " SC" in (face.getname()[0] or "")), faces[0] if faces else None)


def _lacking(font: "FreeTypeFont", text: str) -> list[str]:
    """The letters for which a font draws what it draws for a code point that no font has."""
    unknown = bytes(font.getmask("\U0010ffff"))
    letters = [letter for letter in dict.fromkeys(text) if not letter.isspace()]
    return [letter for letter in letters if bytes(font.getmask(letter)) == unknown]


def _wrapped(text: str, font: "FreeTypeFont | ImageFont", width: float) -> Sequence[str]:
    """Lines of at most ``width`` pixels, broken between words; between characters where nothing sets words apart."""
    words = text.split(" ") if " " in text else list(text)
    glue = " " if " " in text else ""
    lines = [words[0]]
    for word in words[1:]:
        longer = lines[-1] + glue + word
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

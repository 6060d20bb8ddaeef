"""Fonts that have the letters of a caption, and lines that fit."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

__all__ = ["CHINESE_FONTS", "find_font", "installed", "lacking", "wrapped"]

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


def find_font(text: str, size: int, path: Path | None) -> "FreeTypeFont | ImageFont":
    """The font that was asked for; else Pillow's own for Latin letters; else one that has Chinese characters.

    A font that would show boxes in place of letters is none.
    """
    from PIL import ImageFont

    if path is not None:
        try:
            given = ImageFont.truetype(path, size)
        except OSError as error:
            raise ShowtellError(f"{path}: cannot be read as a font ({error})") from None
        if missing := lacking(given, text):
            raise ShowtellError(f"{path}: this font has no {missing[0]!r}; name another with --font")
        return given
    if all(ord(letter) < 0x250 for letter in text):
        return ImageFont.load_default(size)
    for name in CHINESE_FONTS:
        found = installed(name, size)
        if found is not None and not lacking(found, text):
            return found
    raise ShowtellError(
        "no font with Chinese characters is installed in the usual places; install one, for instance Noto Sans CJK, "
        "or name a font's file with --font"
    )


def installed(name: str, size: int) -> "FreeTypeFont | None":
    """A font's file from where the system keeps its fonts: of a collection the face for simplified Chinese."""
    from PIL import ImageFont

    faces = []
    with contextlib.suppress(OSError):  # it is not there, or has no more faces
        for index in range(8):
            faces.append(ImageFont.truetype(name, size, index=index))
            if not name.endswith(".ttc"):
                break
    return next((face for face in faces if " SC" in (face.getname()[0] or "")), faces[0] if faces else None)


def lacking(font: "FreeTypeFont", text: str) -> list[str]:
    """The letters for which a font draws what it draws for a code point that no font has."""
    unknown = bytes(font.getmask("\U0010ffff"))
    letters = [letter for letter in dict.fromkeys(text) if not letter.isspace()]
    return [letter for letter in letters if bytes(font.getmask(letter)) == unknown]


def wrapped(text: str, font: "FreeTypeFont | ImageFont", width: float) -> Sequence[str]:
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

"""The formats that are read, known by a file's first bytes; what its name ends in does not matter.

None of them executes anything, fetches anything or starts another program. Each gives the essential part of
a file, so that damage to what the pixels do not need is never seen, and a decoder for it.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from showtell.images.formats import gif, heif, jpeg, png, tiff, webp
from showtell.images.formats.base import USUAL, Broken, Deep, Essential, NoDecoder, Unsupported

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = [
    "HEAD",
    "KNOWN",
    "USUAL",
    "Broken",
    "Deep",
    "Essential",
    "Format",
    "NoDecoder",
    "Unsupported",
    "format_of",
    "reads_avif",
    "what_it_is",
]

KNOWN = "JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC or AVIF"

HEAD = 64
"""The bytes of a file's beginning that `format_of` and `what_it_is` look at."""

_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # lengths of the headers of a BMP without a file header

# Of what is not read, where it starts to differ, and what it is.
_OTHERS = (
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"II\xbc", "a JPEG XR picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"\0\0\1\0", "an icon"),
    (0, b"icns", "an icon"),
    (0, b"DDS ", "a texture"),
    (0, b"v/1\x01", "an OpenEXR picture"),
    (0, b"#?RADIANCE", "a Radiance picture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file"),
    (0, b"IIU\0", "a camera's raw file"),
    (0, b"IIRO", "a camera's raw file"),
    (4, b"ftypcrx", "a camera's raw file"),
    (4, b"ftyp", "a video"),
    (4, b"moov", "a video"),
    (4, b"mdat", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (8, b"WAVE", "a recording"),
    (0, b"%PDF", "a PDF document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"version https://git-lfs", "a pointer to a file that Git LFS has not fetched"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML document"),
    (0, b"<!doctype html", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"PK\3\4", "a ZIP archive"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is read.

    Attributes:
        name: as messages call it.
        essential: cuts a file down to what its pixels need; raises Unsupported or Broken.
        decoder: PIL's class for such files, as module and name, to be imported when it is needed.
        memory: the bytes that decoding needs for each pixel, beside the picture itself.
    """

    name: str
    essential: Callable[[bytes], Essential]
    decoder: tuple[str, str]
    memory: int = 0

    def open(self, file: BytesIO) -> "ImageFile":
        """Read the header.

        Raises:
            NoDecoder: a library is missing; or whatever a decoder raises that is fed a broken header.
        """
        if self.name == "HEIC":
            decoder = _heic_decoder()
        elif self.name == "AVIF" and not reads_avif():
            raise NoDecoder("is AVIF, which needs a newer Pillow: pip install --upgrade pillow")
        else:
            module, name = self.decoder
            decoder = getattr(importlib.import_module(module), name)
        if self.name == "TIFF":
            tiff.silence_libtiff()
        image: ImageFile = decoder(file)
        if self.name == "TIFF":
            tiff.unpacked_in_this_machines_order(image)
        return image

    def load(self, image: "Image", essential: Essential, decoder: "Callable[[bytes], Image]") -> "Image":
        """Decode the pixels of an opened picture.

        Args:
            image: opened.
            essential: what it was opened from.
            decoder: opens other bytes in the same way.

        Raises:
            Broken: rows are missing; or whatever a decoder raises.
        """
        if self.name == "PNG":
            return png.load(image, essential, decoder)
        image.load()
        if isinstance(essential, jpeg.Jpeg) and jpeg.lacks_rows(image, essential, decoder):
            raise Broken("rows are missing")
        return image


def _as_it_is(data: bytes) -> Essential:
    return Essential(data=data)


_JPEG = Format("JPEG", jpeg.essential, ("PIL.JpegImagePlugin", "JpegImageFile"))
_PNG = Format("PNG", png.essential, ("PIL.PngImagePlugin", "PngImageFile"))
_GIF = Format("GIF", gif.essential, ("PIL.GifImagePlugin", "GifImageFile"))
_WEBP = Format("WebP", webp.essential, ("PIL.WebPImagePlugin", "WebPImageFile"), memory=12)
_BMP = Format("BMP", _as_it_is, ("PIL.BmpImagePlugin", "BmpImageFile"))
_DIB = Format("BMP", _as_it_is, ("PIL.BmpImagePlugin", "DibImageFile"))
_TIFFS = Format("TIFF", tiff.essential, ("PIL.TiffImagePlugin", "TiffImageFile"))
_HEIC = Format("HEIC", heif.essential, ("", ""), memory=6)
_AVIF = Format("AVIF", heif.essential, ("PIL.AvifImagePlugin", "AvifImageFile"), memory=6)


def format_of(head: bytes) -> Format | None:  # noqa: PLR0911 (one line a format)
    """The format of a file that begins like this; None for what is not read."""
    if head.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if head.startswith(b"\x89PNG"):
        return _PNG
    if head.startswith(b"GIF8"):
        return _GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _WEBP
    if head.startswith(b"BM"):
        return _BMP
    if head[:4] in tiff.LAYOUTS:
        return _TIFFS
    if int.from_bytes(head[:4], "little") in _BITMAP_HEADERS:
        return _DIB
    return {"HEIC": _HEIC, "AVIF": _AVIF}.get(heif.name(head) or "")


def what_it_is(head: bytes) -> str:
    """What a file that begins like this is, for a message that it is not read."""
    if not head:
        return "the file is empty"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for place, sign, name in _OTHERS:
        if head[place:].startswith(sign) or (not place and text.startswith(sign.lower())):
            return f"is {name}, not a picture that can be read ({KNOWN})"
    return f"is not a picture that can be read ({KNOWN})"


def _heic_decoder() -> Any:
    """The class that reads HEIC, of whichever of the two libraries is there; NoDecoder if neither is."""
    for library in ("pi_heif", "pillow_heif"):
        try:
            return importlib.import_module(library).HeifImageFile
        except ImportError:
            continue
    raise NoDecoder("is HEIC, which needs one more library: pip install 'showtell[heic]'")


@cache
def reads_avif() -> bool:
    """Whether the Pillow that is installed reads AVIF."""
    from PIL import features

    return "avif" in features.modules and bool(features.check("avif"))

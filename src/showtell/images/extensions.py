"""The endings of picture files; apart from all that reads pictures, since files of captions ask for them too."""

__all__ = ["AVIF", "EXTENSIONS", "HEIC"]

HEIC = frozenset({".heic", ".heics", ".heif", ".heifs", ".hif"})
AVIF = frozenset({".avif", ".avifs"})

EXTENSIONS = (
    HEIC
    | AVIF
    | frozenset(
        ".apng .bmp .dib .gif .jfif .jif .jpe .jpeg .jpg .mpo .pjp .pjpeg .png .tif .tiff .webp".split()
    )
)
"""The endings, in lower case, of the files that are taken for pictures where nobody has named them."""

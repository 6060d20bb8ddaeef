"""Which pictures are in files and folders, and what else is there that somebody may take for pictures."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from glob import glob, has_magic
from importlib.util import find_spec
from pathlib import Path

from showtell.errors import BadImage
from showtell.images.extensions import AVIF, EXTENSIONS, HEIC
from showtell.images.formats import HEAD, format_of, reads_avif

__all__ = ["Found", "find_pictures", "passed_over_sentences", "reads_heic"]

_OTHERS = {
    "camera's raw file": ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .gpr .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef "
    ".raf .raw .rw2 .rwl .sr2 .srf .srw .x3f",
    "video": ".3g2 .3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .ogv .webm .wmv",
    "JPEG XL file": ".jxl",
    "JPEG 2000 file": ".j2c .j2k .jp2 .jpc .jpf .jpx",
    "JPEG XR file": ".hdp .jxr .wdp",
    "drawing": ".ai .cdr .emf .eps .odg .svg .svgz .wmf",
    "layered document": ".afphoto .clip .kra .ora .pdn .psb .psd .xcf",
    "icon": ".cur .icns .ico",
    "picture of a kind that is not read": ".bpg .dds .exr .fits .flif .hdr .insp .jng .pam .pbm .pcx .pfm .pgm .pic "
    ".pnm .ppm .qoi .ras .sgi .tga .xbm .xpm",
}
_KINDS = {ending: kind for kind, endings in _OTHERS.items() for ending in endings.split()}
_ANOTHER_NAME = "picture with another file's ending"
_EXPLAINED = "picture by showtell explain"

EXPLAINED_ENDING, EXPLAINED_BY = "_explained.png", "Showtell"
"""How the pictures that ``showtell explain`` draws are called, and what their PNG names as its software."""

_HINTS = {
    "HEIC file": "pip install 'showtell[heic]'",
    "AVIF file": "pip install --upgrade pillow",
    _ANOTHER_NAME: "name them .jpg, .png and so on",
}

WINDOWS = os.name == "nt"
"""Whether patterns such as ``*.jpg`` come as they were typed, because no shell expands them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What `find_pictures` has found.

    Attributes:
        files: the pictures, in order.
        passed_over: how many files of each kind in the folders look like pictures and are not among them.
        others: how many other things in the folders are not: files, links to folders, folders that were not looked
            into. Hidden ones are counted nowhere.
        empty: named folders in which there is no picture; whether they have folders that were not looked into.
        unreadable: what is wrong with folders that cannot be read.
    """

    files: list[str] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)
    empty: dict[str, bool] = field(default_factory=dict)
    unreadable: list[BadImage] = field(default_factory=list)


def find_pictures(paths: Sequence[str], *, recursive: bool = False) -> Found:
    """Take each path in the order given: a folder as the pictures in it, anything else as it is.

    The pictures of a folder are the files that are named like some, sorted; those of a folder in it stand where
    its name does. Hidden files and links to folders are passed over.

    Args:
        paths: files and folders; on Windows also patterns.
        recursive: look into folders in folders too.
    """
    found = Found()
    for path in _expanded(paths):
        if not os.path.isdir(path):
            found.files.append(path)
            continue
        before, folders = len(found.files) + len(found.unreadable), found.others["folder"]
        _walk(path, recursive, found)
        if before == len(found.files) + len(found.unreadable):
            found.empty[path] = found.others["folder"] > folders
    return found


def passed_over_sentences(passed_over: Counter[str]) -> list[str]:
    """What has been passed over, a line for each kind: ``3 HEIC files passed over: pip install 'showtell[heic]'``."""
    lines = []
    for kind, number in passed_over.items():
        first, *rest = kind.split(" ")  # "picture of a kind …" -> "pictures of a kind …"
        noun = " ".join([f"{first}s", *rest]) if first == "picture" else f"{kind}s"
        hint = f": {_HINTS[kind]}" if kind in _HINTS else ""
        lines.append(f"{number:,} {kind if number == 1 else noun} passed over{hint}")
    return lines


def _expanded(paths: Sequence[str]) -> Iterator[str]:
    """The paths, and on Windows what patterns among them match; a pattern that matches nothing stays."""
    for path in paths:
        if WINDOWS and has_magic(path) and not os.path.lexists(path):
            yield from sorted(glob(path)) or [path]
        else:
            yield path


def _walk(folder: str, recursive: bool, found: Found) -> None:
    """Add what is in a folder. Not a function that calls itself: folders may be deeper than Python's stack."""
    open_folders = [_entries(folder, found)]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
        elif not entry.is_dir():
            _add(entry, found)
        elif entry.is_symlink():
            found.others["link to a folder"] += 1
        elif recursive:
            open_folders.append(_entries(entry.path, found))
        else:
            found.others["folder"] += 1


def _entries(folder: str, found: Found) -> Iterator["os.DirEntry[str]"]:
    """What is in a folder and not hidden, sorted."""
    try:
        with os.scandir(folder) as entries:
            return iter(
                sorted((entry for entry in entries if entry.name[0] != "."), key=lambda entry: entry.name)
            )
    except OSError as error:
        found.unreadable.append(BadImage(Path(folder), f"the folder cannot be read ({error.strerror})"))
        return iter(())


def _add(entry: "os.DirEntry[str]", found: Found) -> None:
    """Add a file to the pictures, or to what is passed over."""
    ending = os.path.splitext(entry.name)[1].lower()
    if ending in HEIC and not reads_heic():
        found.passed_over["HEIC file"] += 1
    elif ending in AVIF and not reads_avif():
        found.passed_over["AVIF file"] += 1
    elif entry.name.endswith(EXPLAINED_ENDING) and EXPLAINED_BY.encode() in _first_bytes(entry):
        found.passed_over[_EXPLAINED] += 1
    elif ending in EXTENSIONS:
        found.files.append(str(Path(entry.path)))  # which leaves out ./
    elif ending in _KINDS:
        found.passed_over[_KINDS[ending]] += 1
    elif format_of(_first_bytes(entry)) is not None:
        found.passed_over[_ANOTHER_NAME] += 1
    else:
        found.others["file"] += 1


def _first_bytes(entry: "os.DirEntry[str]") -> bytes:
    """The beginning of a regular file; nothing of one that cannot be read."""
    try:
        if not entry.is_file():
            return b""
        with open(entry.path, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


@cache
def reads_heic() -> bool:
    """Whether a library for HEIC is installed."""
    return any(find_spec(library) is not None for library in ("pi_heif", "pillow_heif"))

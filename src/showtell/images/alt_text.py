"""Alternative texts of pictures in web pages: where they are, and what is wrong with them.

The rules are those that people who write about accessible pages agree on: an alternative text says what the picture
shows, without "image of", is no file name, is not too long to listen to, and is empty for mere decoration.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = [
    "LONGEST",
    "PagePicture",
    "language_of_page",
    "pictures_in_page",
    "problem_of",
    "problems_in_page",
]

LONGEST = 250
"""Characters after which an alternative text is called too long to listen to."""

_PREFIX = re.compile(
    r"\s*(an?\s+|the\s+|this\s+is\s+an?\s+)?(image|picture|photo(graph)?|pic|graphic|screenshot|icon|illustration)"
    r"\s+(of|showing|shows|depicting|displaying)\b|\s*(图片|图像|照片|相片|一张图片|一张照片)(：|:|显示|是|里|中|上)",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(
    r"\S+\.(jpe?g|png|gif|webp|bmp|tiff?|svg|avif|heic)|[A-Z]{2,4}[_-]?\d{3,8}", re.IGNORECASE
)
_SAYS_NOTHING = frozenset(
    "image images img picture pictures pic photo photograph graphic icon logo spacer placeholder untitled alt text "
    "alttext thumbnail banner null undefined none nil empty blank 图片 图像 照片 图".split()
)


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture in a page.

    Attributes:
        source: where it lies, as the page says.
        line: of the page, from 1.
        alt: its alternative text; None where there is none.
        named: whether something else gives it a name, or it is marked as decoration.
        linked: whether it is alone in a link, so that its text is the link's.
    """

    source: str
    line: int
    alt: str | None
    named: bool = False
    linked: bool = False

    def content(self, page: Path) -> str | bytes | None:
        """What a captioner can look at: a path, or bytes that stand in the page; None for other machines'."""
        if self.source.startswith("data:"):
            head, _, data = self.source.partition(",")
            if not head.endswith(";base64"):
                return None
            try:
                return base64.b64decode(unquote(data))
            except binascii.Error:
                return None
        try:
            parts = urlsplit(self.source)
        except ValueError:
            return None
        if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
            return None
        return str(page.parent / unquote(parts.path))


def pictures_in_page(text: str) -> list[PagePicture]:
    """The pictures of an HTML page, in order."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.pictures


def language_of_page(text: str) -> str | None:
    """The language that the page says it is in, without its region."""
    found = re.search(r"<html\b[^>]*\blang\s*=\s*[\"']?([a-zA-Z]+)", text[:4096], re.IGNORECASE)
    return found[1].lower() if found else None


def problem_of(alt: str | None, name: str = "") -> str | None:
    """What is wrong with an alternative text, in a few words; None when nothing is.

    Args:
        alt: the text; an empty one is right for decoration.
        name: the picture's file, whose name is no description.
    """
    if alt is None:
        return "missing"
    text = " ".join(alt.split())
    if not text:
        return "blank, which is neither a text nor the empty one of decoration" if alt else None
    problem = None
    names = {_plain(Path(name).name), _plain(Path(name).stem)} - {""}
    if _FILE_NAME.fullmatch(text) or _plain(text) in names:
        problem = "a file name"
    elif text.lower() in _SAYS_NOTHING:
        problem = "says nothing"
    elif found := _PREFIX.match(text):
        problem = f"begins with {found[0].strip()!r}, which screen readers announce anyway"
    elif len(text) > LONGEST:
        problem = f"too long to listen to ({len(text)} characters)"
    return problem


def problems_in_page(pictures: Sequence[PagePicture]) -> list[tuple[PagePicture, str]]:
    """The pictures of a page whose alternative text is missing or bad, and why."""
    sources: dict[str, set[str]] = {}
    for picture in pictures:
        sources.setdefault(_plain(picture.alt or ""), set()).add(picture.source)
    found: list[tuple[PagePicture, str]] = []
    for picture in pictures:
        name = "" if picture.source.startswith("data:") else unquote(picture.source.partition("?")[0])
        problem = problem_of(picture.alt, name)
        if picture.named and not (picture.alt or "").strip():
            problem = None
        elif problem is None and picture.linked and not (picture.alt or "").strip():
            problem = "empty, but the picture is all that its link holds"
        elif problem is None and (picture.alt or "").strip() and len(sources[_plain(picture.alt or "")]) > 1:
            problem = "the same for several pictures"
        if problem is not None:
            found.append((picture, problem))
    return found


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


class _Parser(HTMLParser):
    """Finds ``<img>`` and ``<input type=image>``, and whether a link holds anything else."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[PagePicture] = []
        self._link: list[int] | None = None  # the pictures of the link that is open
        self._link_says = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in reversed(attrs)}
        if tag == "a" and "href" in values:
            self._link, self._link_says = [], bool(values.get("aria-label", "").strip())
        if tag != "img" and not (tag == "input" and values.get("type", "").lower() == "image"):
            return
        named = any(values.get(name, "").strip() for name in ("aria-label", "aria-labelledby", "title"))
        decoration = values.get("aria-hidden") == "true" or values.get("role") in ("presentation", "none")
        source = values.get("src") or values.get("data-src", "")
        if self._link is not None:
            self._link.append(len(self.pictures))
        self.pictures.append(
            PagePicture(source, self.getpos()[0], values.get("alt"), named=named or decoration)
        )

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._link_says = True

    def handle_endtag(self, tag: str) -> None:
        if tag != "a" or self._link is None:
            return
        if not self._link_says and not any((self.pictures[place].alt or "").strip() for place in self._link):
            for place in self._link:
                self.pictures[place] = replace(self.pictures[place], linked=True)
        self._link = None

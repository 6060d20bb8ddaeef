"""Captions as one HTML page: thumbnails, captions, confidence; sorted as one likes, alt text to copy.

The page needs no other file but the pictures that its thumbnails lead to, and no network.
"""

import hashlib
import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from showtell.errors import BadImage
from showtell.text.printable import in_page

__all__ = ["Page"]

_SIDE = 240  # pixels of a thumbnail's longer side

_STYLE = """\
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem; }
ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.25rem; padding: 0; }
li { list-style: none; }
img, .none { width: 100%; height: 11rem; object-fit: contain; border-radius: 6px; background: #8882; }
.none { display: grid; place-items: center; }
p { margin: .35rem 0 0; overflow-wrap: anywhere; }
.unsafe { filter: blur(1rem); }
.unsafe:hover, .unsafe:focus { filter: none; }
.small { font-size: .85rem; opacity: .8; }
button { font: inherit; font-size: .85rem; }
"""

_SCRIPT = """\
const list = document.querySelector("ul");
const cards = [...list.children];
const value = { order: (card) => cards.indexOf(card), name: (card) => card.dataset.path,
  least: (card) => Number(card.dataset.confidence || 2), most: (card) => -Number(card.dataset.confidence || -1) };
document.querySelector("select").addEventListener("change", (event) => {
  const of = value[event.target.value];
  list.append(...[...cards].sort((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0)));
});
list.addEventListener("click", async (event) => {
  if (event.target.tagName !== "BUTTON") return;
  const text = event.target.closest("div").querySelector("[lang]");
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    getSelection().selectAllChildren(text);
    document.execCommand("copy");
  }
  event.target.textContent = "Copied";
  setTimeout(() => { event.target.textContent = "Copy alt text"; }, 1500);
});
"""

_HEAD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; {hashes}">
<title>Captions</title>
<style>{style}</style>
<h1>Captions</h1>
<p><label>Sort by <select>
<option value="order">order given<option value="name">name
<option value="least">least confident first<option value="most">most confident first
</select></label></p>
<ul>
"""


class Page:
    """Writes the page a card at a time. The captions of a picture in several languages share its card."""

    def __init__(self, file: TextIO, place: Path | None) -> None:
        """Begin the page.

        Args:
            file: where to.
            place: the file's name, which links are relative to; None for links relative to the folder one is in.
        """
        self._file = file
        self._folder = os.path.realpath(place.parent if place is not None else ".")
        self._path: str | None = None
        hashes = "; ".join(
            f"{kind} 'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for kind, text in (("style-src", _STYLE), ("script-src", _SCRIPT))
        )
        self._file.write(_HEAD.format(hashes=hashes, style=_STYLE))

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a caption, or why there is none."""
        if row["path"] != self._path:
            self._end_card()
            self._begin_card(row)
        if "error" in row:
            self._file.write(f"<p>{in_page(row['error'])}</p>")
        else:
            sure = row["confidence"]
            about = "" if sure is None else f"confidence {sure:.2f} "
            about += f"unsafe {row['unsafe']:.2f} " if "unsafe" in row else ""
            self._file.write(
                f'<div><p lang="{in_page(row["language"])}">{in_page(row["caption"])}</p>'
                f'<p class="small">{about}<button type="button">Copy alt text</button></p></div>'
            )
        self._file.flush()

    def close(self) -> None:
        """End the page."""
        self._end_card()
        self._file.write(f"</ul>\n<script>{_SCRIPT}</script>\n</html>\n")

    def _begin_card(self, row: Mapping[str, Any]) -> None:
        self._path = path = row["path"]
        confidence = row.get("confidence")
        shown = "" if confidence is None else f' data-confidence="{confidence}"'
        self._file.write(f'<li data-path="{in_page(path)}"{shown}>{self._picture(row)}')

    def _end_card(self) -> None:
        if self._path is not None:
            self._file.write(f'<p class="small">{in_page(self._path)}</p></li>\n')

    def _picture(self, row: Mapping[str, Any]) -> str:
        """The thumbnail, as a link to the picture."""
        from urllib.parse import quote

        from showtell.images.thumbnails import thumbnail_url

        if "unsafe" in row and "error" in row:
            return '<span class="none">withheld</span>'
        blur = ' class="unsafe"' if "unsafe" in row else ""
        try:
            url = thumbnail_url(row["path"], _SIDE)
            image = f'<img{blur} src="{url}" alt="{in_page(row.get("caption", ""))}">'
        except BadImage:
            return '<span class="none">no picture</span>'
        path = os.path.relpath(os.path.realpath(row["path"]), self._folder).replace(os.sep, "/")
        return f'<a href="{quote(path.encode("utf-8", "surrogateescape"))}">{image}</a>'

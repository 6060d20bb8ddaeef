"""A correction offered for pictures that look nearly the same: a list to accept or leave, never changed silently."""

import tkinter
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from showtell.apps.desktop import drawing
from showtell.apps.desktop.look import BACK
from showtell.apps.desktop.shelf import Shelf

if TYPE_CHECKING:
    from PIL.Image import Image

    from showtell.apps.desktop.window import Window
    from showtell.apps.gallery import Gallery, Hit

__all__ = ["Offer"]

SIDE = 56  # pixels of a thumbnail
ROWS = 5  # pictures that are seen without scrolling


class Offer:
    """A small window with the pictures, each with a tick.

    Attributes:
        top: the window.
        rows: a tick for each picture.
    """

    def __init__(
        self,
        window: "Window",
        gallery: "Gallery",
        offers: "Sequence[Hit]",
        accept: "Callable[[list[Hit]], None]",
    ) -> None:
        """Ask; the user answers when they like.

        Args:
            window: that it belongs to.
            gallery: the library that they are in.
            offers: the pictures.
            accept: called with the pictures that are ticked, when the user agrees.
        """
        self._offers, self._accept = offers, accept
        self._photos: list[Any] = []
        root, texts, pixels = window.root, window.texts, window.look.pixels
        self.top = tkinter.Toplevel(root, background=BACK, padx=pixels(14), pady=pixels(12))
        self.top.configure(borderwidth=1, relief="solid")
        self.top.title(texts("offer_title"))
        self.top.transient(root)
        ttk.Label(self.top, text=texts("offer"), wraplength=pixels(420)).pack(anchor="w")
        self.top.bind("<Destroy>", lambda event: self._photos.clear())  # by the thread that made them
        shelf = Shelf(self.top, width=pixels(420), most=pixels(ROWS * (SIDE + 12)))
        shelf.frame.pack(fill="both", expand=True, pady=pixels(8))
        self.rows: list[ttk.Checkbutton] = []
        for hit in offers:
            text = hit.name if hit.match.caption is None else f"{hit.name}\n{hit.match.caption}"
            row = ttk.Checkbutton(shelf.inside, text=text, compound="left")
            row.state(["!alternate", "selected"])
            row.pack(anchor="w", pady=pixels(2))
            window.work.start(_thumbnail(gallery, hit, pixels(SIDE)), self._shower(row), lambda error: None)
            self.rows.append(row)
        buttons = ttk.Frame(self.top)
        buttons.pack(fill="x", pady=(pixels(10), 0))
        self.accept = ttk.Button(buttons, text=texts("accept"), command=self._agree, style="Main.TButton")
        self.accept.pack(side="left")
        self.leave = ttk.Button(buttons, text=texts("leave"), command=self.top.destroy)
        self.leave.pack(side="left", padx=pixels(6))
        self.top.bind("<Escape>", lambda event: self.top.destroy())
        self.accept.focus_set()
        self.top.geometry(f"+{root.winfo_rootx() + pixels(60)}+{root.winfo_rooty() + pixels(80)}")

    def _shower(self, row: ttk.Checkbutton) -> "Callable[[Image], None]":
        """What shows a thumbnail beside its tick, if the window is still there."""

        def show(image: "Image") -> None:
            from PIL import ImageTk

            if row.winfo_exists():
                self._photos.append(ImageTk.PhotoImage(image, master=row))
                row.configure(image=self._photos[-1])

        return show

    def _agree(self) -> None:
        chosen = [hit for hit, row in zip(self._offers, self.rows, strict=True) if row.instate(["selected"])]
        self.top.destroy()
        if chosen:
            self._accept(chosen)


def _thumbnail(gallery: "Gallery", hit: "Hit", side: int) -> "Callable[[], Image]":
    """What makes a small picture, blurred where it may be unsafe."""

    def made() -> "Image":
        image, unsafe = drawing.found(gallery, hit.id)
        image = drawing.thumbnail_of(image, side)
        return drawing.blurred(image) if unsafe else image

    return made

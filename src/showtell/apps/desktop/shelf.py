"""A part of the window that is as high as what stands in it, and scrolls where there is no room for that."""

import tkinter
from tkinter import ttk
from typing import Any

from showtell.apps.desktop.look import BACK

__all__ = ["Shelf"]


class Shelf:
    """A frame in a frame.

    Attributes:
        frame: the outer one, which is put into the window.
        inside: the inner one, which holds what is shown.
    """

    def __init__(self, parent: tkinter.Misc, *, width: int = 1, most: int = 10_000) -> None:
        """Build an empty one.

        Args:
            parent: what it stands in.
            width: pixels that it asks for.
            most: pixels of its height; see `limit`.
        """
        self.frame = ttk.Frame(parent)
        self._most = most
        self._canvas = tkinter.Canvas(
            self.frame, background=BACK, highlightthickness=0, width=width, height=1
        )
        self._bar = ttk.Scrollbar(self.frame, command=self._canvas.yview)
        self.inside = ttk.Frame(self._canvas)
        self._item = self._canvas.create_window(0, 0, window=self.inside, anchor="nw")
        self._canvas.configure(yscrollcommand=self._bar.set)
        self._canvas.pack(side="left", fill="both", expand=True)
        self._canvas.bind(
            "<Configure>", lambda event: self._canvas.itemconfigure(self._item, width=event.width)
        )
        self.inside.bind("<Configure>", lambda event: self._fit())
        self.frame.winfo_toplevel().bind("<FocusIn>", self._see, add=True)
        for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            self.frame.winfo_toplevel().bind(wheel, self._wheel, add=True)

    def limit(self, most: int) -> None:
        """Be no higher than so many pixels."""
        if most != self._most:
            self._most = most
            self._fit()

    @property
    def scrolls(self) -> bool:
        """Whether there is more in it than can be seen at once."""
        return self.inside.winfo_reqheight() > self._most

    def _fit(self) -> None:
        wanted = self.inside.winfo_reqheight()
        self._canvas.configure(scrollregion=(0, 0, 0, wanted), height=min(wanted, self._most))
        if self.scrolls:
            self._bar.pack(side="right", fill="y", before=self._canvas)
        else:
            self._bar.pack_forget()
            self._canvas.yview_moveto(0)

    def _holds(self, widget: object) -> bool:
        return self.scrolls and str(widget).startswith(f"{self.inside}.")

    def _see(self, event: "tkinter.Event[Any]") -> None:
        """Scroll to what has got the keyboard."""
        if not self._holds(event.widget):
            return
        height = self.inside.winfo_reqheight()
        top = event.widget.winfo_rooty() - self.inside.winfo_rooty()
        bottom = top + event.widget.winfo_height()
        first, last = (share * height for share in self._canvas.yview())
        if top < first:
            self._canvas.yview_moveto(top / height)
        elif bottom > last:
            self._canvas.yview_moveto((first + bottom - last) / height)

    def _wheel(self, event: "tkinter.Event[Any]") -> None:
        if self._holds(event.widget):
            up = event.num == 4 or event.delta > 0
            self._canvas.yview_scroll(-1 if up else 1, "units")

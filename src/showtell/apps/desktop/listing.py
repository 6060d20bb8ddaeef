"""The left side: the pictures, with thumbnails of those that can be seen."""

import tkinter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tkinter import font, ttk
from typing import TYPE_CHECKING, Any

from showtell.apps.desktop import drawing
from showtell.apps.desktop.look import Look
from showtell.apps.desktop.work import Work

if TYPE_CHECKING:
    from PIL.Image import Image

    from showtell.apps.service import Described
    from showtell.captioning.base import Caption

__all__ = ["Listing", "Picture", "Standing"]

KEPT = 600  # thumbnails in memory
SIDE = 68  # pixels of a thumbnail
ROW = 76  # pixels of a row
NAMES = 210  # pixels of the column of thumbnails and names


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for a picture in one language.

    Attributes:
        text: it.
        confidence: the model's; None for a person's words.
        person: whether a person wrote it.
    """

    text: str
    confidence: float | None = None
    person: bool = False


@dataclass(slots=True)
class Picture:
    """A picture in the list.

    Attributes:
        path: its file.
        described: its captions; None before.
        error: why nothing can be said of it.
        line: what the list says of it in place of a caption.
        stands: what stands in place of the model's caption by language: a person's words, or what they prefer.
        drafts: what is written into a pane and not kept, by language.
        preview: what gives a small picture, and whether it may be unsafe, where a library found it.
        shown: whether it is shown though it may be unsafe.
    """

    path: Path
    described: "Described | None" = None
    error: str | None = None
    line: str = ""
    stands: dict[str, Standing] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    preview: "Callable[[], tuple[Image, bool]] | None" = None
    shown: bool = False

    @property
    def hidden(self) -> bool:
        """Whether it is to be blurred."""
        safety = None if self.described is None else self.described.safety
        return safety is not None and safety.unsafe and not self.shown

    def caption(self) -> str:
        """What the list says of it."""
        if self.described is None:
            return self.line
        return "\n".join(self.standing(one).text for one in self.described.captions)

    def standing(self, caption: "Caption") -> Standing:
        """What stands for it in the language of a caption."""
        return self.stands.get(caption.language) or Standing(caption.text, caption.confidence)


class Listing:
    """A list of pictures: chosen with the mouse or the arrow keys."""

    def __init__(
        self, parent: tkinter.Misc, look: Look, work: Work, chosen: Callable[[str, Picture], None]
    ) -> None:
        """Build the list.

        Args:
            parent: what it stands in.
            look: sizes.
            work: where thumbnails are made.
            chosen: called with the key of a picture and the picture, when it is chosen.
        """
        self.frame = ttk.Frame(parent)
        self.pictures: dict[str, Picture] = {}
        self.may_show: Callable[[Picture], bool] = lambda picture: True
        self._work = work
        self._chosen = chosen
        self._side = look.pixels(SIDE)
        self._height = look.pixels(ROW)
        self._images: dict[str, Any] = {}
        self._asked: set[str] = set()
        self._next = 0
        self._looking = ""
        self.tree = ttk.Treeview(self.frame, columns=("caption",), selectmode="browse")
        self._names = look.pixels(NAMES)
        self.tree.column("#0", width=self._names, minwidth=look.pixels(120), stretch=False)
        self.tree.column("caption", width=look.pixels(230), stretch=True)
        bar = ttk.Scrollbar(self.frame, command=self.tree.yview)

        def moved(first: float, last: float) -> None:
            bar.set(first, last)
            self.look()

        self.tree.configure(yscrollcommand=moved)
        bar.pack(side="right", fill="y")
        self.tree.pack(side="left", fill="both", expand=True)
        self.tree.bind("<<TreeviewSelect>>", lambda event: self._select())
        self.tree.bind("<Configure>", lambda event: self.tree.after_idle(self._narrowed, event.width))
        self.tree.bind("<ButtonRelease-1>", lambda event: self._resized(), add=True)

    def add(self, picture: Picture) -> str:
        """Put a picture at the end, and return its key."""
        self._next += 1
        key = f"p{self._next}"
        self.pictures[key] = picture
        self.tree.insert(
            "", "end", iid=key, text=f" {picture.path.name}", values=(self._wrapped(picture.caption()),)
        )
        self.look()
        return key

    def clear(self) -> dict[str, Picture]:
        """Take all pictures out, and return them."""
        taken, self.pictures = self.pictures, {}
        self.tree.delete(*self.tree.get_children())
        self._images.clear()
        self._asked.clear()
        return taken

    def refresh(self, key: str) -> None:
        """Say again what is said of a picture."""
        picture = self.pictures.get(key)
        if picture is None:
            return
        caption = picture.error or picture.caption()
        self.tree.item(key, values=(self._wrapped(caption),))
        if key in self._images or picture.hidden:
            self._images.pop(key, None)
            self._asked.discard(key)
        self.look()

    def refresh_picture(self, picture: Picture) -> None:
        """Say again what is said of a picture, wherever it stands."""
        for key, one in self.pictures.items():
            if one is picture:
                self.refresh(key)

    def choose(self, key: str) -> None:
        """Choose a picture, as a click would."""
        self.tree.selection_set(key)
        self.tree.focus(key)
        self.tree.see(key)

    @property
    def chosen(self) -> str | None:
        """The key of the picture that is chosen."""
        return next(iter(self.tree.selection()), None)

    def look(self) -> None:
        """Soon ask for the thumbnails of the pictures that can be seen."""
        if not self._looking:
            self._looking = self.tree.after(40, self._ask)

    def _wrapped(self, text: str) -> str:
        """A text in as many lines as a row has, each as wide as the column."""
        letters = font.nametofont("TkDefaultFont", self.tree)
        # What is seen of the column is less than its width where it is cut off.
        shown = self.tree.winfo_width() - self.tree.column("#0", "width")
        width = max(self._side, min(self.tree.column("caption", "width"), shown) - self._side // 4)
        most = max(1, self._height // letters.metrics("linespace"))
        lines: list[str] = []
        for sentence in text.split("\n"):
            line, glue = "", " " if " " in sentence else ""
            for word in sentence.split(" ") if glue else sentence:  # Chinese is broken anywhere
                longer = f"{line}{glue}{word}" if line else word
                if line and letters.measure(longer) > width:
                    lines.append(line)
                    longer = word
                line = longer
            lines.append(line)
        return "\n".join([*lines[: most - 1], lines[most - 1] + " …"] if len(lines) > most else lines)

    def _narrowed(self, width: int) -> None:
        """Leave the captions room where the list is narrow."""
        if width < 2 * self._names:
            self.tree.column("#0", width=max(width // 2, self._side + self._side // 2))
        elif self.tree.column("#0", "width") < self._names:
            self.tree.column("#0", width=self._names)
        self._resized()

    def _resized(self) -> None:
        for key, picture in self.pictures.items():
            self.tree.item(key, values=(self._wrapped(picture.error or picture.caption()),))
        self.look()

    def _select(self) -> None:
        key = self.chosen
        if key is not None:
            self._chosen(key, self.pictures[key])

    def _ask(self) -> None:
        self._looking = ""
        for key in self._visible():
            picture = self.pictures[key]
            if key in self._asked or picture.error is not None or not self.may_show(picture):
                continue
            self._asked.add(key)
            self._work.start(
                lambda picture=picture: self._made(picture),  # type: ignore[misc]
                lambda image, key=key: self._show(key, image),  # type: ignore[misc]
                lambda error: None,
            )

    def _visible(self) -> list[str]:
        """The keys of the pictures that can be seen now."""
        height = self.tree.winfo_height()
        keys: list[str] = []
        for y in range(0, height, max(8, self._side // 2)):
            key = self.tree.identify_row(y)
            if key and (not keys or keys[-1] != key):
                keys.append(key)
        return keys

    def _made(self, picture: Picture) -> "Image":
        if picture.preview is not None and picture.described is None:
            image, hidden = picture.preview()
        else:
            image, hidden = drawing.read(picture.path, self._side), picture.hidden
        image = drawing.thumbnail_of(image, self._side)
        return drawing.blurred(image) if hidden else image

    def _show(self, key: str, image: "Image") -> None:
        from PIL import ImageTk

        if key not in self.pictures:
            return
        self._images[key] = ImageTk.PhotoImage(image, master=self.tree)
        self.tree.item(key, image=self._images[key])
        if len(self._images) > KEPT:
            visible = set(self._visible())
            for old in [one for one in self._images if one not in visible][: KEPT // 4]:
                self.tree.item(old, image="")
                del self._images[old]
                self._asked.discard(old)

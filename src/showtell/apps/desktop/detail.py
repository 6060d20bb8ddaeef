"""The right side: the picture that is chosen, and a pane for its caption in each language."""

import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING, Any, Literal

from showtell.apps.desktop import drawing
from showtell.apps.desktop.listing import Standing
from showtell.apps.desktop.look import CARD, INK, MARK, Look
from showtell.apps.desktop.texts import Texts

if TYPE_CHECKING:
    from PIL.Image import Image

    from showtell.apps.desktop.opinions import Opinions
    from showtell.captioning.base import Alternative, Caption
    from showtell.captioning.explain import Explanation

__all__ = ["CaptionPane", "PictureView"]


class PictureView:
    """The picture, as large as there is room for.

    Attributes:
        hidden: whether it is blurred.
    """

    def __init__(self, parent: tkinter.Misc) -> None:
        self.label = tkinter.Label(parent, background="#e9ecf0", borderwidth=0)
        self.label.bind("<Configure>", lambda event: self._draw())
        self._image: Image | None = None
        self._explained: tuple[Explanation, int] | None = None
        self.hidden = False
        self._photo: Any = None

    @property
    def lit(self) -> int | None:
        """The word whose place is shown."""
        return None if self._explained is None else self._explained[1]

    def show(self, image: "Image | None", *, hidden: bool = False) -> None:
        """Show another picture, or none."""
        self._image, self.hidden, self._explained = image, hidden, None
        self._draw()

    def light(self, explanation: "Explanation | None", word: int = 0) -> None:
        """Show which part of the picture a word depends on, or the picture as it is."""
        self._explained = None if explanation is None else (explanation, word)
        self._draw()

    def _draw(self) -> None:
        width, height = self.label.winfo_width(), self.label.winfo_height()
        if self._image is None or width < 10 or height < 10:
            self._photo = None
            self.label.configure(image="")
            return
        from PIL import ImageTk

        image = drawing.fitted(self._image, width, height)
        if self.hidden:
            image = drawing.blurred(image)
        elif self._explained is not None:
            image = drawing.shaded(image, *self._explained)
        self._photo = ImageTk.PhotoImage(image, master=self.label)
        self.label.configure(image=self._photo)


class CaptionPane:
    """A caption in one language: to be read, corrected, rated, saved."""

    def __init__(
        self, parent: tkinter.Misc, look: Look, texts: Texts, language: str, actions: "Opinions"
    ) -> None:
        """Build the pane.

        Args:
            parent: what it stands in.
            look: sizes.
            texts: what the window says.
            language: of the caption.
            actions: what its buttons do.
        """
        self.language = language
        self.caption: Caption | None = None
        self.standing = Standing("")
        self._actions = actions
        self._texts = texts
        self._marks: list[tuple[str, str] | None] = []
        self.frame = ttk.Frame(parent, padding=(0, look.pixels(4)))
        head = ttk.Frame(self.frame)
        head.pack(fill="x")
        self.heading = ttk.Label(head, style="Head.TLabel")
        self.heading.pack(side="left")
        self.confidence = ttk.Label(head, style="Soft.TLabel")
        self.confidence.pack(side="right")
        self.others = ttk.Combobox(head, state="readonly", width=10)
        self.others.bind("<<ComboboxSelected>>", lambda event: self._prefer())
        self.others.pack(side="left", fill="x", expand=True, padx=look.pixels(10))
        self.text = tkinter.Text(
            self.frame,
            height=2,
            wrap="word",
            undo=True,
            font="ShowtellCaption",
            background=CARD,
            foreground=INK,
            relief="solid",
            borderwidth=1,
            padx=look.pixels(8),
            pady=look.pixels(6),
            insertwidth=look.pixels(2),
        )
        self.text.pack(fill="x", pady=look.pixels(4))
        self.text.tag_configure("lit", background=MARK)
        self.text.bind("<Motion>", lambda event: self._point(f"@{event.x},{event.y}", event))
        self.text.bind("<Leave>", lambda event: self._light(None))
        self.text.bind("<KeyRelease>", lambda event: self._point("insert"))
        self.text.bind("<Tab>", self._leave)
        self.row = ttk.Frame(self.frame)
        self.row.pack(fill="x")
        self.row.bind("<Configure>", lambda event: self._arrange())
        self._gap = look.pixels(2)
        self.buttons = {name: ttk.Button(self.row, command=do) for name, do in self._buttons().items()}
        self.translate()
        self.show(None)

    @property
    def words(self) -> str:
        """What stands in the pane."""
        return " ".join(self.text.get("1.0", "end").split())

    @property
    def draft(self) -> str | None:
        """What stands in the pane and was not kept."""
        return None if self.caption is None or self.words == self.standing.text else self.words

    @property
    def machine(self) -> str:
        """The model's caption that is judged: the one that stands in the pane, or its first."""
        assert self.caption is not None
        return self.caption.text if self.standing.person else self.standing.text

    def show(
        self, caption: "Caption | None", standing: Standing | None = None, draft: str | None = None
    ) -> None:
        """Show another caption, or none.

        Args:
            caption: what the model says.
            standing: what stands in its place, or itself.
            draft: what was written and not kept.
        """
        self.caption, self.standing = caption, standing or Standing("")
        state: Literal["normal", "disabled"] = "disabled" if caption is None else "normal"
        self.text.configure(state="normal")
        self.text.delete("1.0", "end")
        for button in self.buttons.values():
            button.configure(state=state)
        if self.standing.person:  # nobody is asked what they think of their own words
            for name in ("good", "bad"):
                self.buttons[name].configure(state="disabled")
        self.others.set("")
        self.others.configure(state="disabled", values=())
        if caption is not None:
            self.text.insert("1.0", self.standing.text if draft is None else draft)
            if caption.alternatives:
                rows = [self._with_confidence(other) for other in caption.alternatives]
                self.others.configure(state="readonly", values=rows)
        self.text.edit_reset()
        self.text.configure(state=state)
        self._marks = [] if caption is None else self._places(caption)
        self.translate()

    def _with_confidence(self, other: "Alternative") -> str:
        """Another caption as a row of the list."""
        return other.text if other.confidence is None else f"{other.text}  ({other.confidence:.0%})"

    def translate(self) -> None:
        """Say everything in the language of the window."""
        self.heading.configure(
            text=self._texts(self.language) if self.language in ("en", "zh") else self.language
        )
        for name, button in self.buttons.items():
            button.configure(text=self._texts(name))
        self._arrange()
        confidence = None if self.caption is None else self.standing.confidence
        text = "" if confidence is None else self._texts("confidence", percent=round(100 * confidence))
        if self.caption is not None and self.standing.person:
            text = self._texts("yours")
        self.confidence.configure(text=text)
        if self.others.current() < 0:
            self.others.set(self._texts("others") if self.caption and self.caption.alternatives else "")

    def _arrange(self) -> None:
        """Put as many buttons beside each other as there is room for."""
        widths = [button.winfo_reqwidth() + 2 * self._gap for button in self.buttons.values()]
        room = self.row.winfo_width()
        # A column is as wide as its widest button.
        columns = next(
            (
                count
                for count in range(len(widths), 1, -1)
                if sum(max(widths[start::count]) for start in range(count)) <= room
            ),
            1,
        )
        for column in range(len(widths)):
            self.row.columnconfigure(column, weight=1 if column < columns else 0)
        for place, button in enumerate(self.buttons.values()):
            row, column = divmod(place, columns)
            button.grid(row=row, column=column, sticky="ew", padx=self._gap, pady=self._gap)

    def _buttons(self) -> dict[str, Callable[[], None]]:
        return {
            "keep": lambda: self._actions.correct(self),
            "save": lambda: self._actions.save(self),
            "copy": lambda: self._actions.copy(self),
            "good": lambda: self._actions.rate(self, 5),
            "bad": lambda: self._actions.rate(self, 1),
        }

    def _places(self, caption: "Caption") -> list[tuple[str, str] | None]:
        """Where each word of the caption stands in the text."""
        places: list[tuple[str, str] | None] = []
        start = 0
        for word in caption.tokens:
            found = caption.text.lower().find(word.lower(), start)
            if found < 0:
                places.append(None)
                continue
            start = found + len(word)
            places.append((f"1.{found}", f"1.{start}"))
        return places

    def _point(self, index: str, event: "tkinter.Event[Any] | None" = None) -> None:
        """Light the word at an index, if the model said one there."""
        if self.caption is None or self.words != self.caption.text:
            return self._light(None)
        if event is not None:
            box = self.text.bbox(index)  # past the end of a line Tk names its last letter
            if (
                box is None
                or not box[0] <= event.x <= box[0] + box[2]
                or not box[1] <= event.y <= box[1] + box[3]
            ):
                return self._light(None)
        for number, place in enumerate(self._marks):
            if place and self.text.compare(place[0], "<=", index) and self.text.compare(index, "<", place[1]):
                return self._light(number)
        return self._light(None)

    def _light(self, word: int | None) -> None:
        self.text.tag_remove("lit", "1.0", "end")
        if word is not None:
            place = self._marks[word]
            assert place is not None
            self.text.tag_add("lit", *place)
        self._actions.looked_at(self, word)

    def _prefer(self) -> None:
        assert self.caption is not None
        self._actions.prefer(self, self.caption.alternatives[self.others.current()])

    def _leave(self, event: "tkinter.Event[Any]") -> str:
        following = event.widget.tk_focusNext()
        if following is not None:
            following.focus_set()
        return "break"

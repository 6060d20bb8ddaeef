"""The picture that is chosen: drawn, with its captions, what their words depend on, and whether it may be shown."""

import time
import tkinter
from collections.abc import Sequence
from tkinter import ttk
from typing import TYPE_CHECKING

from showtell.apps.desktop import drawing
from showtell.apps.desktop.detail import CaptionPane, PictureView
from showtell.apps.desktop.listing import Listing, Picture, Standing
from showtell.apps.desktop.look import Look
from showtell.apps.desktop.shelf import Shelf
from showtell.apps.desktop.texts import Texts
from showtell.apps.desktop.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from showtell.apps.desktop.opinions import Opinions
    from showtell.apps.service import Service
    from showtell.captioning.explain import Explanation

__all__ = ["Chosen"]

PANES = 0.64  # of the height at most; the rest is the picture's


class Chosen:
    """The right side of the window.

    Attributes:
        service: what explains; None until it is there.
        key: of the picture in the list; None when none is chosen.
        since: when it was chosen, as `time.monotonic` has it.
        panes: by language.
    """

    def __init__(
        self,
        parent: tkinter.Misc,
        listing: Listing,
        look: Look,
        texts: Texts,
        work: Work,
        failed: "Callable[[Exception], None]",
    ) -> None:
        """Build it; there are no panes before `set_languages`.

        Args:
            parent: what it stands in.
            listing: the pictures.
            look: sizes.
            texts: what the window says.
            work: where pictures are read and captions explained.
            failed: called when something did not work.
        """
        self.frame = ttk.Frame(parent, padding=(look.pixels(10), 0))
        self.service: Service | None = None
        self.key: str | None = None
        self.since = time.monotonic()
        self.panes: dict[str, CaptionPane] = {}
        self._listing, self._look, self._texts, self._work, self._failed = listing, look, texts, work, failed
        self._image: Image | None = None
        self._in_panes: Picture | None = None
        self._explained: dict[tuple[str, str], Explanation | None] = {}
        self._wanted: tuple[str, int] | None = None
        self.empty = ttk.Label(self.frame, style="Big.TLabel", anchor="center", justify="center")
        self.empty.bind(
            "<Configure>", lambda event: self.empty.configure(wraplength=event.width - look.pixels(20))
        )
        self.empty.pack(fill="both", expand=True)
        self.view = PictureView(self.frame)
        self.unsafe = ttk.Frame(self.frame)
        self.unsafe_label = ttk.Label(self.unsafe, style="Bad.TLabel")
        self.unsafe_label.pack(side="left")
        self.unsafe_button = ttk.Button(self.unsafe, command=self._reveal)
        self.unsafe_button.pack(side="right")
        self.shelf = Shelf(self.frame)
        self.frame.bind("<Configure>", lambda event: self.shelf.limit(round(PANES * event.height)))
        self.hint = ttk.Label(self.shelf.inside, style="Soft.TLabel")
        self.hint.bind("<Configure>", lambda event: self.hint.configure(wraplength=event.width))

    @property
    def picture(self) -> Picture | None:
        """The picture that is chosen."""
        return None if self.key is None else self._listing.pictures.get(self.key)

    def set_languages(self, languages: Sequence[str], actions: "Opinions") -> None:
        """Have a pane for each language."""
        self._keep_drafts()
        self._in_panes = None
        for pane in self.panes.values():
            pane.frame.destroy()
        self.panes = {
            one: CaptionPane(self.shelf.inside, self._look, self._texts, one, actions) for one in languages
        }
        self._explained.clear()
        self._hint()

    def translate(self) -> None:
        """Say everything in the language of the window."""
        self._hint()
        for pane in self.panes.values():
            pane.translate()
        self.refresh()

    def _hint(self) -> None:
        """Say what can be done, and that Chinese cannot be read where no font has it."""
        text = self._texts("look")
        if "zh" in self.panes and self._look.chinese is None:
            text += "\n" + self._texts("no_font")
        self.hint.configure(text=text)

    def forget(self) -> None:
        """Show no picture."""
        self._keep_drafts()
        self.key = self._wanted = self._in_panes = None
        self._explained.clear()
        for widget in (self.shelf.frame, self.view.label, self.unsafe):
            widget.pack_forget()
        self.empty.pack(fill="both", expand=True)

    def show(self, key: str, picture: Picture) -> None:
        """Show another picture."""
        self._keep_drafts()
        self.key, self._wanted, self._image = key, None, None
        self.since = time.monotonic()
        self.view.show(None)
        side = max(400, self.view.label.winfo_width())
        self._work.start(
            lambda: drawing.read(picture.path, side),
            lambda image: self._drawn(key, image),
            lambda error: None,
        )
        self._refresh()

    def _keep_drafts(self) -> None:
        """Remember what was written and not kept: it stands there again when the picture is shown again."""
        picture = self._in_panes
        if picture is None:
            return
        for language, pane in self.panes.items():
            if pane.draft is not None:
                picture.drafts[language] = pane.draft
            else:
                picture.drafts.pop(language, None)

    def replace(self, picture: Picture, language: str, standing: Standing | None) -> None:
        """Let something else stand for a picture in a language; None for the model's caption."""
        self._keep_drafts()
        picture.drafts.pop(language, None)
        if standing is None:
            picture.stands.pop(language, None)
        else:
            picture.stands[language] = standing
        self._listing.refresh_picture(picture)
        if picture is self.picture:
            self._refresh()

    def refresh(self) -> None:
        """Show what is said of the picture by now."""
        self._keep_drafts()
        self._refresh()

    def _refresh(self) -> None:
        picture = self.picture
        if picture is None:
            return
        self.empty.pack_forget()
        for widget in (*(pane.frame for pane in self.panes.values()), self.shelf.frame, self.view.label):
            widget.pack_forget()
        captions = [] if picture.described is None else list(picture.described.captions)
        captions.sort(key=lambda caption: caption.language != self._texts.language)  # the user's own first
        shown = [caption for caption in captions if caption.language in self.panes]
        self._in_panes = picture if shown else None
        for caption in shown:
            language = caption.language
            self.panes[language].show(caption, picture.standing(caption), picture.drafts.get(language))
            self.panes[language].frame.pack(fill="x")
        if shown:  # from below, so that the picture gets what room is left
            self.hint.pack(fill="x", before=self.panes[shown[0].language].frame)
            self.shelf.frame.pack(side="bottom", fill="x")
        self.view.label.pack(side="top", fill="both", expand=True, pady=(0, self._look.pixels(4)))
        self._draw()
        self._show_safety()

    def _drawn(self, key: str, image: "Image") -> None:
        if key == self.key:
            self._image = image
            self._draw()

    def _draw(self) -> None:
        """Draw the picture as soon as it is known whether it may be shown."""
        picture = self.picture
        screened = self.service is not None and self.service.screener is None
        if picture is not None and self._image is not None and (screened or picture.described is not None):
            self.view.show(self._image, hidden=picture.hidden)

    def _show_safety(self) -> None:
        picture = self.picture
        safety = None if picture is None or picture.described is None else picture.described.safety
        if picture is None or safety is None or not safety.unsafe:
            self.unsafe.pack_forget()
            return
        self.unsafe_label.configure(text=self._texts("unsafe", percent=round(100 * safety.score)))
        self.unsafe_button.configure(text=self._texts("show" if picture.hidden else "hide"))
        self.unsafe.pack(side="top", fill="x", before=self.view.label)

    def _reveal(self) -> None:
        picture = self.picture
        if picture is not None and self.key is not None:
            picture.shown = not picture.shown
            self._listing.refresh(self.key)
            self.refresh()

    def looked_at(self, pane: CaptionPane, word: int | None) -> None:
        """Show what a word depends on; the caption is explained once."""
        picture, service = self.picture, self.service
        if picture is None or service is None or self.key is None or picture.hidden:
            return
        if word is None:
            self._wanted = None
            if self.view.lit is not None:
                self.view.light(None)
            return
        key = (self.key, pane.language)
        self._wanted = (pane.language, word)
        if key in self._explained:
            self._light(key)
            return

        def explained(found: "Explanation") -> None:
            self._explained[key] = found
            self._light(key)

        def failed(error: Exception) -> None:
            self._explained.pop(key, None)
            self._failed(error)

        self._explained[key] = None  # so that it is asked for once
        self._work.start(lambda: service.explain(picture.path, language=pane.language), explained, failed)

    def _light(self, key: tuple[str, str]) -> None:
        found = self._explained.get(key)
        if found is None or self._wanted is None or key != (self.key, self._wanted[0]):
            return
        if self._wanted[1] < len(found.maps) and self.view.lit != self._wanted[1]:
            self.view.light(found, self._wanted[1])

"""What people say of captions in the window: kept, saved beside the picture, taken back."""

import time
from collections.abc import Callable
from tkinter import messagebox
from typing import TYPE_CHECKING, Any

from showtell.apps.desktop.detail import CaptionPane
from showtell.apps.desktop.sidecar import save_sidecar, sidecar_of
from showtell.errors import ShowtellError

if TYPE_CHECKING:
    from showtell.apps.desktop.window import Window
    from showtell.apps.gallery import Hit
    from showtell.feedback import Feedback, Kind

__all__ = ["Opinions"]


class Opinions:
    """What the buttons of a pane do."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._undo: list[Callable[[], None]] = []

    def looked_at(self, pane: CaptionPane, word: int | None) -> None:
        """Show where a word looked."""
        self._window.chosen.looked_at(pane, word)

    def correct(self, pane: CaptionPane) -> None:
        """Keep a person's words, and offer them for what looks nearly the same."""
        picture, caption, words = self._window.chosen.picture, pane.caption, pane.words
        if picture is None or caption is None:
            return
        if not words or words == caption.text:
            self._window.show_status("same")
            return
        before = dict(picture.words or {})
        picture.words = {**before, pane.language: words}
        self._window.listing.refresh_picture(picture)

        def put_back() -> None:
            picture.words = before
            self._window.listing.refresh_picture(picture)
            if picture is self._window.chosen.picture:
                self._window.chosen.refresh()

        self._keep(pane, "correction", {"text": words}, put_back)

    def rate(self, pane: CaptionPane, rating: int) -> None:
        """Keep how good a caption is."""
        self._keep(pane, "rating", {"rating": rating})

    def prefer(self, pane: CaptionPane, other: str) -> None:
        """Keep that another caption is better, and put it into the pane."""
        caption = pane.caption
        if caption is None or other == caption.text:
            return
        pane.text.delete("1.0", "end")
        pane.text.insert("1.0", other)
        self._keep(pane, "preference", {"text": other, "rejected": caption.text})

    def save(self, pane: CaptionPane) -> None:
        """Write the words of a pane beside the picture."""
        picture, service = self._window.chosen.picture, self._window.service
        if picture is None or service is None or pane.caption is None or not pane.words:
            return
        captioner = service.captioner
        model = f"{captioner.name} {captioner.version}" if pane.words == pane.caption.text else None
        first = pane.language == captioner.languages[0]
        file = sidecar_of(picture.path, pane.language, first)
        try:
            self._remember(save_sidecar(file, pane.words, model=model))
        except ShowtellError as error:
            self._window.fail(error)
            return
        self._window.show_status("saved", file=file.name)

    def copy(self, pane: CaptionPane) -> None:
        """Copy the words of a pane."""
        root = self._window.root
        root.clipboard_clear()
        root.clipboard_append(pane.words)
        self._window.show_status("copied")

    def undo(self) -> None:
        """Take back what was last kept or saved."""
        if not self._undo:
            return
        try:
            self._undo.pop()()
            self._window.show_status("undone")
        except (OSError, ShowtellError) as error:
            self._window.fail(error)
        if not self._undo:
            self._window.tools["undo"].configure(state="disabled")

    def _keep(
        self,
        pane: CaptionPane,
        kind: "Kind",
        what: dict[str, Any],
        put_back: Callable[[], None] | None = None,
    ) -> None:
        window, caption = self._window, pane.caption
        picture, service = window.chosen.picture, window.service
        if picture is None or service is None or caption is None or picture.described is None:
            return
        digest, seconds = picture.described.picture, round(time.monotonic() - window.chosen.since, 1)

        def do() -> "tuple[Feedback, tuple[Hit, ...]]":
            row = service.judge(kind, digest, pane.language, caption.text, seconds=seconds, **what)
            return row, service.spread(row)

        def kept(done: "tuple[Feedback, tuple[Hit, ...]]") -> None:
            row, offers = done

            def undo() -> None:
                service.forget(row.id)
                if put_back is not None:
                    put_back()

            self._remember(undo)
            window.show_status("thanks")
            if offers:
                self._offer(offers, str(row.text), pane.language)

        def failed(error: Exception) -> None:
            if put_back is not None:
                put_back()
            window.fail(error)

        window.work.start(do, kept, failed)

    def _offer(self, offers: "tuple[Hit, ...]", words: str, language: str) -> None:
        """Ask whether pictures that look nearly the same shall have the same words."""
        window = self._window
        gallery = None if window.service is None else window.service.gallery
        if gallery is None:
            return
        question = window.texts("offer", count=len(offers), names="\n".join(hit.name for hit in offers))
        if messagebox.askyesno(window.texts("offer_title"), question, parent=window.root):
            ids = [hit.id for hit in offers]
            window.work.start(
                lambda: gallery.describe(ids, words, language),
                lambda count: window.show_status("thanks"),
                window.fail,
            )

    def _remember(self, undo: Callable[[], None]) -> None:
        self._undo.append(undo)
        self._window.tools["undo"].configure(state="normal")

"""What people say of captions in the window: kept, saved beside the picture, taken back."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from showtell.apps.desktop.detail import CaptionPane
from showtell.apps.desktop.listing import Standing
from showtell.apps.desktop.offering import Offer
from showtell.apps.desktop.sidecar import save_sidecar, sidecar_of

if TYPE_CHECKING:
    from showtell.apps.desktop.window import Window
    from showtell.apps.gallery import Hit
    from showtell.captioning.base import Alternative
    from showtell.feedback import Feedback, Kind

__all__ = ["Opinions"]


class Opinions:
    """What the buttons of a pane do."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._undo: list[_Undo] = []

    def looked_at(self, pane: CaptionPane, word: int | None) -> None:
        """Show which part of the picture a word depends on."""
        self._window.chosen.looked_at(pane, word)

    def correct(self, pane: CaptionPane) -> None:
        """Keep a person's words, and offer them for what looks nearly the same."""
        if pane.caption is None:
            return
        if not pane.words or pane.draft is None:
            self._window.show_status("same")
            return
        self._keep(pane, "correction", {"text": pane.words}, Standing(pane.words, person=True))

    def rate(self, pane: CaptionPane, rating: int) -> None:
        """Keep how good a caption is."""
        self._keep(pane, "rating", {"rating": rating})

    def prefer(self, pane: CaptionPane, other: "Alternative") -> None:
        """Keep that another caption is better, and let it stand."""
        if pane.caption is None:
            return
        rejected = pane.caption.text if other.text == pane.machine else pane.machine
        if other.text != rejected:
            stands = Standing(other.text, other.confidence)
            self._keep(pane, "preference", {"text": other.text, "rejected": rejected}, stands)

    def save(self, pane: CaptionPane) -> None:
        """Write the words of a pane beside the picture."""
        window = self._window
        picture, service, caption, words = window.chosen.picture, window.service, pane.caption, pane.words
        if picture is None or service is None or caption is None or not words:
            return
        captioner = service.captioner
        by_machine = words in (caption.text, *(other.text for other in caption.alternatives))
        model = f"{captioner.name} {captioner.version}" if by_machine else None
        file = sidecar_of(picture.path, pane.language, pane.language == captioner.languages[0])

        def saved(undo: Callable[[], None]) -> None:
            self._remember(_Undo(undo))
            window.show_status("saved", file=file.name)

        window.work.start(lambda: save_sidecar(file, words, model=model), saved, window.fail)

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
        last = self._undo.pop()
        if not self._undo:
            self._window.tools["undo"].configure(state="disabled")

        def undone(_: None) -> None:
            last.then()
            self._window.show_status("undone")

        def failed(error: Exception) -> None:
            self._remember(last)
            self._window.fail(error)

        self._window.work.start(last.do, undone, failed)

    def _keep(
        self, pane: CaptionPane, kind: "Kind", what: dict[str, Any], stands: Standing | None = None
    ) -> None:
        """Keep what a person says, and let something stand in place of the caption."""
        window, language = self._window, pane.language
        picture, service = window.chosen.picture, window.service
        if picture is None or service is None or pane.caption is None or picture.described is None:
            return
        digest, machine = picture.described.picture, pane.machine
        seconds = round(time.monotonic() - window.chosen.since, 1)
        before = picture.stands.get(language)

        def put_back() -> None:
            if stands is not None and picture.stands.get(language) is stands:
                window.chosen.replace(picture, language, before)

        def do() -> "tuple[Feedback, tuple[Hit, ...]]":
            row = service.judge(kind, digest, language, machine, seconds=seconds, **what)
            return row, service.spread(row)

        def kept(done: "tuple[Feedback, tuple[Hit, ...]]") -> None:
            row, offers = done
            self._remember(_Undo(lambda: self._forget(row.id), put_back))
            window.show_status("thanks")
            if offers:
                self._offer(offers, row)

        def failed(error: Exception) -> None:
            put_back()
            window.fail(error)

        if stands is not None:
            window.chosen.replace(picture, language, stands)
        window.work.start(do, kept, failed)

    def _forget(self, feedback_id: str) -> None:
        """Take back what was kept, also where another library was opened since."""
        if self._window.service is not None:
            self._window.service.forget(feedback_id)

    def _offer(self, offers: "tuple[Hit, ...]", row: "Feedback") -> None:
        """Offer the words of a correction for pictures that look nearly the same."""
        window = self._window
        gallery = None if window.service is None else window.service.gallery
        if gallery is None:
            return

        def accept(chosen: "list[Hit]") -> None:
            ids = [hit.id for hit in chosen]
            window.work.start(
                lambda: gallery.describe(ids, str(row.text), row.language, correction=row.id),
                lambda count: window.show_status("thanks"),
                window.fail,
            )

        Offer(window, gallery, offers, accept)

    def _remember(self, undo: "_Undo") -> None:
        self._undo.append(undo)
        self._window.tools["undo"].configure(state="normal")


@dataclass(frozen=True, slots=True)
class _Undo:
    """How something is taken back: what a thread does, and what the window shows then."""

    do: Callable[[], None]
    then: Callable[[], None] = lambda: None

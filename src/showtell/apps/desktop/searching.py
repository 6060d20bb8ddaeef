"""Search in the window: answers are listed in place of the user's own pictures, until the user goes back."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from showtell.apps.desktop import drawing
from showtell.apps.desktop.listing import Picture, Standing

if TYPE_CHECKING:
    from showtell.apps.desktop.window import Window
    from showtell.apps.gallery import Answer, Gallery, Hit

__all__ = ["Searching"]


class Searching:
    """What the search does."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._mine: dict[str, Picture] | None = None  # the user's pictures while answers are listed
        self._asked = 0

    @property
    def lists_answers(self) -> bool:
        """Whether answers are listed in place of the user's pictures."""
        return self._mine is not None

    def offer(self) -> None:
        """Show what belongs to the search where there is a library."""
        window = self._window
        if self._gallery() is None:
            window.answer_bar.pack_forget()
        else:
            window.answer_bar.pack(fill="x", before=window.sides)
        window.tools["back"].configure(state="disabled" if self._mine is None else "normal")

    def search(self, anyway: bool = False) -> None:
        """List the pictures of the library that the words fit.

        Args:
            anyway: also those that are not likely.
        """
        window, words, gallery = self._window, self._window.query.get().strip(), self._gallery()
        without = window.without.get().strip() or None
        if gallery is None:
            window.show_status("search_hint" if window.service else "loading")
        elif words:
            self._ask(lambda: gallery.find(words, without=without, anyway=anyway))

    def alike(self) -> None:
        """List the pictures of the library that look like the chosen one."""
        picture, service = self._window.chosen.picture, self._window.service
        if picture is not None and service is not None and service.gallery is not None:
            self._ask(lambda: service.alike(picture.path))

    def back(self) -> None:
        """List the user's own pictures again."""
        if self._mine is None:
            return
        window, mine, self._mine = self._window, self._mine, None
        window.chosen.forget()
        window.listing.clear()
        keys = {old: window.listing.add(picture) for old, picture in mine.items()}
        window.describing.rename(keys)
        if keys:
            window.listing.choose(next(iter(keys.values())))
        self.offer()

    def _gallery(self) -> "Gallery | None":
        return None if self._window.service is None else self._window.service.gallery

    def _ask(self, ask: "Callable[[], Answer]") -> None:
        """Ask in a thread; an answer that another question has overtaken is not shown."""
        self._asked += 1
        number = self._asked
        self._window.work.start(
            ask, lambda answer: self._answer(answer) if number == self._asked else None, self._window.fail
        )

    def _answer(self, answer: "Answer") -> None:
        window = self._window
        if answer.hits or not answer.nearest:
            window.tools["anyway"].pack_forget()
        else:
            window.tools["anyway"].pack(side="left")
        if not answer.hits:
            window.show_status("nothing")
            return
        taken = window.listing.clear()
        if self._mine is None:
            self._mine = taken
        window.chosen.forget()
        gallery = self._gallery()
        keys = [window.listing.add(_picture_of(hit, gallery)) for hit in answer.hits]
        window.listing.choose(keys[0])
        window.show_status("found", count=len(keys))
        self.offer()


def _picture_of(hit: "Hit", gallery: "Gallery | None") -> Picture:
    """A picture that a search found; it is described when it is chosen."""
    line, language = hit.match.caption or "", hit.match.language
    stands = {language: Standing(line, person=True)} if hit.match.by_person and language else {}
    preview = None if gallery is None else partial(drawing.found, gallery, hit.id)
    return Picture(hit.path, line=line, stands=stands, preview=preview)

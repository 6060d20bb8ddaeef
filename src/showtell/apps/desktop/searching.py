"""Search in the window: answers are listed in place of the user's own pictures, until the user goes back."""

from typing import TYPE_CHECKING

from showtell.apps.desktop.listing import Picture

if TYPE_CHECKING:
    from showtell.apps.desktop.window import Window
    from showtell.apps.gallery import Answer, Gallery, Hit

__all__ = ["Searching"]


class Searching:
    """What the search does."""

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._mine: dict[str, Picture] | None = None  # the user's pictures while answers are listed

    def search(self) -> None:
        """List the pictures of the library that the words fit."""
        window, words, gallery = self._window, self._window.query.get().strip(), self._gallery()
        if gallery is None:
            window.show_status("search_hint" if window.service else "loading")
        elif words:
            window.work.start(lambda: gallery.find(words), self._answer, window.fail)

    def alike(self) -> None:
        """List the pictures of the library that look like the chosen one."""
        picture, gallery = self._window.chosen.picture, self._gallery()
        if picture is not None and gallery is not None:
            self._window.work.start(
                lambda: gallery.alike_picture(picture.path, anyway=True), self._answer, self._window.fail
            )

    def back(self) -> None:
        """List the user's own pictures again."""
        if self._mine is None:
            return
        window, mine, self._mine = self._window, self._mine, None
        window.chosen.forget()
        window.listing.clear()
        window.answer_bar.pack_forget()
        keys = {old: window.listing.add(picture) for old, picture in mine.items()}
        window.describing.rename(keys)
        if keys:
            window.listing.choose(next(iter(keys.values())))

    def _gallery(self) -> "Gallery | None":
        return None if self._window.service is None else self._window.service.gallery

    def _answer(self, answer: "Answer") -> None:
        window = self._window
        if not answer.hits:
            window.show_status("nothing")
            return
        taken = window.listing.clear()
        if self._mine is None:
            self._mine = taken
        window.chosen.forget()
        keys = [window.listing.add(_picture_of(hit)) for hit in answer.hits]
        window.answer_bar.pack(fill="x", before=window.sides)
        window.listing.choose(keys[0])
        window.show_status("found", count=len(keys))


def _picture_of(hit: "Hit") -> Picture:
    """A picture that a search found; it is described when it is chosen."""
    line, language = hit.match.caption or "", hit.match.language
    words = {language: line} if hit.match.by_person and language else None
    return Picture(hit.path, line=line, words=words)

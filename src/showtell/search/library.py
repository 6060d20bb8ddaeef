"""A library of pictures: index folders, find pictures in them; read this first.

::

    library = showtell.open_library()
    library.index(["Pictures"])
    for match in library.find("two dogs on a beach"):
        print(match.path, match.probability, match.reason)

Pictures are found by their captions (full text) and by how they look (vectors) at once. A person's words about a
picture (`Library.describe`) outrank the machine's and are never overwritten.
"""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from showtell.captioning.hub import shipped_models
from showtell.errors import BadImage, BadLibrary, ShowtellError
from showtell.images import open_picture
from showtell.progress import Progress
from showtell.search.answers import Duplicates, Found
from showtell.search.duplicates import NEARLY_SAME
from showtell.search.indexing import Forget, Indexed, Indexer, content_hash
from showtell.search.model import Model
from showtell.search.records import Caption, Contents, FileState, Integers
from showtell.search.searching import Query, Searcher
from showtell.search.store import Store
from showtell.search.words import language_of

if TYPE_CHECKING:
    from showtell.captioning.base import Captioner
    from showtell.images import Source

__all__ = ["UNFIT", "Library", "default_folder", "open_library"]

UNFIT = 0.5
"""A picture with a safety score from here on is not given where safe ones are asked for."""

_PERIOD = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


def default_folder() -> Path:
    """Where a library is unless its folder is named: the environment's ``SHOWTELL_LIBRARY``, or the user's data."""
    if named := os.environ.get("SHOWTELL_LIBRARY"):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("showtell", appauthor=False) / "library"


def open_library(
    folder: str | Path | None = None, *, model: "str | Path | Captioner | None" = None, create: bool = True
) -> "Library":
    """Open a library of pictures.

    Args:
        folder: where it lies; the default place unless given. Made where it is missing.
        model: a bundle that ships, a bundle's folder, or any captioner, which then has to be given at each opening;
            the one that the library was indexed with unless given.
        create: whether a library that is not there is made.

    Raises:
        BadLibrary: there is none, or what is there is none or is of a later version.
    """
    folder = Path(folder).expanduser() if folder is not None else default_folder()
    if not create and not Store.exists(folder):
        raise BadLibrary(f"{folder}: there is no library; make one with showtell index")
    return Library(Store(folder), model=model)


class Library:
    """An open library. Safe from several threads; several processes may work on the same one."""

    def __init__(self, store: Store, *, model: "str | Path | Captioner | None" = None) -> None:
        """Use `open_library`."""
        self._store = store
        if isinstance(model, str | Path) and model not in shipped_models() and os.path.isdir(model):
            model = os.path.abspath(model)  # the library is opened from other folders too
        self._model = Model(model or store.setting("model") or "base")
        self._searcher = Searcher(store, self._model)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """How many pictures it has."""
        return self.counts()["pictures"]

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._store.path.parent

    def close(self) -> None:
        """Close the file; the library is of no use afterwards."""
        self._searcher.close()
        self._store.close()

    def index(
        self,
        paths: "Iterable[str | Path] | str | Path",
        *,
        captions: bool = True,
        languages: Sequence[str] | None = None,
        retry: bool = False,
        progress: Progress = Progress(),
        forget: Forget | None = None,
    ) -> Indexed:
        """Take in the pictures of folders, and what has changed there since the last time.

        Args:
            paths: folders, with all the folders in them, and single pictures.
            captions: whether pictures are captioned too.
            languages: to caption in; all that the model has unless given.
            retry: try pictures again that could not be read earlier and have not changed.
            progress: shows a bar over the pictures that have changed.
            forget: called with a folder and the number of known pictures missing there, where they may lie on a disk
                that is not there; says whether to forget them. They are kept unless given.

        Raises:
            BadLibrary: the library cannot be written.
            ShowtellError: there is nothing to do, or a language that the model does not have.
        """
        model = self._model
        languages = self._languages(languages) if captions else ()
        if model.space is None and not languages:
            raise ShowtellError(f"the model {model.name} makes captions alone; index with captions")
        if isinstance(paths, str | Path):
            paths = [paths]
        roots = [os.path.abspath(os.path.expanduser(path)) for path in paths]
        if not model.own:
            self._store.set("model", model.name)
        indexer = Indexer(
            self._store,
            model.captioner,
            space=model.space,
            captions_by=model.captions_by,
            languages=languages,
            retry=retry,
        )
        return indexer.run(roots, progress=progress, forget=forget)

    def find(
        self,
        query: str | None = None,
        *,
        like: "Source | None" = None,
        without: str | None = None,
        top: int = 20,
        folder: str | Path | None = None,
        since: str | None = None,
        until: str | None = None,
        safe: bool = False,
        anyway: bool = False,
        rerank: bool = False,
    ) -> Found:
        """Find pictures by words, by a picture, or by both.

        Args:
            query: words, in English or Chinese, whatever language the captions are in.
            like: a picture that they shall look like.
            without: words for what they must not show.
            top: how many at most.
            folder: pictures in this folder alone.
            since, until: ``2024``, ``2024-05`` or ``2024-05-31``, both included; of when the picture was taken, or else
                of when its file was changed.
            safe: only pictures that were screened and found fit to be shown.
            anyway: also what is not likely.
            rerank: for a query in words: read the first 20 pictures again and rank them by the captioner too, which
                finds better and takes half a second.

        Raises:
            BadImage: `like` cannot be read.
            ShowtellError: a query or a filter that makes no sense.
        """
        if query is None and like is None:
            raise ShowtellError("there is nothing to look for; give words or a picture")
        return self._searcher.find(
            Query(query, like, without),
            self._filtered(folder, since, until, safe),
            top=top,
            anyway=anyway,
            rerank=rerank,
        )

    def duplicates(self, *, similarity: float = NEARLY_SAME) -> list[Duplicates]:
        """Pictures that are the same, and then those that are nearly the same.

        Args:
            similarity: the cosine from which two are nearly the same; only the same files where there are no vectors.
        """
        same = [Duplicates(tuple(paths), True, 1.0) for paths in self._store.copies()]
        nearly = []
        for ids, least in self._searcher.nearly_the_same(similarity):
            found = self._store.paths(ids)
            paths = sorted(path for own in found.values() for path in own)
            if len(found) > 1:
                nearly.append(Duplicates(tuple(paths), False, least))
        return [*same, *sorted(nearly, key=lambda group: group.paths)]

    def keep_vectors_on(self, qdrant: str | None) -> None:
        """Let a Qdrant server rank the vectors, from now on and whoever opens the library.

        Args:
            qdrant: its address, ``http://HOST:6333``; None for the memory of whoever searches, as at first.

        Raises:
            MissingExtra: its client is not installed.
            ShowtellError: it does not answer.
        """
        self._searcher.keep_vectors_on(qdrant)

    def describe(self, path: str | Path, words: str, *, language: str | None = None) -> str | None:
        """Keep a person's words about a picture: they are found first, and nothing but other words replaces them.

        Args:
            path: a picture; it need not be in the library yet.
            words: a sentence or a few words.
            language: ``en`` or ``zh``; told by the words unless given.

        Returns:
            The person's words that they replace, if any.

        Raises:
            BadImage: the picture cannot be read.
            ShowtellError: there are no words.
        """
        words = " ".join(words.split())
        if not words:
            raise ShowtellError(f"{path}: there are no words to describe it with")
        place, content = _read(path)
        digest = content_hash(content)
        known = self._store.known_contents(digest)
        if known is None:
            _check_picture(path, content)
        if known is None or self._contents(place) != known.contents:
            # It is new or has changed; its size is left open, so that the next index run looks at it.
            self._store.save([(FileState(place, -1, -1), Contents(digest))])
        contents = self._contents(place)
        assert contents is not None
        return self._store.describe(contents, words, language or language_of(words))

    def undescribe(self, path: str | Path, language: str) -> str | None:
        """Take a person's words about a picture away, so that the machine's stand again.

        Args:
            path: a picture of the library; its file need not be there any longer.
            language: of the words.

        Returns:
            The words, if there were any.
        """
        contents = self._contents(path)
        return None if contents is None else self._store.describe(contents, None, language)

    def captions(self, path: str | Path) -> tuple[Caption, ...]:
        """What is said of a picture in the library, a person's words first; nothing of one that is not in it."""
        contents = self._contents(path)
        return () if contents is None else tuple(self._store.captions([contents]).get(contents, ()))

    def files_of(self, digest: str) -> tuple[str, ...]:
        """The library's files with these contents, sorted.

        Args:
            digest: SHA-256 of a file, in hexadecimal.
        """
        known = self._store.known_contents(bytes.fromhex(digest))
        if known is None or known.contents is None:
            return ()
        return tuple(self._store.paths([known.contents]).get(known.contents, ()))

    def screened(self, path: str | Path, score: float, *, by: str) -> bool:
        """Keep a safety score of a picture.

        Args:
            score: the probability that it is unfit to be shown, 0 to 1.
            by: the name of what screened it.

        Returns:
            Whether the picture is in the library.

        Raises:
            BadImage: the picture cannot be read.
            ValueError: the score is no probability.
        """
        if not 0 <= score <= 1:
            raise ValueError(f"a safety score is a probability from 0 to 1, not {score!r}")
        return self._store.save_safety(content_hash(_read(path)[1]), score, by)

    def counts(self) -> dict[str, int]:
        """How many ``pictures``, different ``contents``, ``captions``, ``errors``, ``described`` and ``screened``."""
        return self._store.counts()

    def errors(self) -> list[tuple[str, str]]:
        """The files that could not be read, and why."""
        return self._store.errors()

    def _contents(self, path: str | Path) -> int | None:
        """The id of what a file holds; None for one that is not in the library, or could not be read."""
        place = os.path.abspath(path)
        known = self._store.known([place]).get(place)
        return None if known is None else known.contents

    def _languages(self, languages: Sequence[str] | None) -> tuple[str, ...]:
        """The languages to caption in."""
        known = self._model.languages
        for language in languages or ():
            if language not in known:
                raise ShowtellError(
                    f"the model {self._model.name} does not caption in {language!r}; it captions in "
                    f"{' and '.join(known)}"
                )
        return tuple(languages or known)

    def _filtered(
        self, folder: str | Path | None, since: str | None, until: str | None, safe: bool
    ) -> Integers | None:
        """The ids of the contents that pass the filters, ascending; None where all do."""
        for period in (since, until):
            if period is not None and not _PERIOD.fullmatch(period):
                raise ShowtellError(f"a date is written 2024, 2024-05 or 2024-05-31, not {period!r}")
        if safe and not self.counts()["screened"]:
            raise ShowtellError(f"{self.folder}: no picture has been screened yet; run showtell screen")
        if folder is None and since is None and until is None and not safe:
            return None
        return self._store.listed(
            folder=None if folder is None else os.path.abspath(os.path.expanduser(folder)),
            since=since,
            until=None if until is None else until + "~",  # which comes after all that begins with it
            safe_below=UNFIT if safe else None,
        )


def _check_picture(path: str | Path, content: bytes) -> None:
    """Refuse a file that is no picture."""
    try:
        open_picture(content, at_least=32)
    except BadImage as error:
        raise BadImage(path, error.reason) from error


def _read(path: str | Path) -> tuple[str, bytes]:
    """The absolute path of a file, and its bytes."""
    place = os.path.abspath(path)
    try:
        return place, Path(place).read_bytes()
    except FileNotFoundError:
        raise BadImage(path, "there is no such file") from None
    except OSError as error:
        raise BadImage(path, f"cannot be read ({error.strerror})") from error

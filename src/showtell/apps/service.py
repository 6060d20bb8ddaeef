"""The one façade that the HTTP server, the page and the window stand on.

Plain methods that take a picture's bytes or path and return dataclasses; safe to call from several threads. Pictures
that are asked about at the same time are captioned in batches. Nothing about a picture is kept or logged; feedback
alone is written, with the picture's hash in place of the picture.
"""

from collections.abc import Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from showtell.apps.batching import Batcher, Busy, Closed, Turns
from showtell.apps.gallery import Answer, Gallery, Hit
from showtell.captioning.base import Caption, Captioner, Encoded
from showtell.captioning.captioner import BundleCaptioner
from showtell.captioning.explain import Explanation, explain
from showtell.captioning.hub import load
from showtell.errors import BadImage, MissingExtra, ShowtellError
from showtell.feedback import Feedback, FeedbackStore, Kind, picture_hash
from showtell.safety import Screener, Verdict
from showtell.search import Library, open_library

__all__ = ["BadOption", "Busy", "Closed", "Described", "Health", "Service", "open_service"]


class BadOption(ShowtellError):
    """An option that makes no sense to this service."""


MOST_BEAM = 10
MOST_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class Described:
    """What was said of one picture.

    Attributes:
        picture: its SHA-256, which feedback names it by.
        captions: one in each language that was asked for.
        safety: whether it is fit to be shown, where that was asked.
    """

    picture: str
    captions: tuple[Caption, ...]
    safety: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How the service is.

    Attributes:
        model, version, languages: of the captioner.
        waiting: pictures that wait to be captioned.
        library: whether there is a library to search.
        screening: whether pictures are screened.
        feedback: whether feedback is kept.
    """

    model: str
    version: str
    languages: tuple[str, ...]
    waiting: int
    library: bool
    screening: bool
    feedback: bool


class Service:
    """A captioner and what stands beside it, for any number of users at a time.

    Attributes:
        captioner: the captioner.
        feedback: where feedback is kept; None when it is not.
        screener: what says whether a picture is fit to be shown; None when nothing does.
        gallery: the library to search; None without one.
    """

    def __init__(
        self,
        captioner: Captioner,
        *,
        feedback: FeedbackStore | None = None,
        screener: Screener | None = None,
        library: Library | None = None,
        workers: int = 2,
        batch: int = 8,
        wait: float = 0.004,
        queue: int = 64,
    ) -> None:
        """Begin to serve.

        Args:
            captioner: made by `showtell.load`, or any other; only the former explains and has a card.
            feedback: where feedback is kept.
            screener: what says whether a picture is fit to be shown.
            library: pictures to search; closed with the service.
            workers: threads that caption; as many as there are processors are enough.
            batch: pictures that are captioned together at most.
            wait: seconds that a picture may wait for others while another batch is worked on.
            queue: pictures that may wait; more are refused with `Busy`. A quarter as many may wait to be explained
                or screened.
        """
        self.captioner = captioner
        self.feedback = feedback
        self.screener = screener
        self.gallery = None if library is None else Gallery(library, screener)
        self._batcher: Batcher[bytes, Described] = Batcher(
            self._described, workers=workers, size=batch, wait=wait, room=queue
        )
        self._turns = Turns(workers, room=queue // 4)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what was begun, and end."""
        self._batcher.close()
        if self.gallery is not None:
            self.gallery.close()
        if self.feedback is not None:
            self.feedback.close()

    # --- captions ---

    def caption(
        self,
        source: bytes | Path,
        *,
        language: str | None = None,
        beam: int | None = None,
        candidates: int | None = None,
        screen: bool = False,
    ) -> Described:
        """Caption one picture.

        Args:
            source: the picture's bytes, or its path.
            language: one of the captioner's; ``both`` for all it has; its first unless given.
            beam: hypotheses followed at a time, 1 to 10.
            candidates: captions wanted, the first included, 1 to 10; as many as the beam finds unless given.
            screen: whether to say if the picture is fit to be shown.

        Raises:
            BadImage: it is no picture.
            BadOption: an option makes no sense.
            Busy: too many pictures wait.
        """
        [future] = self.submit([source], language=language, beam=beam, candidates=candidates, screen=screen)
        return future.result()

    def submit(
        self,
        sources: Sequence[bytes | Path],
        *,
        language: str | None = None,
        beam: int | None = None,
        candidates: int | None = None,
        screen: bool = False,
    ) -> list[Future[Described]]:
        """Ask for captions of pictures without waiting for them: all are accepted, or none; see `caption`."""
        options = self._options(language, beam, candidates)
        if screen:
            self._screener()  # which says what is missing
        key = screen, tuple(sorted(options.items()))
        return self._batcher.submit([(key, _bytes(source)) for source in sources])

    def _options(self, language: str | None, beam: int | None, candidates: int | None) -> dict[str, Any]:
        """The options as the captioner takes them; BadOption when they make no sense."""
        languages = self.captioner.languages
        if language == "both" and len(languages) == 1:
            language = languages[0]  # whoever wants every language gets the one there is
        if language not in (None, "both", *languages):
            there = " and ".join(languages)
            raise BadOption(
                f"the model {self.captioner.name} does not caption in {language!r}; it captions in {there}"
            )
        for name, value, most in (("beam", beam, MOST_BEAM), ("candidates", candidates, MOST_CANDIDATES)):
            if value is not None and not 1 <= value <= most:
                raise BadOption(f"{name} must be from 1 to {most}, not {value}")
        if beam is not None and candidates is not None and candidates > beam:
            raise BadOption(f"a beam of {beam} finds no {candidates} candidates")
        given = {"language": language or languages[0], "beam": beam, "candidates": candidates}
        return {name: value for name, value in given.items() if value is not None}

    def _described(self, key: Hashable, pictures: Sequence[bytes]) -> list[Described | Exception]:
        """A batch of pictures with the same options, in the batcher's thread."""
        assert isinstance(key, tuple)
        screen: bool = key[0]
        options: dict[str, Any] = dict(key[1])
        wanted = options.pop("language")
        languages = self.captioner.languages if wanted == "both" else (wanted,)
        encoded: dict[int, Encoded] = {}
        described: list[Described | Exception | None] = [None] * len(pictures)
        for place, picture in enumerate(pictures):
            try:
                encoded[place] = self.captioner.encode(picture)
            except BadImage as error:
                described[place] = error
        each = [
            self.captioner.describe(list(encoded.values()), language=language, **options)
            for language in languages
            if encoded
        ]
        for place, *captions in zip(encoded, *each, strict=True):
            picture = pictures[place]
            try:
                safety = self._screener().screen(picture) if screen else None
            except BadImage as error:
                described[place] = error
                continue
            described[place] = Described(picture_hash(picture), tuple(captions), safety)
        return [one for one in described if one is not None]

    def explain(self, source: bytes | Path, *, language: str | None = None) -> Explanation:
        """Caption a picture and find which part of it each word depends on; see `caption` for the errors."""
        options = self._options(language, None, None)
        if options["language"] == "both":
            raise BadOption("an explanation is of one language")
        if not isinstance(self.captioner, BundleCaptioner):
            raise BadOption(f"the model {self.captioner.name} is no bundle and does not explain")
        picture = _bytes(source)
        with self._turns:
            return explain(self.captioner, picture, language=options["language"])

    def screen(self, source: bytes | Path) -> Verdict:
        """Say whether a picture is fit to be shown to everybody.

        Raises:
            BadImage: it is no picture.
            Busy: too many pictures wait.
            MissingExtra: nothing that can say is installed.
        """
        screener, picture = self._screener(), _bytes(source)
        with self._turns:
            return screener.screen(picture)

    def alike(self, source: bytes | Path, *, top: int = 24) -> Answer:
        """Find the pictures of the library that look most like a picture, which need not be in it.

        Raises:
            BadImage: it is no picture.
            Busy: too many pictures wait.
            ShowtellError: there is no library.
        """
        if self.gallery is None:
            raise ShowtellError("there is no library to search")
        # A file is given as such, so that it is left out of its own answer.
        picture = source if isinstance(source, Path) else _bytes(source)
        with self._turns:
            return self.gallery.alike_picture(picture, top=top)

    def _screener(self) -> Screener:
        if self.screener is None:
            raise MissingExtra("screening is not installed; install it with pip install 'showtell[safety]'")
        return self.screener

    # --- feedback ---

    def judge(self, kind: Kind, picture: str, language: str, machine: str, **more: Any) -> Feedback:
        """Keep what a person says of a caption.

        Args:
            kind: ``correction``, ``rating`` or ``preference``.
            picture: as in `Described`.
            language: of the caption.
            machine: what the captioner said.
            **more: ``text``, ``rejected``, ``rating``, ``seconds``, ``person`` as in `showtell.feedback.Feedback`.

        Raises:
            ShowtellError: feedback is not kept here, or the row makes no sense.
        """
        if language not in self.captioner.languages:
            raise ShowtellError(f"feedback: the model {self.captioner.name} does not caption in {language!r}")
        store = self._store()
        row = Feedback(kind, picture, language, self.captioner.name, self.captioner.version, machine, **more)
        store.add(row)
        return row

    def spread(self, row: Feedback) -> tuple[Hit, ...]:
        """Keep a correction in the library too, where the library has the picture.

        Returns:
            Pictures that look nearly the same; the same words may be offered for them, and are kept only when a
            person accepts: `Gallery.describe`.
        """
        if self.gallery is None or row.kind != "correction" or row.text is None:
            return ()
        return self.gallery.learn(row.picture, row.text, row.language, correction=row.id)

    def forget(self, feedback_id: str) -> bool:
        """Delete one row of feedback, and say whether it was there.

        Where it is a correction since this service began, what stood in the library before stands there again.
        """
        deleted = self._store().delete(id=feedback_id) > 0
        if self.gallery is not None:
            self.gallery.take_back(feedback_id)
        return deleted

    def _store(self) -> FeedbackStore:
        if self.feedback is None:
            raise ShowtellError("feedback is not kept here")
        return self.feedback

    # --- about ---

    def health(self) -> Health:
        """How the service is."""
        captioner = self.captioner
        return Health(
            captioner.name,
            captioner.version,
            captioner.languages,
            waiting=self._batcher.waiting,
            library=self.gallery is not None,
            screening=self.screener is not None,
            feedback=self.feedback is not None,
        )

    def card(self) -> str:
        """The captioner's card, in Markdown; empty where it has none."""
        return self.captioner.card if isinstance(self.captioner, BundleCaptioner) else ""


def open_service(
    model: str = "base", *, feedback: Path | None = None, library: Path | None = None, **settings: Any
) -> Service:
    """A service with what is installed and asked for.

    Args:
        model: a model that ships with showtell, or a bundle's folder.
        feedback: the file where feedback is kept; the user's own unless given.
        library: the folder of a library.
        **settings: of the batches; see `Service`.

    Raises:
        ShowtellError: the model, the library or the file of feedback cannot be opened.
    """
    opened = None if library is None else open_library(library, create=False)
    return Service(
        load(model), feedback=FeedbackStore(feedback), screener=_screening(), library=opened, **settings
    )


def _screening() -> Screener | None:
    """What screens pictures, where it is installed."""
    try:
        return Screener()
    except MissingExtra:
        return None


def _bytes(source: bytes | Path) -> bytes:
    """The picture file's bytes.

    Raises:
        BadImage: the file cannot be read.
    """
    if isinstance(source, bytes):
        return source
    if not source.is_file():  # a pipe may never end
        raise BadImage(source, "is not a file" if source.exists() else "there is no such file")
    try:
        return source.read_bytes()
    except OSError as error:
        raise BadImage(source, f"cannot be opened ({error.strerror})") from error

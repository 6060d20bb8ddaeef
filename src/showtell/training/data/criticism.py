"""What people said of captions -> judgements that a captioner can learn from.

A preference says that one caption is better than another, and so does a correction, whose words are better than the
machine's. A rating speaks of one caption alone: it is to become likelier or less likely than it was.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from showtell.corpora.base import PEOPLE
from showtell.errors import BadCorpus, ShowtellError, reason_of
from showtell.feedback import Feedback, FeedbackStore, default_path, picture_hash, read_export
from showtell.text.cleaning import words
from showtell.text.printable import counted
from showtell.training.data.selection import TrainingCaption, TrainingPicture
from showtell.training.settings import Text

SQLITE = b"SQLite format 3\0"  # what a file of feedback begins with
MIDDLE = 3  # the rating that says neither good nor bad


@dataclass(frozen=True, slots=True)
class Judgement:
    """One caption that is better than another, or one that is good or bad by itself.

    Attributes:
        picture: SHA-256 of its file.
        language: of the captions.
        better, worse: their words; one of them may be None.
        weight: in the loss, up to 1.
        corrected: whether a person wrote ``better``.
    """

    picture: str
    language: str
    better: tuple[str, ...] | None
    worse: tuple[str, ...] | None
    weight: float = 1.0
    corrected: bool = False


@dataclass(frozen=True)
class Criticism:
    """What can be learnt from.

    Attributes:
        pictures: those that were judged, with people's corrections as their captions; some have none.
        judgements: each of one of these pictures.
        left_out: how many rows of feedback teach nothing, by the reason.
    """

    pictures: tuple[TrainingPicture, ...]
    judgements: tuple[Judgement, ...]
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        left = "".join(f"; {counted(number, 'row', 'rows')} {why}" for why, number in self.left_out.items())
        judged = counted(len(self.judgements), "judgement", "judgements")
        return f"{judged} of the captions of {counted(len(self.pictures), 'picture', 'pictures')}{left}"


def read_rows(path: Path | None) -> list[Feedback]:
    """The rows of a file of feedback or of an export; of the user's own file unless one is given.

    Raises:
        ShowtellError: there is no such file, or it is neither.
    """
    path = default_path() if path is None else path
    try:
        with path.open("rb") as file:
            database = file.read(len(SQLITE)) == SQLITE
        if not database:
            return read_export(path.read_text(encoding="utf-8").split("\n"), str(path))
    except UnicodeDecodeError:
        raise ShowtellError(f"{path}: is neither a file of feedback nor an export of one") from None
    except OSError as error:
        raise ShowtellError(f"{path}: cannot be read for feedback ({reason_of(error)})") from None
    with FeedbackStore(path) as store:
        return store.rows()


def read_criticism(
    rows: Iterable[Feedback],
    files: Iterable[Path],
    text: Text,
    *,
    languages: Sequence[str],
    dev: Iterable[Path] = (),
) -> Criticism:
    """The judgements in rows of feedback.

    Args:
        files: where the pictures are looked for, by the SHA-256 of their contents.
        text: how captions are read.
        languages: whose captions are judged.
        dev: pictures by which the training is judged; feedback on them is left out.

    Raises:
        BadCorpus: there is nothing to learn from.
    """
    rows = list(rows)
    found = _by_hash(files, {row.picture for row in rows})
    held_out = _by_hash(dev, {row.picture for row in rows}).keys()
    left_out: Counter[str] = Counter()
    judgements = []
    for row in rows:
        if row.picture in held_out:
            left_out["on dev pictures, by which the training is judged"] += 1
        elif row.picture not in found:
            left_out["on pictures that were not found; name their folder with --pictures"] += 1
        elif row.language not in languages:
            left_out["in a language that is not tuned"] += 1
        elif (judgement := _judgement(row, text)) is None:
            left_out["that say neither good nor bad, or have no words"] += 1
        else:
            judgements.append(judgement)
    criticism = Criticism(_pictures(found, judgements), tuple(judgements), left_out)
    if not judgements:
        raise BadCorpus(f"no feedback to learn from: {criticism}")
    return criticism


def _judgement(row: Feedback, text: Text) -> Judgement | None:
    """What a row says; None where it teaches nothing."""

    def read(caption: str | None) -> tuple[str, ...] | None:
        return tuple(words(caption or "", row.language, cleaning=text.cleaning)) or None

    if row.rating is not None:
        machine, weight = read(row.machine), abs(row.rating - MIDDLE) / 2
        if machine is None or not weight:
            return None
        good = row.rating > MIDDLE
        return Judgement(
            row.picture, row.language, machine if good else None, None if good else machine, weight
        )
    corrected = row.kind == "correction"
    better, worse = read(row.text), read(row.machine if corrected else row.rejected)
    if better is None or (better == worse and not corrected):
        return None
    return Judgement(
        row.picture, row.language, better, None if better == worse else worse, corrected=corrected
    )


def _pictures(found: Mapping[str, Path], judgements: Sequence[Judgement]) -> tuple[TrainingPicture, ...]:
    """The judged pictures in a fixed order, with the corrections of their captions."""
    captions: dict[str, list[TrainingCaption]] = {one.picture: [] for one in judgements}
    for one in judgements:
        if one.corrected and one.better:
            captions[one.picture].append(TrainingCaption(one.language, PEOPLE, one.better, 1.0))
    return tuple(TrainingPicture(name, found[name], tuple(captions[name])) for name in sorted(captions))


def _by_hash(files: Iterable[Path], wanted: Collection[str]) -> dict[str, Path]:
    """The files whose contents have a wanted SHA-256, by it; files that cannot be read are passed over."""
    found: dict[str, Path] = {}
    for file in files:
        try:
            name = picture_hash(file.read_bytes())
        except OSError:
            continue
        if name in wanted:
            found.setdefault(name, file)
    return found

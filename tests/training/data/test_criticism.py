"""What people said of captions, as judgements."""

import json
from pathlib import Path

import pytest

from showtell.errors import BadCorpus, ShowtellError
from showtell.feedback import Feedback, FeedbackStore, picture_hash
from showtell.training.data.criticism import Judgement, read_criticism, read_rows
from showtell.training.settings import Text

HASH = picture_hash(b"a picture")
MACHINE = "a cat on a mat"


def row(kind: str, *, picture: str = HASH, language: str = "en", **said: object) -> Feedback:
    return Feedback(
        kind=kind, picture=picture, language=language, model="m", version="1", machine=MACHINE, **said
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"a picture")
    return path


def judged(picture: Path, *rows: Feedback):
    return read_criticism(rows, [picture], Text(), languages=["en"])


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@pytest.mark.parametrize(
    ("said", "better", "worse", "weight", "corrected"),
    [
        (row("rating", rating=5), MACHINE, None, 1.0, False),
        (row("rating", rating=4), MACHINE, None, 0.5, False),
        (row("rating", rating=2), None, MACHINE, 0.5, False),
        (row("rating", rating=1), None, MACHINE, 1.0, False),
        (row("correction", text="A dog on a mat."), "a dog on a mat", MACHINE, 1.0, True),
        (row("correction", text="A cat on a mat."), MACHINE, None, 1.0, True),
        (row("preference", text="a dog", rejected="a cow"), "a dog", "a cow", 1.0, False),
    ],
)
def test_each_kind_of_feedback_is_a_judgement(picture, said, better, worse, weight, corrected) -> None:
    expected = Judgement(HASH, "en", better and words(better), worse and words(worse), weight, corrected)
    assert judged(picture, said).judgements == (expected,)


def test_corrections_are_captions_of_their_pictures(picture: Path) -> None:
    found = judged(picture, row("correction", text="A dog on a mat."), row("rating", rating=1))
    [one] = found.pictures
    assert (one.id, one.path) == (HASH, picture)
    assert [caption.words for caption in one.captions] == [words("a dog on a mat")]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (row("rating", rating=3), "neither good nor bad"),
        (row("rating", rating=1, picture=picture_hash(b"another")), "--pictures"),
        (row("rating", rating=1, language="zh"), "language"),
        (row("preference", text="A dog!", rejected="a dog"), "neither good nor bad"),
        (row("correction", text="..."), "no words"),
    ],
)
def test_what_teaches_nothing_is_counted_with_its_reason(picture, said, reason: str) -> None:
    found = judged(picture, said, row("rating", rating=1))
    assert len(found.judgements) == 1
    assert reason in str(found)


def test_feedback_on_dev_pictures_is_left_out(picture: Path) -> None:
    with pytest.raises(BadCorpus, match="dev pictures"):
        read_criticism([row("rating", rating=1)], [picture], Text(), languages=["en"], dev=[picture])


def test_pictures_that_cannot_be_read_are_passed_over(picture: Path, tmp_path: Path) -> None:
    found = read_criticism(
        [row("rating", rating=1)], [tmp_path / "gone.jpg", tmp_path, picture], Text(), languages=["en"]
    )
    assert found.pictures[0].path == picture


class TestRows:
    def test_a_file_of_feedback_and_its_export_hold_the_same_rows(self, tmp_path: Path) -> None:
        with FeedbackStore(tmp_path / "own.sqlite") as store:
            store.merge([row("rating", rating=2), row("correction", text="a dog")])
            (tmp_path / "export.jsonl").write_text("\n".join(store.export()), encoding="utf-8")
        assert read_rows(tmp_path / "own.sqlite") == read_rows(tmp_path / "export.jsonl")

    @pytest.mark.parametrize("content", [None, b"\xff\xfe", json.dumps({"kind": "rating"}).encode()])
    def test_anything_else_is_refused_by_name(self, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "words.txt"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ShowtellError, match=r"words\.txt"):
            read_rows(path)

    def test_looking_for_feedback_makes_no_file(self, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SHOWTELL_FEEDBACK", str(tmp_path / "feedback.sqlite"))
        with pytest.raises(ShowtellError, match=r"feedback\.sqlite"):
            read_rows(None)
        assert not list(tmp_path.iterdir())

"""Feedback: rows that never change, survive a kill, merge without duplicates and stay deleted."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from showtell.errors import ShowtellError
from showtell.feedback import Feedback, FeedbackStore, default_path, picture_hash

PICTURE = picture_hash(b"a picture")


def feedback(**changes):
    row = {
        "kind": "correction",
        "picture": PICTURE,
        "language": "en",
        "model": "base",
        "version": "1",
        "machine": "a dog",
        "text": "a cat on a mat",
    }
    return Feedback(**(row | changes))


@pytest.fixture
def store(tmp_path):
    with FeedbackStore(tmp_path / "feedback.sqlite") as opened:
        yield opened


def test_what_was_said_comes_back_as_it_was(store):
    rows = [
        feedback(text="一只猫在垫子上", language="zh", seconds=3.5, person="Ann"),
        feedback(kind="rating", text=None, rating=5),
        feedback(kind="preference", text="a cat", rejected="a dog"),
    ]
    for row in rows:
        store.add(row)
    assert sorted(store.rows(), key=lambda row: row.id) == sorted(rows, key=lambda row: row.id)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"text": None}, "text"),
        ({"text": "  \n"}, "empty"),
        ({"text": "x" * 2001}, "2000"),
        ({"text": "\ud800"}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"rating": 3}, "rating"),
        ({"kind": "rating", "text": None, "rating": 6}, "1 to 5"),
        ({"kind": "rating", "text": None, "rating": True}, "1 to 5"),
        ({"kind": "rating", "text": None, "rating": 2.5}, "1 to 5"),
        ({"kind": "preference", "text": "a", "rejected": "a"}, "same"),
        ({"kind": "preference"}, "rejected"),
        ({"kind": "praise"}, "kind"),
        ({"picture": "../../etc/passwd"}, "SHA-256"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": -1}, "seconds"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-01-01T00:00:00"}, "zone"),
        ({"id": "1"}, "id"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_and_says_why(changes, says):
    with pytest.raises(ShowtellError, match=says):
        feedback(**changes)


def test_rows_cannot_be_changed_even_by_sql(store):
    store.add(feedback())
    with sqlite3.connect(store.path) as other, pytest.raises(sqlite3.DatabaseError, match="immutable"):
        other.execute("UPDATE feedback SET text = 'nonsense'")


def test_two_exports_merge_without_duplicates_in_either_order(tmp_path):
    ours, theirs, both = feedback(), feedback(text="two cats"), feedback(kind="rating", text=None, rating=1)
    with FeedbackStore(tmp_path / "a") as a, FeedbackStore(tmp_path / "b") as b:
        a.merge([ours, both])
        b.merge([theirs, both])
        first, second = list(a.export()), list(b.export())
        assert a.import_lines(second).added == 1
        merged = b.import_lines(first)
        assert (merged.added, merged.known) == (1, 1)
        assert a.rows() == b.rows()
        assert list(a.export()) == list(b.export())


def test_one_id_that_says_two_things_stops_the_whole_import(store):
    row = feedback()
    store.add(row)
    lines = [json.dumps(feedback().to_dict()), json.dumps(row.to_dict() | {"text": "something else"})]
    with pytest.raises(ShowtellError, match=row.id):
        store.import_lines(lines)
    assert store.rows() == [row]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"kind": "rating"}', "null", '{"a": NaN}', "[" * 100_000, '"' + "\\ud800" + '"']
)
def test_a_broken_line_is_named_and_nothing_is_imported(store, line):
    with pytest.raises(ShowtellError, match="export, line 3"):
        store.import_lines([json.dumps(feedback().to_dict()), "", line])
    assert len(store) == 0


def test_what_was_deleted_is_gone_from_the_file_and_stays_deleted(store):
    secret = feedback(text="a secret sentence of a person", person="Ann")
    kept = feedback(person="Bob")
    store.merge([secret, kept])
    export = list(store.export())
    assert store.delete(person="Ann") == 1
    assert store.rows() == [kept]
    files = store.path.parent.glob(f"{store.path.name}*")
    assert not any(b"secret sentence" in file.read_bytes() for file in files)
    merged = store.import_lines(export)
    assert (merged.added, merged.known, merged.deleted) == (0, 1, 1)
    assert store.rows() == [kept]


def test_deleting_asks_for_what(store):
    store.add(feedback())
    with pytest.raises(ShowtellError, match="name a row"):
        store.delete()
    assert store.delete(picture=PICTURE, person="nobody") == 0
    assert store.delete_all() == 1


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("my notes " * 100, encoding="utf-8")
    with pytest.raises(ShowtellError, match="as a file of feedback"):
        FeedbackStore(text)
    assert text.read_text(encoding="utf-8") == "my notes " * 100
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE shopping (thing TEXT)")
    connection.close()
    with pytest.raises(ShowtellError, match="is a database, but not a file of feedback of showtell"):
        FeedbackStore(other)


def test_a_file_of_a_later_version_is_refused(tmp_path, store):
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ShowtellError, match="later version"):
        FeedbackStore(store.path)


def test_many_threads_and_two_stores_write_into_one_file(store):
    def write(target):
        for _ in range(25):
            target.add(feedback())

    with FeedbackStore(store.path) as other:
        threads = [threading.Thread(target=write, args=(target,)) for target in (store, other) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(store) == 200


def test_a_kill_loses_nothing_that_was_reported_as_written(tmp_path):
    path = tmp_path / "feedback.sqlite"
    code = f"""
from pathlib import Path
from test_feedback import feedback
from showtell.feedback import FeedbackStore
store = FeedbackStore(Path({str(path)!r}))
while True:
    row = feedback()
    store.add(row)
    print(row.id, flush=True)
"""
    written = []
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=__file__.rpartition("/")[0]
        )
        written += [process.stdout.readline().strip() for _ in range(20)]
        time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        written += process.stdout.read().split()
        process.wait()
    with FeedbackStore(path) as store:
        there = {row.id for row in store.rows()}
    assert set(written) <= there
    assert len(there) <= len(written) + 3  # one at a time was on its way


def test_where_feedback_is_kept_can_be_said(monkeypatch, tmp_path):
    monkeypatch.setenv("SHOWTELL_FEEDBACK", str(tmp_path / "mine.sqlite"))
    assert default_path() == tmp_path / "mine.sqlite"
    monkeypatch.delenv("SHOWTELL_FEEDBACK")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path().name == "feedback.sqlite"

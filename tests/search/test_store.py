"""The file of a library: opening it in every state, and several at once."""

import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest

from showtell.errors import BadLibrary
from showtell.search.migrations import MIGRATIONS
from showtell.search.records import Caption, Contents, FileState
from showtell.search.store import Store


def contents(name: str, *captions: Caption, vector=None) -> Contents:
    return Contents(
        name.encode(), vector=None if vector is None else np.array(vector, np.float32), captions=captions
    )


def said(text, language="en", author="machine", model="m 1"):
    return Caption(text, language, author, model if author == "machine" else None)


def save(store, path, *captions, name=None, vector=None):
    store.save([(FileState(path, 1, 1), contents(name or path, *captions, vector=vector))], model="space")


def schema(path):
    connection = sqlite3.connect(path)
    return sorted(
        connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    )


def first_schema(folder, migrations=1):
    """A library as the first version made it."""
    folder.mkdir()
    connection = sqlite3.connect(folder / "library.sqlite")
    for migration in MIGRATIONS[:migrations]:
        for statement in migration.statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {migrations}")
    connection.execute(f"PRAGMA application_id = {0x53686F77}")
    connection.execute("INSERT INTO contents (hash) VALUES (x'00')")
    connection.execute("INSERT INTO pictures VALUES (CAST('/old.jpg' AS BLOB), 1, 1, 1, NULL)")
    connection.execute(
        "INSERT INTO captions (content_id, author, language, text) VALUES (1, 'person', 'en', 'old')"
    )
    connection.commit()
    connection.close()


@pytest.mark.parametrize("migrations", range(1, len(MIGRATIONS) + 1))
def test_a_library_of_every_earlier_schema_becomes_the_present_one_and_keeps_what_it_has(
    tmp_path, migrations
):
    first_schema(tmp_path / "old", migrations)
    Store(tmp_path / "new").close()
    store = Store(tmp_path / "old")
    assert schema(tmp_path / "old" / "library.sqlite") == schema(tmp_path / "new" / "library.sqlite")
    assert store.paths([1]) == {1: ["/old.jpg"]}
    assert [caption.text for caption in store.captions([1])[1]] == ["old"]
    assert store.save_safety(b"\0", 0.1, "nets 1")


def test_a_migration_that_is_cut_short_leaves_the_library_as_it_was(tmp_path, monkeypatch):
    from showtell.database import Migration
    from showtell.search import migrations

    first_schema(tmp_path / "old")
    before = schema(tmp_path / "old" / "library.sqlite")
    broken = Migration("broken", ("CREATE TABLE half (x)", "CREATE TABLE nonsense ("))
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(BadLibrary):
        Store(tmp_path / "old")
    assert schema(tmp_path / "old" / "library.sqlite") == before


def test_a_later_version_is_refused_with_what_to_do(tmp_path):
    Store(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "library.sqlite")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(BadLibrary, match="later version of showtell; install"):
        Store(tmp_path)


def test_what_is_no_library_is_refused_and_left_alone(tmp_path):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "library.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(BadLibrary, match="not a database"):
        Store(tmp_path / "text")
    (tmp_path / "other").mkdir()
    connection = sqlite3.connect(tmp_path / "other" / "library.sqlite")
    connection.execute("CREATE TABLE songs (name)")
    connection.close()
    with pytest.raises(BadLibrary, match="not a library of showtell"):
        Store(tmp_path / "other")
    assert schema(tmp_path / "other" / "library.sqlite") == [("songs", "CREATE TABLE songs (name)")]


def test_a_folder_that_cannot_be_made_is_one_plain_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadLibrary, match="cannot be used as a library"):
        Store(tmp_path / "file" / "library")


def test_many_processes_may_make_the_same_library_at_once(tmp_path):
    code = f"from showtell.search.store import Store; Store({str(tmp_path / 'library')!r}).set('a', 'b')"
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(6)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 6, errors
    assert Store(tmp_path / "library").setting("a") == "b"


def test_threads_that_write_at_once_lose_nothing(tmp_path):
    store = Store(tmp_path)

    def write(thread):
        for number in range(20):
            save(store, f"/{thread}/{number}", said(f"a dog {number}"))

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.counts()["pictures"] == store.counts()["contents"] == len(store.matching("dog")) == 100


def test_a_batch_is_written_as_a_whole_or_not_at_all(tmp_path):
    store = Store(tmp_path)
    bad = Caption("no author", "en", "nobody")
    with pytest.raises(BadLibrary):
        store.save([(FileState("/a", 1, 1), contents("a")), (FileState("/b", 1, 1), contents("b", bad))])
    assert store.counts()["contents"] == 0


def test_names_of_files_that_are_not_unicode_are_kept(tmp_path):
    store = Store(tmp_path)
    save(store, "/pictures/\udcff\udc80.jpg", name="odd")
    assert list(store.under("/pictures")) == ["/pictures/\udcff\udc80.jpg"]
    assert store.known(["/pictures/\udcff\udc80.jpg"], vectors=None, captions="").keys() == {
        "/pictures/\udcff\udc80.jpg"
    }


def test_a_folder_is_not_taken_for_others_that_begin_like_it(tmp_path):
    store = Store(tmp_path)
    for path in ("/a/b.jpg", "/a/c/d.jpg", "/ab/e.jpg", "/a.jpg", "/a%/f.jpg", "/a_/g.jpg"):
        save(store, path)
    assert list(store.under("/a")) == ["/a/b.jpg", "/a/c/d.jpg"]
    assert list(store.under("/")) == sorted(
        ["/a/b.jpg", "/a/c/d.jpg", "/ab/e.jpg", "/a.jpg", "/a%/f.jpg", "/a_/g.jpg"]
    )
    assert len(store.listed(folder="/a")) == 2


def test_copies_share_contents_which_go_with_the_last_of_them(tmp_path):
    store = Store(tmp_path)
    for path in ("/a", "/b"):
        save(store, path, said("a dog"), name="same", vector=[1, 0])
    assert store.counts()["contents"] == 1
    assert store.copies() == [["/a", "/b"]]
    assert store.drop(["/a"]) == []
    [gone] = store.drop(["/b"])
    assert store.paths([gone]) == store.captions([gone]) == {}
    assert len(store.matching("dog")) == store.vector_count("space") == 0


def test_contents_that_a_person_described_outlive_their_files(tmp_path):
    store = Store(tmp_path)
    save(store, "/a", said("a dog"), name="same")
    store.describe(1, "Rex", "en")
    assert store.drop(["/a"]) == []
    save(store, "/b", name="same")
    assert len(store.matching("rex")) == 1


def test_a_persons_words_take_the_place_of_the_machines_in_their_language_alone(tmp_path):
    store = Store(tmp_path)
    save(store, "/a", said("a cat"), said("一只猫", "zh"))
    store.describe(1, "Rex the dog", "en")
    assert len(store.matching("cat")) == 0
    assert len(store.matching("猫")) == len(store.matching("rex")) == 1
    save(store, "/a", said("a cat again"))
    assert len(store.matching("cat")) == 0
    assert [(caption.text, caption.author) for caption in store.captions([1])[1]] == [
        ("Rex the dog", "person"),
        ("a cat again", "machine"),
        ("一只猫", "machine"),
    ]


def test_a_persons_words_stay_with_a_file_that_was_edited(tmp_path):
    store = Store(tmp_path)
    save(store, "/a", said("a cat"), name="before")
    store.describe(1, "Mitzi", "en")
    save(store, "/a", said("a cat"), name="after")
    found = store.matching("mitzi")
    assert store.paths(found.tolist())[int(found[-1])] == ["/a"]


def test_vectors_are_given_in_the_order_they_came_and_only_once(tmp_path):
    store = Store(tmp_path)
    save(store, "/a", vector=[1, 0])
    last, ids, vectors = store.vectors("space")
    assert (ids.tolist(), vectors.tolist()) == ([1], [[1, 0]])
    save(store, "/b", vector=[0, 1])
    assert store.vectors("space", after=last)[1].tolist() == [2]
    assert store.vectors("another space")[1].tolist() == []


def test_another_process_sees_a_change_by_its_mark(tmp_path):
    store, other = Store(tmp_path), Store(tmp_path)
    before = store.mark()
    assert store.mark() == before
    other.set("a", "b")
    assert store.mark() != before


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("2024", None, ["/b", "/c"]),
        ("2024-05-02", None, ["/c"]),
        (None, "2024-05~", ["/a", "/b"]),
        ("2024-05", "2024-05~", ["/b"]),
    ],
)
def test_pictures_are_filtered_by_when_they_were_taken_or_else_changed(tmp_path, since, until, found):
    store = Store(tmp_path)
    for path, taken in (("/a", "2023-12-31T23:59:59"), ("/b", "2024-05-01T10:00:00"), ("/c", None)):
        changed = 1717200000 * 10**9  # 2024-06-01
        store.save([(FileState(path, 1, changed), Contents(path.encode(), taken=taken))])
    ids = store.listed(since=since, until=until).tolist()
    assert sorted(path for paths in store.paths(ids).values() for path in paths) == found

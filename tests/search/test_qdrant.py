"""Vectors on a Qdrant server: the same answers as from memory. The client plays the server, in a folder."""

import shutil

import numpy as np
import pytest
from painted import names, paint, paint_all

import showtell
from showtell.errors import ShowtellError
from showtell.search.records import Contents, FileState
from showtell.search.store import Store
from showtell.search.vectors import LocalVectors

pytest.importorskip("qdrant_client", reason="the extra qdrant is not installed")
from showtell.search.qdrant import QdrantVectors

SPACE = "space"


def filled(folder, number, width=16):
    """A store with so many vectors."""
    store = Store(folder)
    vectors = np.random.default_rng(0).standard_normal((number, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    add(store, vectors)
    return store, vectors


def said(found):
    """What was found by name; colours that are equally far have no order of their own."""
    rows = [
        (match.path, pytest.approx(match.probability, abs=5e-3), match.why, match.words, match.caption)
        for match in found
    ]
    return sorted(rows, key=lambda row: row[0])


def add(store, vectors, first=0):
    store.save(
        [
            (FileState(f"/{first + number}", 1, 1), Contents(b"%d" % (first + number), vector=vector))
            for number, vector in enumerate(vectors)
        ],
        model=SPACE,
    )


def test_the_nearest_are_those_that_memory_gives(tmp_path):
    store, vectors = filled(tmp_path / "library", 700)
    local, server = LocalVectors(store, SPACE), QdrantVectors(store, SPACE, str(tmp_path / "qdrant"))
    for of in (local, server):
        of.refresh()
        assert len(of) == 700
    among = np.arange(1, 701, 7)
    for query in vectors[:5]:
        one, other = local.look(query), server.look(query)
        assert one.nearest(50, None).tolist() == other.nearest(50, None).tolist()
        assert one.nearest(50, among).tolist() == other.nearest(50, among).tolist()
        ids = np.array([694, 8, 1])
        np.testing.assert_allclose(one.similarities(ids), other.similarities(ids), atol=2e-3)
        assert other.mean == pytest.approx(one.mean, abs=1e-3)
        assert other.deviation == pytest.approx(one.deviation, abs=1e-3)


def test_what_is_new_and_what_is_gone_reaches_the_server_at_the_next_query(tmp_path):
    store, vectors = filled(tmp_path / "library", 20)
    server = QdrantVectors(store, SPACE, str(tmp_path / "qdrant"))
    server.refresh()
    add(store, -vectors[:5], first=100)
    server.refresh()
    assert server.look(-vectors[0]).nearest(1, None).tolist() == [21]
    store.drop(["/0", "/1"])
    server.refresh()
    assert len(server) == 23
    assert 1 not in server.look(vectors[0]).nearest(23, None)


def test_a_library_searches_the_same_on_a_server(library, tmp_path):
    library.index(paint_all(tmp_path / "pictures"))
    paint(tmp_path / "pictures" / "more" / "red.png", "red", size=(9, 9))
    library.index(tmp_path / "pictures")
    queries = [
        lambda: library.find("a red picture"),
        lambda: library.find("绿色", anyway=True),
        lambda: library.find("red", folder=tmp_path / "pictures" / "more"),
        lambda: library.find(like=tmp_path / "pictures" / "blue.png", anyway=True),
        lambda: library.find("picture", without="red", anyway=True),
    ]
    before = [query() for query in queries]
    library.keep_vectors_on(str(tmp_path / "qdrant"))
    for was, query in zip(before, queries, strict=True):
        now = query()
        assert now.nothing == was.nothing
        assert said(now) == said(was)
    assert len(library.duplicates()) == 1


def test_who_opens_the_library_again_finds_the_server_and_may_leave_it(library, tmp_path):
    library.index(paint_all(tmp_path / "pictures"))
    library.keep_vectors_on(str(tmp_path / "qdrant"))
    library.close()
    with showtell.open_library(library.folder) as again:
        assert names(again.find("red")) == ["red.png"]
        again.keep_vectors_on(None)
        shutil.rmtree(tmp_path / "qdrant")
        assert names(again.find("red")) == ["red.png"]


def test_a_server_that_does_not_answer_is_one_sentence_and_changes_nothing(library, tmp_path):
    library.index(paint_all(tmp_path / "pictures"))
    with pytest.raises(ShowtellError, match=r"http://localhost:9: the Qdrant server failed"):
        library.keep_vectors_on("http://localhost:9")
    assert names(library.find("red")) == ["red.png"]

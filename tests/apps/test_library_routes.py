"""A library over HTTP: found by words and by pictures, with ids in place of paths."""

import shutil

import pytest
from serving import picture, serving
from tiny_bundle import COLOURS

import showtell

pytest.importorskip("fastapi", reason="the server needs the extra server")


@pytest.fixture
def folder(tmp_path):
    """A folder with a picture of each colour, and one of red in another size."""
    pictures = tmp_path / "private" / "pictures"
    pictures.mkdir(parents=True)
    for colour in COLOURS:
        (pictures / f"{colour}.png").write_bytes(picture(colour))
    (pictures / "also red.png").write_bytes(picture("red", (50, 50)))
    return pictures


@pytest.fixture
def server(searching_model, folder, tmp_path):
    with showtell.open_library(tmp_path / "library", model=searching_model) as library:
        library.index(folder)
    with serving(searching_model, tmp_path, library=tmp_path / "library") as (client, running):
        client.running = running
        yield client


def found(server, **fields):
    answer = server.get("/api/find", params=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_pictures_are_found_by_words_in_both_languages(server):
    for query in ("a red picture", "红色"):
        names = [match["name"] for match in found(server, query=query, top=2)["matches"]]
        assert sorted(names) == ["also red.png", "red.png"]


def test_answers_name_no_path(server):
    assert "private" not in server.get("/api/find", params={"query": "red", "anyway": True}).text


def test_what_is_not_there_is_said_and_the_nearest_are_shown_on_request(server):
    said = found(server, query="zebra crossing")
    assert (said["matches"], said["nothing"], said["nearest"]) == ([], True, True)
    assert found(server, query="zebra crossing", anyway=True)["matches"]


def test_a_thumbnail_is_a_small_jpeg_of_a_picture_that_was_shown(server, folder):
    match = found(server, query="red")["matches"][0]
    thumbnail = server.get("/api/thumbnail", params={"id": match["id"]})
    assert thumbnail.headers["content-type"] == "image/jpeg"
    assert thumbnail.content.startswith(b"\xff\xd8")
    (folder / match["name"]).unlink()
    assert server.get("/api/thumbnail", params={"id": match["id"]}).status_code == 404


@pytest.mark.parametrize("number", ["1", "", "../../etc/passwd", "/etc/passwd", "a" * 50])
def test_an_id_that_no_answer_has_shown_reaches_nothing(server, number):
    found(server, query="red")
    for route in ("/api/thumbnail", "/api/alike"):
        answer = server.get(route, params={"id": number})
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:showtell:problem:no-such-picture"
    assert (
        server.post("/api/describe", json={"ids": [number], "text": "x", "language": "en"}).status_code == 404
    )


def test_more_like_a_picture(server):
    [red] = [one for one in found(server, query="red")["matches"] if one["name"] == "red.png"]
    names = [one["name"] for one in server.get("/api/alike", params={"id": red["id"]}).json()["matches"]]
    assert names[0] == "also red.png"


def test_more_like_a_picture_that_is_sent(server):
    files = [("picture", ("x.png", picture("red", (60, 60))))]
    names = [one["name"] for one in server.post("/api/alike/picture", files=files).json()["matches"]]
    assert sorted(names[:2]) == ["also red.png", "red.png"]
    bad = server.post("/api/alike/picture", files=[("picture", ("x.png", b"nonsense"))])
    assert bad.json()["type"] == "urn:showtell:problem:bad-picture"
    assert server.post("/api/alike/picture", files=files, data={"top": "3"}).status_code == 422


def test_a_correction_is_kept_in_the_library_and_offered_for_what_looks_the_same(server, tmp_path, folder):
    described = server.post("/api/caption", files=[("pictures", ("x.png", picture("red")))]).json()[
        "results"
    ][0]
    row = {
        "kind": "correction",
        "picture": described["picture"],
        "language": "en",
        "machine": "a red picture",
    }
    said = server.post("/api/feedback", json=row | {"text": "the sunset at Ann's"}).json()
    assert [offer["name"] for offer in said["offers"]] == ["also red.png"]
    [first] = found(server, query="sunset")["matches"]
    assert (first["name"], first["person"], first["caption"]) == ("red.png", True, "the sunset at Ann's")
    kept = server.post(
        "/api/describe",
        json={"ids": [said["offers"][0]["id"]], "text": "the sunset at Ann's", "language": "en"},
    )
    assert kept.json() == {"kept": 1}
    assert len(found(server, query="sunset")["matches"]) == 2


def corrected(server, text):
    """A correction of the red picture, and what it says."""
    files = [("pictures", ("x.png", picture("red")))]
    [captioned] = server.post("/api/caption", files=files).json()["results"]
    row = {"kind": "correction", "language": "en", "machine": "a red picture", "text": text}
    return server.post("/api/feedback", json=row | {"picture": captioned["picture"]}).json()


def person_words(server, query):
    return sorted(one["name"] for one in found(server, query=query)["matches"] if one["person"])


def test_a_correction_that_is_taken_back_leaves_the_library_too_with_what_it_spread_to(server):
    first = corrected(server, "the sunset")
    [offer] = first["offers"]
    words = {"ids": [offer["id"]], "text": "the sunset", "language": "en", "correction": first["id"]}
    assert server.post("/api/describe", json=words).json() == {"kept": 1}
    assert person_words(server, "sunset") == ["also red.png", "red.png"]
    second = corrected(server, "a sunset over Ann's house")
    assert server.post("/api/feedback/delete", json={"id": second["id"]}).json() == {"deleted": True}
    assert person_words(server, "Ann's house") == []
    assert person_words(server, "sunset") == ["also red.png", "red.png"]
    server.post("/api/feedback/delete", json={"id": first["id"]})
    assert person_words(server, "sunset") == []
    assert "red.png" in [one["name"] for one in found(server, query="red")["matches"]]


def test_what_is_taken_back_leaves_words_that_were_written_since(server):
    first = corrected(server, "the sunset")
    corrected(server, "Ann's red house")
    server.post("/api/feedback/delete", json={"id": first["id"]})
    assert person_words(server, "Ann's house") == ["red.png"]


def test_no_answer_names_a_folder_of_the_server_whatever_goes_wrong(server, folder, tmp_path):
    matches = found(server, query="red")["matches"]
    ids = [one["id"] for one in matches]
    answers = [server.post("/api/describe", json={"ids": ids, "text": " ", "language": "en"})]
    for match in matches:
        (folder / match["name"]).unlink()
    row = {"kind": "correction", "picture": "0" * 64, "language": "en", "machine": "x", "text": "y"}
    words = {"ids": ids, "text": "words", "language": "en"}
    answers += [server.post("/api/describe", json=words), server.get("/api/alike", params={"id": ids[0]})]
    assert [answer.status_code for answer in answers] == [422, 404, 404]
    for file in (tmp_path / "feedback.sqlite", *(tmp_path / "library").glob("library.sqlite*")):
        file.write_bytes(b"\xff" * file.stat().st_size)
    answers += [server.post("/api/feedback", json=row), server.get("/api/find", params={"query": "green"})]
    assert [answer.status_code for answer in answers[3:]] == [503, 503]
    assert str(tmp_path) not in "".join(answer.text for answer in answers)


def test_a_correction_of_a_picture_that_is_not_in_the_library_is_feedback_alone(server):
    row = {"kind": "correction", "picture": "0" * 64, "language": "en", "machine": "x", "text": "y"}
    assert server.post("/api/feedback", json=row).json()["offers"] == []


def test_without_a_library_there_are_no_such_routes(tiny_model, tmp_path):
    with serving(tiny_model, tmp_path) as (client, _):
        assert client.get("/api/find", params={"query": "x"}).status_code == 404
        assert client.get("/api/health").json()["library"] is False


def test_a_library_that_is_gone_is_one_sentence(tiny_model, tmp_path):
    shutil.rmtree(tmp_path / "nothing", ignore_errors=True)
    with (
        pytest.raises(showtell.ShowtellError, match="showtell index"),
        serving(tiny_model, tmp_path, library=tmp_path / "nothing"),
    ):
        pass

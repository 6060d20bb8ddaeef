"""The server: right answers over real sockets, and whoever should not have one gets a problem (RFC 9457)."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs the extra server")
pytest.importorskip("httpx", reason="the tests of the server need httpx")

import httpx
from serving import TOKEN, picture, serving
from tiny_bundle import CHINESE, COLOURS

from showtell.apps.server.connections import Patient
from showtell.apps.server.protection import Limits
from showtell.apps.server.running import prepare
from showtell.errors import ShowtellError

LIMITS = Limits(picture_bytes=20_000, pictures=4, body_bytes=60_000, body_seconds=1.0, answer_seconds=20)
PART = b'--y\r\nContent-Disposition: form-data; name="pictures"; filename="x.png"\r\n\r\n'


@pytest.fixture(scope="module")
def server(tiny_model, tmp_path_factory):
    with serving(tiny_model, tmp_path_factory.mktemp("server"), limits=LIMITS) as (client, running):
        client.running = running
        yield client


def files(*colours, field="pictures"):
    return [(field, (f"{colour}.png", picture(colour), "image/png")) for colour in colours]


def assert_problem(answer, status, kind):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["type"] == f"urn:showtell:problem:{kind}"
    assert said["status"] == status
    assert said["title"]
    assert said["detail"]
    assert not said["detail"].endswith(".")


# --- answers ---


def test_a_picture_is_captioned_in_both_languages(server):
    answer = server.post("/api/caption", files=files("red"), data={"language": "both"})
    assert answer.status_code == 200
    [result] = answer.json()["results"]
    assert result["name"] == "red.png"
    assert [caption["text"] for caption in result["captions"]] == [
        "a red picture",
        f"一张{CHINESE['red']}图片",
    ]
    assert result["captions"][0]["words"] == ["a", "red", "picture"]
    assert 0 < result["captions"][0]["confidence"] < 1
    assert len(result["captions"][0]["alternatives"]) == 2


def test_many_pictures_come_back_in_order_and_a_broken_one_says_why(server):
    sent = [*files("red", "blue"), ("pictures", ("bad.jpg", b"nonsense", "image/jpeg")), *files("green")]
    results = server.post("/api/caption", files=sent).json()["results"]
    assert [result["name"] for result in results] == ["red.png", "blue.png", "bad.jpg", "green.png"]
    texts = [result["captions"][0]["text"] if result["captions"] else None for result in results]
    assert texts == ["a red picture", "a blue picture", None, "a green picture"]
    assert results[2]["problem"]["type"] == "urn:showtell:problem:bad-picture"


def test_a_single_broken_picture_is_a_problem_of_the_request(server):
    answer = server.post("/api/caption", files=[("pictures", ("x.png", b"nonsense", "image/png"))])
    assert_problem(answer, 422, "bad-picture")


def test_a_caption_is_explained_word_by_word(server):
    answer = server.post("/api/explain", files=files("red", field="picture"), data={"language": "zh"})
    said = answer.json()
    assert [word["word"] for word in said["words"]] == ["一张", CHINESE["red"], "图片"]
    assert all(sum(map(sum, word["map"])) == pytest.approx(1, abs=1e-3) for word in said["words"])
    assert said["caption"] == f"一张{CHINESE['red']}图片"


def test_what_people_say_is_kept_and_can_be_taken_back(server):
    described = server.post("/api/caption", files=files("red")).json()["results"][0]
    row = {
        "kind": "correction",
        "picture": described["picture"],
        "language": "en",
        "machine": described["captions"][0]["text"],
        "text": "a wall 墙",
    }
    kept = server.post("/api/feedback", json=row)
    assert kept.status_code == 200
    number = kept.json()["id"]
    assert server.post("/api/feedback/delete", json={"id": number}).json() == {"deleted": True}
    assert server.post("/api/feedback/delete", json={"id": number}).json() == {"deleted": False}


def test_health_needs_no_token_and_the_card_does(server):
    with httpx.Client(base_url=server.base_url) as stranger:
        health = stranger.get("/api/health").json()
        assert (health["status"], health["model"], health["languages"]) == ("ok", "tiny", ["en", "zh"])
        assert_problem(stranger.get("/api/card"), 401, "token")
    assert "tiny captioner" in server.get("/api/card").json()["card"]


def test_16_clients_each_get_the_answer_to_their_own_picture(server):
    def ask(number):
        colour = list(COLOURS)[number % len(COLOURS)]
        language = ("en", "zh")[number % 2]
        said = server.post("/api/caption", files=files(colour), data={"language": language}).json()
        name = CHINESE[colour] if language == "zh" else colour
        return name in said["results"][0]["captions"][0]["text"]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(160)))


# --- what is refused ---


def test_every_route_of_the_interface_needs_the_token(server):
    paths = server.get("/openapi.json").json()["paths"]
    with httpx.Client(base_url=server.base_url) as stranger:
        for path, methods in paths.items():
            for method in methods:
                if path != "/api/health":
                    for headers in (
                        {},
                        {"Authorization": "Bearer wrong"},
                        {"Authorization": f"Basic {TOKEN}"},
                    ):
                        answer = stranger.request(method, path, headers=headers)
                        assert_problem(answer, 401, "token")
                        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "", "localhost.", "192.168.0.1", "[::2]"]
)
def test_a_foreign_name_that_leads_here_reaches_nothing(server, host):
    for path in ("/", "/api/health", "/api/card"):
        assert_problem(server.get(path, headers={"Host": host}), 400, "host")


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:1", "file://", ""])
def test_another_sites_pages_are_refused_and_get_no_leave_to_read(server, origin):
    answer = server.post("/api/caption", files=files("red"), headers={"Origin": origin})
    assert_problem(answer, 403, "origin")
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_pages_own_origin_is_welcome(server):
    origin = str(server.base_url).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert server.post("/api/caption", files=files("red"), headers=headers).status_code == 200
    assert_problem(server.get("/api/card", headers={"Sec-Fetch-Site": "cross-site"}), 403, "origin")


def test_nothing_is_changed_by_get_and_no_preflight_is_granted(server):
    for path in ("/api/caption", "/api/explain", "/api/feedback", "/api/feedback/delete"):
        assert_problem(server.get(path), 405, "http")
    answer = server.options("/api/caption", headers={"Access-Control-Request-Method": "POST"})
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/service.py",
        "/..%2fservice.py",
        "/web/index.html",
        "/docs",
        "/redoc",
        "//etc/passwd",
    ],
)
def test_only_the_files_of_the_page_are_served(server, path):
    answer = server.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_answer_forbids_a_browser_what_the_page_does_not_need(server):
    for path in ("/", "/style.css", "/api/health", "/nowhere", "/api/nowhere"):
        headers = server.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
    assert server.get("/api/card").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("request_", "status", "kind"),
    [
        ({"json": {}}, 415, "media-type"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 422, "bad-request"),
        (
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
            422,
            "bad-request",
        ),
        ({"data": {"pictures": "red.png"}, "files": {"x": b"1"}}, 422, "bad-request"),
        ({"files": files("red"), "data": {"language": "fr"}}, 422, "bad-request"),
        ({"files": files("red"), "data": {"beam": "-1"}}, 422, "bad-request"),
        ({"files": files("red"), "data": {"beam": "١"}}, 422, "bad-request"),
        ({"files": files("red"), "data": {"path": "/etc/passwd"}}, 422, "bad-request"),
        ({"files": files("red", "red", "red", "red", "red")}, 413, "too-many"),
        ({"files": [("pictures", ("big.png", b"x" * 30_000))]}, 413, "too-large"),
        ({"files": [("pictures", ("big.png", b"x" * 70_000))]}, 413, "too-large"),
        (
            {
                "content": iter([PART, *[b"x" * 10_000] * 10]),
                "headers": {"Content-Type": "multipart/form-data; boundary=y"},
            },
            413,
            "too-large",
        ),
    ],
)
def test_forms_that_make_no_sense_or_are_too_large_are_problems(server, request_, status, kind):
    assert_problem(server.post("/api/caption", **request_), status, kind)


@pytest.mark.parametrize(
    "row",
    [
        b"{",
        b"[]",
        b"null",
        b'{"kind": "rating", "picture": "../x", "language": "en", "machine": "x", "rating": 5}',
        b'{"kind": "rating", "picture": "%s", "language": "en", "machine": "x", "rating": 6}' % (b"0" * 64),
        b'{"kind": "rating", "picture": "%s", "language": "en", "machine": "\\ud800", "rating": 5}'
        % (b"0" * 64),
        b'{"kind": "rating", "picture": "%s", "language": "fr", "machine": "x", "rating": 5}' % (b"0" * 64),
        b'{"kind": "rating", "picture": "%s", "language": "en", "machine": "x", "rating": 5, "seconds": NaN}'
        % (b"0" * 64),
        b"[" * 50_000,
    ],
)
def test_feedback_that_makes_no_sense_is_a_problem(server, row):
    answer = server.post("/api/feedback", content=row, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_does_not_arrive_is_given_up(server):
    host, port = server.base_url.host, server.base_url.port
    with socket.create_connection((host, port), timeout=10) as slow:
        slow.sendall(
            f"POST /api/caption HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: multipart/form-data; boundary=y\r\nContent-Length: 1000\r\n\r\n--y".encode()
        )
        started = time.monotonic()
        assert b"408" in slow.recv(1000).partition(b"\r\n")[0]
        assert time.monotonic() - started < 5


def test_when_too_many_wait_more_are_told_to_come_back(tiny_model, tmp_path):
    with serving(tiny_model, tmp_path, workers=1, queue=2, batch=1) as (client, _):
        with ThreadPoolExecutor(12) as pool:
            ask = lambda _: client.post("/api/caption", files=files("red"), data={"beam": "10"})  # noqa: E731
            answers = list(pool.map(ask, range(60)))
        assert {answer.status_code for answer in answers} <= {200, 429}
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert_problem(refused[0], 429, "busy")
        assert refused[0].headers["retry-after"] == "1"


def test_connections_that_say_nothing_do_not_keep_others_out(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr(Patient, "seconds", 0.5)
    with serving(tiny_model, tmp_path) as (client, _), ExitStack() as stack:
        place = client.base_url.host, client.base_url.port
        for number in range(300):
            silent = stack.enter_context(socket.create_connection(place, timeout=10))
            silent.sendall(b"GET / HTTP/1.1\r\nHost: x"[: number % 24])
        end = time.monotonic() + 20
        while client.get("/api/health").status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.1)
        # One that has asked before is given up too, but not while it waits for its answer.
        with httpx.Client(base_url=client.base_url, headers=client.headers) as other:
            answer = other.post("/api/caption", files=files("red"), data={"beam": "10"})
            assert answer.status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(tiny_model, tmp_path):
    with serving(tiny_model, tmp_path, limits=Limits(answer_seconds=1e-4)) as (client, _):
        assert_problem(client.post("/api/caption", files=files("red")), 504, "slow")
        assert_problem(client.post("/api/explain", files=files("red", field="picture")), 504, "slow")


def test_bodies_that_do_not_fit_into_memory_together_are_told_to_come_back(tiny_model, tmp_path):
    limits = Limits(picture_bytes=20_000, body_bytes=20_000, all_bytes=25_000, body_seconds=5)
    with serving(tiny_model, tmp_path, limits=limits) as (client, _):
        host, port = client.base_url.host, client.base_url.port
        head = (
            f"POST /api/caption HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: multipart/form-data; boundary=y\r\nContent-Length: 19000\r\n\r\n"
        )
        with socket.create_connection((host, port), timeout=10) as first:
            first.sendall(head.encode() + PART + b"x" * 15_000)
            with socket.create_connection((host, port), timeout=10) as second:
                time.sleep(0.2)
                second.sendall(head.encode() + PART + b"x" * 15_000)
                assert b"429" in second.recv(1000).partition(b"\r\n")[0]
            assert client.post("/api/caption", files=files("red")).status_code == 200
        time.sleep(0.2)
        for _ in range(10):  # what was answered or given up counts no longer
            padded = [("pictures", ("x.png", picture("red") + b"\0" * 15_000))]
            assert client.post("/api/caption", files=padded).status_code == 200


def test_when_too_many_explanations_wait_more_are_told_to_come_back(tiny_model, tmp_path):
    with serving(tiny_model, tmp_path, workers=1, queue=4) as (client, _):
        with ThreadPoolExecutor(16) as pool:
            ask = lambda _: client.post("/api/explain", files=files("red", field="picture"))  # noqa: E731
            statuses = [answer.status_code for answer in pool.map(ask, range(100))]
        assert set(statuses) == {200, 429}
        assert client.post("/api/explain", files=files("red", field="picture")).status_code == 200


# --- starting and ending ---


def test_beyond_this_machine_a_token_is_asked_for(tiny_model):
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(ShowtellError, match="--token"):
            prepare(None, host=host)
    with pytest.raises(ShowtellError, match="at least 16"):
        prepare(None, token="short")


def test_a_port_that_is_taken_is_one_sentence(server):
    with pytest.raises(ShowtellError, match="--port"):
        prepare(None, port=server.base_url.port)


@pytest.fixture
def started(tiny_model, tmp_path):
    """`showtell serve` in a process of its own, and a client."""
    command = [sys.executable, "-m", "showtell", "serve", "--model", str(tiny_model), "--port", "0"]
    environment = os.environ | {"SHOWTELL_FEEDBACK": str(tmp_path / "feedback.sqlite")}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    url, token = re.search(r"(http://\S+)/#token=(\S+)", process.stderr.readline()).groups()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        yield process, client
    process.kill()
    process.wait()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_finishes_what_it_began_before_it_ends(started, end):
    process, client = started
    assert client.get("/api/health").status_code == 200
    answers = []

    def ask():
        answers.append(client.post("/api/caption", files=files(*["red"] * 12), data={"beam": "10"}))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    time.sleep(0.15)
    process.send_signal(end)
    for thread in asking:
        thread.join()
    assert process.wait(20) == 0
    assert [answer.status_code for answer in answers] == [200] * 4
    assert process.stderr.read() == ""


def test_a_token_that_was_given_is_not_printed(tiny_model, tmp_path):
    command = [sys.executable, "-m", "showtell", "serve", "--model", str(tiny_model), "--port", "0"]
    environment = os.environ | {"SHOWTELL_FEEDBACK": str(tmp_path / "f.sqlite"), "SHOWTELL_TOKEN": TOKEN}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        url = re.search(r"http://\S+/", line)[0]
        answer = httpx.get(url + "api/card", headers={"Authorization": f"Bearer {TOKEN}"})
        process.terminate()
        assert (answer.status_code, process.wait(30)) == (200, 0)
        assert TOKEN not in line + process.stderr.read()


def test_nothing_of_a_picture_is_written_or_logged(started, tmp_path):
    process, client = started
    before = set(Path("/tmp").iterdir())
    answer = client.post("/api/caption", files=files("red"))
    assert answer.status_code == 200
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".png", ".jpg")) == []
    process.send_signal(signal.SIGTERM)
    assert process.stderr.read() == ""
    assert before  # the folder of temporary files is shared with other programs, so names alone are compared
    assert not [path for path in Path("/tmp").iterdir() if path.suffix == ".png" and path not in before]

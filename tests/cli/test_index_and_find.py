"""``showtell index``, ``find`` and ``describe``: what is printed, where, and the exit status."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import webbrowser

import pytest
from painted import paint, paint_all

import showtell
from showtell.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch, searching_model):
    """A folder to work in, with a library of its own and five pictures in ``pictures``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOWTELL_LIBRARY", str(tmp_path / "library"))
    paint_all(tmp_path / "pictures")
    return tmp_path


@pytest.fixture
def indexed(place, searching_model):
    """The same, indexed."""
    assert main(["index", "pictures", "--model", str(searching_model)]) == 0
    return place


def said(capsys, *arguments):
    """The exit status, stdout, and the lines on stderr."""
    capsys.readouterr()
    status = main([*map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err.splitlines()


def test_indexing_prints_nothing_and_says_what_it_did(place, searching_model, capsys):
    status, out, [line] = said(capsys, "index", "pictures", "--model", searching_model)
    assert (status, out) == (0, "")
    assert line.startswith("showtell: 5 pictures: 5 added (")
    status, out, [line] = said(capsys, "index", "pictures")
    assert line.startswith("showtell: 5 pictures: 5 unchanged (")


def test_bad_pictures_are_named_once_and_give_status_1(indexed, capsys):
    (indexed / "pictures" / "bad.jpg").write_bytes(b"nonsense")
    status, _, lines = said(capsys, "index", "pictures")
    assert (status, len(lines)) == (1, 2)
    assert lines[0].startswith(f"showtell: {indexed}/pictures/bad.jpg: is not a picture")
    status, _, lines = said(capsys, "index", "pictures")
    assert (status, len(lines)) == (0, 1)
    assert "1 unreadable" in lines[0]
    assert said(capsys, "index", "pictures", "--retry")[0] == 1


def test_a_missing_folder_is_kept_without_anybody_to_ask_and_forgotten_on_demand(indexed, capsys):
    shutil.rmtree(indexed / "pictures")
    status, _, lines = said(capsys, "index", "pictures")
    assert status == 0
    assert lines[0] == (
        f"showtell: {indexed}/pictures: 5 pictures are missing and were kept, since their disk may be away; "
        "forget them with --forget-missing"
    )
    assert "5 removed" in said(capsys, "index", "pictures", "--forget-missing")[2][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["index", "nowhere"], "nowhere: there is no such file or folder"),
        (["index", "pictures", "--language", "fr"], "does not caption in 'fr'"),
        (["find"], "give words or a picture to look for"),
        (["find", "missing.jpg"], "missing.jpg: there is no such file"),
        (["find", "pictures/red.png", "pictures/blue.png"], "one picture at a time"),
        (
            ["find", "red", "--library", "nowhere"],
            "nowhere: there is no library; make one with showtell index",
        ),
        (["find", "red", "--since", "soon"], "a date is written"),
        (["find", "red", "--safe"], "no picture has been screened yet"),
        (["find", "red", "--duplicates"], "--duplicates goes with"),
        (["describe", "pictures/nowhere.png", "words"], "there is no such file"),
        (["describe", "pictures/red.png", " "], "there are no words"),
        (["describe", "pictures/red.png"], "give words, or --forget"),
        (["describe", "pictures/red.png", "words", "--forget"], "give words, or --forget"),
    ],
)
def test_a_call_that_makes_no_sense_is_one_line(indexed, capsys, arguments, message):
    status, out, lines = said(capsys, *arguments)
    assert status == (1 if arguments == ["index", "nowhere"] else 2)
    assert out == ""
    assert message in lines[0]


def test_found_pictures_are_rows(indexed, capsys):
    status, out, lines = said(capsys, "find", "a", "red", "picture")
    assert (status, lines) == (0, [])
    [[path, probability, caption, reason]] = [line.split("\t") for line in out.splitlines()]
    assert (path, caption) == (f"{indexed}/pictures/red.png", "a red picture")
    assert 0.5 < float(probability) <= 1
    assert reason.startswith("the caption says red, picture")


def test_rows_as_json_hold_all_there_is(indexed, capsys):
    (indexed / "pictures" / "copy.png").write_bytes((indexed / "pictures" / "red.png").read_bytes())
    said(capsys, "index", "pictures")
    _, out, _ = said(capsys, "find", "红色", "--format", "jsonl")
    [row] = map(json.loads, out.splitlines())
    assert row["path"] == f"{indexed}/pictures/copy.png"
    assert row["copies"] == [f"{indexed}/pictures/red.png"]
    assert (row["caption"], row["language"], row["words"]) == ("一张红色图片", "zh", ["红色"])
    assert row.keys() >= {"probability", "why", "similarity", "by_person"}


def test_paths_for_xargs_end_with_a_null_character_whatever_they_hold(indexed, capfdbinary):
    paint(indexed / "pictures" / os.fsdecode(b"odd\n\xff.png"), "red", size=(9, 9))
    main(["index", "pictures"])
    capfdbinary.readouterr()
    main(["find", "red", "--format", "paths0"])
    paths = capfdbinary.readouterr().out.split(b"\0")
    folder = os.fsencode(indexed / "pictures")
    assert sorted(paths) == sorted([b"", folder + b"/red.png", folder + b"/odd\n\xff.png"])


def test_nothing_likely_is_said_on_stderr(indexed, capsys):
    assert said(capsys, "find", "zebra") == (
        0,
        "",
        ["showtell: nothing here looks like that; see the nearest with --anyway"],
    )
    _, out, lines = said(capsys, "find", "zebra", "--anyway", "--top", "2")
    assert (len(out.splitlines()), lines) == (2, ["showtell: nothing here looks like that"])


def test_a_picture_and_what_is_not_wanted_can_be_asked_with(indexed, capsys):
    paint(indexed / "pictures" / "scarlet.png", "red", size=(9, 9))
    said(capsys, "index", "pictures")
    _, out, _ = said(capsys, "find", "pictures/red.png", "--format", "paths0")
    assert out == f"{indexed}/pictures/scarlet.png\0"
    assert said(capsys, "find", "red", "--not", "red")[1] == ""


def test_describing_is_found_first(indexed, capsys):
    assert said(capsys, "describe", "pictures/blue.png", "the sea, not red") == (0, "", [])
    _, out, _ = said(capsys, "find", "red")
    assert [line.split("\t")[2] for line in out.splitlines()] == ["the sea, not red", "a red picture"]
    assert "your words say red" in out


def test_a_persons_words_are_forgotten_on_demand(indexed, capsys):
    for words in ("the sea", "大海"):
        said(capsys, "describe", "pictures/blue.png", words)
    forgotten = "showtell: pictures/blue.png: '{}' is forgotten"
    forget = ("describe", "pictures/blue.png", "--forget")
    assert said(capsys, *forget, "--language", "zh") == (0, "", [forgotten.format("大海")])
    assert said(capsys, *forget) == (0, "", [forgotten.format("the sea")])
    assert said(capsys, *forget) == (
        0,
        "",
        ["showtell: pictures/blue.png: there are no words of a person's in the library"],
    )
    _, out, _ = said(capsys, "find", "blue")
    assert [line.split("\t")[2] for line in out.splitlines()] == ["a blue picture"]


def test_duplicates_are_groups(indexed, capsys):
    paint(indexed / "pictures" / "red.jpg", "red", size=(90, 90))
    said(capsys, "index", "pictures")
    group = [f"{indexed}/pictures/red.jpg", f"{indexed}/pictures/red.png"]
    assert said(capsys, "find", "--duplicates")[1].splitlines() == [*group, ""]
    assert said(capsys, "find", "--duplicates", "--format", "paths0")[1] == "\0".join([*group, "", ""])
    assert json.loads(said(capsys, "find", "--duplicates", "--format", "jsonl")[1])["paths"] == group


def test_open_writes_a_contact_sheet_and_shows_it(indexed, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(shown.append(address)))
    status, _, lines = said(capsys, "find", "red", "--open")
    sheet = indexed / "library" / "contact-sheet.html"
    assert (status, shown) == (0, [sheet.as_uri()])
    assert lines == [f"showtell: {sheet}: open this page in a browser"]
    assert "a red picture" in sheet.read_text(encoding="utf-8")


def test_ctrl_c_ends_soon_with_what_is_done_kept(place, searching_model, capsys):
    for number in range(1000):
        paint(place / "pictures" / f"{number}.bmp", "red", size=(9 + number % 60, 9 + number // 60))
    command = [sys.executable, "-m", "showtell", "index", "pictures", "--model", str(searching_model)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    with showtell.open_library(place / "library") as library:
        while not len(library) and process.poll() is None:
            time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=20)
    if process.returncode == 0:
        pytest.skip("the machine was quicker than the signal")
    assert time.monotonic() - began < 2
    assert (process.returncode, err.splitlines()[-1]) == (130, "showtell: stopped")
    [line] = said(capsys, "index", "pictures")[2]
    assert " unchanged" in line

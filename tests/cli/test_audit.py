"""``showtell audit``: what lacks a text, what is bad, and what to write instead."""

import base64
import json

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import COLOURS

from showtell.cli import main
from showtell.images.journal import Journal
from showtell.images.metadata import WordsWriter


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A page with pictures beside it, one of them without a text, and a folder of photos."""
    monkeypatch.chdir(tmp_path)
    for name, colour in (("red.png", "red"), ("green.png", "green"), ("photos/blue.jpg", "blue")):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(np.full((30, 40, 3), COLOURS[colour], np.uint8)).save(tmp_path / name)
    inside = base64.b64encode((tmp_path / "green.png").read_bytes()).decode()
    (tmp_path / "index.html").write_text(
        f'<html lang="en">\n<img src="red.png">\n<img src="green.png" alt="all of it green">\n'
        f'<img src="https://example.com/far.png">\n<img alt="image" src="data:image/png;base64,{inside}">'
    )
    return tmp_path


@pytest.fixture
def said(capsys, tiny_model):
    def run(*arguments):
        status = main(["audit", *map(str, arguments), "--model", str(tiny_model)])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err.splitlines()

    return run


def test_a_page_is_listed_with_proposals(site, said):
    assert said("index.html") == (
        1,
        [
            "index.html:2: red.png\tmissing\t\ta red picture",
            "index.html:4: https://example.com/far.png\tmissing\t\t(lies elsewhere, and Showtell is offline)",
            "index.html:5: data:…\tsays nothing\timage\ta green picture",
        ],
        [],
    )


def test_json_has_what_a_program_needs(site, said):
    status, out, _ = said("index.html", "--format", "jsonl")
    first, far, _ = map(json.loads, out)
    assert status == 1
    assert (first["page"], first["line"], first["path"], first["alt"]) == ("index.html", 2, "red.png", None)
    assert (first["proposal"], first["problem"]) == ("a red picture", "missing")
    assert "offline" in far["error"]


def test_the_page_says_in_which_language_and_so_does_the_option(site, said):
    (site / "zh.html").write_text('<html lang="zh-CN"><img src="red.png">')
    assert "red" not in said("zh.html")[1][0].split("\t")[-1]
    assert said("zh.html", "--language", "en")[1][0].endswith("a red picture")
    status, _, err = said("zh.html", "--language", "xx")
    assert (status, "does not caption in 'xx'" in err[0]) == (2, True)


def test_a_folder_is_its_pages_and_the_pictures_that_no_page_shows(site, said):
    status, out, _ = said(".", "--recursive", "--no-proposals")
    assert status == 1
    assert [line.split("\t")[:2] for line in out] == [
        ["index.html:2: red.png", "missing"],
        ["index.html:4: https://example.com/far.png", "missing"],
        ["index.html:5: data:…", "says nothing"],
        ["photos/blue.jpg", "missing"],
    ]


def test_a_picture_with_a_good_text_in_it_is_well(site, said):
    WordsWriter("metadata", model="m", journal=Journal(site / "journal")).write(
        "photos/blue.jpg", {"en": "a calm blue sea"}
    )
    assert said("photos") == (0, [], [])
    writer = WordsWriter("metadata", model="m", overwrite="all", journal=Journal(site / "journal"))
    writer.write("photos/blue.jpg", {"en": "photo of the sea"})
    assert "begins with 'photo of'" in said("photos")[1][0]


def test_what_is_broken_or_not_there_is_said_to_be(site, said):
    (site / "photos/broken.jpg").write_bytes(b"\xff\xd8\xff\xe1\0")
    status, out, _ = said("photos/broken.jpg")
    assert (status, "cannot be told" in out[0]) == (1, True)
    assert said("nowhere.html")[0] == 2
    (site / "empty").mkdir()
    assert said("empty")[0] == 2

"""``showtell caption --write`` and ``showtell undo``: captions where people want them, and back again."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import COLOURS

from showtell.cli import main
from showtell.images.metadata import read_words


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder with a red JPEG, a green PNG and a blue BMP."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOWTELL_JOURNAL", str(tmp_path / "journal"))
    (tmp_path / "photos").mkdir()
    for name, colour in (("a.jpg", "red"), ("b.png", "green"), ("c.bmp", "blue")):
        Image.fromarray(np.full((30, 40, 3), COLOURS[colour], np.uint8)).save(tmp_path / "photos" / name)
    return tmp_path / "photos"


@pytest.fixture
def said(capsys, tiny_model):
    """What a command gives: the exit status, the lines on stdout and the lines on stderr."""

    def run(*arguments):
        arguments = [*arguments, "--model", str(tiny_model)] if arguments[0] == "caption" else arguments
        status = main([*map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err.splitlines()

    return run


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_metadata_are_written_and_undone(photos, said):
    before = contents(photos)
    status, out, err = said("caption", "photos", "--write", "metadata", "--language", "both")
    assert status == 1
    assert out[0] == "photos/a.jpg\ta red picture"
    assert err[0].startswith("showtell: photos/c.bmp: nothing is written into it")
    assert err[-1] == "showtell: captions: 2 written, 1 failed; showtell undo takes it back"
    assert {words.language for words in read_words(photos / "a.jpg")} == {"x-default", "en", "zh"}
    status, out, err = said("undo")
    assert (status, err) == (0, [])
    assert [line.partition("\t")[2] for line in out] == ["restored", "restored"]
    assert contents(photos) == before


def test_sidecars_are_written_for_every_format_and_undone(photos, said):
    before = contents(photos)
    beside = {"sidecar": {"a.txt", "b.txt", "c.txt"}, "xmp-sidecar": {"a.jpg.xmp", "b.png.xmp", "c.bmp.xmp"}}
    for kind, names in beside.items():
        assert said("caption", "photos", "--write", kind)[0] == 0
        assert set(contents(photos)) == set(before) | names
        assert said("undo")[0] == 0
        assert contents(photos) == before


def test_what_is_there_is_kept_and_said_to_be(photos, said):
    (photos / "a.txt").write_text("my picture")
    said("caption", "photos", "--write", "sidecar")
    assert (photos / "a.txt").read_text() == "my picture"
    status, _, err = said("caption", "photos", "--write", "sidecar")
    assert status == 0
    assert "photos/a.jpg: kept, because a person has described it (text file)" in err[0]
    assert err[-1] == "showtell: captions: 3 kept"
    _, _, err = said("caption", "photos", "--write", "sidecar", "--overwrite", "machine")
    assert err[-1].startswith("showtell: captions: 2 renewed, 1 kept")
    assert (photos / "a.txt").read_text() == "my picture"


def test_overwrite_all_wants_a_word(photos, said):
    (photos / "a.txt").write_text("my picture")
    status, out, err = said("caption", "photos", "--write", "sidecar", "--overwrite", "all")
    assert (status, out, len(err)) == (2, [], 1)
    assert "add --yes" in err[0]
    assert (photos / "a.txt").read_text() == "my picture"
    assert said("caption", "photos", "--write", "sidecar", "--overwrite", "all", "--yes")[0] == 0
    assert (photos / "a.txt").read_text() == "a red picture\n"
    assert said("undo")[0] == 0
    assert (photos / "a.txt").read_text() == "my picture"


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(photos, said):
    before = contents(photos)
    status, _, err = said("caption", "photos", "--write", "sidecar", "--dry-run")
    assert status == 0
    assert err[0] == "showtell: photos/a.txt: would write 'a red picture' (en)"
    assert err[-1] == "showtell: captions: 3 would be written"
    assert contents(photos) == before


def test_rows_are_as_they_are_without_it(photos, said):
    plain = said("caption", "photos", "--format", "jsonl")[1]
    assert said("caption", "photos", "--format", "jsonl", "--write", "sidecar")[1] == plain
    assert json.loads(plain[0])["caption"] == "a red picture"


def test_undo_takes_runs_back_one_by_one_or_files_alone_or_everything(photos, said):
    before = contents(photos)
    said("caption", "photos/a.jpg", "--write", "metadata")
    once = contents(photos)
    code = "import sys; from showtell.cli import main; sys.exit(main(sys.argv[1:]))"  # a run is a process
    model = ["--model", "base"]
    for path in ("photos/b.png", "photos"):
        command = [
            sys.executable,
            "-c",
            code,
            "caption",
            path,
            "--write",
            "sidecar",
            "--overwrite",
            "machine",
            *model,
        ]
        subprocess.run(command, check=True, capture_output=True)
    runs = said("undo", "--list")[1]
    assert len(runs) == 3
    assert said("undo", "photos/b.txt")[0] == 0
    assert not (photos / "b.txt").exists()
    assert said("undo")[0] == 0
    assert contents(photos) == once
    assert said("undo", "--all")[0] == 0
    assert contents(photos) == before
    status, _, err = said("undo")
    assert (status, "nothing to take back" in err[0]) == (2, True)


def test_undo_leaves_what_was_changed_since(photos, said):
    said("caption", "photos/a.jpg", "--write", "sidecar")
    (photos / "a.txt").write_text("mine now")
    status, out, _ = said("undo")
    assert (status, "changed since" in out[0]) == (1, True)
    assert (photos / "a.txt").read_text() == "mine now"


def test_undo_in_a_dry_run_restores_nothing(photos, said):
    said("caption", "photos/a.jpg", "--write", "sidecar")
    status, out, _ = said("undo", "--dry-run")
    assert (status, out) == (0, [f"{photos / 'a.txt'}\twould be: removed"])
    assert (photos / "a.txt").exists()


class TestPage:
    def test_html_makes_a_page_for_review(self, photos, said, tmp_path):
        status, out, err = said("caption", "photos", "--write", "html", "--language", "both")
        assert (status, out) == (0, [])
        page = (tmp_path / "captions.html").read_text(encoding="utf-8")
        assert page.startswith("<!doctype html>")
        assert all(words in page for words in ("a red picture", "a green picture", "a blue picture"))
        assert err[-1].startswith("showtell: 3 captioned")

    def test_output_names_the_page(self, photos, said, tmp_path):
        assert said("caption", "photos", "--write", "html", "--output", "mine.html")[0] == 0
        assert (tmp_path / "mine.html").read_text(encoding="utf-8").startswith("<!doctype html>")
        assert not (tmp_path / "captions.html").exists()

    def test_a_page_that_nobody_named_is_not_replaced(self, photos, said, tmp_path):
        (tmp_path / "captions.html").write_text("mine", encoding="utf-8")
        status, _, err = said("caption", "photos", "--write", "html")
        assert (status, (tmp_path / "captions.html").read_text(encoding="utf-8")) == (2, "mine")
        assert "--output" in err[-1]

    @pytest.mark.parametrize("other", [("--format", "csv"), ("--output", "page.csv")])
    def test_no_other_format_is_a_page(self, photos, said, other):
        status, _, err = said("caption", "photos", "--write", "html", *other)
        assert status == 2
        assert "--write html makes a page" in err[-1]

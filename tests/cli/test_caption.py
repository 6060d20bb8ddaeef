"""``showtell caption``: rows on stdout, everything else on stderr, an exit status that tells."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import COLOURS, write_tiny_bundle
from unprivileged import run_unprivileged

from showtell.cli import main


@pytest.fixture
def model(tiny_model):
    return str(tiny_model)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder with five pictures, one broken, one that is none, one hidden, and one in a folder within."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for name, colour in (
        ("b.png", "red"),
        ("a.JPG", "green"),
        ("c.webp", "blue"),
        (".hidden.png", "white"),
        ("more/d.png", "white"),
    ):
        save(tmp_path / "photos" / name, colour)
    (tmp_path / "photos" / "notes.txt").write_text("not a picture")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    return tmp_path / "photos"


def save(path, colour):
    Image.fromarray(np.full((30, 40, 3), COLOURS[colour], np.uint8)).save(path)


def said(capsys, *arguments):
    """The exit status, the lines on stdout and the lines on stderr."""
    status = main(["caption", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err.splitlines()


# --- rows ---


def test_one_picture_gives_its_caption_alone(model, pictures, capsys):
    assert said(capsys, "photos/b.png", "--model", model) == (0, ["a red picture"], [])


def test_several_give_a_line_each_in_the_order_given(model, pictures, capsys):
    status, lines, _ = said(capsys, "photos/c.webp", "./photos/b.png", "photos/c.webp", "--model", model)
    assert status == 0
    assert lines == [
        "photos/c.webp\ta blue picture",
        "./photos/b.png\ta red picture",
        "photos/c.webp\ta blue picture",
    ]


def test_a_folder_is_walked_in_sorted_order_and_other_files_passed_over(model, pictures, capsys):
    status, lines, _ = said(capsys, "photos", "--model", model)
    assert status == 1
    assert lines == [
        "photos/a.JPG\ta green picture",
        "photos/b.png\ta red picture",
        "photos/broken.jpg\terror: is broken or cut short (it ends in its tables)",
        "photos/c.webp\ta blue picture",
    ]


def test_folders_in_folders_only_when_asked(model, pictures, capsys):
    _, lines, _ = said(capsys, "photos", "--recursive", "--model", model)
    assert lines[-1] == "photos/more/d.png\ta white picture"
    assert len(lines) == 5


def test_a_named_file_is_never_passed_over(model, pictures, capsys):
    status, lines, _ = said(capsys, "photos/notes.txt", "photos/.hidden.png", "missing.jpg", "--model", model)
    assert status == 1
    assert lines[0].startswith("photos/notes.txt\terror: is not a picture")
    assert lines[1] == "photos/.hidden.png\ta white picture"
    assert lines[2] == "missing.jpg\terror: there is no such file"


def test_the_error_of_one_picture_cannot_be_taken_for_its_caption(model, pictures, capsys):
    status, lines, errors = said(capsys, "missing.jpg", "--model", model)
    assert (status, lines) == (1, [])
    assert errors == ["showtell: missing.jpg: there is no such file"]


def test_an_empty_name_is_called_one(model, pictures, capsys):
    assert said(capsys, "", "--model", model) == (1, [], ["showtell: the picture's name is empty"])
    status, lines, _ = said(capsys, "", "photos/b.png", "--model", model)
    assert status == 1
    assert lines == ["\terror: the picture's name is empty", "photos/b.png\ta red picture"]


def test_a_folder_without_pictures_is_told_of_once(model, pictures, capsys):
    (pictures / "more" / "none").mkdir()
    sentence = "showtell: photos/more/none: there is no picture in this folder"
    assert said(capsys, "photos/more/none", "--model", model) == (2, [], [sentence])
    status, lines, errors = said(capsys, "photos/more/none", "photos/b.png", "--model", model)
    assert (status, lines) == (0, ["photos/b.png\ta red picture"])
    assert errors == [sentence, "showtell: 1 captioned"]


def test_recursive_is_offered_where_there_are_folders(model, pictures, capsys):
    (pictures / "more" / "d.png").rename(pictures / "d.png")
    (pictures / "more" / ".hidden").mkdir()
    assert "--recursive" not in said(capsys, "photos/more", "--model", model)[2][0]
    (pictures / "more" / "none").mkdir()
    assert said(capsys, "photos/more", "--model", model)[2][0].endswith("; try --recursive")
    assert "--recursive" not in said(capsys, "photos/more", "-r", "--model", model)[2][0]


def test_a_folder_that_may_not_be_read_stops_nothing(pictures, tmp_path):
    write_tiny_bundle(tmp_path / "model")
    (pictures / "broken.jpg").unlink()
    (pictures / "more").chmod(0)
    command = "main(['caption', {!r}, '--recursive', '--model', 'model'])"
    # The model is loaded and every format met before, so that nothing is left to be read where nobody else may.
    prepare = (
        "from showtell.captioning import hub\nfrom showtell.cli import main\n"
        "model = hub.load('model')\nhub.load = lambda name: model\n"
        "main(['caption', 'photos', '--model', 'model'])\n"
    )
    each = [
        run_unprivileged(tmp_path, prepare, f"raise SystemExit({command.format(path)})")
        for path in ("photos", "photos/more")
    ]
    (pictures / "more").chmod(0o700)
    assert [done.returncode for done in each] == [1, 2]
    assert each[0].stdout.splitlines()[3:] == [
        "photos/a.JPG\ta green picture",
        "photos/b.png\ta red picture",
        "photos/c.webp\ta blue picture",
    ]
    for done in each:
        assert "showtell: photos/more: the folder cannot be read (Permission denied)\n" in done.stderr


def test_json_is_one_list(model, pictures, capsys):
    status, lines, _ = said(capsys, "photos", "--format", "json", "--model", model)
    rows = json.loads("\n".join(lines))
    assert status == 1
    assert [row["path"] for row in rows] == [
        f"photos/{name}" for name in ("a.JPG", "b.png", "broken.jpg", "c.webp")
    ]
    assert rows[2] == {"path": "photos/broken.jpg", "error": "is broken or cut short (it ends in its tables)"}
    assert set(rows[0]) == {"path", "caption", "language", "confidence"}
    assert (rows[0]["caption"], rows[0]["language"]) == ("a green picture", "en")
    assert 0 < rows[0]["confidence"] < 1


def test_json_of_one_bad_picture_is_a_row_too(model, pictures, capsys):
    status, lines, _ = said(capsys, "missing.jpg", "--format", "json", "--model", model)
    assert status == 1
    assert json.loads("\n".join(lines)) == [{"path": "missing.jpg", "error": "there is no such file"}]


def test_jsonl_is_a_row_a_line(model, pictures, capsys):
    _, lines, _ = said(capsys, "photos", "--format", "jsonl", "--model", model)
    assert [json.loads(line).get("caption") for line in lines] == [
        "a green picture",
        "a red picture",
        None,
        "a blue picture",
    ]


def test_csv_has_a_header(model, pictures, capsys):
    _, lines, _ = said(capsys, "photos", "--format", "csv", "--candidates", "2", "--model", model)
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert rows[0]["path"] == "photos/a.JPG"
    assert rows[2]["error"] == "is broken or cut short (it ends in its tables)"
    assert json.loads(rows[0]["candidates"])[0]["caption"] == rows[0]["caption"] == "a green picture"


def test_candidates_in_json(model, pictures, capsys):
    _, lines, _ = said(capsys, "photos/b.png", "--format", "json", "--candidates", "4", "--model", model)
    [row] = json.loads("\n".join(lines))
    assert len(row["candidates"]) == 4
    assert row["candidates"][0]["caption"] == row["caption"]
    logs = [candidate["log_probability"] for candidate in row["candidates"]]
    assert logs == sorted(logs, reverse=True)


def test_candidates_in_text_are_lines(model, pictures, capsys):
    _, lines, _ = said(capsys, "photos/b.png", "--candidates", "2", "--model", model)
    assert len(lines) == 2
    assert lines[0] == "a red picture"


def test_both_languages(model, pictures, capsys):
    _, lines, _ = said(capsys, "photos/b.png", "--language", "both", "--model", model)
    assert lines == ["a red picture", "一张红色图片"]


def test_names_that_are_no_unicode_survive(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"caf\xe9.png")
    save(tmp_path / "x.png", "red")
    os.rename("x.png", name)
    _, lines, _ = said(capsys, name, "--format", "jsonl", "--model", model)
    assert json.loads(lines[0])["path"] == name
    assert main(["caption", name, "--format", "csv", "--output", "out.csv", "--model", model]) == 0
    assert b"caf\xe9.png,a red picture" in (tmp_path / "out.csv").read_bytes()
    command = [sys.executable, "-m", "showtell", "caption", name, name, "--model", model]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout.splitlines() == [b"caf\xe9.png\ta red picture"] * 2


def test_results_are_utf_8_whatever_the_pipe_is_said_to_know(model, tmp_path):
    for name in ("café.png", "x.png"):
        save(tmp_path / name, "red")
    command = [sys.executable, "-m", "showtell", "caption", "café.png", "x.png", "--language", "both"]
    done = subprocess.run(
        [*command, "--model", model],
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode("utf-8").splitlines()[:2] == [
        "café.png\ta red picture",
        "café.png\t一张红色图片",
    ]


def test_a_strange_name_is_still_one_row(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "tab\tand\nline.png", "red")
    save(tmp_path / "z.png", "blue")
    _, lines, _ = said(capsys, ".", "--model", model)
    assert lines == ["tab and line.png\ta red picture", "z.png\ta blue picture"]


# --- files ---


def test_output_goes_to_a_file(model, pictures, tmp_path, capsys):
    status, lines, _ = said(capsys, "photos", "--output", "out.txt", "--model", model)
    assert (status, lines) == (1, [])
    assert (tmp_path / "out.txt").read_text("utf-8").splitlines()[0] == "photos/a.JPG\ta green picture"
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "out.txt"}


def test_a_failed_call_leaves_an_old_file_as_it_was(model, pictures, tmp_path, capsys):
    (tmp_path / "out.txt").write_text("precious")
    for arguments in (["--model", "nowhere"], ["--model", model, "--beam", "2", "--candidates", "9"]):
        assert said(capsys, "photos", "--output", "out.txt", *arguments)[0] == 2
        assert (tmp_path / "out.txt").read_text() == "precious"


@pytest.mark.parametrize("path", ["photos", "nowhere/out.txt"])
def test_output_that_cannot_be_written(model, pictures, capsys, path):
    status, lines, errors = said(capsys, "photos/b.png", "--output", path, "--model", model)
    assert (status, lines, len(errors)) == (2, [], 1)
    assert path in errors[0]


@pytest.mark.parametrize("name", ["out.json", "out.jsonl", "out.csv", "OUT.HTML"])
def test_the_ending_of_a_file_says_its_format(model, pictures, tmp_path, capsys, name):
    assert said(capsys, "photos/b.png", "photos/c.webp", "--output", name, "--model", model)[0] == 0
    text = (tmp_path / name).read_text("utf-8")
    begins = {"json": "[", "jsonl": '{"path"', "csv": "path,caption", "html": "<!doctype html>"}
    assert text.startswith(begins[name.lower().partition(".")[2]])
    assert "a red picture" in text


def test_coco_results_have_the_ids_of_the_pictures(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = ("COCO_val2014_000000391895.png", "000000000139.png", "photo.1.png")
    for name in names:
        save(tmp_path / name, "red")
    _, lines, errors = said(capsys, *names, "missing.png", "--format", "coco", "--model", model)
    rows = json.loads("\n".join(lines))
    assert [row["image_id"] for row in rows] == [391895, 139, "photo.1"]
    assert rows[0] == {"image_id": 391895, "caption": "a red picture", "file_name": names[0]}
    assert "showtell: missing.png: there is no such file" in errors


def test_a_page_has_a_thumbnail_a_caption_and_a_link_for_each_picture(model, pictures, tmp_path, capsys):
    (pictures / "b.png").rename(pictures / "a <b> 'c'.png")
    arguments = ("photos", "--language", "both", "--output", "page.html", "--model", model)
    assert said(capsys, *arguments)[0] == 1
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("<li ") == 4
    assert page.count('src="data:image/jpeg;base64,') == 3
    assert "is broken or cut short" in page
    assert 'href="photos/a%20%3Cb%3E%20%27c%27.png"' in page
    assert "<b>" not in page
    assert page.count('<p lang="en">') == page.count('<p lang="zh">') == 3
    assert page.rstrip().endswith("</html>")


# --- what is there already ---


@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
def test_only_what_the_output_lacks_is_captioned(model, pictures, tmp_path, capsys, format_):
    out = tmp_path / "out"
    arguments = ("--format", format_, "--output", out, "--model", model)
    said(capsys, "photos", "-r", *arguments)
    whole = out.read_bytes()
    said(capsys, "photos/b.png", "photos/c.webp", *arguments)
    _, _, errors = said(capsys, "photos", "-r", *arguments, "--continue")
    assert errors[-1].startswith("showtell: 2 captioned, 2 already there, 1 failed")
    assert rows_of(out, format_) == [
        f"photos/{name}" for name in ("a.JPG", "b.png", "broken.jpg", "c.webp", "more/d.png")
    ]
    if format_ != "text":
        assert out.read_bytes() == whole


@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
def test_what_a_killed_run_had_done_is_continued(model, slow_folder, tmp_path, capsys, format_):
    out = tmp_path / "out"
    few = sorted(slow_folder.iterdir())[:40]
    process = start(*few, "--model", model, "--format", format_, "--output", out)
    while not any(part.stat().st_size > 500 for part in tmp_path.glob(".out.*.part")):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert not out.exists()
    status, _, errors = said(
        capsys, *few, "--model", model, "--format", format_, "--output", out, "--continue"
    )
    assert status == 0
    assert "already there" in errors[-1]
    assert rows_of(out, format_) == list(map(str, few))
    assert list(tmp_path.glob(".out.*.part")) == []


def test_continuing_what_cannot_be_continued_is_refused(model, pictures, tmp_path, capsys):
    (tmp_path / "other.json").write_text('{"a": 1}')
    for arguments, complaint in (
        ([], "--continue needs --output FILE"),
        (["--output", "page.html"], "--continue reads json"),
        (["--output", "out.txt", "--language", "both"], "--continue reads json"),
        (["--output", "other.json"], "other.json: has no rows of captions"),
    ):
        status, _, errors = said(capsys, "photos", "--continue", *arguments, "--model", model)
        assert status == 2
        assert complaint in errors[-1]


# --- which captions, which pictures ---


def test_captions_of_little_confidence_are_left_out_and_counted(model, pictures, capsys):
    arguments = ("photos/b.png", "photos/a.JPG", "--min-confidence")
    assert len(said(capsys, *arguments, "0", "--model", model)[1]) == 2
    _, lines, errors = said(capsys, *arguments, "1", "--model", model)
    assert (lines, errors[-1]) == ([], "showtell: 2 captioned, 2 of them left out, below a confidence of 1")
    _, lines, errors = said(capsys, "photos/b.png", "--min-confidence", "1", "--model", model)
    assert lines == []
    assert "the caption is left out, since its confidence is 0." in errors[-1]


def test_a_model_without_confidence_says_so(pictures, tmp_path, capsys):
    write_tiny_bundle(tmp_path / "unsure", calibration={})
    arguments = ("photos/b.png", "--min-confidence", "0.5", "--model", tmp_path / "unsure")
    assert "gives no confidence" in said(capsys, *arguments)[2][0]


def test_files_may_be_named_in_a_file_or_through_stdin(model, pictures, tmp_path):
    names = b"photos/c.webp\nphotos/b.png\r\n\n"
    (tmp_path / "names").write_bytes(names)
    (tmp_path / "names0").write_bytes(b"photos/c.webp\0photos/b.png\0")
    for arguments in (["--files-from", "names"], ["--files-from", "names0"], ["--files-from", "-"], ["-"]):
        command = [sys.executable, "-m", "showtell", "caption", *arguments, "--model", model]
        done = subprocess.run(command, input=names, capture_output=True, check=True)
        assert done.stdout.splitlines() == [b"photos/c.webp\ta blue picture", b"photos/b.png\ta red picture"]


def test_a_picture_may_come_through_stdin(model, pictures):
    command = [sys.executable, "-m", "showtell", "caption", "-", "--model", model]
    done = subprocess.run(command, input=(pictures / "b.png").read_bytes(), capture_output=True, check=True)
    assert done.stdout == b"a red picture\n"
    for content, complaint in (
        (b"", b"nothing came through stdin"),
        (b"\xff\xfe\x00 none", b"not a picture"),
    ):
        done = subprocess.run(command, input=content, capture_output=True, check=False)
        assert complaint in done.stderr
        assert done.returncode in (1, 2)


def test_an_address_on_the_web_is_not_fetched(model, capsys):
    status, _, errors = said(capsys, "https://example.org/cat.jpg", "--model", model)
    assert status == 2
    assert errors == [
        "showtell: https://example.org/cat.jpg: Showtell works offline and fetches nothing; download the picture first"
    ]


def test_a_folder_with_one_picture_says_which(model, pictures, capsys):
    _, lines, errors = said(capsys, "photos/more", "--model", model)
    assert lines == ["photos/more/d.png\ta white picture"]
    assert errors == ["showtell: 1 captioned"]


def test_everything_in_a_folder_is_in_the_rows_or_in_the_summary(model, pictures, capsys):
    for name in ("clip.mov", "other.MOV"):
        (pictures / name).write_bytes(b"video")
    _, lines, errors = said(capsys, "photos", "--model", model)
    assert len(lines) == 4
    assert errors[-1] == (
        "showtell: 3 captioned, 1 failed, 2 passed over, 1 folder not looked into, 1 other file"
    )


def test_an_option_that_changes_nothing_is_named(model, pictures, capsys):
    _, _, errors = said(capsys, "photos/b.png", "--seed", "3", "--model", model)
    assert errors == ["showtell: --seed changes nothing without --temperature, --top-k or --top-p"]
    assert said(capsys, "photos/b.png", "--seed", "3", "--top-k", "2", "--model", model)[2] == []
    _, drawn, _ = said(capsys, "photos/b.png", "--top-k", "2", "--model", model)
    _, lines, errors = said(capsys, "photos/b.png", "--top-k", "2", "--beam", "7", "--model", model)
    assert errors == ["showtell: --beam changes nothing with --temperature, --top-k or --top-p"]
    assert lines == drawn


def test_a_card_that_was_edited_is_a_note(pictures, tmp_path, capsys):
    write_tiny_bundle(tmp_path / "mine")
    (tmp_path / "mine" / "card.md").write_text("# Mine")
    status, lines, errors = said(capsys, "photos/b.png", "--model", tmp_path / "mine")
    assert (status, lines) == (0, ["a red picture"])
    assert "card.md: is not the file that the manifest describes; the captions are not affected" in errors[0]


def test_a_terminal_shows_the_confidence(model, pictures):
    ours, theirs = pytest.importorskip("pty").openpty()
    command = [sys.executable, "-m", "showtell", "caption", "photos/b.png", "--model", model]
    subprocess.run(command, stdout=theirs, check=True)
    os.close(theirs)
    assert re.fullmatch(rb"a red picture  \(confidence 0\.\d\d\)\r\n", os.read(ours, 1000))
    os.close(ours)


# --- wrong calls ---


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "give pictures or folders of pictures"),
        (["photos/b.png", "--bream", "3"], "--bream"),
        (["photos/b.png", "--beam", "0"], "'--beam': must be at least 1, not 0"),
        (["photos/b.png", "--beam", "many"], "'--beam': 'many' is not an integer"),
        (["photos/b.png", "--seed", "-1"], "'--seed': must be at least 0, not -1"),
        (["photos/b.png", "--min-confidence", "nan"], "--min-confidence nan: give a number from 0 to 1"),
        (["photos/b.png", "--min-confidence", "2"], "'--min-confidence': must be from 0 to 1, not 2.0"),
        (["photos/b.png", "--min-confidence", "high"], "'--min-confidence': 'high' is not a number"),
        (["photos/b.png", "--format", "xml"], "--format"),
        (["photos/b.png", "--language", "fr"], "does not caption in 'fr'; it captions in en and zh"),
        (["photos/b.png", "--temperature", "0"], "temperature must be more than 0"),
        (["photos/b.png", "--top-p", "7"], "top_p"),
        (["photos/b.png", "--min-length", "5", "--max-length", "4"], "min_length"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(model, pictures, capsys, arguments, complaint):
    status, lines, errors = said(capsys, *arguments, "--model", model)
    assert (status, lines, len(errors)) == (2, [], 1)
    assert errors[0].startswith("showtell: ")
    assert complaint in errors[0]


def test_an_english_model_asked_for_chinese(pictures, tmp_path, capsys):
    write_tiny_bundle(tmp_path / "english")
    for language, complaint in (
        ("zh", "does not caption in 'zh'; it captions in en"),
        ("both", "one language only: en"),
    ):
        _, lines, errors = said(
            capsys, "photos/b.png", "--language", language, "--model", tmp_path / "english"
        )
        assert (lines, len(errors)) == ([], 1)
        assert complaint in errors[0]


def test_a_model_that_is_broken(pictures, tmp_path, capsys):
    write_tiny_bundle(tmp_path / "model")
    (tmp_path / "model" / "step.onnx").write_bytes(b"")
    status, _, errors = said(capsys, "photos/b.png", "--model", tmp_path / "model")
    assert status == 2
    assert "step.onnx: is not the file that the manifest describes" in errors[0]
    assert len(errors) == 1


def test_debug_shows_where_an_error_comes_from(pictures, capsys):
    status, _, errors = said(capsys, "photos/b.png", "--model", "nowhere", "--debug")
    assert status == 2
    assert errors[0].startswith("Traceback")
    assert errors[-1].startswith("showtell: nowhere: there is no such model")


# --- processes ---


def start(*arguments, **options):
    command = [sys.executable, "-m", "showtell", "caption", *map(str, arguments)]
    # Whoever runs the tests in the background may ignore Ctrl-C, which a process would inherit.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    finally:
        signal.signal(signal.SIGINT, heard)


def test_it_ends_quietly_when_nobody_reads_any_more(model, pictures):
    for number in range(300):
        os.link(pictures / "b.png", pictures / f"e{number}.png")
    process = start(pictures, "--model", model)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 1


@pytest.fixture(scope="module")
def slow_folder(tmp_path_factory):
    """Pictures that take a good while to decode, many of them."""
    folder = tmp_path_factory.mktemp("slow")
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "0000.png", compress_level=1)
    for number in range(1, 1000):
        os.link(folder / "0000.png", folder / f"{number:04}.png")
    return folder


@pytest.mark.parametrize("format_", ["json", "jsonl", "csv", "text"])
def test_ctrl_c_ends_at_once_and_keeps_what_is_done(model, slow_folder, tmp_path, format_):
    out = tmp_path / "out"
    process = start(slow_folder, "--model", model, "--format", format_, "--output", out)
    deadline = time.monotonic() + 120
    while not any(part.stat().st_size > 200 for part in tmp_path.glob(".out.*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not out.exists()
    process.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    _, errors = process.communicate(timeout=60)
    took = time.monotonic() - stopped
    assert process.returncode == 130
    assert errors == "showtell: stopped\n"
    done = rows_of(out, format_)
    assert 0 < len(done) < 900
    assert [row[: row.index(".png")] for row in done] == [
        str(slow_folder / f"{i:04}") for i in range(len(done))
    ]
    assert took < 60, "a second is what is promised; a busy machine takes longer, the whole folder minutes"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def rows_of(path, format_):
    """The paths in an output file."""
    text = path.read_text("utf-8")
    if format_ == "json":
        return [row["path"] for row in json.loads(text)]
    if format_ == "jsonl":
        return [json.loads(line)["path"] for line in text.splitlines()]
    if format_ == "csv":
        return [row["path"] for row in csv.DictReader(io.StringIO(text))]
    return [line.partition("\t")[0] for line in text.splitlines()]


def test_ctrl_c_keeps_stdout_whole_too(model, slow_folder):
    process = start(slow_folder, "--model", model, "--format", "json")
    first = process.stdout.readline() + process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait(60) == 130
    assert json.loads(first + rest)


@pytest.mark.parametrize("before", [["--candidates", "2"], []], ids=["more columns before", "fewer before"])
def test_a_table_is_continued_with_other_columns(pictures, model, capsys, before):
    after = [] if before else ["--candidates", "2"]
    command = ["caption", "photos", "--model", model, "--output", "found.csv"]
    main([*command, *before])
    main([*command, *after, "--continue"])
    with open("found.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert ("candidates" in found[0]) == bool(after)
    assert sum(bool(row["caption"]) for row in found) == 3

import json

import numpy as np
import pytest
from PIL import Image

from showtell.cli import main


@pytest.fixture
def picture(tmp_path):
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20, :20] = 255
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    return str(path)


def test_a_picture_is_drawn_and_the_caption_printed(picture, tiny_model, capsys, tmp_path):
    sheet = tmp_path / "sheet.png"
    assert main(["explain", picture, "--model", str(tiny_model), "--output", str(sheet)]) == 0
    assert Image.open(sheet).format == "PNG"
    printed = capsys.readouterr()
    assert printed.out.startswith("a ")
    assert str(sheet) in printed.err


def test_it_is_drawn_beside_the_picture_unless_told_otherwise(picture, tiny_model, tmp_path):
    assert main(["explain", picture, "--model", str(tiny_model)]) == 0
    assert Image.open(tmp_path / "picture_explained.png").width > 40


def test_the_drawing_is_not_captioned_with_its_folder(picture, tiny_model, capsys, tmp_path):
    assert main(["explain", picture, "--model", str(tiny_model)]) == 0
    assert main(["caption", str(tmp_path), "--model", str(tiny_model), "--format", "jsonl"]) == 0
    printed = capsys.readouterr()
    assert "1 picture by showtell explain passed over" in printed.err
    assert "picture_explained.png" not in printed.out


def test_json_needs_no_picture(picture, tiny_model, capsys):
    assert main(["explain", picture, "--model", str(tiny_model), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["path"] == picture
    assert len(told["words"]) == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--output", "sheet.jpg"], "ends in .png"),
        (["--format", "json", "--language", "fr"], "does not caption in 'fr'"),
    ],
)
def test_a_wrong_call_is_one_line(picture, tiny_model, capsys, arguments, complaint):
    assert main(["explain", picture, "--model", str(tiny_model), *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint in printed.err


def test_what_is_no_picture_is_named(tiny_model, capsys, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    assert main(["explain", str(tmp_path / "text.jpg"), "--model", str(tiny_model), "--format", "json"]) == 2
    assert "text.jpg" in capsys.readouterr().err

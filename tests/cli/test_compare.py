import json

import pytest
from PIL import Image

from showtell.cli import main


@pytest.fixture
def runs(tmp_path):
    folders = []
    for name, ciders in (("merge", (40.0, 46.5)), ("nic", (41.0, 48.25))):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "recipe.toml").write_text(f'[model]\nname = "{name}"\n')
        rows = [
            {"epoch": number, "loss": 5 - number, "seconds": 300 * number, "CIDEr": cider}
            for number, cider in enumerate(ciders, start=1)
        ]
        (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        folders.append(str(folder))
    return folders


def test_runs_stand_in_the_order_given(runs, capsys):
    assert main(["compare", *runs, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["run"], row["CIDEr"], row["best_epoch"]) for row in rows] == [
        ("merge", 46.5, 2),
        ("nic", 48.25, 2),
    ]


@pytest.mark.parametrize(
    ("format", "mark"), [("text", "---"), ("markdown", "| ---"), ("csv", "run,model"), ("latex", "\\hline")]
)
def test_every_format_names_every_run(runs, capsys, format, mark):  # noqa: A002
    assert main(["compare", *runs, "--format", format]) == 0
    printed = capsys.readouterr().out
    assert mark in printed
    assert "merge" in printed
    assert "nic" in printed


def test_a_picture_is_drawn_and_the_table_still_printed(runs, capsys, tmp_path):
    picture = tmp_path / "runs.png"
    assert main(["compare", *runs, "--output", str(picture)]) == 0
    assert Image.open(picture).format == "PNG"
    printed = capsys.readouterr()
    assert "merge" in printed.out
    assert str(picture) in printed.err


def test_a_picture_of_another_kind_is_refused_before_anything_is_printed(runs, capsys, tmp_path):
    assert main(["compare", *runs, "--output", str(tmp_path / "runs.jpg")]) == 2
    assert capsys.readouterr().out == ""


def test_what_is_no_run_is_one_line(tmp_path, capsys):
    assert main(["compare", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err

"""``showtell caption --output FILE.parquet``: rows are safe while they come, and one file at the end."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import COLOURS

from showtell.cli import main

arrow = pytest.importorskip("pyarrow.parquet", reason="wants the extra scale")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("red", "green", "blue"):
        Image.fromarray(np.full((40, 40, 3), COLOURS[name], np.uint8)).save(f"photos/{name}.png")
    (tmp_path / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")


def caption(tiny_model, *arguments):
    return main(["caption", "photos", "--model", str(tiny_model), "--output", "found.parquet", *arguments])


def rows():
    return arrow.read_table("found.parquet").to_pylist()


def test_a_file_of_rows_with_the_columns_of_csv(pictures, tiny_model, tmp_path):
    assert caption(tiny_model) == 1  # the broken one
    found = {row["path"]: row for row in rows()}
    assert list(rows()[0]) == ["path", "caption", "language", "confidence", "error"]
    assert found["photos/red.png"]["caption"] == "a red picture"
    assert found["photos/broken.png"]["caption"] is None
    assert found["photos/broken.png"]["error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.parquet", "photos"]


def test_candidates_are_a_column_of_lists(pictures, tiny_model):
    caption(tiny_model, "--candidates", "2")
    assert [len(row["candidates"]) for row in rows() if row["caption"]] == [2, 2, 2]


def test_continuing_adds_what_is_new_and_does_nothing_twice(pictures, tiny_model, capsys):
    caption(tiny_model)
    Image.fromarray(np.full((40, 40, 3), COLOURS["white"], np.uint8)).save("photos/white.png")
    capsys.readouterr()
    caption(tiny_model, "--continue")
    assert "1 captioned, 3 already there, 1 failed" in capsys.readouterr().err
    assert sorted(row["path"] for row in rows() if row["caption"]) == [
        f"photos/{name}.png" for name in ("blue", "green", "red", "white")
    ]


def test_a_kill_loses_no_row(tiny_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(300):
        Image.fromarray(np.full((40, 40 + number, 3), COLOURS["red"], np.uint8)).save(
            f"photos/{number:03}.png"
        )
    command = [sys.executable, "-m", "showtell", "caption", "photos", "--model", str(tiny_model)]
    command += ["--output", "found.parquet"]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    written = 0
    while written < 5 and running.poll() is None:
        time.sleep(0.01)
        written = sum(path.read_bytes().count(b"\n") for path in tmp_path.glob(".found.parquet.rows.*.part"))
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    again = subprocess.run([*command, "--continue"], capture_output=True, text=True, check=True)
    assert sorted(row["path"] for row in rows()) == [f"photos/{number:03}.png" for number in range(300)]
    if written < 300:
        assert "already there" in again.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.parquet", "photos"]


def test_parquet_needs_a_file_and_refuses_one_of_other_rows(pictures, tiny_model, capsys):
    assert main(["caption", "photos", "--model", str(tiny_model), "--format", "parquet"]) == 2
    assert "--output FILE.parquet" in capsys.readouterr().err
    with open("found.parquet", "wb") as file:
        file.write(b"no parquet")
    assert caption(tiny_model, "--continue") == 2
    assert "cannot be read as Parquet" in capsys.readouterr().err

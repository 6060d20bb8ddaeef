"""``caption --engine ray``: the same captions by two workers, whatever happens to one of them."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import COLOURS

from showtell.captioning.hub import load
from showtell.cli import main
from showtell.errors import ShowtellError

pytest.importorskip("ray", reason="wants the extra scale")
parquet = pytest.importorskip("pyarrow.parquet", reason="wants the extra scale")

from showtell.apps import batch  # noqa: E402


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Forty pictures and one that is broken, in chunks of five."""
    monkeypatch.setattr(batch, "CHUNK", 5)
    tests = Path(__file__).parent.parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tests.parent / "src"), str(tests)]))
    names = list(COLOURS)
    for number in range(40):
        colour = COLOURS[names[number % len(names)]]
        Image.fromarray(np.full((30, 40, 3), colour, np.uint8)).save(tmp_path / f"{number:02}.png")
    (tmp_path / "zz.jpg").write_bytes(b"\xff\xd8\xff nothing")
    return sorted(str(path) for path in tmp_path.iterdir())


def rows(folder):
    return sorted(
        (row for file in folder.glob("*.parquet") for row in parquet.read_table(file).to_pylist()),
        key=lambda row: row["path"],
    )


def is_ours(pid, folder):
    """Whether a process is a worker of this test."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return (
            b"ray::MapWorker" in command and str(folder).encode() in Path(f"/proc/{pid}/environ").read_bytes()
        )
    except OSError:
        return False


def run(pictures, output, model, **options):
    return list(batch.caption_with_ray(pictures, output, model=str(model), options=options, workers=2))


def test_two_workers_say_what_one_process_says(pictures, tiny_model, tmp_path):
    counts = run(pictures, tmp_path / "out", tiny_model)
    assert (sum(count.captioned for count in counts), sum(count.failed for count in counts)) == (40, 1)
    found = rows(tmp_path / "out")
    alone = list(load(tiny_model).caption_many(pictures))
    assert [row["path"] for row in found] == pictures
    assert [row["caption"] for row in found] == [one.caption and one.caption.text for one in alone]
    assert found[-1]["error"] == alone[-1].error
    # A second start does nothing twice; a file that is lost is made again.
    assert run(pictures, tmp_path / "out", tiny_model) == []
    next((tmp_path / "out").glob("*.parquet")).unlink()
    assert len(run(pictures, tmp_path / "out", tiny_model)) == 1
    assert rows(tmp_path / "out") == found


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="finds the worker in /proc")
def test_a_worker_that_is_killed_costs_nothing(pictures, tiny_model, tmp_path, monkeypatch):
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path)])
    )  # to be known by
    killed = []

    def kill():
        for _ in range(600):
            workers = [
                pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_ours(pid, tmp_path)
            ]
            if workers:
                os.kill(workers[0], signal.SIGKILL)
                killed.append(workers[0])
                return
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    counts = run(pictures, tmp_path / "out", tiny_model)
    thread.join()
    assert killed
    assert sum(count.captioned + count.failed for count in counts) == 41
    assert [row["path"] for row in rows(tmp_path / "out")] == pictures


def test_the_command(pictures, tiny_model, tmp_path, capsys):
    arguments = ["caption", *pictures, "--model", str(tiny_model), "--engine", "ray", "--workers", "2"]
    assert main(arguments) == 2
    assert "needs --output FOLDER" in capsys.readouterr().err
    assert main([*arguments, "--output", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "40 captioned, 1 failed, 0 already there" in captured.err


def test_what_cannot_be_is_a_sentence(pictures, tiny_model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ShowtellError, match="is a file"):
        run(pictures, tmp_path / "file", tiny_model)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/part-1.parquet").write_text("no")
    with pytest.raises(ShowtellError, match="cannot be read"):
        run(pictures, tmp_path / "out", tiny_model)


def test_without_ray_the_extra_is_named():
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from pathlib import Path; from showtell.apps.batch import caption_with_ray\n"
        "list(caption_with_ray(['a'], Path('/nowhere/out'), model='base', options={}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'showtell[scale]'" in done.stderr

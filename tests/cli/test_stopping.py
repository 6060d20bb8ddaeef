"""However a command ends, what is done is kept: signals, full disks, closed ends."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from showtell.cli import console
from showtell.errors import ShowtellError

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SHOWTELL = [sys.executable, "-m", "showtell"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_being_told_to_end_keeps_what_is_done(number, tmp_path):
    pictures = tmp_path / "pictures.txt"
    pictures.write_text(f"{EXAMPLES / 'cat.jpg'}\n" * 5000)
    command = [*SHOWTELL, "caption", "--files-from", str(pictures), "--output", str(tmp_path / "out.jsonl")]
    heard = signal.signal(number, signal.SIG_DFL)  # nohup and background shells have programs ignore it
    try:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    finally:
        signal.signal(number, heard)
    begun = time.monotonic()
    while not any(part.stat().st_size for part in tmp_path.glob(".out.jsonl*")):
        assert process.poll() is None
        assert time.monotonic() - begun < 120
        time.sleep(0.1)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert rows
    assert rows[0]["caption"]


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), ShowtellError("no"), MemoryError()]
)
def test_an_error_keeps_the_rows_that_are_done(error, tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("older\n")
    with pytest.raises(type(error)), console.output(path) as file:
        file.write('{"path": 1}\n{"path": 2}\n')
        raise error
    assert path.read_text() == '{"path": 1}\n{"path": 2}\n'
    assert [one.name for one in tmp_path.iterdir()] == ["out.jsonl"]


def test_an_error_before_the_first_row_keeps_what_was_there(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("older\n")
    with pytest.raises(ShowtellError), console.output(path) as file:
        file.write("path,caption\n")
        raise ShowtellError("no")
    assert path.read_text() == "older\n"


@pytest.mark.skipif(sys.platform == "win32", reason="wants a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_ends_are_no_error(closed, tmp_path):
    line = f"{sys.executable} -m showtell caption {EXAMPLES / 'cat.jpg'} --output {tmp_path / 'out.json'} {closed}"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert json.loads((tmp_path / "out.json").read_text())[0]["caption"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="wants /dev/full")
def test_a_full_disk_under_stdout_is_a_sentence():
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [*SHOWTELL, "caption", str(EXAMPLES / "cat.jpg")]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode in (1, 2, 120)
    assert "Traceback" not in done.stderr

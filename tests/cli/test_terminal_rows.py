"""Rows that go to a terminal hold nothing that it obeys; rows that go to a file hold what there is."""

import io
import json
import os
import subprocess
import sys
from typing import get_args

import pytest
from PIL import Image

from showtell.cli.records import RecordFormat, Records
from showtell.cli.rows import Format
from showtell.metrics.tables import FORMATS

ROW = {"path": "\x1b[2J\x9b31m\u202egpj.txt", "labels": ["\x9d0;title\x07"]}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def written(format, file):  # noqa: A002
    records = Records(format, file, ["path", "labels"], lambda row: f"{row['path']}\tsafe")
    records.write(ROW)
    records.close()
    return file.getvalue()


@pytest.mark.parametrize("format", get_args(RecordFormat))
def test_a_terminal_is_given_no_commands(format):  # noqa: A002
    text = written(format, Terminal())
    assert not set(text) & set("\x1b\x9b\x9d\x07\u202e")
    assert r"\x1b[2J" in text or r"\u001b[2J" in text


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json_says_what_there_is_wherever_it_goes(format):  # noqa: A002
    for file in (Terminal(), io.StringIO()):
        [row] = json.loads(written(format, file)) if format == "json" else [json.loads(written(format, file))]
        assert row == ROW


def test_text_in_a_file_says_what_there_is():
    assert written("text", io.StringIO()) == f"{ROW['path']}\tsafe\n"


ODD_NAMES = ["a\x1b[31mred.png", "b\x9b31m\u202egnp.png", "c\r\x07.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="wants a pseudoterminal")
@pytest.mark.parametrize(
    "commands",
    [
        *([f"caption odd --format {name}"] for name in get_args(Format)),
        ["caption odd --write metadata", "undo"],
        ["caption odd --write metadata", "undo --list"],
        ["index odd --library library", "find red --library library"],
        ["index odd --library library", "find --duplicates --library library"],
        ["audit odd"],
        ["feedback import feedback.jsonl", "feedback list"],
        ["feedback import feedback.jsonl", "feedback list --format jsonl"],
        *(
            [f"score captions.json captions.json --metrics BLEU --worst 2 --format {name}"]
            for name in FORMATS
        ),
    ],
    ids=lambda commands: commands[-1],
)
def test_names_of_files_command_no_terminal(commands, searching_model, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "captions.json").write_text(json.dumps({name: f"a {name} dog" for name in ODD_NAMES}))
    row = {"picture": "0" * 64, "model": "m", "version": "1", "language": "en", "machine": ODD_NAMES[0]}
    row |= {"text": ODD_NAMES[1], "person": ODD_NAMES[2], "id": "1" * 32, "kind": "correction"}
    row["time"] = "2026-01-01T00:00:00+00:00"
    (tmp_path / "feedback.jsonl").write_text(json.dumps(row))
    for name in ODD_NAMES:
        Image.new("RGB", (40, 30), "red").save(tmp_path / "odd" / name, "PNG")
    environment = os.environ | {
        "SHOWTELL_JOURNAL": str(tmp_path / "journal"),
        "SHOWTELL_FEEDBACK": str(tmp_path / "feedback.sqlite"),
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    for command in commands:
        words = command.split()
        if words[0] in ("caption", "index", "audit"):
            words += ["--model", str(searching_model)]
        text = on_a_terminal([sys.executable, "-m", "showtell", *words], cwd=tmp_path, env=environment)
        assert "Traceback" not in text
        assert not set(text) & set("\x9b\u202e\x07")
        assert "\x1b[31m" not in text
    assert text.strip()


def on_a_terminal(command, **options):
    """What a command shows on a terminal: stdout and stderr."""
    ours, its = os.openpty()
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, **options):
        os.close(its)
        text = b""
        try:
            while piece := os.read(ours, 2**16):
                text += piece
        except OSError:  # Linux's way to say that nobody holds the other end
            pass
    os.close(ours)
    return text.decode()

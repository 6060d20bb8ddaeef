"""Rows that go to a terminal hold nothing that it obeys; rows that go to a file hold what there is."""

import io
import json
from typing import get_args

import pytest

from showtell.cli.records import RecordFormat, Records

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

"""``showtell feedback``: listed, carried to another machine, deleted."""

import json

import pytest

from showtell.cli import main
from showtell.feedback import Feedback, FeedbackStore

PICTURE = "ab" * 32


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The user's own file, with three rows."""
    monkeypatch.setenv("SHOWTELL_FEEDBACK", str(tmp_path / "mine.sqlite"))
    common = {"picture": PICTURE, "language": "zh", "model": "base", "version": "1", "machine": "一只狗"}
    rows = [
        Feedback("correction", **common, text="一只\t猫", person="Ann", time="2026-01-01T00:00:00+00:00"),
        Feedback("rating", **common, rating=4, time="2026-01-02T00:00:00+00:00"),
        Feedback("preference", **common, text="猫", rejected="狗", time="2026-01-03T00:00:00+00:00"),
    ]
    with FeedbackStore() as store:
        store.merge(rows)
    return rows


def test_a_list_has_a_line_for_each_row_and_json_lines_have_it_whole(mine, capsys):
    assert main(["feedback", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[4:] for line in lines] == [
        ["correction", "一只狗", "'一只\\t猫'"],
        ["rating", "一只狗", "4/5"],
        ["preference", "一只狗", "'猫' over '狗'"],
    ]
    assert main(["feedback", "list", "--person", "Ann", "--format", "jsonl"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line) == mine[0].to_dict()


def test_an_export_merges_elsewhere_without_duplicates(mine, tmp_path, capsys):
    export, other = tmp_path / "export.jsonl", tmp_path / "other.sqlite"
    assert main(["feedback", "export", str(export)]) == 0
    for added in (3, 0):
        assert main(["feedback", "import", str(export), "--file", str(other)]) == 0
        assert f"{added} rows added" in capsys.readouterr().err
    with FeedbackStore(other) as store:
        assert store.rows() == mine


@pytest.mark.parametrize("content", [b'{"kind": 1}', b"\xff\xfe"])
def test_what_is_no_export_is_refused_in_one_line(tmp_path, capsys, content):
    (tmp_path / "bad").write_bytes(content)
    status = main(["feedback", "import", str(tmp_path / "bad"), "--file", str(tmp_path / "new.sqlite")])
    captured = capsys.readouterr()
    assert (status, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert str(tmp_path / "bad") in captured.err


def test_deleting_takes_what_a_person_said_and_asks_before_taking_all(mine, capsys):
    assert main(["feedback", "delete"]) == 2
    assert main(["feedback", "delete", "--all", "--person", "Ann"]) == 2
    assert main(["feedback", "delete", "--person", "Ann"]) == 0
    said = capsys.readouterr().err
    assert "deleted 1 rows" in said
    assert "showtell describe PATH --forget" in said
    with FeedbackStore() as store:
        assert store.rows() == mine[1:]
    assert main(["feedback", "delete", "--all"]) == 0
    with FeedbackStore() as store:
        assert len(store) == 0

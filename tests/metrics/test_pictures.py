"""Scores of single pictures: all of them in a file, the worst ones to look at."""

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from showtell.errors import ShowtellError
from showtell.metrics import compare, rank, score
from showtell.metrics.pictures import Shown, per_picture, worst, written_with_worst

REFERENCES = {
    "1": ["a dog runs", "the dog ran"],
    "2": ["a cat sits", "one cat"],
    "3": ["red ball", "a ball lies there"],
}
GOOD = {"1": "a dog runs", "2": "a cat", "3": "a ball"}
ODD = {"1": "=1+1 dog", "2": "a cat sits", "3": "<b>ball</b>"}


def test_each_picture_has_its_caption_and_scores():
    report = score(GOOD, REFERENCES, resamples=0)
    rows = json.loads(per_picture(report, [GOOD], ".json"))
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["caption"] == "a dog runs"
    assert rows[0]["BLEU-1"] == pytest.approx(100)
    lines = per_picture(report, [GOOD], ".jsonl").splitlines()
    assert list(map(json.loads, lines)) == rows
    table = list(csv.DictReader(io.StringIO(per_picture(report, [GOOD], ".csv"))))
    assert [float(row["CIDEr"]) for row in table] == [row["CIDEr"] for row in rows]


def test_several_sets_are_told_apart():
    found = rank({"good": GOOD, "odd": ODD}, REFERENCES, resamples=10)
    rows = json.loads(per_picture(found, [GOOD, ODD], ".json"))
    assert [(row["set"], row["id"]) for row in rows] == [(s, i) for s in ("good", "odd") for i in "123"]


def test_a_caption_is_no_formula_in_a_spreadsheet():
    report = score(ODD, REFERENCES, resamples=0)
    table = list(csv.DictReader(io.StringIO(per_picture(report, [ODD], ".csv"))))
    assert table[0]["caption"] == "'=1+1 dog"
    assert json.loads(per_picture(report, [ODD], ".json"))[0]["caption"] == "=1+1 dog"


def test_another_kind_of_file_is_refused():
    with pytest.raises(ShowtellError, match=r"\.csv, \.json, \.jsonl, not in '\.xlsx'"):
        per_picture(score(GOOD, REFERENCES, resamples=0), [GOOD], ".xlsx")


def test_the_worst_come_first_with_what_people_wrote():
    report = score(GOOD, REFERENCES, resamples=0, metrics=["BLEU-1", "CIDEr"])
    entries = worst(report, [GOOD], REFERENCES, 2)
    assert len(entries) == 2
    assert entries[0].value <= entries[1].value
    assert entries[0].metric == "CIDEr"
    assert entries[0].references == tuple(REFERENCES[entries[0].id])
    assert worst(report, [GOOD], REFERENCES, 10)[-1].id == "1"
    by_bleu = worst(score(GOOD, REFERENCES, resamples=0, metrics=["BLEU-4"]), [GOOD], REFERENCES, 1)
    assert by_bleu[0].metric == "BLEU-4"


def test_the_worst_are_shown_in_text_and_json_and_markdown():
    found = compare(GOOD, ODD, REFERENCES, resamples=10)
    entries = worst(found, [GOOD, ODD], REFERENCES, 1)
    for format in ("text", "markdown"):  # noqa: A001
        text = written_with_worst(found, Shown(entries), format)
        for entry in entries:
            assert f"{entry.id}  ({entry.set})" in text
            assert f"  caption    {entry.caption}" in text
            assert all(f"  reference  {reference}" in text for reference in entry.references)
    assert [
        entry["set"] for entry in json.loads(written_with_worst(found, Shown(entries), "json"))["worst"]
    ] == [
        "first",
        "second",
    ]
    with pytest.raises(ShowtellError, match="not as csv"):
        written_with_worst(found, Shown(entries), "csv")


class Page(HTMLParser):
    """Which tags a page opens and leaves open, and its pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.pictures: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_page_shows_the_pictures_and_runs_nothing_that_a_caption_says(tmp_path):
    evil = {**ODD, "2": "<script>alert(1)</script>"}
    report = score(evil, REFERENCES, resamples=10)
    entries = worst(report, [evil], REFERENCES, 3)
    files = {"1": tmp_path / "a b" / '1 "x".jpg', "2": tmp_path / "2.jpg"}
    text = written_with_worst(report, Shown(entries, files, tmp_path), "html")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert sorted(page.pictures) == ["2.jpg", "a%20b/1%20%22x%22.jpg"]
    assert "&lt;script&gt;" in text
    absolute = written_with_worst(report, Shown(entries, {"2": Path("2.jpg")}), "html")
    assert 'src="file://' in absolute


def test_a_caption_gives_a_terminal_no_orders():
    evil = {**GOOD, "2": "a \x1b[2J cat"}
    found = rank({"\x1b]0;x": GOOD, "b": evil, "c": GOOD}, REFERENCES, resamples=10)
    text = written_with_worst(found, Shown(worst(found, [GOOD, evil, GOOD], REFERENCES, 3)), "text")
    assert "\x1b" not in text
    assert "\\x1b[2J" in text

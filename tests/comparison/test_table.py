import csv
import io
import json

import pytest

from showtell.comparison import Run, tabulate
from showtell.comparison.runs import Interval


def run(name, **changes):
    row = {"pass": 1.0, "CIDEr": 52.54, "BLEU-4": 20.0, "distinct": 70.4, "length": 9.96}
    settings = {
        "name": name,
        "model": "nic",
        "description": "",
        "parameters": 3_400_000,
        "size": 13_600_000,
        "seconds": 2520.0,
        "history": (row,),
    }
    return Run(**(settings | changes))


UNFINISHED = run("b_1 & 50%", history=(), parameters=None, size=None, seconds=None)
EVALUATED = run("c", metrics={"CIDEr": Interval(52.5, 49.55, 55.0), "ROUGE-L": Interval(45.0, None, None)})


def test_numbers_are_rounded_for_people_and_what_is_not_known_is_a_dash():
    lines = tabulate([run("a"), UNFINISHED]).text().splitlines()
    assert lines[0].split()[:4] == ["run", "model", "parameters", "size"]
    assert lines[2].split("  ")[-1] == "10.0"
    assert lines[2].split() == "a nic 3.4 M 13.6 MB 1 42 min 1 52.5 20.0 70 % 10.0".split()
    assert lines[3].split() == "b_1 & 50% nic – – 0 – – – – – –".split()


def test_numbers_stand_to_the_right_and_names_to_the_left():
    head, rule, *rows = tabulate([run("a"), run("longer name")]).text().splitlines()
    assert set(rule) == {"-", " "}
    assert rows[0].startswith("a            nic")
    assert {len(line) for line in rows} == {len(head)}


def test_metrics_of_an_evaluation_come_last_with_their_intervals():
    row = tabulate([run("a"), EVALUATED]).markdown().splitlines()[-1]
    assert row.endswith("| 52.5 (49.5 to 55.0) | 45.0 |") or row.endswith("| 52.5 (49.6 to 55.0) | 45.0 |")


def test_markdown_has_as_many_cells_in_each_line():
    lines = tabulate([run("a|b"), UNFINISHED, EVALUATED]).markdown().replace("\\|", "").splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[1].startswith("| --- | --- | ---: |")


def test_json_and_csv_keep_numbers_whole():
    table = tabulate([run("a"), UNFINISHED, EVALUATED])
    rows = json.loads(table.json())
    assert rows[0]["parameters"] == 3_400_000
    assert rows[0]["CIDEr"] == 52.54
    assert rows[1]["seconds"] is None
    assert rows[2]["evaluation.CIDEr"] == {"value": 52.5, "low": 49.55, "high": 55.0}
    read = list(csv.DictReader(io.StringIO(table.csv())))
    assert [row["CIDEr"] for row in read] == ["52.54", "", "52.54"]
    assert read[2]["evaluation.CIDEr"] == "52.5"


def test_latex_escapes_what_is_special():
    latex = tabulate([UNFINISHED]).latex()
    assert r"b\_1 \& 50\% & nic & --" in latex
    assert latex.startswith(r"\begin{tabular}{llrrrrrrrrr}")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (5940, "99 min"), (6060, "1 h 41 min")]
)
def test_durations_are_read_at_a_glance(seconds, shown):
    assert f"  {shown}  " in tabulate([run("a", seconds=seconds)]).text()

import csv
import io
import json

import pytest

from showtell.training.runs import RunSummary, tabulate
from showtell.training.runs.reading import EvaluationFile, Interval


def run(name, **changes):
    row = {"epoch": 1.0, "CIDEr": 52.54, "BLEU-4": 20.0, "distinct": 70.4, "length": 9.96}
    settings = {
        "name": name,
        "model": "nic",
        "features": "frozen",
        "parameters": 3_400_000,
        "size": 13_600_000,
        "seconds": 2520.0,
        "history": (row,),
    }
    return RunSummary(**(settings | changes))


UNFINISHED = run("b_1 & 50%", history=(), parameters=None, size=None, seconds=None)
METRICS = {"CIDEr": Interval(52.5, 49.55, 55.0), "ROUGE-L": Interval(45.0, None, None)}
HYGIENE = {"distinct": 81.4, "vocabulary": 321.0, "unfinished": 0.14}
EVALUATED = run("c", evaluation=EvaluationFile(metrics=METRICS, hygiene=HYGIENE, speed=31.52))


def test_numbers_are_rounded_for_people_and_what_is_not_known_is_a_dash():
    lines = tabulate([run("a"), UNFINISHED]).text(200).splitlines()
    assert lines[0].split()[:5] == ["run", "model", "features", "parameters", "size"]
    assert lines[2].split("  ")[-1] == "10.0"
    assert lines[2].split() == "a nic frozen 3.4 M 13.6 MB 1 42 min 1 52.5 20.0 70 % 10.0".split()
    assert lines[3].split() == "b_1 & 50% nic frozen – – 0 – – – – – –".split()


def test_numbers_stand_to_the_right_and_names_to_the_left():
    head, rule, *rows = tabulate([run("a"), run("longer name")]).text(200).splitlines()
    assert set(rule) == {"-", " "}
    assert rows[0].startswith("a            nic    frozen")
    assert {len(line) for line in rows} == {len(head)}


def test_what_an_evaluation_found_comes_last():
    titles, _, unknown, row = tabulate([run("a"), EVALUATED]).markdown().splitlines()
    expected = "captions per second | CIDEr | ROUGE-L | distinct | vocabulary | unfinished |"
    assert titles.endswith(f"| dev length | {expected}")
    assert row.endswith("| 10.0 | 31.5 | 52.5 (49.5 to 55.0) | 45.0 | 81 % | 321 | 0.1 % |")
    assert unknown.endswith("| 10.0 | – | – | – | – | – | – |")


def test_markdown_has_as_many_cells_in_each_line():
    lines = tabulate([run("a|b"), UNFINISHED, EVALUATED]).markdown().replace("\\|", "").splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[1].startswith("| --- | --- | --- | ---: |")


def test_json_and_csv_keep_numbers_whole():
    table = tabulate([run("a"), UNFINISHED, EVALUATED])
    rows = json.loads(table.json())
    assert rows[0]["parameters"] == 3_400_000
    assert rows[0]["CIDEr"] == 52.54
    assert rows[1]["seconds"] is None
    assert rows[2]["evaluation.captions_per_second"] == 31.52
    assert rows[2]["evaluation.distinct"] == 81.4
    assert rows[1]["evaluation.distinct"] is None
    assert rows[2]["evaluation.CIDEr"] == {"value": 52.5, "low": 49.55, "high": 55.0}
    read = list(csv.DictReader(io.StringIO(table.csv())))
    assert [row["CIDEr"] for row in read] == ["52.54", "", "52.54"]
    assert [read[2][f"evaluation.CIDEr{end}"] for end in ("", ".low", ".high")] == ["52.5", "49.55", "55.0"]
    assert [read[0][f"evaluation.CIDEr{end}"] for end in ("", ".low", ".high")] == ["", "", ""]
    assert read[2]["evaluation.distinct"] == "81.4"


def test_an_epoch_is_an_integer_number_in_json_and_csv():
    table = tabulate([run("a")])
    assert '"best_epoch": 1,' in table.json()
    assert next(csv.DictReader(io.StringIO(table.csv())))["best_epoch"] == "1"


def test_people_see_a_figure_once_and_of_bleu_the_fourth():
    metrics = {name: Interval(20.0, 19.0, 21.0) for name in ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "CIDEr")}
    hygiene = {"distinct": 81.4, "mean_length": 9.6}
    evaluated = [run(name, evaluation=EvaluationFile(metrics=metrics, hygiene=hygiene)) for name in "ab"]
    for form in ("text", "markdown", "latex"):
        table = getattr(tabulate(evaluated), form)()
        assert "dev" not in table
        assert "BLEU-3" not in table
        assert "BLEU-4" in table
        mixed = getattr(tabulate([*evaluated, run("c")]), form)()
        assert all(f"dev {title}" in mixed for title in ("CIDEr", "BLEU-4", "distinct", "length"))
    keys = json.loads(tabulate(evaluated).json())[0].keys()
    assert {"CIDEr", "distinct", "length", "evaluation.CIDEr", "evaluation.BLEU-1"} <= keys
    assert csv.DictReader(io.StringIO(tabulate(evaluated).csv())).fieldnames[8] == "CIDEr"


def test_latex_escapes_what_is_special():
    latex = tabulate([UNFINISHED]).latex()
    assert r"b\_1 \& 50\% & nic & frozen & --" in latex
    assert latex.startswith(r"\begin{tabular}{lllrrrrrrrrr}")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (5940, "99 min"), (6060, "1 h 41 min")]
)
def test_durations_are_read_at_a_glance(seconds, shown):
    assert f"  {shown}  " in tabulate([run("a", seconds=seconds)]).text(200)


def test_a_table_that_is_too_wide_has_a_column_per_run_and_stays_within_a_hundred_columns():
    runs = [run(f"{number}-{'long' * 4}", evaluation=EVALUATED.evaluation) for number in range(7)]
    text = tabulate(runs).text()
    assert max(map(len, text.splitlines())) <= 100
    for name in (one.name for one in runs):
        assert text.count(name) == 1
    first = text.split("\n\n")[0].splitlines()
    assert first[0].startswith("run")
    assert first[2].startswith("model")
    assert any(line.startswith("CIDEr") and "52.5 (49.5 to 55.0)" in line for line in first)

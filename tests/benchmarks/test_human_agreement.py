"""Agreement with people, on a small made-up file in the official form."""

import importlib.util
import math
import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.errors import BadCorpus

FILE = Path(__file__).parents[2] / "benchmarks/human_agreement.py"
specification = importlib.util.spec_from_file_location("human_agreement", FILE)
human = importlib.util.module_from_spec(specification)
specification.loader.exec_module(human)

CAPTIONS = """\
1.jpg#0\ta dog runs on grass
1.jpg#1\tthe dog is running
2.jpg#0\ta boy kicks a ball
2.jpg#1\tthe boy plays
"""
EXPERT = (
    "1.jpg\t1.jpg#0\t4\t4\t4\n1.jpg\t2.jpg#0\t1\t1\t2\n2.jpg\t1.jpg#1\t1\t2\t1\n2.jpg\t1.jpg#0\t3\t2\t1\n"
)
CROWD = "1.jpg\t1.jpg#0\t1.0\t3\t0\n1.jpg\t2.jpg#1\t0.333\t1\t2\n2.jpg\t1.jpg#0\t0.0\t0\t3\n"


@pytest.fixture
def files(tmp_path):
    for name, text in (("captions", CAPTIONS), ("expert", EXPERT), ("crowd", CROWD)):
        (tmp_path / name).write_text(text)
    return tmp_path


def slow(first, second):
    surplus = ties_first = ties_second = pairs = 0
    for (a, b), (c, d) in combinations(zip(first, second, strict=True), 2):
        pairs += 1
        surplus += ((a > c) - (a < c)) * ((b > d) - (b < d))
        ties_first += a == c
        ties_second += b == d
    return surplus, ties_first, ties_second, pairs


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=12))
def test_tau_is_its_definition(points):
    first, second = zip(*points, strict=True)
    surplus, ties_first, ties_second, pairs = slow(first, second)
    scale = math.sqrt((pairs - ties_first) * (pairs - ties_second))
    expected = surplus / scale if scale else math.nan
    assert human.tau_b(first, second) == pytest.approx(expected, nan_ok=True)
    m, n = min(len(set(first)), len(set(second))), len(points)
    expected = 2 * surplus / (n * n * (m - 1) / m) if m > 1 else math.nan
    assert human.tau_c(first, second) == pytest.approx(expected, nan_ok=True)


def test_tau_of_a_table_worked_out_by_hand():
    # Six pairs: (1,2)x(2,1) discordant, one tie in the first, four concordant: C - D = 3.
    assert human.tau_b([1, 2, 3, 3], [2, 1, 3, 4]) == pytest.approx(3 / math.sqrt(5 * 6))
    assert human.tau_c([1, 2, 3, 3], [2, 1, 3, 4]) == pytest.approx(2 * 3 * 3 / (16 * 2))


def test_ratings_stay_apart_and_captions_of_the_picture_are_left_out(files):
    captions = human.read_captions(files / "captions")
    points = human.expert_points(files / "expert", captions)
    assert len(points) == 9
    assert points[:3] == [("1.jpg", "2.jpg#0", 1), ("1.jpg", "2.jpg#0", 1), ("1.jpg", "2.jpg#0", 2)]


def test_the_crowd_is_heard_by_its_share_of_yes(files):
    assert [point[2] for point in human.crowd_points(files / "crowd")] == [1, 0.333, 0]


def test_each_metric_is_shown(files, capsys, monkeypatch):
    monkeypatch.setattr("showtell.metrics.java.shutil.which", lambda program: None)
    arguments = ["--captions", "captions", "--expert", "expert", "--crowd", "crowd"]
    monkeypatch.chdir(files)
    monkeypatch.setattr(sys, "argv", ["human_agreement.py", *arguments])
    human.main()
    out = capsys.readouterr().out
    assert "Expert, tau-c: 9 points" in out
    assert "CF, tau-b: 3 points" in out
    assert out.count("Java was not found") == 2


def test_agreement_worked_out_by_hand(files, monkeypatch):
    monkeypatch.setattr(
        "showtell.metrics.java.shutil.which", lambda program: None
    )  # which would take seconds
    captions = human.read_captions(files / "captions")
    # BLEU-1 of the crowd's points: 1, exp(1 - 4/3) / 3 and 1/5, in the order of their shares of yes.
    crowd = human.agreement(captions, human.crowd_points(files / "crowd"), human.tau_b)
    assert crowd["BLEU-1"] == pytest.approx(1)
    # Experts: BLEU-1 is 1/5 where they said 1 1 2 3 2 1, and 1/4 where they said 1 2 1: C - D = -3 + 2 - 3.
    expert = human.agreement(captions, human.expert_points(files / "expert", captions), human.tau_c)
    assert expert["BLEU-1"] == pytest.approx(2 * -4 / (9**2 * 1 / 2))


def test_a_broken_line_is_named(files):
    (files / "crowd").write_text("1.jpg\t1.jpg#0\n")
    with pytest.raises(BadCorpus, match="line 1: has 2 cells instead of 5"):
        human.crowd_points(files / "crowd")

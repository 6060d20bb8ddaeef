import math

import numpy as np
import pytest

from showtell.training.runs import Run, draw_chart
from showtell.training.runs.chart import COLOURS, ticks


def run(name, ciders):
    history = tuple(
        {"epoch": float(number), "loss": 6.0 / number, "CIDEr": cider}
        for number, cider in enumerate(ciders, start=1)
    )
    return Run(name=name, model="nic", description="", parameters=1, size=4, seconds=1.0, history=history)


def pixels_of(picture, colour):
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return int((np.asarray(picture) == wanted).all(axis=-1).sum())


def test_each_run_is_drawn_in_a_colour_of_its_own():
    picture = draw_chart([run("a", [40, 50, 52]), run("b", [30, 35, 34])])
    assert all(pixels_of(picture, colour) > 500 for colour in COLOURS[:2])
    assert pixels_of(picture, COLOURS[2]) == 0


def test_the_better_run_has_the_higher_bar():
    picture = np.asarray(draw_chart([run("a", [20.0]), run("b", [40.0])]))
    bars = picture[:, -380:]
    low, high = (pixels_of(bars, colour) for colour in COLOURS[:2])
    assert 1.8 < high / low < 2.2


@pytest.mark.parametrize(
    "ciders",
    [[], [0.0], [40.0], [math.nan, 40.0], [40.0, 40.0], [1e-9, 2e-9], [1e6, 2e6]],
    ids=["no pass", "nothing", "one pass", "not a number", "all equal", "tiny", "huge"],
)
def test_whatever_was_logged_can_be_drawn(ciders):
    assert draw_chart([run("a", ciders), run("b", [])]).size[0] == 1280


def test_many_runs_get_more_lines_of_legend():
    few, many = (draw_chart([run(str(number), [40]) for number in range(count)]) for count in (2, 9))
    assert many.size[1] > few.size[1]


def test_long_names_get_lines_of_their_own_in_the_legend():
    short, long, longest = (
        draw_chart([run(f"{number}{'-frozen' * times}", [40]) for number in range(4)]) for times in (1, 8, 16)
    )
    assert short.size[1] < long.size[1] < longest.size[1]
    assert pixels_of(np.asarray(longest)[:, -4:], "#FFFFFF") == 4 * longest.size[1]  # nothing is cut off


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 60, [0, 20, 40, 60]), (41, 53, [45, 50]), (0.9, 1.1, [0.9, 0.95, 1, 1.05, 1.1]), (1, 2, None)],
)
def test_ticks_are_round_numbers(low, high, expected):
    found = ticks(low, high)
    assert 2 <= len(found) <= 7
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    if expected:
        assert found == pytest.approx(expected)
